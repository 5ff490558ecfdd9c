//! All projections together: run, rebuild, digests, health.

use crate::audit::AuditProjection;
use crate::board::BoardProjection;
use crate::org_directory::OrgDirectoryProjection;
use crate::runs::RunsProjection;
use crate::ticket::TicketProjection;
use async_nats::jetstream;
use domain::Position;
use feed::hints::Hints;
use feed::log::{self, from_bigint};
use feed::runner::{self, Progress, Projection, RebuildError, RowsDigest, Runner, Tail};
use sqlx::{PgPool, Row};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const RESTART_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub enum OperateError {
    #[error("there is no projection named {0:?}")]
    NoSuchProjection(String),
    #[error("failed to rebuild {name}")]
    Rebuild {
        name: &'static str,
        #[source]
        source: RebuildError,
    },
    #[error("failed to read how the projections stand")]
    Read(#[from] sqlx::Error),
}

/// Every read model there is.
pub fn all() -> Vec<Arc<dyn Projection>> {
    vec![
        Arc::new(BoardProjection::default()),
        Arc::new(TicketProjection),
        Arc::new(OrgDirectoryProjection),
        Arc::new(RunsProjection::default()),
        Arc::new(AuditProjection),
    ]
}

/// # Errors
/// [`OperateError::NoSuchProjection`].
pub fn by_name(name: &str) -> Result<Arc<dyn Projection>, OperateError> {
    all()
        .into_iter()
        .find(|projection| projection.name() == name)
        .ok_or_else(|| OperateError::NoSuchProjection(name.to_owned()))
}

/// Runs every projection until cancelled. Safe to run many times. Each holds one connection of its own beside the pool.
///
/// Hints come as `(projection, key)`: `board` by board, `ticket` by ticket, `runs` by project, `org_directory` and
/// `audit` by org; and as `(projection, nil)` after each step.
pub async fn run(pool: PgPool, jetstream: Option<jetstream::Context>, hints: Hints, cancel: CancellationToken) {
    let tail = Tail::start(jetstream, &hints);
    let mut runners = JoinSet::new();
    let mut running = HashMap::new();
    for projection in all() {
        let runner = Runner::on_tail(pool.clone(), tail.clone(), hints.clone(), Arc::clone(&projection));
        running.insert(runners.spawn(runner.run(cancel.clone())).id(), projection);
    }
    while let Some(ended) = runners.join_next_with_id().await {
        let id = match &ended {
            Ok((id, ())) => *id,
            Err(error) => error.id(),
        };
        // A runner ends when it is cancelled, and otherwise only by a fault of its own.
        let Some(projection) = running.remove(&id) else { continue };
        if cancel.is_cancelled() {
            continue;
        }
        tracing::error!(projection = projection.name(), ?ended, "a runner ended; starting it again");
        tokio::time::sleep(RESTART_AFTER).await;
        let runner = Runner::on_tail(pool.clone(), tail.clone(), hints.clone(), Arc::clone(&projection));
        running.insert(runners.spawn(runner.run(cancel.clone())).id(), projection);
    }
}

/// Builds one projection afresh while it is read, and swaps: how `lime replay` works.
pub async fn rebuild(pool: &PgPool, name: &str, progress: impl FnMut(Progress) + Send) -> Result<(), OperateError> {
    let projection = by_name(name)?;
    runner::rebuild(pool, &*projection, progress)
        .await
        .map_err(|source| OperateError::Rebuild { name: projection.name(), source })
}

/// SHA-256 of the live rows of every projection that is built, by name, each with its position.
pub async fn digests(pool: &PgPool) -> Result<BTreeMap<&'static str, RowsDigest>, OperateError> {
    let mut digests = BTreeMap::new();
    for projection in all() {
        if let Some(digest) = runner::live_digest(pool, &*projection).await? {
            digests.insert(projection.name(), digest);
        }
    }
    Ok(digests)
}

/// SHA-256 of the rows that a rebuild up to `upto` makes, in tables of its own: equal to that of [`digests`] at the
/// same position, or something is broken.
pub async fn rebuild_digest(pool: &PgPool, name: &str, upto: Position) -> Result<RowsDigest, OperateError> {
    let projection = by_name(name)?;
    runner::rebuild_digest(pool, &*projection, upto)
        .await
        .map_err(|source| OperateError::Rebuild { name: projection.name(), source })
}

/// How one projection or policy stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub name: String,
    pub generation: i32,
    pub checkpoint: Position,
    /// Positions behind the log's end.
    pub lag: u64,
    /// A rebuild beside it is going on.
    pub rebuilding: bool,
    /// Streams that stand still in it, with the event that could not be applied. Not empty: somebody has to look.
    pub parked: Vec<Parked>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    pub org: uuid::Uuid,
    pub aggregate_type: String,
    pub aggregate_id: String,
    pub position: Position,
    pub error: String,
}

/// Of all that ever ran here, by name: for `lime doctor` and the health page.
pub async fn standings(pool: &PgPool) -> Result<Vec<Standing>, OperateError> {
    let mut connection = pool.acquire().await?;
    let head = log::head(&mut connection).await?;
    let generations = sqlx::query(
        "select g.projection, g.generation, g.checkpoint, exists (select from projection_generations b \
             where b.projection = g.projection and b.state = 'building') \
         from projection_generations g where g.state = 'live' order by g.projection",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut standings = Vec::with_capacity(generations.len());
    for row in generations {
        let (name, generation): (String, i32) = (row.try_get(0)?, row.try_get(1)?);
        let checkpoint = from_bigint(row.try_get(2)?);
        let parked = sqlx::query(
            "select org, aggregate_type, aggregate_id, position, error from parked_streams \
             where projection = $1 and generation = $2 order by position",
        )
        .bind(&name)
        .bind(generation)
        .fetch_all(&mut *connection)
        .await?;
        let parked = parked
            .iter()
            .map(|row| {
                Ok(Parked {
                    org: row.try_get(0)?,
                    aggregate_type: row.try_get(1)?,
                    aggregate_id: row.try_get(2)?,
                    position: from_bigint(row.try_get(3)?),
                    error: row.try_get(4)?,
                })
            })
            .collect::<Result<_, sqlx::Error>>()?;
        standings.push(Standing {
            name,
            generation,
            checkpoint,
            lag: head.saturating_sub(checkpoint),
            rebuilding: row.try_get(3)?,
            parked,
        });
    }
    Ok(standings)
}
