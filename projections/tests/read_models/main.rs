//! Given events, then rows: every read model on real PostgreSQL, live and rebuilt.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod audit;
mod board;
mod board_changes;
mod org_directory;
mod replay;
mod runs;
mod speed;
mod story;
mod ticket;
mod waiting;
