//! Runs projections and policies over the log: exactly once in effect, in order, healing by itself.
//!
//! # How to add a projection
//! Implement [`Projection`] in `projections/src/<view>/project.rs`, its tables in `tables.sql` beside it, and add it to
//! the list in `projections/src/lib.rs`. `projections/src/board` is the one to copy from.
//!
//! # How to add a policy
//! Implement [`Projection`] with [`Kind::Policy`]: no tables, and commands whose ids derive from the event's id.
//!
//! # What stands where
//! `source` finds the next events (live tail, else PostgreSQL), `step` applies them in one transaction with the
//! checkpoint, `generation` holds the tables and their state, `rebuild` builds beside and swaps.

mod digest;
mod follow;
mod generation;
mod projection;
mod rebuild;
mod source;
mod step;
mod tail;

pub use digest::{RowsDigest, live_digest, rebuild_digest};
pub use follow::Runner;
pub use projection::{ApplyError, Definition, Kind, Projection};
pub use rebuild::{Progress, RebuildError, rebuild};
pub use tail::Tail;

/// Where tests may kill a process that runs projections.
pub const CRASH_POINTS: &[&str] = &[
    "projector.after_apply_before_commit",
    "projector.after_commit_before_ack",
    "rebuild.before_swap",
    "rebuild.after_swap",
];
