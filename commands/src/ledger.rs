//! Order, audit and publication of the log, in one place and by one leader at a time.
//!
//! - The **sequencer** gives committed events their dense positions 1..N and continues each org's hash chain
//!   (`sequencer.rs`; `find.rs`, `gaps.rs` and `locks.rs` hold the rule by which no committed event is missed).
//! - The **relay** copies the ledger to JetStream, where the stream's sequence is the position (`relay.rs`), and fills
//!   it again when it was wiped or damaged.
//! - The **inspection** looks for committed events that were missed all the same (`inspect.rs`).
//!
//! Any number of instances may run: one leads, by a lease in PostgreSQL, and the others wait. What keeps a leader that
//! was stopped and woke up again from doing harm is not the lease but the epoch: every write of the sequencer checks it
//! in the same statement, and every publication names the sequence that it expects.
//!
//! Writers never wait for any of this. While there is no leader, commands are acknowledged as ever; their events get
//! their positions when there is one again.

pub mod audit;
mod conditions;
mod find;
mod gaps;
mod heads;
mod inspect;
mod leader;
mod locks;
mod relay;
mod sequencer;
mod status;
mod stream_copy;
mod tail;

use feed::hints::Hints;
use feed::subjects::StreamSettings;
use sqlx::PgPool;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use conditions::{Condition, conditions};
pub use inspect::{backlog, rows_without_position};
pub use status::{LedgerHealth, LedgerStatus};

#[derive(Clone, Debug)]
pub struct LedgerSettings {
    /// Names this instance; must be its own. A fresh UUID by default.
    pub holder: String,
    /// After this time without a renewal a standby takes over. 500 ms to 10 min.
    pub lease_ttl: Duration,
    /// Events that get their position in one statement, at most.
    pub batch: u32,
    /// The longest pause between two looks when nobody sends a hint.
    pub poll: Duration,
    pub stream: StreamSettings,
    /// How often the relay compares the stream with the ledger.
    pub check_every: Duration,
    /// Messages that each such comparison reads back, going round through the whole stream.
    pub messages_a_check: u32,
    /// Shows how it is doing; keep a clone.
    pub status: LedgerStatus,
}

impl Default for LedgerSettings {
    fn default() -> Self {
        Self {
            holder: Uuid::new_v4().to_string(),
            // A leader that was killed is missed for so long, and subscribers are promised 2 s. One that was only slow
            // and loses the lease does no harm: its epoch is over.
            lease_ttl: Duration::from_millis(1_500),
            batch: 1_000,
            poll: Duration::from_millis(100),
            stream: StreamSettings::default(),
            check_every: Duration::from_secs(1),
            messages_a_check: 50,
            status: LedgerStatus::default(),
        }
    }
}

/// Runs the ledger role until `stop`: leads, or waits to lead. Without NATS it sequences and does not relay.
///
/// Failures of PostgreSQL or NATS do not end it; [`LedgerSettings::status`] and the log tell of them. When it is
/// stopped it finishes its batch, gives up the lease, and returns within some seconds.
///
/// A NATS client for it should try to reconnect at least every 500 ms.
pub async fn run(
    pool: PgPool,
    nats: Option<async_nats::Client>,
    hints: Hints,
    settings: LedgerSettings,
    stop: CancellationToken,
) {
    leader::run(pool, nats, hints, settings, stop).await;
}
