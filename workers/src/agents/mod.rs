//! Agents: what a run says, how a provider's program is driven, and the tools that are served to it.
//!
//! [`protocol`] is our own event protocol; every provider is translated into it. [`driver`] is the port that a provider
//! implements over a process that the sandbox has already started. [`tools`] and [`plan`] hold what an agent may call
//! and how each call is checked; [`prompts`] says what is asked of it.
//!
//! # How to add a provider
//! 1. A folder beside [`codex`]: `wire.rs` (tolerant types: an unknown message becomes a `log`), `translate.rs` (pure,
//!    from wire to [`RunEvent`]), `session.rs` (the conversation), `launch.rs` (program, arguments, files).
//! 2. Implement [`AgentDriver`]; find the program in [`programs`].
//! 3. Put recordings of the real program under `workers/tests/recordings/` and hold the translation with a golden test;
//!    run the real program against `testkit::scripted_model` for the rest.
//!
//! # How to add a tool
//! A variant in [`tools::Tool`] with its schema and its checked arguments, a method on [`tools::ToolHost`], an arm in
//! [`desk::ToolDesk::serve`].

pub mod codex;
pub mod content;
pub mod desk;
pub mod driver;
mod lines;
pub mod plan;
pub mod programs;
pub mod prompts;
pub mod protocol;
#[cfg(test)]
mod protocol_tests;
pub mod recorder;
pub mod tools;

pub use codex::CodexDriver;
pub use content::{AttachmentError, AttachmentRef, AttachmentStore, Content};
pub use desk::ToolDesk;
pub use driver::{AgentDriver, AgentEnd, AgentStdio, Failure, HomeFile, LaunchPaths, LaunchPlan, RunLimits, RunSpec};
pub use plan::{PlanDraft, PlanItem};
pub use prompts::{PromptPart, Provenance};
pub use protocol::RunEvent;
pub use recorder::{NumberedEvent, Recorder};
pub use tools::{Finding, Question, Tool, ToolHost, ToolRefusal};
