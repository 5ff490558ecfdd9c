//! Building a generation beside the live one, and swapping it in.
//!
//! Several may rebuild the same projection: they meet in the same building generation, whose checkpoint lets each event
//! in once, and one of them swaps. A rebuild that died is taken up where it stood.

use super::follow::BATCH;
use super::generation::{self, Generation, Standing, State, standing};
use super::projection::{Kind, Projection};
use super::source::{Item, read_log};
use super::step::{Step, StepError, step};
use crate::crashpoint;
use crate::log;
use domain::Position;
use sqlx::{Connection, PgConnection, PgPool};

/// How far a rebuild is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub position: Position,
    /// The log's end when the step began.
    pub head: Position,
}

#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    #[error("failed to read or write the generation")]
    Database(#[from] sqlx::Error),
    #[error("failed to apply the log")]
    Apply(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("a newer release is building this projection")]
    NewerRelease,
    #[error("a policy cannot be rebuilt: what it did cannot be done again")]
    Policy,
}

impl From<StepError> for RebuildError {
    fn from(error: StepError) -> Self {
        Self::Apply(Box::new(error))
    }
}

/// Builds the projection afresh from the whole log while the live generation is read and goes on, then swaps.
///
/// `progress` is called after each step.
///
/// # Errors
/// Nothing is lost by an error: calling again goes on where it stopped.
pub async fn rebuild(
    pool: &PgPool,
    projection: &dyn Projection,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<(), RebuildError> {
    if projection.kind() == Kind::Policy {
        return Err(RebuildError::Policy);
    }
    // Not one of the pool's: it may be busy for minutes.
    let mut connection = PgConnection::connect_with(&pool.connect_options()).await?;
    let result = build_and_swap(&mut connection, projection, &mut progress).await;
    connection.close().await.ok();
    result
}

pub(super) async fn build_and_swap(
    connection: &mut PgConnection,
    projection: &dyn Projection,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<(), RebuildError> {
    let mut building = begin(connection, projection).await?;
    loop {
        let head = log::head(connection).await?;
        let reached = catch_up(connection, projection, &mut building, head, Within::Itself, progress).await?;
        crashpoint!("rebuild.before_swap");
        if !reached || swap(connection, projection, &mut building).await? {
            crashpoint!("rebuild.after_swap");
            return Ok(());
        }
    }
}

/// The building generation of our definition: a new one, or one that somebody began.
async fn begin(connection: &mut PgConnection, projection: &dyn Projection) -> Result<Generation, RebuildError> {
    loop {
        let building = Generation::load_or_create(connection, projection, State::Building).await?;
        match standing(&building.definition, &projection.definition()) {
            Standing::Same => return Ok(building),
            Standing::Older => building.remove(connection).await?,
            Standing::Newer => return Err(RebuildError::NewerRelease),
        }
    }
}

/// Whether steps are transactions of their own or parts of the swap's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Within {
    Itself,
    Swap,
}

/// Applies the log up to `upto`. False when the generation is no longer being built: another one has swapped it in.
async fn catch_up(
    connection: &mut PgConnection,
    projection: &dyn Projection,
    generation: &mut Generation,
    upto: Position,
    within: Within,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<bool, RebuildError> {
    let mut one_by_one = 0;
    while generation.checkpoint < upto {
        // Inside a swap the step before was a savepoint: its search path is still set.
        if within == Within::Swap {
            generation::leave(connection).await?;
        }
        let wanted = u32::try_from(upto - generation.checkpoint).unwrap_or(u32::MAX);
        let limit = if one_by_one > 0 { 1 } else { BATCH.min(wanted) };
        let items = read_log(connection, generation.checkpoint, limit).await?;
        if items.is_empty() {
            return Ok(true);
        }
        match step(connection, projection, generation, &items).await {
            Ok(Step::Done(position, _)) => {
                one_by_one = usize::saturating_sub(one_by_one, 1);
                progress(Progress { position, head: upto.max(position) });
            }
            Ok(Step::Overtaken) => match Generation::load(connection, projection.name(), generation.state).await? {
                Some(now) if now.number == generation.number => *generation = now,
                _ => return Ok(false),
            },
            Err(StepError::OneOfMany) => one_by_one = items.len(),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}

/// Makes the generation live in one transaction. False when it has fallen too far behind meanwhile.
async fn swap(
    connection: &mut PgConnection,
    projection: &dyn Projection,
    building: &mut Generation,
) -> Result<bool, RebuildError> {
    let mut transaction = connection.begin().await?;
    // From here the live generation stands still, so the new one can reach it: readers never see the log run backwards.
    generation::lock(&mut transaction, projection.name()).await?;
    let live = generation::lock_live(&mut transaction, projection.name()).await?;
    if live.saturating_sub(building.checkpoint) > Position::from(BATCH) {
        return Ok(false);
    }
    // The steps are savepoints of this transaction.
    let inner = &mut *transaction;
    if !catch_up(inner, projection, building, live, Within::Swap, &mut |_| ()).await? {
        // Swapped in by another one.
        return Ok(true);
    }
    generation::leave(inner).await?;
    sqlx::query("set local synchronous_commit to default").execute(&mut *inner).await?;
    building.make_live(inner).await?;
    transaction.commit().await?;
    tracing::info!(
        projection = building.projection,
        generation = building.number,
        position = building.checkpoint,
        "swapped in a rebuilt generation"
    );
    Ok(true)
}

/// Whether one of the parked streams could go on with this build: its event is tried and taken back.
///
/// The events behind it are not applied here, in the middle of later ones: rows would then differ from a rebuild's.
pub(super) async fn would_unpark(
    connection: &mut PgConnection,
    projection: &dyn Projection,
    generation: &Generation,
) -> Result<bool, RebuildError> {
    for position in generation::parked_positions(connection, generation).await? {
        let items = read_log(connection, position.saturating_sub(1), 1).await?;
        let Some(Item { event: Ok(envelope), .. }) = items.first() else { continue };
        let mut transaction = connection.begin().await?;
        generation::enter(&mut transaction, &generation.schema).await?;
        let applied = super::step::apply_all(projection, &mut transaction, std::slice::from_ref(envelope)).await;
        transaction.rollback().await?;
        match applied {
            Ok(_) => return Ok(true),
            Err(error) if error.is_poison() => {}
            Err(error) => return Err(RebuildError::Apply(Box::new(error))),
        }
    }
    Ok(false)
}

/// Builds the projection up to a position in tables that nobody reads, for comparing, and hands their schema to `look`
/// before they are dropped.
pub(super) async fn build_to_check(
    connection: &mut PgConnection,
    projection: &dyn Projection,
    upto: Position,
) -> Result<Generation, RebuildError> {
    let mut checking = Generation::create(connection, projection, State::Checking).await?;
    match catch_up(connection, projection, &mut checking, upto, Within::Itself, &mut |_| ()).await {
        Ok(_) => Ok(checking),
        Err(error) => {
            checking.remove(connection).await.ok();
            Err(error)
        }
    }
}
