//! Events → rows of the audit log, many in a statement: it takes every event there is.

use domain::agent_run::AgentRunEvent;
use domain::board::BoardEvent;
use domain::org::OrgEvent;
use domain::project::ProjectEvent;
use domain::repo_connection::RepoConnectionEvent;
use domain::ticket::TicketEvent;
use domain::{DomainEvent, Envelope};
use feed::log::to_bigint;
use feed::runner::{ApplyError, Definition, Projection};
use sqlx::{Executor, PgConnection};
use std::sync::Arc;
use uuid::Uuid;

const TABLES: &str = include_str!("tables.sql");
/// Raise it with every change to the tables or to what is written.
const REVISION: u32 = 1;

/// The read model `audit`.
#[derive(Clone, Copy, Debug, Default)]
pub struct AuditProjection;

#[async_trait::async_trait]
impl Projection for AuditProjection {
    fn name(&self) -> &'static str {
        super::NAME
    }

    fn definition(&self) -> Definition {
        Definition::new(REVISION, TABLES)
    }

    async fn create_tables(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        connection.execute(TABLES).await.map(|_| ())
    }

    async fn apply(&self, connection: &mut PgConnection, envelope: &Envelope) -> Result<Vec<Uuid>, ApplyError> {
        record(connection, std::iter::once(envelope)).await
    }

    async fn apply_all(
        &self,
        connection: &mut PgConnection,
        envelopes: &[Arc<Envelope>],
    ) -> Result<Vec<Uuid>, ApplyError> {
        record(connection, envelopes.iter().map(AsRef::as_ref)).await
    }
}

/// What people call the thing that an event makes; none for an event that makes nothing.
fn new_key(event: &DomainEvent) -> Option<&str> {
    match event {
        DomainEvent::Org(OrgEvent::OrgCreated(event)) => Some(&event.name),
        DomainEvent::Project(ProjectEvent::ProjectCreated(event)) => Some(&event.key),
        DomainEvent::Board(BoardEvent::BoardCreated(event)) => Some(&event.name),
        DomainEvent::Ticket(TicketEvent::TicketCreated(event)) => Some(&event.key),
        DomainEvent::RepoConnection(RepoConnectionEvent::RepositoryConnected(event)) => Some(&event.name),
        // A run has no name of its own: it goes by its ticket's.
        DomainEvent::AgentRun(AgentRunEvent::RunRequested(event)) => {
            event.ticket.as_ref().map(|ticket| ticket.key.as_str())
        }
        DomainEvent::Org(_) | DomainEvent::Ticket(_) | DomainEvent::RepoConnection(_) | DomainEvent::AgentRun(_) => {
            None
        }
    }
}

#[derive(Default)]
struct Rows {
    org: Vec<Uuid>,
    org_position: Vec<i64>,
    position: Vec<i64>,
    event_id: Vec<Uuid>,
    at: Vec<chrono::DateTime<chrono::Utc>>,
    actor: Vec<String>,
    action: Vec<&'static str>,
    target_type: Vec<&'static str>,
    target_id: Vec<Uuid>,
    command_id: Vec<Uuid>,
    cause: Vec<Option<Uuid>>,
}

async fn record<'e>(
    connection: &mut PgConnection,
    envelopes: impl Iterator<Item = &'e Envelope> + Send,
) -> Result<Vec<Uuid>, ApplyError> {
    let mut rows = Rows::default();
    let (mut key_org, mut key_target, mut key) = (Vec::new(), Vec::new(), Vec::new());
    for envelope in envelopes {
        rows.org.push(envelope.org.as_uuid());
        rows.org_position.push(to_bigint(envelope.org_position));
        rows.position.push(to_bigint(envelope.position));
        rows.event_id.push(envelope.event_id.as_uuid());
        rows.at.push(envelope.at);
        rows.actor.push(envelope.actor.to_string());
        rows.action.push(envelope.event.event_type());
        rows.target_type.push(envelope.aggregate.as_str());
        rows.target_id.push(envelope.aggregate_id);
        rows.command_id.push(envelope.metadata.command_id.as_uuid());
        rows.cause.push(envelope.metadata.causation_id.map(domain::EventId::as_uuid));
        if let Some(name) = new_key(&envelope.event) {
            key_org.push(envelope.org.as_uuid());
            key_target.push(envelope.aggregate_id);
            key.push(name.to_owned());
        }
    }
    let mut orgs = rows.org.clone();
    orgs.sort_unstable();
    orgs.dedup();
    sqlx::query(
        "insert into entries (org, org_position, position, event_id, at, actor, action, target_type, target_id, \
         command_id, cause) select * from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(rows.org)
    .bind(rows.org_position)
    .bind(rows.position)
    .bind(rows.event_id)
    .bind(rows.at)
    .bind(rows.actor)
    .bind(rows.action)
    .bind(rows.target_type)
    .bind(rows.target_id)
    .bind(rows.command_id)
    .bind(rows.cause)
    .execute(&mut *connection)
    .await?;
    if !key.is_empty() {
        // The first name stays: a name is what the thing was made with.
        sqlx::query(
            "insert into target_keys (org, target_id, key) select * from unnest($1, $2, $3) on conflict do nothing",
        )
        .bind(key_org)
        .bind(key_target)
        .bind(key)
        .execute(connection)
        .await?;
    }
    Ok(orgs)
}
