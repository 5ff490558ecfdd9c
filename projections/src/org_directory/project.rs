//! Events → rows of the directory.

use crate::words::word;
use domain::board::{BoardCreated, BoardEvent};
use domain::project::{ProjectCreated, ProjectEvent};
use domain::repo_connection::{RepoConnectionEvent, RepositoryConnected};
use domain::{AggregateKind, DomainEvent, Envelope};
use feed::log::to_bigint;
use feed::runner::{ApplyError, Definition, Projection};
use sqlx::{Executor, PgConnection};
use uuid::Uuid;

const TABLES: &str = include_str!("tables.sql");
/// Raise it with every change to the tables or to what is written.
const REVISION: u32 = 3;

/// The read model `org_directory`.
#[derive(Clone, Copy, Debug, Default)]
pub struct OrgDirectoryProjection;

#[async_trait::async_trait]
impl Projection for OrgDirectoryProjection {
    fn name(&self) -> &'static str {
        super::NAME
    }

    fn definition(&self) -> Definition {
        Definition::new(REVISION, TABLES)
    }

    fn concerns(&self, aggregate: AggregateKind) -> bool {
        match aggregate {
            AggregateKind::Org | AggregateKind::Project | AggregateKind::Board | AggregateKind::RepoConnection => true,
            AggregateKind::Ticket | AggregateKind::AgentRun => false,
        }
    }

    async fn create_tables(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        connection.execute(TABLES).await.map(|_| ())
    }

    async fn apply(&self, connection: &mut PgConnection, envelope: &Envelope) -> Result<Vec<Uuid>, ApplyError> {
        match &envelope.event {
            DomainEvent::Org(event) => super::project_org::apply(connection, envelope, event).await?,
            DomainEvent::Project(ProjectEvent::ProjectCreated(event)) => {
                create_project(connection, envelope, event).await?;
            }
            DomainEvent::Board(BoardEvent::BoardCreated(event)) => create_board(connection, envelope, event).await?,
            DomainEvent::RepoConnection(RepoConnectionEvent::RepositoryConnected(event)) => {
                connect(connection, envelope, event).await?;
            }
            DomainEvent::RepoConnection(RepoConnectionEvent::RepositoryDisconnected(_)) => {
                disconnect(connection, envelope).await?;
            }
            DomainEvent::Ticket(_) | DomainEvent::AgentRun(_) => return Ok(Vec::new()),
        }
        Ok(vec![envelope.org.as_uuid()])
    }
}

async fn create_project(
    connection: &mut PgConnection,
    envelope: &Envelope,
    event: &ProjectCreated,
) -> Result<(), ApplyError> {
    sqlx::query(
        "insert into projects (org, project_id, key, name, default_board, version, created_at) \
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(envelope.org.as_uuid())
    .bind(envelope.aggregate_id)
    .bind(&event.key)
    .bind(&event.name)
    .bind(event.default_board.as_uuid())
    .bind(to_bigint(envelope.version))
    .bind(envelope.at)
    .execute(connection)
    .await?;
    Ok(())
}

async fn create_board(
    connection: &mut PgConnection,
    envelope: &Envelope,
    event: &BoardCreated,
) -> Result<(), ApplyError> {
    sqlx::query("insert into boards (org, board_id, project_id, name, position) values ($1, $2, $3, $4, $5)")
        .bind(envelope.org.as_uuid())
        .bind(envelope.aggregate_id)
        .bind(event.project.as_uuid())
        .bind(&event.name)
        .bind(to_bigint(envelope.position))
        .execute(connection)
        .await?;
    Ok(())
}

async fn connect(
    connection: &mut PgConnection,
    envelope: &Envelope,
    event: &RepositoryConnected,
) -> Result<(), ApplyError> {
    // Connecting it again after a disconnect is the same stream, and takes the place of what was.
    sqlx::query(
        "insert into repo_connections (org, repo_connection_id, project_id, provider, external_id, name, clone_url, \
         version, position, connected_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         on conflict (org, repo_connection_id) do update set project_id = excluded.project_id, \
         provider = excluded.provider, external_id = excluded.external_id, name = excluded.name, \
         clone_url = excluded.clone_url, version = excluded.version, connected_at = excluded.connected_at, \
         disconnected_at = null",
    )
    .bind(envelope.org.as_uuid())
    .bind(envelope.aggregate_id)
    .bind(event.project.as_uuid())
    .bind(word(event.provider)?)
    .bind(&event.external_id)
    .bind(&event.name)
    .bind(&event.clone_url)
    .bind(to_bigint(envelope.version))
    .bind(to_bigint(envelope.position))
    .bind(envelope.at)
    .execute(connection)
    .await?;
    Ok(())
}

async fn disconnect(connection: &mut PgConnection, envelope: &Envelope) -> Result<(), ApplyError> {
    let done = sqlx::query(
        "update repo_connections set disconnected_at = $3, version = $4 where org = $1 and repo_connection_id = $2",
    )
    .bind(envelope.org.as_uuid())
    .bind(envelope.aggregate_id)
    .bind(envelope.at)
    .bind(to_bigint(envelope.version))
    .execute(connection)
    .await?;
    if done.rows_affected() == 0 {
        return Err(ApplyError::poison("its repository was never connected"));
    }
    Ok(())
}
