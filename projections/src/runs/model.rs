//! What the reads of runs give.

use super::state::RunState;
use crate::board::{RepoBadge, RunFailure};
use chrono::{DateTime, Utc};
use domain::agent_run::{ChangedFile, RunConstraints, RunMode, TokenUsage};
use domain::org::Role;
use domain::ticket::TicketKind;
use domain::{
    Actor, ArtifactId, CommandId, ConversationId, OrgId, PlanItemId, Position, ProjectId, RunId, TicketId, UserId,
    Version, WorkerId,
};

#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub id: RunId,
    pub org: OrgId,
    pub project: ProjectId,
    /// The ticket with its key and title as they were when the run was asked for.
    pub ticket: Option<RunTicketRef>,
    pub repo: Option<RepoBadge>,
    pub conversation: Option<ConversationId>,
    pub mode: RunMode,
    pub provider: String,
    pub model: Option<String>,
    pub prompt: String,
    pub state: RunState,
    pub version: Version,
    pub failure: Option<RunFailure>,
    pub requested_by: Actor,
    pub requested_at: DateTime<Utc>,
    /// When the agent began to work.
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub base_ref: Option<String>,
    pub base_commit: Option<String>,
    pub branch: Option<String>,
    pub head_commit: Option<String>,
    pub summary: Option<String>,
    pub changes: Option<RunDiffStat>,
    pub usage: TokenUsage,
    pub cost_usd_micros: u64,
    pub constraints: RunConstraints,
    /// 0 to 5.
    pub stations_reached: u8,
    /// Four fifths of what it may cost are spent.
    pub budget_warned: bool,
    pub cancel_requested: bool,
    /// A script answered in the model's place.
    pub scripted: bool,
    /// Name and version of the agent's program.
    pub program: Option<String>,
    pub worker: Option<WorkerId>,
    pub transcript_count: u64,
    pub transcript_digest: Option<String>,
    /// Of its first event: lists go by it, newest first.
    pub requested_position: Position,
    /// The log up to here is in it.
    pub position: Position,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunTicketRef {
    pub id: TicketId,
    pub key: String,
    pub title: String,
}

/// The counts of the diff; its text is the artifact.
#[derive(Clone, Debug, PartialEq)]
pub struct RunDiffStat {
    pub additions: u64,
    pub deletions: u64,
    pub files: Vec<ChangedFile>,
    pub artifact: ArtifactId,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    pub id: ArtifactId,
    pub run: RunId,
    pub name: String,
    pub mime: String,
    pub size_bytes: u64,
    /// SHA-256, hex.
    pub digest: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanItem {
    pub id: PlanItemId,
    pub run: RunId,
    pub parent: Option<PlanItemId>,
    pub kind: TicketKind,
    pub title: String,
    pub description_md: String,
    pub acceptance_criteria: Vec<String>,
    pub owner_role: Role,
    pub column: String,
    pub accepted_ticket: Option<TicketId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    pub id: ConversationId,
    pub project: ProjectId,
    /// The first line of its first prompt, at most 120 characters.
    pub title: String,
    pub started_at: DateTime<Utc>,
    /// Of its first run: lists go by it, newest first.
    pub position: Position,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunFilter {
    pub project: Option<ProjectId>,
    pub state: Option<RunState>,
    pub provider: Option<String>,
    pub mode: Option<RunMode>,
    /// Who asked for it.
    pub user: Option<UserId>,
    pub ticket: Option<TicketId>,
    pub conversation: Option<ConversationId>,
}

/// One event that changed a run of the project, with the run as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct RunChange {
    pub position: Position,
    pub command_id: CommandId,
    pub run: Box<Run>,
}

/// One event of a run's transcript, as the worker stored it.
#[derive(Clone, Debug, PartialEq)]
pub struct TranscriptEvent {
    pub seq: u64,
    pub at: DateTime<Utc>,
    /// `message`, `log`, `tool`, …
    pub kind: String,
    pub payload: serde_json::Value,
}
