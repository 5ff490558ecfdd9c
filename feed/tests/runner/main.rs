//! The runner against real servers: exactly once in effect, holes, silence, poison, rebuild and swap.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod by_hand;
mod canary;
mod catching_up;
mod once;
mod poison;
mod rebuilding;
mod stream;
