//! What the log itself says at given positions: payload and hash, for readers that only keep where something stands.

use crate::log::{from_bigint, to_bigint};
use domain::Position;
use sqlx::{PgConnection, Row};
use std::collections::HashMap;

/// The parts of an entry that no read model copies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// JSON text as stored; a tombstone where it was erased.
    pub payload: String,
    /// SHA-256 of the org's chain at this entry.
    pub hash: Vec<u8>,
}

/// The entries at these positions; a position that the log does not have is missing in the answer.
pub async fn records_at(
    connection: &mut PgConnection,
    positions: impl IntoIterator<Item = Position>,
) -> Result<HashMap<Position, Record>, sqlx::Error> {
    let positions: Vec<i64> = positions.into_iter().map(to_bigint).collect();
    if positions.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query(
        "select l.position, e.payload::text, l.hash from ledger l join events e on e.id = l.event_row \
         where l.position = any($1)",
    )
    .bind(positions)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let record = Record { payload: row.try_get(1)?, hash: row.try_get(2)? };
            Ok((from_bigint(row.try_get(0)?), record))
        })
        .collect()
}
