//! A small world to tell tests in: an org with a project and its board, and the projections running over it.

use domain::agent_run::{
    AgentRunEvent, RunConstraints, RunEnded, RunLeased, RunMode, RunOutcome, RunRepo, RunRequested, RunTicket,
    RunWorkStarted, TokenUsage,
};
use domain::board::{BoardCreated, BoardEvent, Column};
use domain::org::{MemberJoined, OrgCreated, OrgEvent, Role};
use domain::project::{ProjectCreated, ProjectEvent};
use domain::ticket::{TicketCreated, TicketEvent, TicketKind};
use domain::{
    Actor, BoardId, DomainEvent, Envelope, Position, ProjectId, RepoConnectionId, RunId, TicketId, UserId, WorkerId,
};
use feed::hints::Hints;
use projections::{Reads, Waited};
use sqlx::PgPool;
use std::time::Duration;
use testkit::{TestDatabase, TestLog};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

pub(crate) struct Story {
    pub(crate) database: TestDatabase,
    pub(crate) log: TestLog,
    pub(crate) hints: Hints,
    pub(crate) reads: Reads,
    pub(crate) owner: UserId,
    pub(crate) project: ProjectId,
    pub(crate) board: BoardId,
    pub(crate) repo: RepoConnectionId,
    _projections: Option<DropGuard>,
}

/// Starts all projections; they stop with the guard.
pub(crate) fn start(pool: &PgPool, hints: &Hints) -> DropGuard {
    let cancel = CancellationToken::new();
    tokio::spawn(projections::run(pool.clone(), None, hints.clone(), cancel.clone()));
    cancel.drop_guard()
}

pub(crate) fn columns() -> Vec<Column> {
    ["backlog", "todo", "in_progress", "code_review", "qa", "done"]
        .map(|key| Column { key: key.to_owned(), name: key.to_uppercase(), wip_limit: (key == "todo").then_some(3) })
        .to_vec()
}

impl Story {
    pub(crate) async fn begin() -> Self {
        Self::told(true).await
    }

    /// For tests that run a projection of their own.
    pub(crate) async fn without_projections() -> Self {
        Self::told(false).await
    }

    async fn told(with_projections: bool) -> Self {
        let database = TestDatabase::create().await.unwrap();
        let (log, hints) = (TestLog::new(&database.pool), Hints::local());
        let story = Self {
            _projections: with_projections.then(|| start(&database.pool, &hints)),
            reads: Reads::new(database.pool.clone()),
            owner: log.actor.user_id().unwrap(),
            project: ProjectId(Uuid::now_v7()),
            board: BoardId(Uuid::now_v7()),
            repo: RepoConnectionId(Uuid::now_v7()),
            database,
            log,
            hints,
        };
        let org = OrgEvent::OrgCreated(OrgCreated { name: "Northwind".to_owned() });
        let owner = OrgEvent::MemberJoined(MemberJoined { user: story.owner, role: Role::Admin, invitation: None });
        story.say(story.log.org, [org, owner]).await;
        let project = ProjectCreated { key: "AL".to_owned(), name: "Lime".to_owned(), default_board: story.board };
        story.say(story.project, [ProjectEvent::ProjectCreated(project)]).await;
        let board = BoardCreated { project: story.project, name: "Board".to_owned(), columns: columns() };
        story.say(story.board, [BoardEvent::BoardCreated(board)]).await;
        story
    }

    /// One command's events of one stream.
    pub(crate) async fn say<E: Into<DomainEvent>>(
        &self,
        stream: impl Into<Uuid>,
        events: impl IntoIterator<Item = E>,
    ) -> Vec<Envelope> {
        self.say_by(&self.log.actor, stream, events).await
    }

    pub(crate) async fn say_by<E: Into<DomainEvent>>(
        &self,
        actor: &Actor,
        stream: impl Into<Uuid>,
        events: impl IntoIterator<Item = E>,
    ) -> Vec<Envelope> {
        let events: Vec<DomainEvent> = events.into_iter().map(Into::into).collect();
        let said = self.log.by(actor.clone()).append(stream, events).await.unwrap();
        self.hints.committed();
        said
    }

    /// Many new streams of one event each, quickly.
    pub(crate) async fn bulk(&self, events: impl IntoIterator<Item = (TicketId, DomainEvent)>) {
        self.log.append_streams(events).await.unwrap();
        self.hints.committed();
    }

    /// A new ticket in the backlog.
    pub(crate) async fn ticket(&self, number: u64, title: &str) -> TicketId {
        let ticket = TicketId(Uuid::now_v7());
        self.say(ticket, [TicketEvent::TicketCreated(self.created(number, title))]).await;
        ticket
    }

    pub(crate) fn created(&self, number: u64, title: &str) -> TicketCreated {
        TicketCreated {
            project: self.project,
            board: self.board,
            key: format!("AL-{number}"),
            number,
            title: title.to_owned(),
            kind: TicketKind::Task,
            description_md: String::new(),
            column: "backlog".to_owned(),
            rank: format!("a{number}"),
            parent: None,
            labels: Vec::new(),
            priority: None,
            assignee: None,
            estimate: None,
            planned_by: None,
        }
    }

    /// A run on a ticket, asked for and nothing more.
    pub(crate) async fn request(&self, mode: RunMode, ticket: Option<TicketId>) -> RunId {
        let run = RunId(Uuid::now_v7());
        self.say(run, [AgentRunEvent::RunRequested(self.requested(mode, ticket))]).await;
        run
    }

    pub(crate) fn requested(&self, mode: RunMode, ticket: Option<TicketId>) -> RunRequested {
        RunRequested {
            project: self.project,
            mode,
            provider: "codex".to_owned(),
            model: None,
            prompt: "Do it\nwell".to_owned(),
            ticket: ticket.map(|id| RunTicket {
                id,
                key: "AL-1".to_owned(),
                title: "Rate limit".to_owned(),
                description_md: String::new(),
            }),
            repo: (mode == RunMode::Implement).then(|| RunRepo {
                connection: self.repo,
                name: "northwind/gateway".to_owned(),
                clone_url: "https://git.example/northwind/gateway".to_owned(),
                base_ref: Some("main".to_owned()),
            }),
            conversation: None,
            constraints: RunConstraints::default(),
        }
    }

    pub(crate) async fn start_work(&self, run: RunId, branch: Option<&str>) {
        let leased = RunLeased { worker: WorkerId(Uuid::from_u128(77)), token: 1 };
        let started = RunWorkStarted {
            token: 1,
            program: "codex 0.169.0".to_owned(),
            scripted: true,
            branch: branch.map(ToOwned::to_owned),
            base_commit: Some("c0ffee".to_owned()),
        };
        let events = [AgentRunEvent::RunLeased(leased), AgentRunEvent::RunWorkStarted(started)];
        self.say_by(&Actor::system("worker"), run, events).await;
    }

    pub(crate) async fn end(&self, run: RunId, outcome: RunOutcome, cost_usd_micros: u64) {
        let ended = ended(outcome, cost_usd_micros);
        self.say_by(&Actor::Run(run), run, [AgentRunEvent::RunEnded(ended)]).await;
    }

    pub(crate) async fn head(&self) -> Position {
        feed::log::head(&mut self.database.pool.acquire().await.unwrap()).await.unwrap()
    }

    /// Waits until a projection shows everything that was said.
    pub(crate) async fn shown_by(&self, projection: &'static str) -> Position {
        let head = self.head().await;
        let timeout = Duration::from_secs(5).mul_f64(testkit::slack());
        let waited = self.reads.wait_for(projection, head, timeout).await.unwrap();
        assert!(matches!(waited, Waited::Reached(_)), "{projection} is not at {head} within {timeout:?}");
        head
    }

    /// Each projection's live rows are those of a rebuild.
    pub(crate) async fn equals_its_rebuild(&self) {
        for projection in projections::all() {
            self.shown_by(projection.name()).await;
        }
        for (name, live) in projections::digests(&self.database.pool).await.unwrap() {
            let rebuilt = projections::rebuild_digest(&self.database.pool, name, live.position).await.unwrap();
            assert_eq!(live, rebuilt, "{name} differs from its rebuild");
        }
    }
}

pub(crate) fn ended(outcome: RunOutcome, cost_usd_micros: u64) -> RunEnded {
    RunEnded {
        token: 1,
        outcome,
        summary: "Done.".to_owned(),
        work: None,
        usage: TokenUsage { input_tokens: 10, cached_input_tokens: 4, output_tokens: 5 },
        cost_usd_micros,
        transcript_count: 3,
        transcript_digest: "ab".repeat(32),
    }
}
