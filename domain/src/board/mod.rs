//! A board: ordered columns.

mod command;
mod event;

pub use command::*;
pub use event::*;
