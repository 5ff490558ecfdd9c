//! Names and settings of the log's stream in JetStream.
//!
//! Subject: `lime.v1.<shard>.<org>.<aggregate>.<aggregate_id>.<EventName>`. The stream's sequence **is** the position.
//! The stream is a copy for live delivery: PostgreSQL can fill it again at any time, so its retention is short and
//! nobody may rely on an old message being there.

use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use domain::ids::{OrgId, Position};
use std::time::Duration;

pub use crate::message::{MessageError, from_message, from_parts, headers, subject_of};

/// All shards are in one group, and so in one stream, until there is more than one machine.
pub const STREAM: &str = "LIME_EVENTS_0";
pub const SHARDS: u64 = 256;
/// What the stream takes: exactly the subjects of events.
pub const ALL_EVENTS: &str = "lime.v1.*.*.*.*.*";

/// How much the stream keeps. What is older is read from PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamSettings {
    /// Newest messages kept, and refilled after a wipe. At least 1.
    pub retained_messages: u64,
    /// None: no limit by age.
    pub max_age: Option<Duration>,
    /// None: no limit by size. NATS sets a limit's room aside at once, and refuses the stream when there is less.
    pub max_bytes: Option<u64>,
    /// Copies in a NATS cluster, 1 to 5.
    pub replicas: u8,
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self { retained_messages: 100_000, max_age: None, max_bytes: None, replicas: 1 }
    }
}

impl StreamSettings {
    /// The oldest position that a stream which was just filled holds.
    pub fn first_retained(&self, head: Position) -> Position {
        head.saturating_sub(self.retained_messages.max(1)) + 1
    }

    /// The stream's settings, to be created so that its first message gets the sequence `first_sequence`.
    ///
    /// Durability is the server's: `jetstream { sync_interval: always }` (see reliability in the docs). Losing
    /// messages is found and repaired, but slower than not losing them.
    pub fn config(&self, first_sequence: Position) -> Config {
        Config {
            name: STREAM.to_owned(),
            description: Some("Events of Assembly Lime by position; a copy of PostgreSQL's log".to_owned()),
            subjects: vec![ALL_EVENTS.to_owned()],
            storage: StorageType::File,
            retention: RetentionPolicy::Limits,
            discard: DiscardPolicy::Old,
            max_messages: i64::try_from(self.retained_messages.max(1)).unwrap_or(i64::MAX),
            max_messages_per_subject: -1,
            max_bytes: self.max_bytes.and_then(|bytes| i64::try_from(bytes).ok()).unwrap_or(-1),
            max_age: self.max_age.unwrap_or_default(),
            max_consumers: -1,
            num_replicas: usize::from(self.replicas.clamp(1, 5)),
            // Doubles are refused by the expected sequence; a window of message ids would only cost memory.
            duplicate_window: self.max_age.unwrap_or(Duration::MAX).min(Duration::from_secs(1)),
            allow_direct: true,
            allow_atomic_publish: true,
            first_sequence: (first_sequence > 1).then_some(first_sequence),
            ..Config::default()
        }
    }
}

/// Which of the 256 virtual shards an org is in: FNV-1a (64 bit) over the 16 bytes of its id, modulo 256.
pub fn shard(org: OrgId) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    org.as_uuid().as_bytes().iter().fold(OFFSET, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME)) % SHARDS
}

/// The subject of one event.
pub fn subject(org: OrgId, aggregate_type: &str, aggregate_id: &str, event_type: &str) -> String {
    format!("lime.v1.{}.{org}.{aggregate_type}.{aggregate_id}.{event_type}", shard(org))
}

/// Every event of one org.
pub fn subject_of_org(org: OrgId) -> String {
    format!("lime.v1.{}.{org}.>", shard(org))
}

/// Every event of one stream, such as one ticket.
pub fn subject_of_stream(org: OrgId, aggregate_type: &str, aggregate_id: &str) -> String {
    format!("lime.v1.{}.{org}.{aggregate_type}.{aggregate_id}.*", shard(org))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn an_org_keeps_its_shard() {
        // Golden: consumers elsewhere compute it too.
        assert_eq!(shard(OrgId(Uuid::nil())), 101);
        assert_eq!(shard(OrgId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001))), 23);
    }

    #[test]
    fn the_window_of_retention_ends_at_the_head() {
        let settings = StreamSettings { retained_messages: 10, ..StreamSettings::default() };
        assert_eq!(settings.first_retained(0), 1);
        assert_eq!(settings.first_retained(10), 1);
        assert_eq!(settings.first_retained(11), 2);
    }
}
