//! The tie between a repository and a project.

mod command;
mod event;

pub use command::*;
pub use event::*;
