//! The board: columns, cards, and what changed on it.

mod read;

pub use read::{Board, BoardChange, BoardColumn, Card, ChangedOnBoard, RepoBadge, RunBadge, RunFailure};
