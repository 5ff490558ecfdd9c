//! Counts what a run's model calls cost, records it now and then, and remembers what went wrong at the provider.

use super::execution::Broken;
use super::facts::Facts;
use crate::agents::Failure;
use crate::proxy::{OverBudget, ProviderFailure, ProviderFailureKind, ProxyEvent, over_budget_message};
use commands::Commands;
use commands::agent_run::{ReachCost, reach_cost};
use domain::agent_run::{FailureReason, RunCostReached, TokenUsage};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{info, warn};

/// At most one event of cost in this time: a person's eye needs no more, and the log stays short.
const TELL_EVERY: Duration = Duration::from_secs(2);

pub(crate) struct Meter {
    commands: Commands,
    facts: Facts,
    usage: TokenUsage,
    cost_usd_micros: u64,
    told_usd_micros: u64,
    told: u64,
    over_budget: Option<OverBudget>,
    failed: Option<ProviderFailure>,
}

impl Meter {
    pub(crate) fn new(commands: Commands, facts: Facts) -> Self {
        Self {
            commands,
            facts,
            usage: TokenUsage::default(),
            cost_usd_micros: 0,
            told_usd_micros: 0,
            told: 0,
            over_budget: None,
            failed: None,
        }
    }

    pub(crate) fn usage(&self) -> TokenUsage {
        self.usage
    }

    pub(crate) fn cost_usd_micros(&self) -> u64 {
        self.cost_usd_micros
    }

    /// Takes what the proxy tells until it has stopped and its last call is accounted for.
    pub(crate) async fn follow(&mut self, events: &mut mpsc::Receiver<ProxyEvent>) {
        let mut next = Instant::now();
        while let Some(event) = events.recv().await {
            match event {
                ProxyEvent::Usage(used) => {
                    self.usage.input_tokens += used.input_tokens;
                    self.usage.cached_input_tokens += used.cached_input_tokens;
                    self.usage.output_tokens += used.output_tokens;
                    self.cost_usd_micros += used.cost_usd_micros;
                    self.failed = None;
                    if Instant::now() >= next {
                        next = Instant::now() + TELL_EVERY;
                        self.tell().await;
                    }
                }
                ProxyEvent::ProviderFailed(failure) => self.failed = Some(failure),
                ProxyEvent::OverBudget(over) => {
                    info!(reason = over_budget_message(over), "a call to the model was refused");
                    self.over_budget = Some(over);
                }
                ProxyEvent::Refused { method, path } => warn!(%method, %path, "the agent asked for more than a model"),
            }
        }
    }

    async fn tell(&mut self) {
        if self.cost_usd_micros == self.told_usd_micros {
            return;
        }
        self.told += 1;
        let cost = RunCostReached { token: self.facts.token, usage: self.usage, cost_usd_micros: self.cost_usd_micros };
        let caller = self.facts.step(&format!("cost:{}", self.told));
        match reach_cost(&self.commands, &caller, ReachCost { run: self.facts.run, cost }).await {
            Ok(_) => self.told_usd_micros = self.cost_usd_micros,
            // The ending carries the total; until then the screen shows a little less.
            Err(problem) => warn!(error = %feed::chain(&problem), "the cost could not be recorded now"),
        }
    }

    /// What the proxy saw is the truth about a failure that the agent only met as an error of its model.
    pub(crate) fn explain(&self, end: Result<String, Broken>) -> Result<String, Broken> {
        let Err(Broken::Failed(failure)) = end else { return end };
        let Failure { reason, message } = failure;
        if let Some(over) = self.over_budget {
            let message = format!("The run was stopped: {}.", over_budget_message(over));
            return Err(Broken::failed(FailureReason::Budget, message));
        }
        let told = |reason, failed: &ProviderFailure| Err(Broken::failed(reason, failed.message.clone()));
        match &self.failed {
            Some(failed) => match failed.kind {
                ProviderFailureKind::Auth => told(FailureReason::ProviderAuth, failed),
                ProviderFailureKind::Overloaded | ProviderFailureKind::Unreachable => {
                    told(FailureReason::ProviderOverloaded, failed)
                }
                ProviderFailureKind::Rejected | ProviderFailureKind::BrokeOff => Err(Broken::failed(reason, message)),
            },
            None => Err(Broken::failed(reason, message)),
        }
    }
}
