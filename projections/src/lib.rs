//! The read side: the log's events folded into rows, and rows read into plain structs.
//!
//! One folder a read model: `tables.sql`, `project.rs` (events → rows), `read.rs` (rows → structs). The runner
//! ([`feed::runner`]) owns transaction, checkpoint, parking and rebuild; a projection only writes its rows.
//!
//! # How to add a read model
//! 1. A folder like [`board`] with those three files: tables with `org` first in every key, an exhaustive `match` over
//!    the events, reads that take the org and go through one snapshot.
//! 2. Add it to [`all`]. Tests compare every projection there with its rebuild.
//!
//! # How to change one
//! Raise its `REVISION`: the next start builds it afresh beside the old one and swaps.
//!
//! # Where rows end
//! No projection reads another's tables, or the clock. What the log says by itself (an event's payload, the hash of
//! the chain) is not copied into rows: reads fetch it from the log by position, so that what is erased there is gone
//! here too, and a hash that is shown is the ledger's own.

pub mod audit;
pub mod board;
mod edits;
pub mod org_directory;
pub mod reads;
mod retention;
pub mod runs;
mod serve;
pub mod ticket;
mod words;

pub use reads::{Changes, CommandPlace, Page, ReadError, Reads, Waited};
pub use retention::Retention;
pub use serve::{OperateError, Parked, Standing, all, by_name, digests, rebuild, rebuild_digest, run, standings};
