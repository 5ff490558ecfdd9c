//! Judges a run with faults: did the promises hold?
//!
//! Knows nothing of the product's code but the layout of its tables and the specification of the hash chain: what it
//! judges must not judge itself. Each part takes what was seen from outside and the log as it is in PostgreSQL, and
//! names everything that does not fit:
//!
//! - [`answers`] (R1): every acknowledged command is in the log exactly once, every other at most once, and whole.
//! - [`order`] (R2): positions 1..N, each org's chain of hashes, each stream's versions; what was history stays so.
//! - [`effects`] (R3, R4): rows that equal their rebuild, and a projection that shows every repeat.
//! - [`delivery`] (R5): what each subscriber got against what the log says it should have got.
//! - [`runs`] (R6, R7): one ending a run, nothing under an older token.
//! - [`copy`] (R8): the stream of NATS against the log.
//!
//! A checker that cannot fail is worth nothing: `tests/oracle.rs` breaks each promise and sees it named.
//!
//! # How to add a check
//! A variant of [`Broken`] that says what is wrong with its evidence, the check in the part it belongs to, and a test
//! that breaks a good log in just that way.

pub mod answers;
pub mod copy;
pub mod delivery;
pub mod effects;
pub mod log;
pub mod order;
pub mod runs;

pub use answers::{Answer, Repeated, Sent};
pub use copy::Copied;
pub use delivery::{Delivery, Subscriber};
pub use log::{Entry, Log, Place};
pub use order::Head;

use std::time::Duration;
use uuid::Uuid;

/// A promise that was not kept, with the evidence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("command {command} was acknowledged, and is not in the log")]
    Lost { command: Uuid },
    #[error("command {command} is in the log {times} times")]
    Doubled { command: Uuid, times: usize },
    #[error("{mark} of command {command} is in the log {times} times")]
    EffectDoubled { command: Uuid, mark: String, times: usize },
    #[error("command {command} is in the log without {missing}")]
    Half { command: Uuid, missing: String },
    #[error("command {command} was answered with {answered}, and the log has {stored}")]
    AnsweredWrongly { command: Uuid, answered: String, stored: String },
    #[error("command {command} was answered with {first:?}, and when it was sent again with {again:?}")]
    AnsweredOtherwise { command: Uuid, first: Answer, again: Answer },
    #[error("command {command} was refused ({code})")]
    Refused { command: Uuid, code: String },
    #[error("the log has an event of command {command} at position {position:?}, which nobody sent")]
    Invented { command: Uuid, position: Option<u64> },

    #[error("event row {row} has no position")]
    Unplaced { row: i64 },
    #[error("position {position} is of an event that is not there")]
    Hollow { position: u64 },
    #[error("position {expected} should follow, and {found} does")]
    Gap { expected: u64, found: u64 },
    #[error("at position {position}, event {expected} of org {org} should follow, and {found} does")]
    OrgGap { org: Uuid, position: u64, expected: u64, found: u64 },
    #[error("event {event} is in the log twice, at positions {first} and {again}")]
    SameEvent { event: Uuid, first: u64, again: u64 },
    #[error("at position {position}, version {expected} of {stream} should follow, and {found} does")]
    StreamOrder { stream: String, position: u64, expected: u64, found: u64 },
    #[error("the hash chain is broken at position {position}")]
    Chain { position: u64 },
    #[error("the log up to position {position} is not what it was")]
    Rewritten { position: u64 },

    #[error("{projection} is at position {found}, and the log ends at {head}")]
    Behind { projection: String, found: u64, head: u64 },
    #[error("the rows of {projection} at position {position} are not those of its rebuild")]
    NotItsRebuild { projection: String, position: u64 },
    #[error("the canary missed position {position}")]
    CanaryMissed { position: u64 },
    #[error("the canary saw position {position} {times} times")]
    CanaryRepeated { position: u64, times: usize },
    #[error("the canary saw {found} at place {place}, where {expected} belongs")]
    CanaryOrder { place: usize, expected: String, found: String },
    #[error("the canary's own chain is not that of the events it saw")]
    CanaryChain,

    #[error("{subscriber} missed position {position}")]
    Missed { subscriber: String, position: u64 },
    #[error("{subscriber} got position {position} again")]
    DeliveredAgain { subscriber: String, position: u64 },
    #[error("{subscriber} got position {position} after {after}")]
    DeliveredLate { subscriber: String, position: u64, after: u64 },
    #[error("{subscriber} got position {position}, which is not of its board")]
    Stranger { subscriber: String, position: u64 },

    #[error("run {run} has {times} endings")]
    Endings { run: Uuid, times: usize },
    #[error("run {run} has {event} under token {token} at position {position}, when {newest} was the newest")]
    StaleToken { run: Uuid, event: String, position: u64, token: u64, newest: u64 },
    #[error("run {run} has {event} at position {position}, after its ending")]
    AfterTheEnd { run: Uuid, event: String, position: u64 },

    #[error("the stream has {found} at sequence {sequence}, where the log has {expected}")]
    OtherMessage { sequence: u64, expected: String, found: String },
    #[error("the stream ends at sequence {found}, and the log at position {head}")]
    ShortCopy { found: u64, head: u64 },

    #[error("{promise}: {what} took {took:?}, longer than {limit:?}")]
    Late { promise: &'static str, what: String, took: Duration, limit: Duration },
    #[error("{promise}: {what}")]
    NotSo { promise: &'static str, what: String },
}

impl Broken {
    /// Which promise of the design this is.
    pub fn promise(&self) -> &'static str {
        match self {
            Self::Lost { .. }
            | Self::Doubled { .. }
            | Self::EffectDoubled { .. }
            | Self::Half { .. }
            | Self::AnsweredWrongly { .. }
            | Self::AnsweredOtherwise { .. }
            | Self::Refused { .. }
            | Self::Invented { .. } => "R1",
            Self::Unplaced { .. }
            | Self::Hollow { .. }
            | Self::Gap { .. }
            | Self::OrgGap { .. }
            | Self::SameEvent { .. }
            | Self::StreamOrder { .. }
            | Self::Chain { .. }
            | Self::Rewritten { .. } => "R2",
            Self::Behind { .. } | Self::NotItsRebuild { .. } => "R3",
            Self::CanaryMissed { .. } | Self::CanaryRepeated { .. } | Self::CanaryOrder { .. } | Self::CanaryChain => {
                "R4"
            }
            Self::Missed { .. } | Self::DeliveredAgain { .. } | Self::DeliveredLate { .. } | Self::Stranger { .. } => {
                "R5"
            }
            Self::Endings { .. } => "R6",
            Self::StaleToken { .. } | Self::AfterTheEnd { .. } => "R7",
            Self::OtherMessage { .. } | Self::ShortCopy { .. } => "R8",
            Self::Late { promise, .. } | Self::NotSo { promise, .. } => promise,
        }
    }

    /// Fails with `what` unless it took no longer than `limit`.
    pub fn unless_within(promise: &'static str, what: &str, took: Duration, limit: Duration) -> Option<Self> {
        (took > limit).then(|| Self::Late { promise, what: what.to_owned(), took, limit })
    }
}
