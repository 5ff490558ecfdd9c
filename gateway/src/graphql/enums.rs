//! The contract's enums beside the domain's.

use async_graphql::Enum;
use domain::{agent_run, org, repo_connection, ticket};
use projections::runs;

#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "org::Role")]
pub(crate) enum Role {
    Admin,
    Pm,
    Dev,
    Qa,
}

#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "ticket::TicketKind")]
pub(crate) enum TicketKind {
    Epic,
    Story,
    Task,
    Bug,
}

#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "ticket::Priority")]
pub(crate) enum Priority {
    Urgent,
    High,
    Medium,
    Low,
}

#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "repo_connection::RepoProvider")]
pub(crate) enum RepoProvider {
    Github,
    Gitlab,
    Git,
}

#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "agent_run::RunMode")]
pub(crate) enum RunMode {
    Plan,
    Implement,
    Bugfix,
    Review,
    Qa,
    Ask,
}

#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "runs::RunState")]
pub(crate) enum RunState {
    Queued,
    Starting,
    Working,
    Waiting,
    Paused,
    Checking,
    Succeeded,
    Failed,
    Cancelled,
}

#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
#[graphql(remote = "agent_run::FailureReason")]
pub(crate) enum RunFailureReason {
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

#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunEventType {
    Message,
    Log,
    Tool,
    Diff,
    Artifact,
    Approval,
    Question,
    Usage,
    Error,
}

impl RunEventType {
    /// As workers write it. What this build does not know is shown as a log line, as everything unknown is.
    pub(crate) fn of(kind: &str) -> Self {
        match kind {
            "message" => Self::Message,
            "tool" => Self::Tool,
            "diff" => Self::Diff,
            "artifact" => Self::Artifact,
            "approval" => Self::Approval,
            "question" => Self::Question,
            "usage" => Self::Usage,
            "error" => Self::Error,
            _ => Self::Log,
        }
    }
}

#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ActorKind {
    User,
    Run,
    System,
}
