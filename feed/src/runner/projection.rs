//! What the runner runs: a fold of the log into rows, or a policy that answers events with commands.

use domain::{AggregateKind, Envelope};
use ring::digest::{SHA256, digest};
use sqlx::PgConnection;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

/// A consumer of the log with a checkpoint of its own.
///
/// A read model is deterministic: the same events in the same order make the same bytes in its tables. So no clock, no
/// randomness, no serial ids, and no look at a table that is not its own. The runner gives it a schema per generation
/// and sets the search path: tables are named without a schema.
#[async_trait::async_trait]
pub trait Projection: fmt::Debug + Send + Sync + 'static {
    /// Lower snake case, at most 40 characters; stored, so never renamed.
    fn name(&self) -> &'static str;

    /// Another definition than the stored one means: build it afresh.
    fn definition(&self) -> Definition;

    fn kind(&self) -> Kind {
        Kind::ReadModel
    }

    /// False for events that [`Self::apply`] leaves alone whatever they say: a step of only such costs one round trip.
    fn concerns(&self, _aggregate: AggregateKind) -> bool {
        true
    }

    /// Makes the tables of a new generation, in the schema that the search path names.
    async fn create_tables(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error>;

    /// Applies one event inside the runner's transaction, which moves the checkpoint too.
    ///
    /// Returns the keys (a board's id, a run's id) whose readers want to know.
    ///
    /// # Errors
    /// See [`ApplyError`]: a poison event parks its stream, everything else is tried again.
    async fn apply(&self, connection: &mut PgConnection, envelope: &Envelope) -> Result<Vec<Uuid>, ApplyError>;

    /// Applies events that follow each other. Worth overriding where one statement can write many rows; must leave the
    /// same rows as [`Self::apply`] on each in turn.
    ///
    /// # Errors
    /// As [`Self::apply`]. Which event it was need not be known: the runner then applies them one by one.
    async fn apply_all(
        &self,
        connection: &mut PgConnection,
        envelopes: &[Arc<Envelope>],
    ) -> Result<Vec<Uuid>, ApplyError> {
        let mut keys = Vec::new();
        for envelope in envelopes {
            keys.append(&mut self.apply(connection, envelope).await?);
        }
        Ok(keys)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Rows in tables of its own; can be built afresh at any time.
    ReadModel,
    /// Sends commands. Has no tables and is never rebuilt: what it did cannot be done again. Its command ids derive
    /// from event ids, so that an event seen twice is answered once.
    Policy,
}

/// Which shape and code made the rows of a generation.
///
/// A build with a lower revision than the stored one leaves the projection alone, so that two releases that run side
/// by side for a while do not rebuild against each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    pub revision: u32,
    /// SHA-256 (hex) of the DDL.
    pub digest: String,
}

impl Definition {
    /// Raise `revision` with every change to the tables or to what `apply` writes.
    pub fn new(revision: u32, ddl: &str) -> Self {
        let digest = digest(&SHA256, ddl.as_bytes());
        Self { revision, digest: digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect() }
    }
}

impl fmt::Display for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}:{}", self.revision, self.digest)
    }
}

/// Why an event was not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The event itself is at fault. Its stream is parked in this projection; other streams go on.
    #[error("the event cannot be applied: {0}")]
    Poison(String),
    /// PostgreSQL said no. Data and constraint errors are the event's fault, all others are tried again.
    #[error("failed to write the rows")]
    Database(#[from] sqlx::Error),
    /// Something that the event needs is away just now: it is tried again.
    #[error("failed to react for now")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

impl ApplyError {
    pub fn poison(reason: impl Into<String>) -> Self {
        Self::Poison(reason.into())
    }

    /// True when trying the same event again cannot help.
    pub fn is_poison(&self) -> bool {
        match self {
            Self::Poison(_) => true,
            // 22: data exceptions, 23: constraints, 54: a value too large for a row or an index.
            Self::Database(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|code| ["22", "23", "54"].iter().any(|class| code.starts_with(class)))
            }
            Self::Database(sqlx::Error::Encode(_)) => true,
            Self::Database(_) | Self::Unavailable(_) => false,
        }
    }
}
