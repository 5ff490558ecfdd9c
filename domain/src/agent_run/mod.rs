//! One run of one agent in one mode.

mod command;
mod event;

pub use command::*;
pub use event::*;
