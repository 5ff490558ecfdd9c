//! A board: ordered columns.

mod command;
mod decide;
mod event;
mod state;

pub use command::*;
pub use decide::{BoardRejection, default_columns};
pub use event::*;
pub use state::{Board, BoardFacet};
