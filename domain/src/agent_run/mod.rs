//! One run of one agent in one mode.

mod command;
mod decide;
mod event;
mod state;
#[cfg(test)]
mod tests;

pub use command::*;
pub use decide::AgentRunRejection;
pub use event::*;
pub use state::{AgentRun, AgentRunFacet};
