//! What acts: runs of agents, reactions to events, and the time.
//!
//! - [`agents`]: what a run says, and how a provider's program is driven.
//! - [`sandbox`], [`proxy`], [`workspace`]: the walls around it: processes, the model, git.
//! - `run`: one run from the queue to its ending event, under a lease with a fencing token.
//! - [`scrub`]: takes known secrets out of whatever is kept.
//! - `policies`, `timers`: events and due times turned into commands.
//! - [`run`] and [`reactor`]: the two roles.
//!
//! Never sees the gateway or a projection: what it needs to know is in the log, in its own tables, or told by a command.
//!
//! # How to add a mode of work
//! Its contract in `agents/prompts`, its tools in `agents/tools.rs`, what is done with its result in
//! `run/execution.rs`, and the mode in the command settings' list, which is what people can ask for.

pub mod agents;
mod policies;
pub mod proxy;
mod run;
pub mod sandbox;
pub mod scrub;
mod service;
mod timers;
pub mod workspace;

pub use service::{ModelAccess, WorkerConfig, WorkerError, reactor, run};
