//! The read side: the log's events folded into rows, and rows read into plain structs.
//!
//! One folder a read model: `tables.sql`, `project.rs` (events → rows), `read.rs` (rows → structs).

pub mod audit;
pub mod board;
pub mod org_directory;
pub mod reads;
pub mod runs;
pub mod ticket;

pub use reads::{Changes, CommandPlace, Page, ReadError, Reads, Waited};

use async_nats::jetstream;
use feed::hints::Hints;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

/// Runs every projection until cancelled. Safe to run many times.
///
/// Hints as `board` (by board), `ticket` (by ticket), `runs` (by project), `org_directory` and `audit` (by org).
pub async fn run(pool: PgPool, jetstream: Option<jetstream::Context>, hints: Hints, cancel: CancellationToken) {
    let _ = (pool, jetstream, hints);
    cancel.cancelled().await;
    todo!()
}
