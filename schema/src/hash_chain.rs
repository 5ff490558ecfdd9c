//! The hash of one ledger entry, as `schema/hash-chain.md` specifies it.

use chrono::{DateTime, Utc};
use domain::ids::{CommandId, EventId, OrgId, Position, Version};
use ring::digest::{Context, SHA256, digest};

pub type Hash = [u8; 32];

/// What the first event of an org has as its previous hash.
pub const GENESIS: Hash = [0; 32];

const TAG: &[u8] = b"lime-chain-1\n";

/// Everything that a hash covers, besides the previous hash.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    pub position: Position,
    pub org_position: Position,
    pub org: OrgId,
    pub event_id: EventId,
    pub aggregate_type: &'a str,
    pub aggregate_id: &'a str,
    pub version: Version,
    pub event_type: &'a str,
    pub event_version: &'a str,
    pub actor: &'a str,
    /// Whole microseconds count; PostgreSQL keeps no more.
    pub recorded_at: DateTime<Utc>,
    pub command_id: CommandId,
    pub index_in_command: u32,
    /// The JSON text as stored, as for `payload`.
    pub metadata: &'a str,
    pub payload: &'a str,
}

impl Entry<'_> {
    /// The entry's hash, given that of the org's entry before (or [`GENESIS`]).
    pub fn hash(&self, previous: &Hash) -> Hash {
        let mut bytes = Context::new(&SHA256);
        bytes.update(TAG);
        bytes.update(previous);
        bytes.update(&self.position.to_be_bytes());
        bytes.update(&self.org_position.to_be_bytes());
        bytes.update(self.org.as_uuid().as_bytes());
        bytes.update(self.event_id.as_uuid().as_bytes());
        text(&mut bytes, self.aggregate_type);
        text(&mut bytes, self.aggregate_id);
        bytes.update(&self.version.to_be_bytes());
        text(&mut bytes, self.event_type);
        text(&mut bytes, self.event_version);
        text(&mut bytes, self.actor);
        bytes.update(&self.recorded_at.timestamp_micros().to_be_bytes());
        bytes.update(self.command_id.as_uuid().as_bytes());
        bytes.update(&self.index_in_command.to_be_bytes());
        bytes.update(digest(&SHA256, self.metadata.as_bytes()).as_ref());
        bytes.update(digest(&SHA256, self.payload.as_bytes()).as_ref());
        finish(bytes)
    }
}

/// Length and bytes, so that no two lists of texts have the same bytes.
fn text(bytes: &mut Context, text: &str) {
    // A field of 4 GiB cannot come out of PostgreSQL.
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    bytes.update(&length.to_be_bytes());
    bytes.update(text.as_bytes());
}

fn finish(bytes: Context) -> Hash {
    let mut hash = GENESIS;
    hash.copy_from_slice(bytes.finish().as_ref());
    hash
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use uuid::Uuid;

    /// The values of the test vectors in `schema/hash-chain.md`.
    fn golden() -> [Entry<'static>; 2] {
        let first = Entry {
            position: 41,
            org_position: 1,
            org: OrgId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001)),
            event_id: EventId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_00e1)),
            aggregate_type: "Ticket",
            aggregate_id: "01900000-0000-7000-8000-0000000000a1",
            version: 1,
            event_type: "TicketRetitled",
            event_version: "1",
            actor: "user:01900000-0000-7000-8000-0000000000b1",
            recorded_at: "2026-01-02T03:04:05.678901Z".parse().unwrap(),
            command_id: CommandId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_00c1)),
            index_in_command: 0,
            metadata: r#"{"command_id":"01900000-0000-7000-8000-0000000000c1"}"#,
            payload: r#"{"title":"Größe ändern"}"#,
        };
        let second = Entry {
            position: 44,
            org_position: 2,
            event_id: EventId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_00e2)),
            version: 2,
            index_in_command: 1,
            payload: "{}",
            ..first
        };
        [first, second]
    }

    #[test]
    fn the_golden_chain_is_what_it_was() {
        let [first, second] = golden();
        let first = first.hash(&GENESIS);
        assert_eq!(hex::encode(first), "5d24654338953473eccabda177a86a65d1dcbde35df91aa7dee03d1df03fcd0c");
        assert_eq!(
            hex::encode(second.hash(&first)),
            "484d949de691e4fcf8a0b0d97df15a0799e9f70c4ee0089dafe59da1caabef93"
        );
    }

    #[test]
    fn the_specification_names_the_golden_hashes() {
        let specification = include_str!("../hash-chain.md");
        let [first, second] = golden();
        let first = first.hash(&GENESIS);
        assert!(specification.contains(&hex::encode(first)));
        assert!(specification.contains(&hex::encode(second.hash(&first))));
    }

    #[test]
    fn texts_cannot_flow_into_each_other() {
        let [first, _] = golden();
        let one = Entry { aggregate_type: "Tick", aggregate_id: "et1", ..first };
        let other = Entry { aggregate_type: "Ticket", aggregate_id: "1", ..first };
        assert_ne!(one.hash(&GENESIS), other.hash(&GENESIS));
    }
}
