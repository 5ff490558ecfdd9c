//! Runs of agents: list and page, plan items, artifacts, conversations.

mod model;
mod project;
mod read;
mod state;

pub use model::{
    Artifact, Conversation, PlanItem, Run, RunChange, RunDiffStat, RunFilter, RunTicketRef, TranscriptEvent,
};
pub use project::RunsProjection;
pub use state::{RunState, UnknownState};

pub(crate) use state::stations_of;

/// The projection's name: for hints and for [`crate::Reads::wait_for`].
pub const NAME: &str = "runs";
