//! What is known of a run while it is executed, and the name under which its facts are recorded.

use super::queue::Claim;
use commands::Caller;
use commands::agent_run::Assignment;
use domain::agent_run::RunRequested;
use domain::{Actor, CommandId, CorrelationId, EventId, OrgId, RunId};

#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub run: RunId,
    pub org: OrgId,
    pub token: u64,
    pub request: RunRequested,
    /// The board's column keys, for a plan's suggestions.
    pub columns: Vec<String>,
    correlation: CorrelationId,
    cause: EventId,
}

impl Facts {
    pub(crate) fn new(claim: &Claim, assignment: Assignment) -> Self {
        Self {
            run: claim.run,
            org: claim.org,
            token: claim.token,
            request: assignment.request,
            columns: assignment.columns,
            correlation: assignment.correlation_id,
            cause: assignment.requested_by,
        }
    }

    /// The caller for one step: a retry of the same step under the same lease is the same command.
    pub(crate) fn step(&self, name: &str) -> Caller {
        let command = CommandId(self.run.derive(&format!("{}:{name}", self.token)));
        Caller::new(self.org, Actor::Run(self.run), command).caused_by(self.cause, self.correlation)
    }
}
