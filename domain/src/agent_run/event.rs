//! What happened to a run of an agent: the facts that a person would name. The transcript is a stream of its own.

use crate::event::events;
use crate::ids::{ArtifactId, ConversationId, PlanItemId, ProjectId, RepoConnectionId, TicketId, WorkerId};
use crate::org::Role;
use crate::ticket::TicketKind;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunMode {
    Plan,
    Implement,
    Bugfix,
    Review,
    Qa,
    Ask,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    Budget,
    Time,
    ProviderAuth,
    ProviderOverloaded,
    AgentCrashed,
    AgentMissing,
    WorkerLost,
    Sandbox,
    Clone,
    ChecksFailed,
    Policy,
}

events! {
    AgentRunEvent of AgentRun {
        RunRequested = 1,
        RunLeased = 1,
        RunWorkStarted = 1,
        RunPlanItemProposed = 1,
        RunArtifactProduced = 1,
        RunCostReached = 1,
        RunBudgetWarned = 1,
        RunCancelRequested = 1,
        RunEnded = 1,
        RunPlanAccepted = 1,
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RunConstraints {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_budget_s: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_cost_usd_micros: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_tools: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_paths: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RunRequested {
    pub project: ProjectId,
    pub mode: RunMode,
    pub provider: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    pub prompt: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<RunTicket>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repo: Option<RunRepo>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
    #[serde(default)]
    pub constraints: RunConstraints,
}

/// The ticket as it was when the run was asked for: what the agent was told can be replayed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RunTicket {
    pub id: TicketId,
    pub key: String,
    pub title: String,
    pub description_md: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RunRepo {
    pub connection: RepoConnectionId,
    pub name: String,
    pub clone_url: String,
    /// A branch, tag or commit; none means the remote's default branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_ref: Option<String>,
}

/// A worker took the run. Each lease has a larger token; facts under an older one are refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RunLeased {
    pub worker: WorkerId,
    pub token: u64,
}

/// Workspace and sandbox stand, the agent works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RunWorkStarted {
    pub token: u64,
    /// Name and version of the agent's program.
    pub program: String,
    /// True when a script answers in the model's place (demo and tests): shown on every screen.
    #[serde(default)]
    pub scripted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The commit that the branch starts from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_commit: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RunPlanItemProposed {
    pub token: u64,
    pub item: PlanItemId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<PlanItemId>,
    pub kind: TicketKind,
    pub title: String,
    pub description_md: String,
    pub acceptance_criteria: Vec<String>,
    pub owner_role: Role,
    pub column: String,
}

/// A file that the run leaves behind, in the object store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RunArtifactProduced {
    pub token: u64,
    pub artifact: ArtifactId,
    /// `diff` for the run's unified diff.
    pub name: String,
    pub mime: String,
    pub size_bytes: u64,
    /// SHA-256, hex: its name in the object store.
    pub digest: String,
}

/// What the run has cost so far: totals, not differences.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RunCostReached {
    pub token: u64,
    pub usage: TokenUsage,
    pub cost_usd_micros: u64,
}

/// Four fifths of what the run itself may cost are spent. Once a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RunBudgetWarned {
    pub token: u64,
    pub limit_usd_micros: u64,
    pub spent_usd_micros: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TokenUsage {
    pub input_tokens: u64,
    pub cached_input_tokens: u64,
    pub output_tokens: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RunCancelRequested {}

/// The one terminal event of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RunEnded {
    /// 0 when it ended without ever being leased.
    pub token: u64,
    pub outcome: RunOutcome,
    #[serde(default)]
    pub summary: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<RunWork>,
    #[serde(default)]
    pub usage: TokenUsage,
    #[serde(default)]
    pub cost_usd_micros: u64,
    /// How many transcript events were stored, and SHA-256 (hex) over them as schema/ specifies.
    #[serde(default)]
    pub transcript_count: u64,
    #[serde(default)]
    pub transcript_digest: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum RunOutcome {
    Succeeded,
    Failed { reason: FailureReason, message: String },
    Cancelled,
}

/// What the agent left on its branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RunWork {
    pub branch: String,
    pub head_commit: String,
    pub additions: u64,
    pub deletions: u64,
    pub files: Vec<ChangedFile>,
    /// The artifact that holds the whole diff.
    pub diff: ArtifactId,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ChangedFile {
    pub path: String,
    /// `added`, `modified`, `deleted` or `renamed`.
    pub status: String,
    pub additions: u64,
    pub deletions: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RunPlanAccepted {
    pub tickets: Vec<AcceptedItem>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AcceptedItem {
    pub item: PlanItemId,
    pub ticket: TicketId,
}
