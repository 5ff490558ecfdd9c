//! A project: a key, a name, boards.

mod command;
mod event;

pub use command::*;
pub use event::*;
