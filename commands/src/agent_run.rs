//! Runs of agents. The first three functions are for people; those below are for the worker that holds the lease, whose
//! token rides in each command: an older one is rejected with `LEASE_LOST`.

use crate::{Accepted, Caller, CommandError, Commands};
use domain::agent_run::{
    FailureReason, RunArtifactProduced, RunConstraints, RunCostReached, RunEnded, RunLeased, RunMode,
    RunPlanItemProposed, RunWorkStarted,
};
use domain::{ConversationId, PlanItemId, ProjectId, RepoConnectionId, RunId, TicketId};

#[derive(Clone, Debug)]
pub struct RequestRun {
    pub project: ProjectId,
    pub mode: RunMode,
    pub provider: String,
    pub model: Option<String>,
    pub prompt: String,
    pub ticket: Option<TicketId>,
    pub repo_connection: Option<RepoConnectionId>,
    pub base_ref: Option<String>,
    /// None: the run opens a conversation of its own.
    pub conversation: Option<ConversationId>,
    pub constraints: RunConstraints,
}

#[derive(Clone, Copy, Debug)]
pub struct CancelRun {
    pub run: RunId,
}

/// Puts proposed items onto the default board.
#[derive(Clone, Debug)]
pub struct AcceptPlan {
    pub run: RunId,
    /// None: all of them.
    pub items: Option<Vec<PlanItemId>>,
}

#[derive(Clone, Debug)]
pub struct LeaseRun {
    pub run: RunId,
    pub lease: RunLeased,
}

#[derive(Clone, Debug)]
pub struct StartWork {
    pub run: RunId,
    pub work: RunWorkStarted,
}

#[derive(Clone, Debug)]
pub struct ProposePlanItem {
    pub run: RunId,
    pub item: RunPlanItemProposed,
}

#[derive(Clone, Debug)]
pub struct ProduceArtifact {
    pub run: RunId,
    pub artifact: RunArtifactProduced,
}

#[derive(Clone, Debug)]
pub struct ReachCost {
    pub run: RunId,
    pub cost: RunCostReached,
}

#[derive(Clone, Debug)]
pub struct EndRun {
    pub run: RunId,
    pub end: RunEnded,
}

/// The lease ran out and nobody may take the run again: it ends as failed, under the token that expired.
#[derive(Clone, Debug)]
pub struct AbandonRun {
    pub run: RunId,
    pub token: u64,
    pub reason: FailureReason,
    pub message: String,
}

/// The ticket that an accepted plan item becomes: always the same one.
pub fn ticket_of_plan_item(run: RunId, item: PlanItemId) -> TicketId {
    TicketId(run.derive(&format!("ticket:{item}")))
}

pub async fn request_run(commands: &Commands, caller: &Caller, input: RequestRun) -> Result<Accepted, CommandError> {
    Err(commands.pending(caller, &input))
}

pub async fn cancel_run(commands: &Commands, caller: &Caller, input: CancelRun) -> Result<Accepted, CommandError> {
    Err(commands.pending(caller, &input))
}

pub async fn accept_plan(commands: &Commands, caller: &Caller, input: AcceptPlan) -> Result<Accepted, CommandError> {
    Err(commands.pending(caller, &input))
}

pub async fn lease_run(commands: &Commands, caller: &Caller, input: LeaseRun) -> Result<Accepted, CommandError> {
    Err(commands.pending(caller, &input))
}

pub async fn start_work(commands: &Commands, caller: &Caller, input: StartWork) -> Result<Accepted, CommandError> {
    Err(commands.pending(caller, &input))
}

pub async fn propose_plan_item(
    commands: &Commands,
    caller: &Caller,
    input: ProposePlanItem,
) -> Result<Accepted, CommandError> {
    Err(commands.pending(caller, &input))
}

pub async fn produce_artifact(
    commands: &Commands,
    caller: &Caller,
    input: ProduceArtifact,
) -> Result<Accepted, CommandError> {
    Err(commands.pending(caller, &input))
}

pub async fn reach_cost(commands: &Commands, caller: &Caller, input: ReachCost) -> Result<Accepted, CommandError> {
    Err(commands.pending(caller, &input))
}

pub async fn end_run(commands: &Commands, caller: &Caller, input: EndRun) -> Result<Accepted, CommandError> {
    Err(commands.pending(caller, &input))
}

pub async fn abandon_run(commands: &Commands, caller: &Caller, input: AbandonRun) -> Result<Accepted, CommandError> {
    Err(commands.pending(caller, &input))
}
