//! The loop: next events, one transaction, hints, again.

use super::generation::{self, Generation, Standing, State, standing};
use super::projection::{ApplyError, Kind, Projection};
use super::rebuild::{self, RebuildError};
use super::source::Source;
use super::step::{Step, StepError, step};
use super::tail::Tail;
use crate::chain;
use crate::hints::Hints;
use async_nats::jetstream;
use sqlx::{Connection, Executor, PgConnection, PgPool};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Events in one transaction while catching up; live it is what waits, mostly one.
pub(super) const BATCH: u32 = 500;
/// A policy waits for its commands, so its transactions are kept short.
const POLICY_BATCH: u32 = 20;
const RETRY_MIN: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(1);
const HOUSEKEEPING: Duration = Duration::from_secs(30);
/// Steps that follow each other begin at least this far apart. What waits meanwhile shares one transaction, one
/// checkpoint and one round of hints: under load that is most of the cost. A step after a quiet while waits for nothing.
const PACE: Duration = Duration::from_millis(4);
/// The same while nothing that comes concerns the projection: only its checkpoint moves.
const PACE_OF_BYSTANDERS: Duration = Duration::from_millis(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs one projection or policy. Any number of them may run the same one, in any number of processes: the checkpoint
/// is moved only from where the runner believes it to be, so that each event counts once.
///
/// After each step it hints what was reached: `(name, key)` for each key that [`Projection::apply`] named, and
/// `(name, nil)` for the projection as a whole.
#[derive(Debug)]
pub struct Runner {
    pool: PgPool,
    tail: Tail,
    hints: Hints,
    projection: Arc<dyn Projection>,
}

/// Why the loop has to begin again.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    #[error("failed to connect to PostgreSQL")]
    Connect(#[source] sqlx::Error),
    #[error("PostgreSQL does not answer")]
    Timeout,
    #[error("failed to read the log or the generation")]
    Read(#[from] sqlx::Error),
    #[error(transparent)]
    Step(#[from] StepError),
    #[error("failed to rebuild")]
    Rebuild(#[from] RebuildError),
}

impl Runner {
    /// Follows the log by itself; see [`Self::on_tail`] for several in a process. Without JetStream it lives on what
    /// this process places, on what it polls from PostgreSQL every second, and on hints. Needs a tokio runtime.
    pub fn new(
        pool: PgPool,
        jetstream: Option<jetstream::Context>,
        hints: Hints,
        projection: Arc<dyn Projection>,
    ) -> Self {
        let tail = Tail::start(jetstream, &hints);
        Self::on_tail(pool, tail, hints, projection)
    }

    /// Shares what is read of the log with others.
    pub fn on_tail(pool: PgPool, tail: Tail, hints: Hints, projection: Arc<dyn Projection>) -> Self {
        Self { pool, tail, hints, projection }
    }

    /// Until cancelled. Whatever goes wrong outside the events themselves is logged and tried again.
    pub async fn run(self, cancel: CancellationToken) {
        cancel.run_until_cancelled(self.run_for_ever()).await;
    }

    async fn run_for_ever(&self) {
        let name = self.projection.name();
        let mut pause = RETRY_MIN;
        let mut tried_to_unpark = false;
        loop {
            let began = Instant::now();
            let Err(error) = self.follow(&mut tried_to_unpark).await;
            if began.elapsed() > RETRY_MAX * 5 {
                pause = RETRY_MIN;
            }
            tracing::warn!(projection = name, error = %chain(&error), retry_in_ms = pause.as_millis(), "interrupted");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(RETRY_MAX);
        }
    }

    /// On one connection, until something breaks. Not one of the pool's: a runner holds it for ever.
    async fn follow(&self, tried_to_unpark: &mut bool) -> Result<std::convert::Infallible, Interrupted> {
        let options = self.pool.connect_options();
        let connecting = tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(&options)).await;
        let mut connection = connecting.map_err(|_| Interrupted::Timeout)?.map_err(Interrupted::Connect)?;
        // Rows are changed by their keys. A plan made while a table was empty would walk through all of it, and stay.
        connection.execute("set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off").await?;
        loop {
            let generation = self.settle(&mut connection, tried_to_unpark).await?;
            self.follow_generation(&mut connection, generation).await?;
        }
    }

    /// The live generation, of our definition and without streams that could go on: rebuilt where it was not.
    async fn settle(
        &self,
        connection: &mut PgConnection,
        tried_to_unpark: &mut bool,
    ) -> Result<Generation, Interrupted> {
        let projection = &*self.projection;
        loop {
            let live = Generation::load_or_create(connection, projection, State::Live).await?;
            if projection.kind() == Kind::Policy {
                return Ok(live);
            }
            match standing(&live.definition, &projection.definition()) {
                // Once a process: a rebuild that parks the stream again must not be followed by the next one.
                Standing::Same if live.parked.is_empty() || *tried_to_unpark => return Ok(live),
                Standing::Same => {
                    let unparks = rebuild::would_unpark(connection, projection, &live).await?;
                    *tried_to_unpark = true;
                    if !unparks {
                        return Ok(live);
                    }
                    tracing::info!(
                        projection = live.projection,
                        "a parked stream can go on: rebuilding, so that its events take their places"
                    );
                }
                Standing::Older => tracing::info!(
                    projection = live.projection,
                    from = live.definition,
                    to = %projection.definition(),
                    "another definition: rebuilding while the old one is read"
                ),
                Standing::Newer => {
                    tracing::warn!(projection = live.projection, "a newer release builds this projection; standing by");
                    tokio::time::sleep(HOUSEKEEPING).await;
                    continue;
                }
            }
            rebuild::build_and_swap(connection, projection, &mut |_| ()).await?;
        }
    }

    /// Until the generation is no longer the one to follow.
    async fn follow_generation(
        &self,
        connection: &mut PgConnection,
        mut generation: Generation,
    ) -> Result<(), Interrupted> {
        let projection = &*self.projection;
        let batch = if projection.kind() == Kind::Policy { POLICY_BATCH } else { BATCH };
        let mut source = Source::new(self.tail.clone(), &self.hints);
        let mut one_by_one = 0;
        let mut housekeeping_at = Instant::now() + HOUSEKEEPING;
        let mut next_at = Instant::now();
        loop {
            if Instant::now() >= housekeeping_at {
                // A read that is still going on may hold it back: another round will do.
                if let Err(error) = generation::drop_retired(connection, projection.name()).await {
                    tracing::warn!(projection = projection.name(), %error, "failed to drop a retired generation");
                }
                housekeeping_at = Instant::now() + HOUSEKEEPING;
            }
            let limit = if one_by_one > 0 { 1 } else { batch };
            tokio::time::sleep_until(next_at).await;
            let items = source.next(connection, generation.checkpoint, limit).await?;
            if items.is_empty() {
                continue;
            }
            let is_all = items.len() < limit as usize;
            let began = Instant::now();
            match step(connection, projection, &mut generation, &items).await {
                Ok(Step::Done(position, keys)) => {
                    if is_all {
                        next_at = began + if keys.is_empty() { PACE_OF_BYSTANDERS } else { PACE };
                    }
                    one_by_one = usize::saturating_sub(one_by_one, 1);
                    for key in keys {
                        self.hints.reached(projection.name(), key, position);
                    }
                    self.hints.reached(projection.name(), Uuid::nil(), position);
                }
                Ok(Step::Overtaken) => match Generation::load(connection, projection.name(), State::Live).await? {
                    Some(now) if now.number == generation.number => generation = now,
                    _ => return Ok(()),
                },
                Err(StepError::OneOfMany) => one_by_one = items.len(),
                // The event waits for something outside: those before it need not.
                Err(StepError::Apply { source: ApplyError::Unavailable(_), .. }) if items.len() > 1 => {
                    one_by_one = items.len();
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
