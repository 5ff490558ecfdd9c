//! Reads the committed events that have no position yet: everything above the highest id seen, and the gaps below it.

use super::gaps::Range;
use chrono::{DateTime, Utc};
use domain::ids::{CommandId, EventId, OrgId, Version};
use feed::log::from_bigint;
use schema::hash_chain::Entry;
use sqlx::postgres::PgRow;
use sqlx::{Connection, PgConnection, Row};

/// A range up to this long is looked for id by id, which is one index descent for many neighbours.
const SHORT_RANGE: i64 = 8;
/// More ranges than this are looked for in several statements, of one snapshot.
const RANGES_A_STATEMENT: usize = 10_000;

/// An event that has no position yet.
#[derive(Clone, Debug)]
pub(super) struct Unplaced {
    pub(super) id: i64,
    pub(super) event_id: EventId,
    pub(super) org: OrgId,
    pub(super) aggregate_type: String,
    pub(super) aggregate_id: String,
    pub(super) version: Version,
    pub(super) event_type: String,
    pub(super) event_version: String,
    pub(super) actor: String,
    pub(super) recorded_at: DateTime<Utc>,
    pub(super) command_id: CommandId,
    pub(super) index_in_command: u32,
    pub(super) metadata: String,
    pub(super) payload: String,
}

impl Unplaced {
    pub(super) fn entry(&self, position: u64, org_position: u64) -> Entry<'_> {
        Entry {
            position,
            org_position,
            org: self.org,
            event_id: self.event_id,
            aggregate_type: &self.aggregate_type,
            aggregate_id: &self.aggregate_id,
            version: self.version,
            event_type: &self.event_type,
            event_version: &self.event_version,
            actor: &self.actor,
            recorded_at: self.recorded_at,
            command_id: self.command_id,
            index_in_command: self.index_in_command,
            metadata: &self.metadata,
            payload: &self.payload,
        }
    }
}

/// What one snapshot showed.
#[derive(Debug)]
pub(super) struct Found {
    /// By id. Whenever an event is in here, so is every visible unplaced event with a smaller id: the versions of a
    /// stream have ascending ids, so this keeps each stream's order even when the read was cut short.
    pub(super) events: Vec<Unplaced>,
    /// The highest id that was looked at; `i64::MAX` when the read was not cut short.
    pub(super) saw_up_to: i64,
}

/// Reads the `limit` lowest visible ids among `gaps` and those above `high`.
pub(super) async fn unplaced(
    conn: &mut PgConnection,
    high: i64,
    gaps: &[Range],
    limit: u32,
) -> Result<Found, sqlx::Error> {
    let limit = limit.max(1);
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut events = Vec::new();
    if gaps.is_empty() {
        events = read(&sqlx::query(ABOVE).bind(high).bind(i64::from(limit)).fetch_all(conn).await?)?;
    } else if gaps.len() <= RANGES_A_STATEMENT {
        events = gaps_and_above(conn, high, gaps, limit).await?;
    } else {
        // A row of a stream's version 1 that commits between two snapshots could come after its version 2.
        let mut snapshot = conn.begin().await?;
        sqlx::query("set transaction isolation level repeatable read, read only").execute(&mut *snapshot).await?;
        let mut chunks = gaps.chunks(RANGES_A_STATEMENT).peekable();
        while let Some(chunk) = chunks.next() {
            let above = if chunks.peek().is_some() { i64::MAX } else { high };
            events.extend(gaps_and_above(&mut snapshot, above, chunk, limit).await?);
            if events.len() >= most {
                break;
            }
        }
        snapshot.rollback().await?;
    }
    events.sort_unstable_by_key(|event| event.id);
    let cut = events.len() >= most;
    events.truncate(most);
    let saw_up_to = events.last().filter(|_| cut).map_or(i64::MAX, |event| event.id);
    Ok(Found { events, saw_up_to })
}

async fn gaps_and_above(
    conn: &mut PgConnection,
    high: i64,
    gaps: &[Range],
    limit: u32,
) -> Result<Vec<Unplaced>, sqlx::Error> {
    let (short, long): (Vec<Range>, Vec<Range>) =
        gaps.iter().copied().partition(|range| range.last.saturating_sub(range.first) < SHORT_RANGE);
    let ids: Vec<i64> = short.iter().flat_map(|range| range.first..=range.last).collect();
    let firsts: Vec<i64> = long.iter().map(|range| range.first).collect();
    let lasts: Vec<i64> = long.iter().map(|range| range.last).collect();
    let rows = sqlx::query(GAPS_AND_ABOVE)
        .bind(high)
        .bind(i64::from(limit))
        .bind(&ids)
        .bind(&firsts)
        .bind(&lasts)
        .fetch_all(conn)
        .await?;
    read(&rows)
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select e.id, e.event_id, e.org, e.aggregate_type, e.aggregate_id, e.sequence, e.event_type, ",
            "e.event_version, e.actor, e.recorded_at, e.command_id, e.index_in_command, ",
            "e.metadata::text as metadata, e.payload::text as payload ",
            $rest
        )
    };
}

const ABOVE: &str = select!("from events e where e.id > $1 order by e.id limit $2");

// Each part gives its lowest ids, so the lowest of all of them are among these.
const GAPS_AND_ABOVE: &str = concat!(
    "(",
    select!("from events e where e.id = any($3) order by e.id limit $2"),
    ") union all (select g.* from unnest($4::bigint[], $5::bigint[]) r(first, last) cross join lateral (",
    select!("from events e where e.id between r.first and r.last order by e.id limit $2"),
    ") g order by g.id limit $2) union all (",
    select!("from events e where e.id > $1 order by e.id limit $2"),
    ")"
);

fn read(rows: &[PgRow]) -> Result<Vec<Unplaced>, sqlx::Error> {
    rows.iter().map(read_one).collect()
}

fn read_one(row: &PgRow) -> Result<Unplaced, sqlx::Error> {
    Ok(Unplaced {
        id: row.try_get(0)?,
        event_id: EventId(row.try_get(1)?),
        org: OrgId(row.try_get(2)?),
        aggregate_type: row.try_get(3)?,
        aggregate_id: row.try_get(4)?,
        version: from_bigint(row.try_get(5)?),
        event_type: row.try_get(6)?,
        event_version: row.try_get(7)?,
        actor: row.try_get(8)?,
        recorded_at: row.try_get(9)?,
        command_id: CommandId(row.try_get(10)?),
        // The table's check says that it is not negative.
        index_in_command: row.try_get::<i32, _>(11)?.unsigned_abs(),
        metadata: row.try_get(12)?,
        payload: row.try_get(13)?,
    })
}
