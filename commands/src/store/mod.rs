//! The event store of the write side: streams in, streams out. The table layout is postgres-es's, with columns added.
//!
//! [`append`] holds the statement that writes events; [`writer`] lets many commands share one commit; [`load`] folds a
//! stream from its newest snapshot; [`answered`] finds what a command id was answered with; [`framework`] speaks
//! cqrs-es's contract over the same table. No type of that framework leaves this folder.

mod answered;
mod append;
mod cache;
mod framework;
mod load;
mod snapshot;
#[cfg(test)]
mod tests;
mod writer;

pub(crate) use answered::Answered;
pub(crate) use append::{Append, NewEvent};
pub(crate) use load::Folded;
pub(crate) use writer::Outcome;

use crate::CommandSettings;
use cache::Cache;
use domain::{AggregateKind, OrgId};
use feed::hints::Hints;
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;
use writer::Writers;

/// Names a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Stream {
    pub(crate) org: OrgId,
    pub(crate) kind: AggregateKind,
    pub(crate) id: Uuid,
}

#[derive(Debug)]
pub(crate) struct Store {
    pool: PgPool,
    writers: Writers,
    cache: Cache,
    snapshots: snapshot::Snapshots,
    patience: Duration,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("PostgreSQL did not answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    #[error("more commands wait than the store takes")]
    Overloaded,
    #[error("failed to connect")]
    Connect(#[source] sqlx::Error),
    #[error("failed to append")]
    Append(#[source] sqlx::Error),
    #[error("failed to look up command {command}")]
    LookUp {
        command: Uuid,
        #[source]
        source: sqlx::Error,
    },
    #[error("failed to load {} {}", .stream.kind, .stream.id)]
    Load {
        stream: Stream,
        #[source]
        source: sqlx::Error,
    },
    #[error("version {version} of {} {} cannot be read", .stream.kind, .stream.id)]
    Decode {
        stream: Stream,
        version: u64,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("{} {} has a gap: version {found} follows {after}", .stream.kind, .stream.id)]
    Gap { stream: Stream, after: u64, found: u64 },
    #[error("failed to fold {} {} by cqrs-es", .stream.kind, .stream.id)]
    Refold {
        stream: Stream,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("failed to take a number")]
    Number(#[source] sqlx::Error),
    #[error("failed to reserve a project's key")]
    Reserve(#[source] sqlx::Error),
    #[error("failed to read the places of a column")]
    Places(#[source] sqlx::Error),
    #[error("failed to read the time zones")]
    TimeZones(#[source] sqlx::Error),
    #[error("a row of events is malformed")]
    Malformed,
    /// One batch failed for all its commands.
    #[error(transparent)]
    Shared(Arc<StoreError>),
}

impl Store {
    pub(crate) fn new(pool: &PgPool, hints: &Hints, settings: &CommandSettings) -> Self {
        Self {
            pool: pool.clone(),
            writers: Writers::start(pool, hints, settings.patience),
            cache: Cache::new(settings.cache_bytes),
            snapshots: snapshot::Snapshots::new(pool),
            patience: settings.patience,
        }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }
}

impl StoreError {
    /// Whether PostgreSQL is away, as opposed to something being wrong.
    pub(crate) fn is_away(&self) -> bool {
        match self {
            Self::TimedOut(_) | Self::Overloaded => true,
            Self::Connect(source)
            | Self::Append(source)
            | Self::Number(source)
            | Self::Reserve(source)
            | Self::Places(source)
            | Self::TimeZones(source) => is_away(source),
            Self::LookUp { source, .. } | Self::Load { source, .. } => is_away(source),
            Self::Shared(error) => error.is_away(),
            Self::Refold { .. } | Self::Decode { .. } | Self::Gap { .. } | Self::Malformed => false,
        }
    }
}

/// Whether PostgreSQL is away, starting, stopping, out of connections or a standby.
pub(crate) fn is_away(error: &sqlx::Error) -> bool {
    if let Some(database) = error.as_database_error() {
        let code = database.code().unwrap_or_default();
        return code.starts_with("08") || code.starts_with("57P") || code.starts_with("53") || code == "25006";
    }
    matches!(
        error,
        sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
    )
}

/// Runs a query with the store's patience: PostgreSQL that is away is an answer, never a wait.
pub(crate) async fn within<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    tokio::time::timeout(patience, work).await.unwrap_or(Err(StoreError::TimedOut(patience)))
}
