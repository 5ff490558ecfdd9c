//! The rules of Assembly Lime, and nothing else: aggregates, commands, events, ids and the envelope.
//!
//! Pure and synchronous. No tokio, no SQL, no clock, no randomness, no framework: time, actor and fresh ids arrive as
//! values in a [`Context`] or inside the command.
//!
//! # An aggregate is a folder of four files, read top to bottom
//! `command.rs` (what can be asked) → `decide.rs` (one rule a function) → `event.rs` (what happened) → `state.rs`
//! (what the rules need to remember). [`ticket`] is the one to copy from.
//!
//! # How to add a command
//! 1. Add its struct and its variant in `command.rs`; say in `facets` what it sets (that decides staleness).
//! 2. Add the event in `event.rs`. The compiler now asks `state.rs` and every projection for an arm.
//! 3. Write the rule in `decide.rs` with a given/when/then test beside it.
//! 4. Add its sample in `samples.rs` and run the tests once with `LIME_BLESS=1`: they write the golden file and the
//!    JSON Schema in `schema/events/`.

pub mod actor;
pub mod agent_run;
pub mod board;
pub mod decider;
pub mod envelope;
pub mod event;
#[cfg(test)]
mod given;
#[cfg(test)]
mod golden;
pub mod ids;
pub mod limits;
pub mod org;
pub mod project;
#[cfg(test)]
mod props;
pub mod rank;
pub mod repo_connection;
#[cfg(test)]
mod samples;
pub mod text;
pub mod ticket;

pub use actor::Actor;
pub use decider::{Changes, Context, Decider, LastChange, Rejection};
pub use envelope::{Envelope, Metadata};
pub use event::{AggregateKind, DecodeError, DomainEvent};
pub use ids::*;
