//! Replay in ledger order with typed decode, against a SELECT of the same rows that only counts them.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use commands::ledger::{self, LedgerSettings};
use feed::log;
use futures::TryStreamExt;
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;

use crate::Effort;
use crate::load::closed;
use crate::report::Report;
use crate::samples::median;
use crate::write_side::{Retitler, WriteSide};

const TICKETS: usize = 4_096;
const CLIENTS: usize = 128;
/// As the runner reads when it catches up, with a transaction after each.
const BATCH: u32 = 500;
const SEQUENCED_WITHIN: Duration = Duration::from_mins(1);

const SELECT: &str = "select l.position, l.org_position, l.event_row, l.event_id, l.org, e.aggregate_type, e.aggregate_id, \
    e.sequence, e.event_type, e.event_version, e.actor, e.recorded_at, e.metadata::text, e.payload::text \
    from ledger l join events e on e.id = l.event_row where l.position <= $1 order by l.position";

pub(super) async fn measure(effort: &Effort, report: &mut Report) -> anyhow::Result<()> {
    let side = WriteSide::start().await?;
    let cards = side.writer.create_tickets(side.project, TICKETS).await?;
    let mut clients = Retitler::several(CLIENTS, &side.writer, &cards, true);
    while count(&side).await? < effort.replayed {
        (clients, _) = closed(clients, Duration::from_millis(500)).await?;
    }
    drop(clients);
    let began = Instant::now();
    let rows = sequence_all(&side).await?;
    report.add("sequenced", rows as f64 / began.elapsed().as_secs_f64(), "events per s", rows)?;
    let mut connection = side.pool.acquire().await?;
    sqlx::query("select count(payload::text), count(metadata::text) from events").execute(&mut *connection).await?;
    let (mut selected, mut streamed, mut batched) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..effort.rounds {
        selected.push(rate(rows, select(&mut connection, rows)).await?);
        streamed.push(rate(rows, replay(&mut connection, rows)).await?);
        batched.push(rate(rows, replay_in_batches(&mut connection, rows)).await?);
    }
    let ratio = |ours: &[f64]| median(&ours.iter().zip(&selected).map(|(one, other)| one / other).collect::<Vec<_>>());
    report.add("streaming_select", median(&selected), "rows per s", rows)?;
    report.add("replay", median(&streamed), "events per s", rows)?;
    report.add("replay_in_batches", median(&batched), "events per s", rows)?;
    report.add("replay_to_select", ratio(&streamed), "ratio", effort.rounds as u64)?;
    report.add("replay_in_batches_to_select", ratio(&batched), "ratio", effort.rounds as u64)
}

async fn count(side: &WriteSide) -> anyhow::Result<u64> {
    let count: i64 = sqlx::query_scalar("select count(*) from events").fetch_one(&side.pool).await?;
    Ok(count.unsigned_abs())
}

/// Gives every event its position, as the product's own ledger role does; returns the last.
async fn sequence_all(side: &WriteSide) -> anyhow::Result<u64> {
    let events = count(side).await?;
    let stop = CancellationToken::new();
    let running =
        tokio::spawn(ledger::run(side.pool.clone(), None, side.hints.clone(), LedgerSettings::default(), stop.clone()));
    let until = Instant::now() + SEQUENCED_WITHIN;
    let mut connection = side.pool.acquire().await?;
    while log::head(&mut connection).await? < events {
        if Instant::now() > until {
            bail!("{events} events did not get their positions within {} s", SEQUENCED_WITHIN.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    running.await?;
    Ok(events)
}

async fn rate(rows: u64, reading: impl Future<Output = anyhow::Result<u64>>) -> anyhow::Result<f64> {
    let began = Instant::now();
    let read = reading.await?;
    if read != rows {
        bail!("{read} of {rows} rows were read");
    }
    Ok(rows as f64 / began.elapsed().as_secs_f64())
}

async fn select(connection: &mut PgConnection, upto: u64) -> anyhow::Result<u64> {
    let mut rows = sqlx::query(SELECT).bind(log::to_bigint(upto)).fetch(connection);
    let mut read = 0;
    while rows.try_next().await?.is_some() {
        read += 1;
    }
    Ok(read)
}

async fn replay(connection: &mut PgConnection, upto: u64) -> anyhow::Result<u64> {
    let mut rows = log::stream_between(connection, 0, upto);
    let mut position = 0;
    while let Some(row) = rows.try_next().await? {
        let envelope = row.decode()?;
        if envelope.position != position + 1 {
            bail!("position {} follows {position}", envelope.position);
        }
        position = envelope.position;
    }
    (position == upto).then_some(position).context("the log ended early")
}

async fn replay_in_batches(connection: &mut PgConnection, upto: u64) -> anyhow::Result<u64> {
    let mut position = 0;
    while position < upto {
        for row in log::rows_after(connection, position, BATCH).await? {
            position = row.decode()?.position;
        }
    }
    Ok(position)
}
