//! A ticket: the card on the board. The aggregate to copy from.

mod command;
mod event;

pub use command::*;
pub use event::*;
