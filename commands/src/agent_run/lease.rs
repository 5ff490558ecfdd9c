//! What the worker that holds the lease tells. The lease's token rides in each command: an older one is rejected with
//! `LEASE_LOST`, and the worker must stop at once.

use crate::input::Input;
use crate::{Accepted, Caller, CommandError, Commands};
use domain::RunId;
use domain::agent_run::{
    AbandonRun as Abandon, AgentRun, AgentRunCommand, FailureReason, RunArtifactProduced, RunCostReached, RunEnded,
    RunLeased, RunPlanItemProposed, RunWorkStarted,
};
use garde::Validate;
use serde::Serialize;

#[derive(Clone, Debug, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub struct LeaseRun {
    pub run: RunId,
    pub lease: RunLeased,
}

#[derive(Clone, Debug, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub struct StartWork {
    pub run: RunId,
    pub work: RunWorkStarted,
}

#[derive(Clone, Debug, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub struct ProposePlanItem {
    pub run: RunId,
    pub item: RunPlanItemProposed,
}

#[derive(Clone, Debug, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub struct ProduceArtifact {
    pub run: RunId,
    pub artifact: RunArtifactProduced,
}

#[derive(Clone, Debug, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub struct ReachCost {
    pub run: RunId,
    pub cost: RunCostReached,
}

#[derive(Clone, Debug, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub struct EndRun {
    pub run: RunId,
    pub end: RunEnded,
}

/// The lease ran out and nobody may take the run again: it ends as failed, under the token that expired.
#[derive(Clone, Debug, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub struct AbandonRun {
    pub run: RunId,
    pub token: u64,
    pub reason: FailureReason,
    pub message: String,
    pub transcript_count: u64,
    /// SHA-256 in hex, as `schema/transcript.md` says.
    pub transcript_digest: String,
}

macro_rules! told_by_the_worker {
    ($($(#[$doc:meta])* $function:ident($input:ident) = |$given:ident| $command:expr;)+) => {$(
        impl Input for $input {
            const NAME: &'static str = stringify!($function);
        }

        $(#[$doc])*
        pub async fn $function(commands: &Commands, caller: &Caller, input: $input) -> Result<Accepted, CommandError> {
            commands
                .perform(caller, &input, async {
                    commands.find::<AgentRun>(caller.org, input.run).await?;
                    let $given = input.clone();
                    commands.execute::<AgentRun>(caller, input.run.0, input.digest(caller), &$command).await
                })
                .await
        }
    )+};
}

told_by_the_worker! {
    /// Takes a run, or takes it over under a larger token.
    lease_run(LeaseRun) = |input| AgentRunCommand::Lease(input.lease);
    /// Workspace and sandbox stand.
    start_work(StartWork) = |input| AgentRunCommand::StartWork(input.work);
    propose_plan_item(ProposePlanItem) = |input| AgentRunCommand::ProposePlanItem(input.item);
    produce_artifact(ProduceArtifact) = |input| AgentRunCommand::ProduceArtifact(input.artifact);
    /// Totals so far; a smaller one than before changes nothing.
    reach_cost(ReachCost) = |input| AgentRunCommand::ReachCost(input.cost);
    /// The one end of a run. Over-long texts are cut, never refused.
    end_run(EndRun) = |input| AgentRunCommand::End(Box::new(input.end));
    abandon_run(AbandonRun) = |input| AgentRunCommand::Abandon(Abandon {
        token: input.token,
        reason: input.reason,
        message: input.message,
        transcript_count: input.transcript_count,
        transcript_digest: input.transcript_digest,
    });
}
