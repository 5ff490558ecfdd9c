//! The door to all read models: one snapshot a read, always of the live generation.

use domain::{Actor, CommandId, OrgId, Position};
use sqlx::PgPool;
use std::time::Duration;

/// Reads rows into plain structs. Cheap to clone.
///
/// Every read is one snapshot of one projection's live generation, found in that snapshot: a rebuild that is swapped in
/// meanwhile is seen whole or not at all. Every read takes the tenant; an id of another org is `None`, as an unknown
/// one is.
#[derive(Clone, Debug)]
pub struct Reads {
    pub(crate) pool: PgPool,
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The projection has no live generation yet: the projector has never run here.
    #[error("the projection {0} is not built yet")]
    NotBuilt(&'static str),
    #[error("failed to read {what}")]
    Read {
        what: &'static str,
        #[source]
        source: sqlx::Error,
    },
    /// A row holds what this build does not know, such as a state that a newer one wrote.
    #[error("{what} holds an unknown value: {value:?}")]
    Unknown { what: &'static str, value: String },
}

/// Where the events of a command stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandPlace {
    /// Nobody has sent it (or it was rejected, or changed nothing).
    Unknown,
    /// Committed, and the ledger has not numbered it yet.
    Committed,
    /// Position of its last event.
    At(Position),
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// The projection shows it: a read that starts now sees at least this position.
    Reached(Position),
    /// Time is up. The read may go on and be older than asked.
    TimedOut,
    /// No such command; nothing to wait for.
    Unknown,
}

/// What changed after a cursor, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Changes<T> {
    /// The changes no longer reach back to the cursor: read the whole again. `items` is empty then.
    pub resync: bool,
    pub items: Vec<T>,
    /// Everything up to here is in `items`, unless there is `more`: then everything up to the last item.
    pub position: Position,
    pub more: bool,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    pub nodes: Vec<T>,
    pub has_next: bool,
}

impl Reads {
    pub const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Waits until a projection (such as `"board"`) shows the log up to `position`.
    pub async fn wait_for(
        &self,
        projection: &'static str,
        position: Position,
        timeout: Duration,
    ) -> Result<Waited, ReadError> {
        let _ = (projection, position, timeout);
        todo!()
    }

    /// Where the events of a command stand. `orgs` are those that the caller is a member of.
    pub async fn place_of_command(
        &self,
        orgs: &[OrgId],
        actor: &Actor,
        command: CommandId,
    ) -> Result<CommandPlace, ReadError> {
        let _ = (orgs, actor, command);
        todo!()
    }

    /// Waits until a projection shows what a command did: how `afterCommand` is served.
    pub async fn wait_for_command(
        &self,
        projection: &'static str,
        orgs: &[OrgId],
        actor: &Actor,
        command: CommandId,
        timeout: Duration,
    ) -> Result<Waited, ReadError> {
        let _ = (projection, orgs, actor, command, timeout);
        todo!()
    }
}
