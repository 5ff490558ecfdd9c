//! Looks for committed events that never got a position: what must not happen, so somebody has to look.

use super::leader::Leadership;
use feed::log::{from_bigint, to_bigint};
use sqlx::PgConnection;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often a piece of the log is looked at.
const PAUSE: Duration = Duration::from_secs(10);
/// Rows looked at each time, twice: the newest, and the next piece of everything. About 10 ms each.
const PIECE: i64 = 20_000;
/// More lost rows than this are not remembered one by one.
const MOST_REMEMBERED: usize = 1_000;

/// Rows of `events` with `after < id <= upto` that the ledger has passed without giving them a position, lowest first.
///
/// One snapshot: what is above the ledger's highest id, or among its gaps, is not lost but not placed yet.
pub async fn rows_without_position(
    conn: &mut PgConnection,
    after: i64,
    upto: i64,
    limit: u32,
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar(
        "select e.id from events e cross join ledger_state s
         where s.group_id = 0 and e.id > $1 and e.id <= $2 and e.id <= s.high and not e.id <@ s.gaps
           and not exists (select 1 from ledger l where l.event_row = e.id)
         order by e.id limit $3",
    )
    .bind(after)
    .bind(upto)
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await
}

/// Looks until `stop`. A failure to look is not a finding: it is tried again.
pub(super) async fn run(leadership: &Leadership, stop: &CancellationToken) {
    let mut lost: BTreeSet<i64> = BTreeSet::new();
    let mut next = 0;
    loop {
        match look(leadership, &mut next).await {
            Ok(found) => {
                for row in found {
                    if lost.len() < MOST_REMEMBERED && lost.insert(row) {
                        tracing::error!(row, "a committed event has no position: the log misses it");
                    }
                }
                leadership.status.set_lost_rows(u64::try_from(lost.len()).unwrap_or(u64::MAX));
            }
            Err(error) => tracing::debug!(%error, "could not look for events without a position"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn look(leadership: &Leadership, next: &mut i64) -> Result<Vec<i64>, sqlx::Error> {
    let mut conn = leadership.pool.acquire().await?;
    let high: i64 =
        sqlx::query_scalar("select high from ledger_state where group_id = 0").fetch_one(&mut *conn).await?;
    let limit = u32::try_from(MOST_REMEMBERED).unwrap_or(u32::MAX);
    let mut found = rows_without_position(&mut conn, (high - PIECE).max(0), high, limit).await?;
    if *next >= high {
        *next = 0;
    }
    found.extend(rows_without_position(&mut conn, *next, *next + PIECE, limit).await?);
    *next += PIECE;
    Ok(found)
}

/// How far the ledger is: its last position, and the events that are committed but not placed yet (at most 10,000
/// are counted).
pub async fn backlog(conn: &mut PgConnection) -> Result<(u64, u64), sqlx::Error> {
    let (position, waiting): (i64, i64) = sqlx::query_as(
        "select s.position, (select count(*) from (select 1 from events e where e.id > s.high limit $1) waiting)
         from ledger_state s where s.group_id = 0",
    )
    .bind(to_bigint(10_000))
    .fetch_one(conn)
    .await?;
    Ok((from_bigint(position), from_bigint(waiting)))
}
