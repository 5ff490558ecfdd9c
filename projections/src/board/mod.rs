//! The board: columns, cards, and what changed on it.

mod project;
mod read;

pub use project::BoardProjection;
pub use read::{Board, BoardChange, BoardColumn, Card, ChangedOnBoard, RepoBadge, RunBadge, RunFailure};

/// The projection's name: for hints and for [`crate::Reads::wait_for`].
pub const NAME: &str = "board";
