//! Runs of agents: list and page, plan items, artifacts, conversations.

mod read;
mod state;

pub use read::{
    Artifact, Conversation, PlanItem, Run, RunChange, RunDiffStat, RunFilter, RunTicketRef, TranscriptEvent,
};
pub use state::RunState;
pub(crate) use state::stations_of;
