//! What an agent's tools do: each call becomes a command in the run's own name.

use super::facts::Facts;
use crate::agents::{Finding, PlanItem, Question, ToolHost, ToolRefusal};
use async_trait::async_trait;
use commands::agent_run::{ProposePlanItem, propose_plan_item};
use commands::ticket::{CommentOnTicket, comment_on_ticket};
use commands::{CommandError, Commands};
use domain::agent_run::RunPlanItemProposed;
use domain::{PlanItemId, RunId};
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) struct RunTools {
    commands: Commands,
    facts: Facts,
    comments: AtomicU64,
}

impl RunTools {
    pub(crate) fn new(commands: Commands, facts: Facts) -> Self {
        Self { commands, facts, comments: AtomicU64::new(0) }
    }
}

/// The same item of the same lease always has the same id, so that a call that is sent twice is kept once.
fn item_id(run: RunId, token: u64, temp_id: &str) -> PlanItemId {
    PlanItemId(run.derive(&format!("item:{token}:{temp_id}")))
}

#[async_trait]
impl ToolHost for RunTools {
    async fn create_ticket(&self, item: &PlanItem) -> Result<(), ToolRefusal> {
        let (run, token) = (self.facts.run, self.facts.token);
        let proposed = RunPlanItemProposed {
            token,
            item: item_id(run, token, &item.temp_id),
            parent: item.parent.as_deref().map(|parent| item_id(run, token, parent)),
            kind: item.kind,
            title: item.title.clone(),
            description_md: item.description_md.clone(),
            acceptance_criteria: item.acceptance_criteria.clone(),
            owner_role: item.owner_role,
            column: item.column.clone(),
        };
        let caller = self.facts.step(&format!("item:{}", item.temp_id));
        let sent = propose_plan_item(&self.commands, &caller, ProposePlanItem { run, item: proposed }).await;
        sent.map(drop).map_err(|problem| in_words(&problem))
    }

    async fn add_comment(&self, body_md: &str) -> Result<(), ToolRefusal> {
        let Some(ticket) = &self.facts.request.ticket else {
            return Err(ToolRefusal("This run has no ticket to comment on.".into()));
        };
        let number = self.comments.fetch_add(1, Ordering::Relaxed);
        let caller = self.facts.step(&format!("comment:{number}"));
        let comment = CommentOnTicket { ticket: ticket.id, body_md: body_md.to_owned() };
        comment_on_ticket(&self.commands, &caller, comment).await.map(drop).map_err(|problem| in_words(&problem))
    }

    async fn finding(&self, _finding: &Finding) -> Result<(), ToolRefusal> {
        Err(ToolRefusal("Findings are not taken in this mode.".into()))
    }

    async fn ask_person(&self, _question: &Question) -> Result<String, ToolRefusal> {
        Err(ToolRefusal("Nobody can be asked in this run. Decide, and name the open question in your summary.".into()))
    }
}

fn in_words(problem: &CommandError) -> ToolRefusal {
    match problem {
        CommandError::Rejected { message, .. } => ToolRefusal(format!("Refused: {message}.")),
        CommandError::Invalid { field, message } => ToolRefusal(format!("{field}: {message}.")),
        CommandError::Stale { .. }
        | CommandError::Denied
        | CommandError::NotFound
        | CommandError::Unavailable { .. }
        | CommandError::StorageLow
        | CommandError::Failed { .. } => ToolRefusal("It could not be kept just now; try the same call again.".into()),
    }
}
