//! An organisation: the tenant wall, and its members.

mod command;
mod event;

pub use command::*;
pub use event::*;
