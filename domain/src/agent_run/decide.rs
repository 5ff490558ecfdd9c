//! The rules of a run, one a function.
//!
//! What the worker says carries the token of its lease. An older token means that another worker has the run by now:
//! whatever the old one still says is refused, so that nothing happens twice.

use super::{
    AbandonRun, AcceptPlan, AgentRun, AgentRunCommand, AgentRunEvent, FailureReason, RequestRun, RunArtifactProduced,
    RunBudgetWarned, RunCancelRequested, RunCostReached, RunEnded, RunLeased, RunMode, RunOutcome, RunPlanAccepted,
    RunPlanItemProposed, RunRequested, RunWorkStarted,
};
use crate::decider::Rejection;
use crate::limits::{
    ARTIFACTS_MAX, CHANGED_FILES_MAX, DESCRIPTION_MAX_BYTES, NAME_MAX_CHARS, PLAN_CRITERIA_MAX, PLAN_ITEMS_MAX,
    PROMPT_MAX_BYTES, SUMMARY_MAX_BYTES, TITLE_MAX_CHARS,
};
use crate::text::{self, LineProblem};
use crate::ticket::TicketKind;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AgentRunRejection {
    #[error("this run exists already")]
    Exists,
    #[error("there is no such run")]
    Unknown,
    #[error("no agent is known as {provider}")]
    UnknownProvider { provider: String },
    #[error("no agent of this installation works in this mode")]
    UnknownMode,
    #[error("say what the agent is to do, or name a ticket")]
    NothingToDo,
    #[error("the prompt is longer than {PROMPT_MAX_BYTES} bytes")]
    PromptTooLong,
    #[error("this mode works on a repository: name one")]
    RepositoryNeeded,
    #[error("the repository is no longer connected")]
    RepositoryDisconnected,
    #[error("the ticket is archived; restore it first")]
    TicketArchived,
    #[error("the run has ended")]
    RunEnded,
    #[error("another worker has the run")]
    LeaseLost,
    #[error("only a run in plan mode has a plan")]
    NotAPlan,
    #[error("a plan has at most {PLAN_ITEMS_MAX} items")]
    PlanTooLarge,
    #[error("the title {0}")]
    Title(LineProblem),
    #[error("the description is longer than {DESCRIPTION_MAX_BYTES} bytes")]
    DescriptionTooLong,
    #[error("an item has at most {PLAN_CRITERIA_MAX} acceptance criteria")]
    TooManyCriteria,
    #[error("an item with this id was proposed already, with other content")]
    ItemExists,
    #[error("the plan has no such item")]
    UnknownItem,
    #[error("an epic stands alone, a story below an epic, a task or bug below a story or an epic")]
    ParentUnfit,
    #[error("a run leaves at most {ARTIFACTS_MAX} artifacts")]
    TooManyArtifacts,
    #[error("an artifact has a name and the digest of its content")]
    ArtifactMalformed,
}

impl Rejection for AgentRunRejection {
    fn reason(&self) -> &'static str {
        match self {
            Self::Exists => "EXISTS",
            Self::Unknown => "UNKNOWN_RUN",
            Self::UnknownProvider { .. } => "UNKNOWN_PROVIDER",
            Self::UnknownMode => "UNKNOWN_MODE",
            Self::NothingToDo => "NOTHING_TO_DO",
            Self::PromptTooLong => "PROMPT_TOO_LONG",
            Self::RepositoryNeeded => "REPOSITORY_NEEDED",
            Self::RepositoryDisconnected => "REPOSITORY_DISCONNECTED",
            Self::TicketArchived => "ARCHIVED",
            Self::RunEnded => "RUN_ENDED",
            Self::LeaseLost => "LEASE_LOST",
            Self::NotAPlan => "NOT_A_PLAN",
            Self::PlanTooLarge => "PLAN_TOO_LARGE",
            Self::Title(problem) => text::title_reason(*problem),
            Self::DescriptionTooLong => "DESCRIPTION_TOO_LONG",
            Self::TooManyCriteria => "TOO_MANY_CRITERIA",
            Self::ItemExists => "ITEM_EXISTS",
            Self::UnknownItem => "UNKNOWN_ITEM",
            Self::ParentUnfit => "PARENT_UNFIT",
            Self::TooManyArtifacts => "TOO_MANY_ARTIFACTS",
            Self::ArtifactMalformed => "ARTIFACT_MALFORMED",
        }
    }
}

type Decision = Result<Vec<AgentRunEvent>, AgentRunRejection>;

pub(super) fn decide(run: &AgentRun, command: &AgentRunCommand) -> Decision {
    if let AgentRunCommand::Request(command) = command {
        return request(run, command);
    }
    if run.request.is_none() {
        return Err(AgentRunRejection::Unknown);
    }
    match command {
        AgentRunCommand::Request(command) => request(run, command),
        AgentRunCommand::Lease(lease) => take(run, lease),
        AgentRunCommand::StartWork(work) => start_work(run, work),
        AgentRunCommand::ProposePlanItem(item) => propose(run, item),
        AgentRunCommand::ProduceArtifact(artifact) => produce(run, artifact),
        AgentRunCommand::ReachCost(cost) => reach_cost(run, cost),
        AgentRunCommand::WarnOfBudget(warning) => warn_of_budget(run, warning),
        AgentRunCommand::Cancel => cancel(run),
        AgentRunCommand::End(end_of_run) => end(run, end_of_run),
        AgentRunCommand::Abandon(command) => abandon(run, command),
        AgentRunCommand::AcceptPlan(command) => accept(run, command),
    }
}

fn request(run: &AgentRun, command: &RequestRun) -> Decision {
    if run.request.is_some() {
        return Err(AgentRunRejection::Exists);
    }
    if !command.known_providers.contains(&command.provider) {
        let provider = text::cut(&command.provider, 80).to_owned();
        return Err(AgentRunRejection::UnknownProvider { provider });
    }
    if !command.known_modes.contains(&command.mode) {
        return Err(AgentRunRejection::UnknownMode);
    }
    let prompt = text::text(&command.prompt);
    if prompt.len() > PROMPT_MAX_BYTES {
        return Err(AgentRunRejection::PromptTooLong);
    }
    if command.ticket.is_none() && prompt.trim().is_empty() {
        return Err(AgentRunRejection::NothingToDo);
    }
    if command.ticket_archived {
        return Err(AgentRunRejection::TicketArchived);
    }
    if command.repo.is_none() && works_on_a_repository(command.mode) {
        return Err(AgentRunRejection::RepositoryNeeded);
    }
    if command.repo_disconnected {
        return Err(AgentRunRejection::RepositoryDisconnected);
    }
    Ok(vec![
        RunRequested {
            project: command.project,
            mode: command.mode,
            provider: command.provider.clone(),
            model: command.model.clone(),
            prompt,
            ticket: command.ticket.clone(),
            repo: command.repo.clone(),
            conversation: command.conversation,
            constraints: command.constraints.clone(),
        }
        .into(),
    ])
}

const fn works_on_a_repository(mode: RunMode) -> bool {
    match mode {
        RunMode::Implement | RunMode::Bugfix | RunMode::Review | RunMode::Qa => true,
        RunMode::Plan | RunMode::Ask => false,
    }
}

/// A larger token takes the run over; the same worker and token again is a repeat.
fn take(run: &AgentRun, lease: &RunLeased) -> Decision {
    going_on(run)?;
    if lease.token == run.token && run.worker == Some(lease.worker) {
        return Ok(Vec::new());
    }
    if lease.token <= run.token {
        return Err(AgentRunRejection::LeaseLost);
    }
    Ok(vec![lease.clone().into()])
}

fn start_work(run: &AgentRun, work: &RunWorkStarted) -> Decision {
    holds_lease(run, work.token)?;
    if run.started_under == Some(work.token) {
        return Ok(Vec::new());
    }
    Ok(vec![work.clone().into()])
}

fn propose(run: &AgentRun, item: &RunPlanItemProposed) -> Decision {
    holds_lease(run, item.token)?;
    is_plan(run)?;
    let item = RunPlanItemProposed {
        title: text::line(&item.title, TITLE_MAX_CHARS).map_err(AgentRunRejection::Title)?,
        description_md: text::text(&item.description_md),
        acceptance_criteria: item.acceptance_criteria.iter().map(|line| text::text(line)).collect(),
        column: text::cut(&item.column, 50).to_owned(),
        ..item.clone()
    };
    let size: usize = item.acceptance_criteria.iter().map(String::len).sum::<usize>() + item.description_md.len();
    if size > DESCRIPTION_MAX_BYTES {
        return Err(AgentRunRejection::DescriptionTooLong);
    }
    if item.acceptance_criteria.len() > PLAN_CRITERIA_MAX {
        return Err(AgentRunRejection::TooManyCriteria);
    }
    if let Some(same) = run.item(item.item) {
        // Under a newer lease the same item may come again.
        let repeated = RunPlanItemProposed { token: same.token, ..item } == *same;
        return if repeated { Ok(Vec::new()) } else { Err(AgentRunRejection::ItemExists) };
    }
    if run.plan.len() >= PLAN_ITEMS_MAX {
        return Err(AgentRunRejection::PlanTooLarge);
    }
    let parent = match item.parent {
        None => None,
        Some(parent) => Some(run.item(parent).ok_or(AgentRunRejection::UnknownItem)?.kind),
    };
    if !fits_below(item.kind, parent) {
        return Err(AgentRunRejection::ParentUnfit);
    }
    Ok(vec![item.into()])
}

const fn fits_below(kind: TicketKind, parent: Option<TicketKind>) -> bool {
    match kind {
        TicketKind::Epic => parent.is_none(),
        TicketKind::Story => matches!(parent, None | Some(TicketKind::Epic)),
        TicketKind::Task | TicketKind::Bug => matches!(parent, None | Some(TicketKind::Epic | TicketKind::Story)),
    }
}

fn produce(run: &AgentRun, artifact: &RunArtifactProduced) -> Decision {
    holds_lease(run, artifact.token)?;
    let digest = artifact.digest.as_bytes();
    let is_digest = digest.len() == 64 && digest.iter().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    let name = text::line(&artifact.name, NAME_MAX_CHARS).map_err(|_| AgentRunRejection::ArtifactMalformed)?;
    if !is_digest || artifact.mime.len() > 100 {
        return Err(AgentRunRejection::ArtifactMalformed);
    }
    if run.artifacts.contains_key(&artifact.artifact) {
        return Ok(Vec::new());
    }
    if run.artifacts.len() >= ARTIFACTS_MAX {
        return Err(AgentRunRejection::TooManyArtifacts);
    }
    Ok(vec![RunArtifactProduced { name, ..artifact.clone() }.into()])
}

/// Totals only grow: one that arrives late says nothing new.
fn reach_cost(run: &AgentRun, cost: &RunCostReached) -> Decision {
    holds_lease(run, cost.token)?;
    let tokens = |usage: &super::TokenUsage| usage.input_tokens.saturating_add(usage.output_tokens);
    let more = cost.cost_usd_micros > run.cost_usd_micros || tokens(&cost.usage) > tokens(&run.usage);
    let less = cost.cost_usd_micros < run.cost_usd_micros || tokens(&cost.usage) < tokens(&run.usage);
    Ok(if more && !less { vec![cost.clone().into()] } else { Vec::new() })
}

fn warn_of_budget(run: &AgentRun, warning: &RunBudgetWarned) -> Decision {
    holds_lease(run, warning.token)?;
    Ok(if run.budget_warned { Vec::new() } else { vec![warning.clone().into()] })
}

/// A run that nobody has taken yet ends at once; else its worker hears of it and ends it.
fn cancel(run: &AgentRun) -> Decision {
    if run.outcome == Some(RunOutcome::Cancelled) || (run.cancel_requested && run.outcome.is_none()) {
        return Ok(Vec::new());
    }
    going_on(run)?;
    let mut events: Vec<AgentRunEvent> = vec![RunCancelRequested {}.into()];
    if run.token == 0 {
        events.push(ending(run, RunOutcome::Cancelled).into());
    }
    Ok(events)
}

/// Over-long texts are cut, not refused: a run must always be able to end.
fn end(run: &AgentRun, end: &RunEnded) -> Decision {
    holds_lease(run, end.token)?;
    let mut end = end.clone();
    end.summary = text::cut(&text::text(&end.summary), SUMMARY_MAX_BYTES).to_owned();
    end.outcome = shortened(end.outcome);
    if let Some(work) = &mut end.work {
        work.files.truncate(CHANGED_FILES_MAX);
    }
    Ok(vec![end.into()])
}

/// The lease may be newer than what the run knows of: a worker can be lost before it says that it has the run.
fn abandon(run: &AgentRun, command: &AbandonRun) -> Decision {
    if command.token < run.token {
        return Err(AgentRunRejection::LeaseLost);
    }
    going_on(run)?;
    // It was to stop, and it has stopped.
    let outcome = if run.cancel_requested && command.reason == FailureReason::WorkerLost {
        RunOutcome::Cancelled
    } else {
        shortened(RunOutcome::Failed { reason: command.reason, message: command.message.clone() })
    };
    let end = RunEnded {
        token: command.token,
        transcript_count: command.transcript_count,
        transcript_digest: command.transcript_digest.clone(),
        ..ending(run, outcome)
    };
    Ok(vec![end.into()])
}

/// Items may be accepted in parts; those that are on the board already stay as they are.
fn accept(run: &AgentRun, command: &AcceptPlan) -> Decision {
    is_plan(run)?;
    if command.tickets.iter().any(|each| run.item(each.item).is_none()) {
        return Err(AgentRunRejection::UnknownItem);
    }
    let new = command.tickets.iter().filter(|each| !run.accepted.contains_key(&each.item));
    let tickets: Vec<_> = new.cloned().collect();
    Ok(if tickets.is_empty() { Vec::new() } else { vec![RunPlanAccepted { tickets }.into()] })
}

fn ending(run: &AgentRun, outcome: RunOutcome) -> RunEnded {
    RunEnded {
        token: run.token,
        outcome,
        summary: String::new(),
        work: None,
        usage: run.usage,
        cost_usd_micros: run.cost_usd_micros,
        transcript_count: 0,
        transcript_digest: String::new(),
    }
}

fn shortened(outcome: RunOutcome) -> RunOutcome {
    match outcome {
        RunOutcome::Failed { reason, message } => {
            let message = text::cut(&text::text(&message), SUMMARY_MAX_BYTES).to_owned();
            RunOutcome::Failed { reason, message }
        }
        RunOutcome::Succeeded | RunOutcome::Cancelled => outcome,
    }
}

fn going_on(run: &AgentRun) -> Result<(), AgentRunRejection> {
    if run.outcome.is_some() { Err(AgentRunRejection::RunEnded) } else { Ok(()) }
}

/// Ended comes second: a worker that lost its lease should hear that, whatever the next one has done since.
fn holds_lease(run: &AgentRun, token: u64) -> Result<(), AgentRunRejection> {
    if token != run.token {
        return Err(AgentRunRejection::LeaseLost);
    }
    going_on(run)
}

fn is_plan(run: &AgentRun) -> Result<(), AgentRunRejection> {
    if run.mode() == Some(RunMode::Plan) { Ok(()) } else { Err(AgentRunRejection::NotAPlan) }
}
