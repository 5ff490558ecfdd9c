//! Runs projections and policies over the log: exactly once in effect, in order, healing by itself.
//!
//! # How to add a projection
//! Implement [`Projection`] in `projections/src/<view>/project.rs`, its tables in `tables.sql` beside it, and add it to
//! the list in `projections/src/lib.rs`. `projections/src/board` is the one to copy from.
//!
//! # How to add a policy
//! Implement [`Projection`] with [`Kind::Policy`]: no tables, and commands whose ids derive from the event's id.

mod follow;
mod projection;

pub use follow::Runner;
pub use projection::{ApplyError, Definition, Kind, Projection};
