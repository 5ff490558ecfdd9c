//! Writes an org's audit export. Its format and verification are in `schema::audit`, which needs no database.

use domain::ids::{CommandId, EventId, OrgId, Position};
use feed::log::{from_bigint, to_bigint};
use schema::audit::{AuditEntry, Trailer, Writer};
use schema::hash_chain::{GENESIS, Hash};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use std::io::{self, Write};

/// Events read at once: at most some hundred megabytes, with the largest payloads there can be.
const PAGE: i64 = 1_000;

#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("failed to read the log after the org's event {after}")]
    Read {
        after: Position,
        #[source]
        source: sqlx::Error,
    },
    #[error("failed to write the export")]
    Write(#[source] io::Error),
}

/// Exports every event that the org had when the export began. Returns what the last line says.
///
/// Reads page by page, so that no long transaction holds anything up: what is in the ledger never changes.
pub async fn export(conn: &mut PgConnection, org: OrgId, out: impl Write) -> Result<Trailer, ExportError> {
    let mut writer = Writer::new(out, org).map_err(ExportError::Write)?;
    let upto: i64 = sqlx::query_scalar("select coalesce(max(org_position), 0) from ledger where org = $1")
        .bind(org.as_uuid())
        .fetch_one(&mut *conn)
        .await
        .map_err(|source| ExportError::Read { after: 0, source })?;
    let mut after: Position = 0;
    while after < from_bigint(upto) {
        let read = |source| ExportError::Read { after, source };
        let rows = sqlx::query(
            "select l.position, l.org_position, l.event_id, e.aggregate_type, e.aggregate_id, e.sequence,
                e.event_type, e.event_version, e.actor, e.recorded_at, e.command_id, e.index_in_command,
                e.metadata::text, e.payload::text, l.prev_hash, l.hash
             from ledger l join events e on e.id = l.event_row
             where l.org = $1 and l.org_position > $2 and l.org_position <= $3
             order by l.org_position limit $4",
        )
        .bind(org.as_uuid())
        .bind(to_bigint(after))
        .bind(upto)
        .bind(PAGE)
        .fetch_all(&mut *conn)
        .await
        .map_err(read)?;
        let entries = rows.iter().map(|row| entry(org, row)).collect::<Result<Vec<_>, _>>().map_err(read)?;
        // Rows that were deleted underneath: the export ends here, and its verification says so.
        let Some(last) = entries.last() else { break };
        after = last.org_position;
        for entry in &entries {
            writer.entry(entry).map_err(ExportError::Write)?;
        }
    }
    writer.finish().map_err(ExportError::Write)
}

/// The event id is the ledger's: an event that was exchanged for another then shows.
fn entry(org: OrgId, row: &PgRow) -> Result<AuditEntry, sqlx::Error> {
    Ok(AuditEntry {
        position: from_bigint(row.try_get(0)?),
        org_position: from_bigint(row.try_get(1)?),
        org,
        event_id: EventId(row.try_get(2)?),
        aggregate_type: row.try_get(3)?,
        aggregate_id: row.try_get(4)?,
        version: from_bigint(row.try_get(5)?),
        event_type: row.try_get(6)?,
        event_version: row.try_get(7)?,
        actor: row.try_get(8)?,
        recorded_at: row.try_get(9)?,
        command_id: CommandId(row.try_get(10)?),
        index_in_command: row.try_get::<i32, _>(11)?.unsigned_abs(),
        metadata: row.try_get(12)?,
        payload: row.try_get(13)?,
        prev_hash: hash(row.try_get(14)?),
        hash: hash(row.try_get(15)?),
    })
}

/// The table's check says that it has 32 bytes.
fn hash(bytes: Vec<u8>) -> Hash {
    let mut hash = GENESIS;
    hash.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    hash
}
