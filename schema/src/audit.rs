//! An org's audit export: its lines, and their verification without a database.
//!
//! The format is specified in `schema/hash-chain.md`. There is one way to write each line, and a verifier refuses any
//! other, so that every byte of a file counts.

pub mod verify;

use crate::hash_chain::{Entry, GENESIS, Hash};
use chrono::{DateTime, SecondsFormat, Utc};
use domain::ids::{CommandId, EventId, OrgId, Position, Version};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::io::{self, Write};

pub use verify::{Broken, Head, Problem, Verified, VerifyError, verify};

pub const FORMAT: &str = "lime-audit-1";

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    pub format: String,
    pub org: OrgId,
}

/// One event with its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditEntry {
    pub position: Position,
    pub org_position: Position,
    pub org: OrgId,
    pub event_id: EventId,
    pub aggregate_type: String,
    pub aggregate_id: String,
    pub version: Version,
    pub event_type: String,
    pub event_version: String,
    pub actor: String,
    #[serde(serialize_with = "write_time", deserialize_with = "read_time")]
    pub recorded_at: DateTime<Utc>,
    pub command_id: CommandId,
    pub index_in_command: u32,
    /// JSON text as stored.
    pub metadata: String,
    /// JSON text as stored.
    pub payload: String,
    #[serde(serialize_with = "write_hash", deserialize_with = "read_hash")]
    pub prev_hash: Hash,
    #[serde(serialize_with = "write_hash", deserialize_with = "read_hash")]
    pub hash: Hash,
}

/// The last line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trailer {
    pub events: u64,
    /// Of the last event; 0 without events.
    pub position: Position,
    #[serde(serialize_with = "write_hash", deserialize_with = "read_hash")]
    pub head: Hash,
}

impl AuditEntry {
    /// The hash that the fields give.
    pub fn computed_hash(&self) -> Hash {
        Entry {
            position: self.position,
            org_position: self.org_position,
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
        .hash(&self.prev_hash)
    }
}

/// Writes an export line by line.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    trailer: Trailer,
}

impl<W: Write> Writer<W> {
    /// Writes the first line.
    pub fn new(mut out: W, org: OrgId) -> io::Result<Self> {
        line(&mut out, &Header { format: FORMAT.to_owned(), org })?;
        Ok(Self { out, trailer: Trailer { events: 0, position: 0, head: GENESIS } })
    }

    /// Entries come in order of org position.
    pub fn entry(&mut self, entry: &AuditEntry) -> io::Result<()> {
        self.trailer = Trailer { events: self.trailer.events + 1, position: entry.position, head: entry.hash };
        line(&mut self.out, entry)
    }

    /// Writes the last line, without which the file counts as cut off. Returns what stands in it.
    pub fn finish(mut self) -> io::Result<Trailer> {
        line(&mut self.out, &self.trailer)?;
        self.out.flush()?;
        Ok(self.trailer)
    }
}

fn line<T: Serialize>(out: &mut impl Write, value: &T) -> io::Result<()> {
    out.write_all(&serde_json::to_vec(value)?)?;
    out.write_all(b"\n")
}

fn write_time<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&time.to_rfc3339_opts(SecondsFormat::Micros, true))
}

fn read_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
}

fn write_hash<S: Serializer>(hash: &Hash, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&hex::encode(hash))
}

fn read_hash<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Hash, D::Error> {
    let text = String::deserialize(deserializer)?;
    let mut hash = GENESIS;
    hex::decode_to_slice(&text, &mut hash).map_err(de::Error::custom)?;
    Ok(hash)
}
