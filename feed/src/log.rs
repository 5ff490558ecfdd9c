//! Reading the log from PostgreSQL, in ledger order: by position, never by row id or time.

use chrono::{DateTime, Utc};
use domain::actor::Actor;
use domain::envelope::{Envelope, Metadata};
use domain::event::{AggregateKind, DomainEvent};
use domain::ids::{EventId, OrgId, Position, Version};
use futures::{StreamExt, stream::BoxStream};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

/// One event as it is stored, with its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow {
    pub position: Position,
    /// Place among the events of the org, 1..N.
    pub org_position: Position,
    /// Position of the org's event before this one; 0 when there is none.
    pub org_previous_position: Position,
    /// `events.id`: an internal number that says nothing about order.
    pub event_row: i64,
    pub event_id: EventId,
    pub org: OrgId,
    pub aggregate_type: String,
    pub aggregate_id: String,
    /// Place in the stream, 1..N.
    pub version: Version,
    pub event_type: String,
    /// The event's schema version, a decimal number.
    pub event_version: String,
    pub actor: String,
    /// When it was recorded; whole microseconds.
    pub at: DateTime<Utc>,
    /// JSON text, byte for byte as stored.
    pub metadata: String,
    /// JSON text, byte for byte as stored.
    pub payload: String,
}

/// A stored event that this build cannot read. The row itself is whole: it parks, it is never skipped.
#[derive(Debug, thiserror::Error)]
#[error("the event at position {position} cannot be read")]
pub struct DecodeError {
    pub position: Position,
    #[source]
    pub problem: Undecodable,
}

#[derive(Debug, thiserror::Error)]
pub enum Undecodable {
    #[error("the payload cannot be read")]
    Event(#[source] domain::DecodeError),
    #[error("the aggregate's id is not a UUID")]
    AggregateId(#[source] uuid::Error),
    #[error("the actor cannot be read")]
    Actor(#[source] domain::actor::InvalidActor),
    #[error("the metadata does not fit its schema")]
    Metadata(#[source] serde_json::Error),
    #[error("the event's version {0:?} is not a number")]
    EventVersion(String),
}

impl LogRow {
    /// The typed event.
    ///
    /// # Errors
    /// [`DecodeError`] when a part is not one that this build knows.
    pub fn decode(&self) -> Result<Envelope, DecodeError> {
        self.decoded().map_err(|problem| DecodeError { position: self.position, problem })
    }

    fn decoded(&self) -> Result<Envelope, Undecodable> {
        let aggregate: AggregateKind = self.aggregate_type.parse().map_err(Undecodable::Event)?;
        let event_version =
            self.event_version.parse().map_err(|_| Undecodable::EventVersion(self.event_version.clone()))?;
        Ok(Envelope {
            position: self.position,
            org_position: self.org_position,
            event_id: self.event_id,
            org: self.org,
            aggregate,
            aggregate_id: Uuid::parse_str(&self.aggregate_id).map_err(Undecodable::AggregateId)?,
            version: self.version,
            actor: self.actor.parse::<Actor>().map_err(Undecodable::Actor)?,
            at: self.at,
            metadata: serde_json::from_str::<Metadata>(&self.metadata).map_err(Undecodable::Metadata)?,
            event: DomainEvent::decode(aggregate, &self.event_type, event_version, &self.payload)
                .map_err(Undecodable::Event)?,
        })
    }
}

/// At most `limit` rows after a position, in order, without gaps.
pub async fn rows_after(conn: &mut PgConnection, after: Position, limit: u32) -> Result<Vec<LogRow>, sqlx::Error> {
    let rows = sqlx::query(ROWS_AFTER).bind(to_bigint(after)).bind(i64::from(limit)).fetch_all(conn).await?;
    rows.iter().map(read_row).collect()
}

/// All rows after `after` and up to `upto`, in order, as a stream that is never held in memory as a whole: for replay.
///
/// The rows come from one snapshot. The connection is busy until the stream is dropped.
pub fn stream_between(
    conn: &mut PgConnection,
    after: Position,
    upto: Position,
) -> BoxStream<'_, Result<LogRow, sqlx::Error>> {
    sqlx::query(ROWS_BETWEEN)
        .bind(to_bigint(after))
        .bind(to_bigint(upto))
        .fetch(conn)
        .map(|row| row.and_then(|row| read_row(&row)))
        .boxed()
}

/// The last position that is given; 0 when the log is empty.
pub async fn head(conn: &mut PgConnection) -> Result<Position, sqlx::Error> {
    let head: i64 = sqlx::query_scalar("select coalesce(max(position), 0) from ledger").fetch_one(conn).await?;
    Ok(from_bigint(head))
}

/// One list of columns for both reads. The org's previous position is that of its row before in the same read; only
/// its first row there pays for a probe of `ledger (org, org_position)`. The rows are chosen inside, so that a read
/// with a limit walks the indexes and never joins the whole log.
macro_rules! select_rows {
    ($rows:literal) => {
        concat!(
            "select r.position, r.org_position, ",
            "coalesce(lag(r.position) over (partition by r.org order by r.position), ",
            "(select p.position from ledger p where p.org = r.org and p.org_position = r.org_position - 1), 0), ",
            "r.event_row, r.event_id, r.org, r.aggregate_type, r.aggregate_id, r.sequence, r.event_type, ",
            "r.event_version, r.actor, r.recorded_at, r.metadata::text, r.payload::text ",
            "from (select l.position, l.org_position, l.event_row, l.event_id, l.org, e.aggregate_type, ",
            "e.aggregate_id, e.sequence, e.event_type, e.event_version, e.actor, e.recorded_at, e.metadata, e.payload ",
            "from ledger l join events e on e.id = l.event_row ",
            $rows,
            ") r order by r.position",
        )
    };
}
const ROWS_AFTER: &str = select_rows!("where l.position > $1 order by l.position limit $2");
const ROWS_BETWEEN: &str = select_rows!("where l.position > $1 and l.position <= $2");

fn read_row(row: &PgRow) -> Result<LogRow, sqlx::Error> {
    Ok(LogRow {
        position: from_bigint(row.try_get(0)?),
        org_position: from_bigint(row.try_get(1)?),
        org_previous_position: from_bigint(row.try_get(2)?),
        event_row: row.try_get(3)?,
        event_id: EventId(row.try_get(4)?),
        org: OrgId(row.try_get(5)?),
        aggregate_type: row.try_get(6)?,
        aggregate_id: row.try_get(7)?,
        version: from_bigint(row.try_get(8)?),
        event_type: row.try_get(9)?,
        event_version: row.try_get(10)?,
        actor: row.try_get(11)?,
        at: row.try_get(12)?,
        metadata: row.try_get(13)?,
        payload: row.try_get(14)?,
    })
}

/// A position as PostgreSQL holds it. Positions are far below 2^63: a log that writes a million events a second
/// gets there in 292,000 years.
pub fn to_bigint(position: Position) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

/// A position that PostgreSQL gave. The tables hold no negative ones.
pub fn from_bigint(position: i64) -> Position {
    u64::try_from(position).unwrap_or(0)
}
