//! One step of a generation: some events, one transaction, the checkpoint in it.

use super::generation::{self, Generation};
use super::projection::{ApplyError, Kind, Projection};
use super::source::Item;
use crate::chain;
use crate::crashpoint;
use domain::{Envelope, Position};
use futures::FutureExt;
use sqlx::{Connection, PgConnection};
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// One step of a read model takes milliseconds; a connection that answers no more must not hold it for ever.
const STEP_TIMEOUT: Duration = Duration::from_secs(45);

#[derive(Debug)]
pub(crate) enum Step {
    /// The generation stands at the new position; these keys have news.
    Done(Position, BTreeSet<Uuid>),
    /// Another runner did it, or the generation is no longer what it was: load it again.
    Overtaken,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    /// To be tried again on a new connection.
    #[error("PostgreSQL does not answer")]
    Timeout,
    #[error("failed to move the checkpoint")]
    Checkpoint(#[source] sqlx::Error),
    /// One of several events is poison: take them one by one.
    #[error("one of the events cannot be applied")]
    OneOfMany,
    #[error("failed to apply the event at position {position}")]
    Apply {
        position: Position,
        #[source]
        source: ApplyError,
    },
}

/// Applies events that follow the generation's checkpoint without a hole. At least one. A single event that is poison
/// parks its stream.
pub(crate) async fn step(
    connection: &mut PgConnection,
    projection: &dyn Projection,
    generation: &mut Generation,
    items: &[Item],
) -> Result<Step, StepError> {
    // What stands before the first unreadable event goes first, so that this one is alone in the next step.
    let readable =
        items.iter().take_while(|item| item.event.is_ok() || generation.parked.contains(&item.stream)).count();
    let items = items.get(..readable.max(1)).unwrap_or(items);
    let Some(last) = items.last().map(|item| item.position) else {
        return Ok(Step::Done(generation.checkpoint, BTreeSet::new()));
    };
    if let [Item { position, stream, event: Err(error) }] = items
        && !generation.parked.contains(stream)
    {
        let item = Item { position: *position, stream: stream.clone(), event: Err(error.clone()) };
        return park(connection, generation, &item, error).await;
    }
    let envelopes: Vec<Arc<Envelope>> = items
        .iter()
        .filter(|item| !generation.parked.contains(&item.stream))
        .filter_map(|item| item.event.as_ref().ok())
        .filter(|envelope| projection.concerns(envelope.aggregate))
        .cloned()
        .collect();
    let applied = match projection.kind() {
        Kind::ReadModel => {
            match tokio::time::timeout(STEP_TIMEOUT, commit(connection, projection, generation, &envelopes, last)).await
            {
                Ok(applied) => applied,
                Err(_) => return Err(StepError::Timeout),
            }
        }
        Kind::Policy => commit(connection, projection, generation, &envelopes, last).await,
    };
    match applied {
        Ok(Some(keys)) => {
            generation.checkpoint = last;
            Ok(Step::Done(last, keys))
        }
        Ok(None) => Ok(Step::Overtaken),
        Err(Failed::Checkpoint(error)) => Err(StepError::Checkpoint(error)),
        Err(Failed::Apply(error)) if error.is_poison() => match items {
            [item] => park(connection, generation, item, &chain(&error)).await,
            _ => Err(StepError::OneOfMany),
        },
        Err(Failed::Apply(source)) => Err(StepError::Apply { position: generation.checkpoint + 1, source }),
    }
}

enum Failed {
    Checkpoint(sqlx::Error),
    Apply(ApplyError),
}

/// None: overtaken.
async fn commit(
    connection: &mut PgConnection,
    projection: &dyn Projection,
    generation: &Generation,
    envelopes: &[Arc<Envelope>],
    last: Position,
) -> Result<Option<BTreeSet<Uuid>>, Failed> {
    if envelopes.is_empty() {
        // Only the checkpoint moves: the statement is its own transaction.
        let moved = generation::advance(connection, generation, last, projection.kind()).await;
        return Ok(moved.map_err(Failed::Checkpoint)?.then(BTreeSet::new));
    }
    let mut transaction = connection.begin().await.map_err(Failed::Checkpoint)?;
    // The checkpoint first: a second runner of the same projection waits here instead of working in vain.
    if !generation::advance(&mut transaction, generation, last, projection.kind()).await.map_err(Failed::Checkpoint)? {
        return Ok(None);
    }
    let keys = apply_all(projection, &mut transaction, envelopes).await.map_err(Failed::Apply)?;
    crashpoint!("projector.after_apply_before_commit");
    transaction.commit().await.map_err(Failed::Checkpoint)?;
    crashpoint!("projector.after_commit_before_ack");
    Ok(Some(keys.into_iter().collect()))
}

/// A panic is the event's fault.
pub(super) async fn apply_all(
    projection: &dyn Projection,
    transaction: &mut PgConnection,
    envelopes: &[Arc<Envelope>],
) -> Result<Vec<Uuid>, ApplyError> {
    AssertUnwindSafe(projection.apply_all(transaction, envelopes))
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Err(ApplyError::poison("applying it panicked; the process's error output says where")))
}

async fn park(
    connection: &mut PgConnection,
    generation: &mut Generation,
    item: &Item,
    error: &str,
) -> Result<Step, StepError> {
    let Item { position, stream, event: _ } = item;
    let parked = generation::park(connection, generation, *position, stream, error).await;
    if !parked.map_err(StepError::Checkpoint)? {
        return Ok(Step::Overtaken);
    }
    tracing::error!(
        projection = generation.projection,
        position,
        org = %stream.org,
        aggregate = stream.aggregate_type,
        id = stream.aggregate_id,
        error,
        "an event cannot be applied: its stream stands still in this projection until that is repaired"
    );
    generation.parked.insert(stream.clone());
    generation.checkpoint = *position;
    Ok(Step::Done(*position, BTreeSet::new()))
}
