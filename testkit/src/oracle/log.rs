//! The log as it is in PostgreSQL, read in one snapshot.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::{CommandId, EventId, OrgId};
use schema::hash_chain::{self, Hash};
use sqlx::{PgPool, Row};
use uuid::Uuid;

/// One stored event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `events.id`.
    pub row: i64,
    pub event_id: Uuid,
    pub org: Uuid,
    pub aggregate_type: String,
    pub aggregate_id: String,
    pub version: u64,
    pub event_type: String,
    pub event_version: String,
    pub actor: String,
    pub at: DateTime<Utc>,
    pub command: Uuid,
    pub index_in_command: u32,
    /// JSON text as stored.
    pub metadata: String,
    /// JSON text as stored.
    pub payload: String,
    /// None: the ledger has not got it.
    pub place: Option<Place>,
}

/// What the ledger says of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub position: u64,
    pub org_position: u64,
    pub prev_hash: Hash,
    pub hash: Hash,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// By position; those without one at the end, by row.
    pub entries: Vec<Entry>,
    /// Positions whose event is not there, or is another event than the ledger names.
    pub hollow: Vec<u64>,
}

impl Entry {
    /// The stream it is in.
    pub fn stream(&self) -> (Uuid, &str, &str) {
        (self.org, &self.aggregate_type, &self.aggregate_id)
    }

    /// The position; 0 while it has none.
    pub fn position(&self) -> u64 {
        self.place.as_ref().map_or(0, |place| place.position)
    }

    /// The payload as JSON; null when it cannot be read.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.payload).unwrap_or_default()
    }

    /// What the chain's specification makes of it at this place.
    pub fn hash(&self, place: &Place, previous: &Hash) -> Hash {
        let entry = hash_chain::Entry {
            position: place.position,
            org_position: place.org_position,
            org: OrgId(self.org),
            event_id: EventId(self.event_id),
            aggregate_type: &self.aggregate_type,
            aggregate_id: &self.aggregate_id,
            version: self.version,
            event_type: &self.event_type,
            event_version: &self.event_version,
            actor: &self.actor,
            recorded_at: self.at,
            command_id: CommandId(self.command),
            index_in_command: self.index_in_command,
            metadata: &self.metadata,
            payload: &self.payload,
        };
        entry.hash(previous)
    }
}

impl Log {
    /// Everything that is committed, in one snapshot.
    pub async fn read(pool: &PgPool) -> Result<Self, sqlx::Error> {
        let mut snapshot = pool.begin_with("begin isolation level repeatable read read only").await?;
        let rows = sqlx::query(
            "select e.id, e.event_id, e.org, e.aggregate_type, e.aggregate_id, e.sequence, e.event_type, \
                e.event_version, e.actor, e.recorded_at, e.command_id, e.index_in_command, e.metadata::text, \
                e.payload::text, l.position, l.org_position, l.prev_hash, l.hash \
             from events e left join ledger l on l.event_row = e.id order by l.position nulls last, e.id",
        )
        .fetch_all(&mut *snapshot)
        .await?;
        let hollow: Vec<i64> = sqlx::query_scalar(
            "select l.position from ledger l left join events e on e.id = l.event_row \
             where e.id is null or e.event_id <> l.event_id or e.org <> l.org order by l.position",
        )
        .fetch_all(&mut *snapshot)
        .await?;
        snapshot.rollback().await?;
        let entries = rows.iter().map(entry).collect::<Result<_, _>>()?;
        Ok(Self { entries, hollow: hollow.into_iter().map(i64::unsigned_abs).collect() })
    }

    /// Those that have a position, in order.
    pub fn placed(&self) -> impl Iterator<Item = (&Entry, &Place)> {
        self.entries.iter().filter_map(|entry| Some((entry, entry.place.as_ref()?)))
    }

    /// The last position; 0 of an empty log.
    pub fn head(&self) -> u64 {
        self.placed().map(|(_, place)| place.position).max().unwrap_or_default()
    }

    /// The events of each command, in the order in which it made them.
    pub fn by_command(&self) -> BTreeMap<Uuid, Vec<&Entry>> {
        let mut commands: BTreeMap<Uuid, Vec<&Entry>> = BTreeMap::new();
        for entry in &self.entries {
            commands.entry(entry.command).or_default().push(entry);
        }
        for events in commands.values_mut() {
            events.sort_by_key(|entry| (entry.index_in_command, entry.row));
        }
        commands
    }
}

fn entry(row: &sqlx::postgres::PgRow) -> Result<Entry, sqlx::Error> {
    let position: Option<i64> = row.try_get(14)?;
    let place = match position {
        None => None,
        Some(position) => Some(Place {
            position: position.unsigned_abs(),
            org_position: row.try_get::<i64, _>(15)?.unsigned_abs(),
            prev_hash: hash(row.try_get(16)?),
            hash: hash(row.try_get(17)?),
        }),
    };
    Ok(Entry {
        row: row.try_get(0)?,
        event_id: row.try_get(1)?,
        org: row.try_get(2)?,
        aggregate_type: row.try_get(3)?,
        aggregate_id: row.try_get(4)?,
        version: row.try_get::<i64, _>(5)?.unsigned_abs(),
        event_type: row.try_get(6)?,
        event_version: row.try_get(7)?,
        actor: row.try_get(8)?,
        at: row.try_get(9)?,
        command: row.try_get(10)?,
        index_in_command: row.try_get::<i32, _>(11)?.unsigned_abs(),
        metadata: row.try_get(12)?,
        payload: row.try_get(13)?,
        place,
    })
}

/// The table's check says that it has 32 bytes.
fn hash(bytes: Vec<u8>) -> Hash {
    let mut hash = Hash::default();
    hash.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    hash
}
