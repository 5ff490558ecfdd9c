//! Reading the log: its order, its stream in JetStream, the hints that make it live, and the lease of whoever leads.
//!
//! - [`log`]: the truth, from PostgreSQL, by position.
//! - [`records`]: payload and hash at given positions.
//! - [`subjects`] and [`message`]: the copy in JetStream, where the sequence is the position.
//! - [`hints`]: wake-ups that may be lost.
//! - [`lease`]: one leader a name, with a fencing token.
//! - [`runner`]: projections and policies over the log, with checkpoint, parking and rebuild.
//! - [`transcript`]: what a run said and did, a stream of its own beside the log.
//! - [`transaction`]: transactions that end with whoever began them.
//! - [`worker_registry`]: what each worker found on its machine.
//! - [`chain()`]: an error with its sources, in one line.
//! - [`crashpoint!`]: the named places where tests kill the process.
//!
//! # How to follow the log
//! Start after your checkpoint; take messages while their positions are without a hole; at a hole, or when nothing
//! came for a second, read [`log::rows_after`] instead. The runner does all of this.
//!
//! # How to add a hint
//! A method on [`hints::Hints`] and a subject in `hints_over_nats.rs`. Whoever waits for it must also poll.

mod chain;
pub mod crashpoint;
pub mod hints;
mod hints_over_nats;
pub mod lease;
pub mod log;
pub mod message;
pub mod records;
pub mod runner;
pub mod subjects;
pub mod transaction;
pub mod transcript;
pub mod worker_registry;

pub use chain::chain;
