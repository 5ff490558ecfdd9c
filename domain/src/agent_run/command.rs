//! What can be asked of a run. Those with a `token` come from the worker that holds the lease.

use super::event::{
    AcceptedItem, FailureReason, RunArtifactProduced, RunBudgetWarned, RunConstraints, RunCostReached, RunEnded,
    RunLeased, RunMode, RunPlanItemProposed, RunRepo, RunTicket, RunWorkStarted,
};
use crate::ids::{ConversationId, ProjectId};
use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum AgentRunCommand {
    Request(Box<RequestRun>),
    Lease(RunLeased),
    StartWork(RunWorkStarted),
    ProposePlanItem(RunPlanItemProposed),
    ProduceArtifact(RunArtifactProduced),
    ReachCost(RunCostReached),
    WarnOfBudget(RunBudgetWarned),
    Cancel,
    End(Box<RunEnded>),
    /// The lease ran out and nobody may take the run again. Sent by the timer, under the token that expired.
    Abandon(AbandonRun),
    AcceptPlan(AcceptPlan),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RequestRun {
    pub project: ProjectId,
    pub mode: RunMode,
    pub provider: String,
    /// Fetched: providers and modes that this build can drive.
    pub known_providers: Vec<String>,
    pub known_modes: Vec<RunMode>,
    pub model: Option<String>,
    pub prompt: String,
    pub ticket: Option<RunTicket>,
    /// Fetched: that ticket is archived.
    pub ticket_archived: bool,
    pub repo: Option<RunRepo>,
    /// Fetched: that repository is no longer connected.
    pub repo_disconnected: bool,
    pub conversation: Option<ConversationId>,
    pub constraints: RunConstraints,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AbandonRun {
    /// Of the lease that ran out. Larger than the run's own when its worker was lost before it said that it had the run.
    pub token: u64,
    pub reason: FailureReason,
    pub message: String,
    /// Of what the lost worker had stored, and the error that closes it.
    pub transcript_count: u64,
    pub transcript_digest: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AcceptPlan {
    pub tickets: Vec<AcceptedItem>,
}
