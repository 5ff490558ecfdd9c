//! What a run's rules remember.

use super::decide::{AgentRunRejection, decide};
use super::{
    AgentRunCommand, AgentRunEvent, RunArtifactProduced, RunCostReached, RunMode, RunOutcome, RunPlanItemProposed,
    RunRequested, TokenUsage,
};
use crate::decider::{Context, Decider, LastChange};
use crate::event::{AggregateKind, DecodeError, DomainEvent};
use crate::ids::{ArtifactId, PlanItemId, ProjectId, TicketId, WorkerId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRun {
    /// None: there is no such run.
    pub request: Option<RunRequested>,
    /// Of the newest lease; 0 before the first. Facts under another one are refused.
    pub token: u64,
    pub worker: Option<WorkerId>,
    /// The token under which work started last.
    pub started_under: Option<u64>,
    pub cancel_requested: bool,
    /// In the order of their proposal.
    pub plan: Vec<RunPlanItemProposed>,
    /// The tickets that accepted items became.
    pub accepted: BTreeMap<PlanItemId, TicketId>,
    pub artifacts: BTreeMap<ArtifactId, RunArtifactProduced>,
    pub usage: TokenUsage,
    pub cost_usd_micros: u64,
    /// People were warned that four fifths of what it may cost are spent.
    pub budget_warned: bool,
    /// None: it has not ended.
    pub outcome: Option<RunOutcome>,
}

impl AgentRun {
    pub fn project(&self) -> Option<ProjectId> {
        self.request.as_ref().map(|request| request.project)
    }

    pub fn mode(&self) -> Option<RunMode> {
        self.request.as_ref().map(|request| request.mode)
    }

    pub fn item(&self, item: PlanItemId) -> Option<&RunPlanItemProposed> {
        self.plan.iter().find(|proposed| proposed.item == item)
    }

    fn spend(&mut self, cost: &RunCostReached) {
        self.usage = cost.usage;
        self.cost_usd_micros = cost.cost_usd_micros;
    }
}

/// A run has one writer at a time, by its lease; people only cancel it and accept its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentRunFacet {}

impl From<AgentRunFacet> for &'static str {
    fn from(facet: AgentRunFacet) -> Self {
        match facet {}
    }
}

impl Decider for AgentRun {
    const KIND: AggregateKind = AggregateKind::AgentRun;
    const SNAPSHOT_VERSION: u32 = 2;
    type Command = AgentRunCommand;
    type Event = AgentRunEvent;
    type Rejection = AgentRunRejection;
    type Facet = AgentRunFacet;

    fn decide(&self, command: &AgentRunCommand, _: &Context) -> Result<Vec<AgentRunEvent>, AgentRunRejection> {
        decide(self, command)
    }

    fn apply(&mut self, event: &AgentRunEvent, _: &LastChange) {
        match event {
            AgentRunEvent::RunRequested(requested) => self.request = Some(requested.clone()),
            AgentRunEvent::RunLeased(leased) => {
                self.token = leased.token;
                self.worker = Some(leased.worker);
            }
            AgentRunEvent::RunWorkStarted(started) => self.started_under = Some(started.token),
            AgentRunEvent::RunPlanItemProposed(item) => self.plan.push(item.clone()),
            AgentRunEvent::RunArtifactProduced(artifact) => {
                self.artifacts.insert(artifact.artifact, artifact.clone());
            }
            AgentRunEvent::RunCostReached(cost) => self.spend(cost),
            AgentRunEvent::RunBudgetWarned(_) => self.budget_warned = true,
            AgentRunEvent::RunCancelRequested(_) => self.cancel_requested = true,
            AgentRunEvent::RunEnded(ended) => {
                self.outcome = Some(ended.outcome.clone());
                self.usage = ended.usage;
                self.cost_usd_micros = ended.cost_usd_micros;
            }
            AgentRunEvent::RunPlanAccepted(accepted) => {
                self.accepted.extend(accepted.tickets.iter().map(|each| (each.item, each.ticket)));
            }
        }
    }

    fn facets(_: &AgentRunCommand) -> Vec<AgentRunFacet> {
        Vec::new()
    }

    fn last_change(&self, facet: AgentRunFacet) -> Option<&LastChange> {
        match facet {}
    }

    fn event_from_domain(event: DomainEvent) -> Result<AgentRunEvent, DecodeError> {
        AgentRunEvent::from_domain(event)
    }
}
