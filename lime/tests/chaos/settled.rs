//! Waiting until everything has what the log has, each with the time it may take.

use std::time::{Duration, Instant};

use sqlx::PgPool;
use testkit::oracle::{Broken, Copied, Log, delivery};
use testkit::{TestNats, slack};

use crate::followers::Followers;

/// R8's promise; the others have none that is shorter.
const CAUGHT_UP: Duration = Duration::from_secs(10);
const STREAM: &str = "LIME_EVENTS_0";

/// The log's end: committed events all count, with a position or without.
pub(crate) async fn head(pool: &PgPool) -> u64 {
    let head: i64 = sqlx::query_scalar("select coalesce(max(position), 0) from ledger").fetch_one(pool).await.unwrap();
    head.unsigned_abs()
}

async fn within<F: Future<Output = Result<(), String>>>(
    promise: &'static str,
    mut probe: impl FnMut() -> F,
) -> Result<Duration, Broken> {
    let limit = CAUGHT_UP.mul_f64(slack());
    let begun = Instant::now();
    loop {
        let why = match tokio::time::timeout(limit, probe()).await {
            Ok(Ok(())) => return Ok(begun.elapsed()),
            Ok(Err(why)) => why,
            Err(_) => "no answer".to_owned(),
        };
        if begun.elapsed() > limit {
            return Err(Broken::NotSo { promise, what: format!("not within {limit:?}: {why}") });
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Every event that is committed now has a position, and every projection and policy has applied it.
pub(crate) async fn reached(pool: &PgPool) -> Result<Duration, Broken> {
    let last: i64 = sqlx::query_scalar("select coalesce(max(id), 0) from events").fetch_one(pool).await.unwrap();
    within("R3", || async {
        let (unplaced, position): (i64, i64) = sqlx::query_as(
            "select count(*) filter (where l.position is null), coalesce(max(l.position), 0) \
             from events e left join ledger l on l.event_row = e.id where e.id <= $1",
        )
        .bind(last)
        .fetch_one(pool)
        .await
        .map_err(|error| error.to_string())?;
        if unplaced > 0 {
            return Err(format!("{unplaced} events have no position"));
        }
        let behind: Vec<String> = sqlx::query_scalar(
            "select projection || ' is at ' || checkpoint from projection_generations \
             where state = 'live' and checkpoint < $1",
        )
        .bind(position)
        .fetch_all(pool)
        .await
        .map_err(|error| error.to_string())?;
        if behind.is_empty() { Ok(()) } else { Err(format!("the log is at {position}, {}", behind.join(", "))) }
    })
    .await
}

/// Somebody gives positions beyond this one.
pub(crate) async fn placed_after(pool: &PgPool, position: u64) -> Result<Duration, Broken> {
    within("R2", || async {
        let head = head(pool).await;
        if head > position { Ok(()) } else { Err(format!("the log stands still at {position}")) }
    })
    .await
}

/// Every subscriber has what its board has. They share this machine's cores with everything else: the time says little
/// about the product, and only that it ends.
pub(crate) async fn delivered(pool: &PgPool, followers: &Followers) -> Result<Duration, Broken> {
    let changes = delivery::changes_of_boards(&Log::read(pool).await.unwrap());
    let last = changes.iter().filter_map(|(board, places)| Some((*board, *places.last()?))).collect();
    within("R5", || async {
        if followers.have(&last) { Ok(()) } else { Err("a subscriber has not got everything".to_owned()) }
    })
    .await
}

/// The stream of NATS goes up to this position.
pub(crate) async fn copied(nats: &TestNats, position: u64) -> Result<Duration, Broken> {
    within("R8", || async {
        let client = nats.client().await.map_err(|error| error.to_string())?;
        let context = async_nats::jetstream::new(client);
        let stream = context.get_stream(STREAM).await.map_err(|error| error.to_string())?;
        let last = stream.cached_info().state.last_sequence;
        if last >= position { Ok(()) } else { Err(format!("the stream is at {last} of {position}")) }
    })
    .await
}

/// The sequence of the first message, and all of them.
pub(crate) async fn messages(nats: &TestNats) -> anyhow::Result<(u64, Vec<Copied>)> {
    use futures::{StreamExt, TryStreamExt};
    let context = async_nats::jetstream::new(nats.client().await?);
    let stream = context.get_stream(STREAM).await?;
    let state = &stream.cached_info().state;
    let (first, last) = (state.first_sequence, state.last_sequence);
    let messages = futures::stream::iter(first..=last)
        .map(|sequence| {
            let stream = &stream;
            async move {
                let message = match stream.direct_get(sequence).await {
                    Ok(message) => message,
                    // A hole: the judge finds it.
                    Err(error) if error.kind() == async_nats::jetstream::stream::DirectGetErrorKind::NotFound => {
                        return Ok(None);
                    }
                    Err(error) => return Err(error),
                };
                let event = message.headers.get("ce-id").and_then(|id| id.as_str().parse().ok());
                Ok(Some(Copied { sequence, event, payload: message.payload.to_vec() }))
            }
        })
        .buffered(32)
        .try_filter_map(|message| async { Ok(message) })
        .try_collect()
        .await?;
    Ok((first, messages))
}
