//! A plan's way onto the board.

use crate::input::Input;
use crate::ticket::{self, CreateTicket};
use crate::{Accepted, Caller, CommandError, Commands};
use domain::agent_run::{AcceptPlan as Accept, AcceptedItem, AgentRun, AgentRunCommand, RunMode, RunPlanItemProposed};
use domain::board::Board;
use domain::limits::PLAN_ITEMS_MAX;
use domain::project::Project;
use domain::ticket::{PlannedBy, TicketKind};
use domain::{PlanItemId, ProjectId, Rejection, RunId, TicketId};
use garde::Validate;
use serde::Serialize;
use std::collections::BTreeSet;

/// Puts proposed items onto the default board.
#[derive(Clone, Debug, Serialize, Validate)]
pub struct AcceptPlan {
    #[garde(skip)]
    pub run: RunId,
    /// None: all of them.
    #[garde(custom(some_items))]
    pub items: Option<Vec<PlanItemId>>,
}

impl Input for AcceptPlan {
    const NAME: &'static str = "accept_plan";
    // A ticket an item, one after the other, so that they are numbered in the order of the plan.
    const STEPS: u32 = 5;
}

#[allow(clippy::ref_option)]
fn some_items(items: &Option<Vec<PlanItemId>>, (): &()) -> garde::Result {
    if items.as_ref().is_none_or(|items| (1..=PLAN_ITEMS_MAX).contains(&items.len())) {
        return Ok(());
    }
    Err(garde::Error::new(format!("names 1 to {PLAN_ITEMS_MAX} items")))
}

/// The ticket that an accepted plan item becomes: always the same one.
pub fn ticket_of_plan_item(run: RunId, item: PlanItemId) -> TicketId {
    TicketId(run.derive(&format!("ticket:{item}")))
}

/// Makes a ticket of each item, epics first, then stories, then the others, each under its parent and in its suggested
/// column; then says so in the run. A crash in the middle leaves tickets that the same command, or the next
/// acceptance of the same items, finds and goes on from: item and ticket belong together for ever.
pub async fn accept_plan(commands: &Commands, caller: &Caller, input: AcceptPlan) -> Result<Accepted, CommandError> {
    commands.perform(caller, &input, accept(commands, caller, &input)).await
}

async fn accept(commands: &Commands, caller: &Caller, input: &AcceptPlan) -> Result<Accepted, CommandError> {
    let found = commands.find_now::<AgentRun>(caller.org, input.run).await?;
    let run = &found.state;
    if run.mode() != Some(RunMode::Plan) {
        return Err(rejected(&domain::agent_run::AgentRunRejection::NotAPlan));
    }
    let wanted: BTreeSet<PlanItemId> = match &input.items {
        None => run.plan.iter().map(|item| item.item).collect(),
        Some(items) => items.iter().copied().collect(),
    };
    if wanted.iter().any(|item| run.item(*item).is_none()) {
        return Err(rejected(&domain::agent_run::AgentRunRejection::UnknownItem));
    }
    let project = run.project().ok_or(CommandError::NotFound)?;
    let columns = default_columns(commands, caller, project).await?;
    let mut items: Vec<_> = run.plan.iter().filter(|item| wanted.contains(&item.item)).collect();
    // Stable: within a kind they stay in the order of the plan.
    items.sort_by_key(|item| level(item.kind));
    for item in &items {
        if run.accepted.contains_key(&item.item) {
            continue;
        }
        let on_board = |parent: &PlanItemId| wanted.contains(parent) || run.accepted.contains_key(parent);
        let parent = item.parent.filter(on_board).map(|parent| ticket_of_plan_item(input.run, parent));
        let column = columns.iter().find(|key| **key == item.column).or(columns.first()).cloned();
        create_ticket(commands, caller, input.run, project, item, parent, column.unwrap_or_default()).await?;
    }
    let accepted = |item: &&RunPlanItemProposed| AcceptedItem {
        item: item.item,
        ticket: ticket_of_plan_item(input.run, item.item),
    };
    let command = AgentRunCommand::AcceptPlan(Accept { tickets: items.iter().map(accepted).collect() });
    commands.execute::<AgentRun>(caller, input.run.0, input.digest(caller), &command).await
}

async fn create_ticket(
    commands: &Commands,
    caller: &Caller,
    run: RunId,
    project: ProjectId,
    item: &RunPlanItemProposed,
    parent: Option<TicketId>,
    column: String,
) -> Result<(), CommandError> {
    let ticket = ticket_of_plan_item(run, item.item);
    let step = caller.step(&format!("plan-item/{}", item.item));
    let input = CreateTicket {
        project,
        board: None,
        title: item.title.clone(),
        kind: item.kind,
        description_md: description(item),
        column,
        parent,
        labels: Vec::new(),
        priority: None,
        assignee: None,
        estimate: None,
    };
    let planned_by = Some(PlannedBy { run, item: item.item });
    let digest = input.digest(&step);
    match ticket::create(commands, &step, ticket, digest, input, planned_by).await {
        // Made by an earlier acceptance that crashed before it said so.
        Ok(_) | Err(CommandError::Rejected { reason: "EXISTS", .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The item's text with its acceptance criteria as a list to tick off.
fn description(item: &RunPlanItemProposed) -> String {
    if item.acceptance_criteria.is_empty() {
        return item.description_md.clone();
    }
    let criteria: Vec<String> = item.acceptance_criteria.iter().map(|criterion| format!("- [ ] {criterion}")).collect();
    let heading = if item.description_md.is_empty() { "" } else { "\n\n" };
    format!("{}{heading}## Acceptance criteria\n\n{}", item.description_md, criteria.join("\n"))
}

const fn level(kind: TicketKind) -> u8 {
    match kind {
        TicketKind::Epic => 0,
        TicketKind::Story => 1,
        TicketKind::Task | TicketKind::Bug => 2,
    }
}

async fn default_columns(
    commands: &Commands,
    caller: &Caller,
    project: ProjectId,
) -> Result<Vec<String>, CommandError> {
    let project = commands.find::<Project>(caller.org, project).await?;
    let board = project.state.created.as_ref().ok_or(CommandError::NotFound)?.default_board;
    Ok(commands.find::<Board>(caller.org, board).await?.state.column_keys())
}

fn rejected(rejection: &impl Rejection) -> CommandError {
    CommandError::Rejected { reason: rejection.reason(), message: rejection.to_string() }
}
