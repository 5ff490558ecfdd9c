//! An org with a project, for tests to act in.

use commands::objects::DirectoryObjects;
use commands::org::CreateOrg;
use commands::project::CreateProject;
use commands::ticket::{CreateTicket, create_ticket};
use commands::{Accepted, Caller, CommandError, CommandSettings, Commands};
use domain::agent_run::RunMode;
use domain::ticket::TicketKind;
use domain::{Actor, CommandId, OrgId, ProjectId, TicketId, UserId};
use feed::hints::Hints;
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;
use testkit::TestDatabase;
use uuid::Uuid;

pub(crate) struct World {
    pub(crate) commands: Commands,
    pub(crate) hints: Hints,
    pub(crate) org: OrgId,
    pub(crate) project: ProjectId,
    pub(crate) ann: UserId,
    pub(crate) database: TestDatabase,
    objects: tempfile::TempDir,
}

pub(crate) fn settings() -> CommandSettings {
    CommandSettings {
        clone_hosts: vec!["git.example".to_owned()],
        // Nothing sequences in these tests.
        position_wait: Duration::ZERO,
        // Test machines may be busy; the promise of two seconds has its own test.
        patience: Duration::from_secs(60),
        modes: vec![RunMode::Plan, RunMode::Implement],
        ..CommandSettings::default()
    }
}

pub(crate) fn commands_on(
    pool: &PgPool,
    hints: &Hints,
    objects: &std::path::Path,
    settings: CommandSettings,
) -> Commands {
    let objects = Arc::new(DirectoryObjects::open(objects).unwrap());
    Commands::new(pool.clone(), hints.clone(), objects, settings)
}

impl World {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create().await.unwrap();
        let objects = tempfile::tempdir().unwrap();
        let hints = Hints::local();
        let commands = commands_on(&database.pool, &hints, objects.path(), settings());
        let ann = UserId(Uuid::now_v7());
        let org = new_org(&commands, ann).await;
        let mut world = Self { commands, hints, org, project: ProjectId(org.0), ann, database, objects };
        world.project = world.new_project("AL").await;
        world
    }

    /// Another process on the same database: it shares neither cache nor writers.
    pub(crate) fn other_process(&self) -> Commands {
        commands_on(&self.database.pool, &self.hints, self.objects.path(), settings())
    }

    /// Ann, with a fresh command id.
    pub(crate) fn caller(&self) -> Caller {
        caller_in(self.org, Actor::User(self.ann))
    }

    pub(crate) async fn new_project(&self, key: &str) -> ProjectId {
        let input = CreateProject { key: key.to_owned(), name: "Assembly line".to_owned() };
        let made = commands::project::create_project(&self.commands, &self.caller(), input).await.unwrap();
        ProjectId(made.aggregate_id)
    }

    pub(crate) async fn new_ticket(&self, title: &str) -> TicketId {
        let made = create_ticket(&self.commands, &self.caller(), ticket(self.project, title)).await.unwrap();
        TicketId(made.aggregate_id)
    }

    /// `events` of one aggregate: type and payload, in order.
    pub(crate) async fn events_of(&self, id: impl Into<Uuid>) -> Vec<(String, serde_json::Value)> {
        sqlx::query_as("select event_type, payload from events where org = $1 and aggregate_id = $2 order by sequence")
            .bind(self.org.0)
            .bind(id.into().to_string())
            .fetch_all(&self.database.pool)
            .await
            .unwrap()
    }

    pub(crate) async fn count(&self, sql: &str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.database.pool).await.unwrap()
    }

    /// Column and rank of a ticket, from its events.
    pub(crate) async fn place_of(&self, ticket: TicketId) -> (String, String) {
        let mut place = (String::new(), String::new());
        for (_, payload) in self.events_of(ticket).await {
            let column = payload.get("to").or_else(|| payload.get("column")).and_then(|value| value.as_str());
            if let (Some(column), Some(rank)) = (column, payload.get("rank").and_then(|value| value.as_str())) {
                place = (column.to_owned(), rank.to_owned());
            }
        }
        place
    }
}

pub(crate) fn caller_in(org: OrgId, actor: Actor) -> Caller {
    Caller::new(org, actor, CommandId(Uuid::now_v7()))
}

pub(crate) async fn new_org(commands: &Commands, owner: UserId) -> OrgId {
    let caller = caller_in(OrgId(Uuid::nil()), Actor::User(owner));
    let input = CreateOrg { name: "Northwind".to_owned(), owner };
    OrgId(commands::org::create_org(commands, &caller, input).await.unwrap().aggregate_id)
}

pub(crate) fn ticket(project: ProjectId, title: &str) -> CreateTicket {
    CreateTicket {
        project,
        board: None,
        title: title.to_owned(),
        kind: TicketKind::Task,
        description_md: String::new(),
        column: "backlog".to_owned(),
        parent: None,
        labels: vec![],
        priority: None,
        assignee: None,
        estimate: None,
    }
}

#[track_caller]
pub(crate) fn rejected(result: Result<Accepted, CommandError>, expected: &str) {
    match result {
        Err(CommandError::Rejected { reason, .. }) => assert_eq!(reason, expected),
        other => panic!("expected {expected}, got {other:?}"),
    }
}

#[track_caller]
pub(crate) fn invalid(result: Result<Accepted, CommandError>, expected: &str) {
    match result {
        Err(CommandError::Invalid { field, .. }) => assert_eq!(field, expected),
        other => panic!("expected {expected} to be invalid, got {other:?}"),
    }
}

#[track_caller]
pub(crate) fn not_found(result: Result<Accepted, CommandError>) {
    assert!(matches!(result, Err(CommandError::NotFound)), "{result:?}");
}
