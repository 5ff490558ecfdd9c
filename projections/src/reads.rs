//! The door to all read models: one snapshot a read, always of the live generation.

use domain::{Actor, CommandId, OrgId, Position};
use feed::log::{self, from_bigint};
use sqlx::{PgConnection, PgPool, Postgres, Row, Transaction};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// A wait asks this often.
const ASK_AGAIN: Duration = Duration::from_millis(4);
const ASK_AGAIN_MAX: Duration = Duration::from_millis(40);

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

/// One more than asked for was read, to know whether there is more.
pub(crate) fn one_more(limit: u32) -> i64 {
    i64::from(limit) + 1
}

/// Takes that one off again.
pub(crate) fn had_more<T>(items: &mut Vec<T>, limit: u32) -> bool {
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    more
}

impl<T> Page<T> {
    pub(crate) fn of(mut nodes: Vec<T>, first: u32) -> Self {
        let has_next = had_more(&mut nodes, first);
        Self { nodes, has_next }
    }
}

/// A read-only transaction that sees one state of one projection, with its tables first in the search path.
pub(crate) struct Snapshot {
    pub(crate) transaction: Transaction<'static, Postgres>,
    /// The log up to here is in it.
    pub(crate) position: Position,
}

impl Snapshot {
    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// Nothing was written, so an error here loses nothing; it only says that the connection is gone.
    pub(crate) async fn close(self) {
        if let Err(error) = self.transaction.rollback().await {
            tracing::debug!(%error, "a read's transaction did not end well");
        }
    }

    /// Whether a cursor points behind the changes that are kept, or past the log's end (another log gave it).
    pub(crate) async fn is_out_of_reach(&mut self, after: Position, floor: Position) -> Result<bool, sqlx::Error> {
        if after < floor {
            return Ok(true);
        }
        // The projection itself may lag behind the one that gave the cursor: after a crash of PostgreSQL it applies
        // its last events again. The ledger never goes back.
        Ok(after > self.position && after > log::head(&mut self.transaction).await?)
    }
}

/// Says what failed.
pub(crate) trait Reading<T> {
    fn reading(self, what: &'static str) -> Result<T, ReadError>;
}

impl<T> Reading<T> for Result<T, sqlx::Error> {
    fn reading(self, what: &'static str) -> Result<T, ReadError> {
        self.map_err(|source| ReadError::Read { what, source })
    }
}

impl Reads {
    pub const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    pub(crate) async fn snapshot(&self, projection: &'static str) -> Result<Snapshot, ReadError> {
        let begun = feed::transaction::begin(&self.pool, "begin isolation level repeatable read read only").await;
        let mut transaction = begun.reading(projection)?;
        // The same round trip finds the generation and enters it. The log's tables stay visible behind its own.
        let row = sqlx::query(
            "select checkpoint, set_config('search_path', quote_ident(pg_schema) || ', ' || current_setting('search_path'), true) \
             from projection_generations where projection = $1 and state = 'live'",
        )
        .bind(projection)
        .fetch_optional(&mut *transaction)
        .await
        .reading(projection)?
        .ok_or(ReadError::NotBuilt(projection))?;
        let position = from_bigint(row.try_get(0).reading(projection)?);
        Ok(Snapshot { transaction, position })
    }

    /// How far a projection (such as `"board"`) is.
    pub async fn position_of(&self, projection: &'static str) -> Result<Position, ReadError> {
        let checkpoint: Option<i64> = sqlx::query_scalar(
            "select checkpoint from projection_generations where projection = $1 and state = 'live'",
        )
        .bind(projection)
        .fetch_optional(&self.pool)
        .await
        .reading(projection)?;
        checkpoint.map(from_bigint).ok_or(ReadError::NotBuilt(projection))
    }

    /// Waits until a projection (such as `"board"`) shows the log up to `position`.
    pub async fn wait_for(
        &self,
        projection: &'static str,
        position: Position,
        timeout: Duration,
    ) -> Result<Waited, ReadError> {
        let deadline = Instant::now() + timeout;
        let mut pause = ASK_AGAIN;
        loop {
            match self.position_of(projection).await {
                Ok(reached) if reached >= position => return Ok(Waited::Reached(reached)),
                Ok(_) | Err(ReadError::NotBuilt(_)) => {}
                Err(error) => return Err(error),
            }
            if Instant::now() + pause > deadline {
                return Ok(Waited::TimedOut);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(ASK_AGAIN_MAX);
        }
    }

    /// Where the events of a command stand. `orgs` are those that the caller is a member of.
    pub async fn place_of_command(
        &self,
        orgs: &[OrgId],
        actor: &Actor,
        command: CommandId,
    ) -> Result<CommandPlace, ReadError> {
        let orgs: Vec<Uuid> = orgs.iter().map(|org| org.as_uuid()).collect();
        // A command's events follow each other in one stream; only the first is found by the command's id.
        let row = sqlx::query(
            "select count(*), count(l.position), max(l.position) from events first \
             join events e on e.org = first.org and e.aggregate_type = first.aggregate_type \
                 and e.aggregate_id = first.aggregate_id and e.sequence >= first.sequence \
                 and e.command_id = first.command_id \
             left join ledger l on l.event_row = e.id \
             where first.org = any($1) and first.actor = $2 and first.command_id = $3 and first.index_in_command = 0",
        )
        .bind(orgs)
        .bind(actor.to_string())
        .bind(command.as_uuid())
        .fetch_one(&self.pool)
        .await
        .reading("a command's place")?;
        let events: i64 = row.try_get(0).reading("a command's place")?;
        let numbered: i64 = row.try_get(1).reading("a command's place")?;
        let last: Option<i64> = row.try_get(2).reading("a command's place")?;
        Ok(match last {
            _ if events == 0 => CommandPlace::Unknown,
            Some(last) if numbered == events => CommandPlace::At(from_bigint(last)),
            _ => CommandPlace::Committed,
        })
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
        let deadline = Instant::now() + timeout;
        let mut pause = ASK_AGAIN;
        loop {
            match self.place_of_command(orgs, actor, command).await? {
                CommandPlace::Unknown => return Ok(Waited::Unknown),
                CommandPlace::At(position) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    return self.wait_for(projection, position, left).await;
                }
                CommandPlace::Committed => {}
            }
            if Instant::now() + pause > deadline {
                return Ok(Waited::TimedOut);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(ASK_AGAIN_MAX);
        }
    }
}
