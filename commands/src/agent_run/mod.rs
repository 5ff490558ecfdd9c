//! Runs of agents: what people ask for here, what the worker tells in [`lease`], and plans in [`plan`].

mod assignment;
mod lease;
mod plan;

pub use assignment::{Assignment, RunProgress, assignment, progress_of};
pub use lease::{
    AbandonRun, EndRun, LeaseRun, ProduceArtifact, ProposePlanItem, ReachCost, StartWork, abandon_run, end_run,
    lease_run, produce_artifact, propose_plan_item, reach_cost, start_work,
};
pub use plan::{AcceptPlan, accept_plan, ticket_of_plan_item};

use crate::input::{Input, derived_id};
use crate::{Accepted, Caller, CommandError, Commands};
use domain::agent_run::{
    AgentRun, AgentRunCommand, RequestRun as Request, RunConstraints, RunMode, RunRepo, RunTicket,
};
use domain::limits::{PROMPT_MAX_BYTES, TIME_BUDGET_MAX_S};
use domain::project::Project;
use domain::repo_connection::RepoConnection;
use domain::ticket::Ticket;
use domain::{ConversationId, ProjectId, RepoConnectionId, RunId, TicketId};
use garde::Validate;
use serde::Serialize;

const MODEL_MAX_BYTES: usize = 100;
const REF_MAX_BYTES: usize = 200;
const CONSTRAINT_LINES_MAX: usize = 100;
const CONSTRAINT_LINE_MAX_BYTES: usize = 500;

#[derive(Clone, Debug, Serialize, Validate)]
pub struct RequestRun {
    #[garde(skip)]
    pub project: ProjectId,
    #[garde(skip)]
    pub mode: RunMode,
    #[garde(skip)]
    pub provider: String,
    #[garde(length(bytes, min = 1, max = MODEL_MAX_BYTES), custom(plain_word))]
    pub model: Option<String>,
    #[garde(length(bytes, max = PROMPT_MAX_BYTES * 2))]
    pub prompt: String,
    #[garde(skip)]
    pub ticket: Option<TicketId>,
    #[garde(skip)]
    pub repo_connection: Option<RepoConnectionId>,
    /// A branch, tag or commit of the repository; none: its default branch.
    #[garde(custom(git_ref))]
    pub base_ref: Option<String>,
    /// None: the run opens a conversation of its own.
    #[garde(skip)]
    pub conversation: Option<ConversationId>,
    #[garde(custom(sane_constraints))]
    pub constraints: RunConstraints,
}

#[derive(Clone, Copy, Debug, Serialize, Validate)]
pub struct CancelRun {
    #[garde(skip)]
    pub run: RunId,
}

impl Input for RequestRun {
    const NAME: &'static str = "request_run";
}

impl Input for CancelRun {
    const NAME: &'static str = "cancel_run";
}

/// The agent is told the ticket and the repository as they are now: both are kept in the event.
pub async fn request_run(commands: &Commands, caller: &Caller, input: RequestRun) -> Result<Accepted, CommandError> {
    commands.perform(caller, &input, request(commands, caller, &input)).await
}

async fn request(commands: &Commands, caller: &Caller, input: &RequestRun) -> Result<Accepted, CommandError> {
    commands.find::<Project>(caller.org, input.project).await?;
    let run = RunId(derived_id(caller, "run"));
    let (ticket, ticket_archived) = ticket_facts(commands, caller, input).await?;
    let (repo, repo_disconnected) = repo_facts(commands, caller, input).await?;
    let conversation = input.conversation.unwrap_or(ConversationId(derived_id(caller, "conversation")));
    let settings = commands.settings();
    let command = AgentRunCommand::Request(Box::new(Request {
        project: input.project,
        mode: input.mode,
        provider: input.provider.clone(),
        known_providers: settings.providers.clone(),
        known_modes: settings.modes.clone(),
        model: input.model.clone(),
        prompt: input.prompt.clone(),
        ticket,
        ticket_archived,
        repo,
        repo_disconnected,
        conversation: Some(conversation),
        constraints: input.constraints.clone(),
    }));
    commands.execute::<AgentRun>(caller, run.0, input.digest(caller), &command).await
}

async fn ticket_facts(
    commands: &Commands,
    caller: &Caller,
    input: &RequestRun,
) -> Result<(Option<RunTicket>, bool), CommandError> {
    let Some(id) = input.ticket else { return Ok((None, false)) };
    let found = commands.find_now::<Ticket>(caller.org, id).await?;
    let ticket = &found.state;
    let home = ticket.home.as_ref().filter(|home| home.project == input.project).ok_or(CommandError::NotFound)?;
    let facts = RunTicket {
        id,
        key: home.key.clone(),
        title: ticket.title.clone(),
        description_md: ticket.description_md.clone(),
    };
    Ok((Some(facts), ticket.archived))
}

async fn repo_facts(
    commands: &Commands,
    caller: &Caller,
    input: &RequestRun,
) -> Result<(Option<RunRepo>, bool), CommandError> {
    let Some(connection) = input.repo_connection else { return Ok((None, false)) };
    let found = commands.find_now::<RepoConnection>(caller.org, connection).await?;
    let repository = found.state.repository.as_ref().filter(|repository| repository.project == input.project);
    let repository = repository.ok_or(CommandError::NotFound)?;
    let facts = RunRepo {
        connection,
        name: repository.name.clone(),
        clone_url: repository.clone_url.clone(),
        base_ref: input.base_ref.clone(),
    };
    Ok((Some(facts), !found.state.connected))
}

/// A run that nobody has taken yet ends at once; else its worker is told, and ends it.
pub async fn cancel_run(commands: &Commands, caller: &Caller, input: CancelRun) -> Result<Accepted, CommandError> {
    commands
        .perform(caller, &input, async {
            commands.find::<AgentRun>(caller.org, input.run).await?;
            let digest = input.digest(caller);
            commands.execute::<AgentRun>(caller, input.run.0, digest, &AgentRunCommand::Cancel).await
        })
        .await
}

// garde asks for a reference to the field itself.
#[allow(clippy::ref_option)]
fn plain_word(text: &Option<String>, (): &()) -> garde::Result {
    let plain = |c: u8| c.is_ascii_alphanumeric() || b"-_.:/@".contains(&c);
    if text.as_ref().is_none_or(|text| text.bytes().all(plain)) {
        return Ok(());
    }
    Err(garde::Error::new("holds characters that no model's name has"))
}

/// What git takes for a ref, and nothing that a program could take for an option.
#[allow(clippy::ref_option)]
fn git_ref(text: &Option<String>, (): &()) -> garde::Result {
    let Some(text) = text else { return Ok(()) };
    let plain = |c: u8| c.is_ascii_alphanumeric() || b"-_./+#@".contains(&c);
    let good = (1..=REF_MAX_BYTES).contains(&text.len())
        && text.bytes().all(plain)
        && !text.starts_with(['-', '/', '.'])
        && !text.ends_with(['/', '.'])
        && !["..", "//", "/.", "@{"].iter().any(|odd| text.contains(odd))
        && !text.ends_with(".lock");
    if good { Ok(()) } else { Err(garde::Error::new("is not the name of a branch, tag or commit")) }
}

fn sane_constraints(constraints: &RunConstraints, (): &()) -> garde::Result {
    if constraints.time_budget_s.is_some_and(|seconds| !(1..=TIME_BUDGET_MAX_S).contains(&seconds)) {
        return Err(garde::Error::new(format!("the time budget is 1 to {TIME_BUDGET_MAX_S} s")));
    }
    if constraints.max_cost_usd_micros.is_some_and(|micros| micros == 0 || micros > (1 << 53)) {
        return Err(garde::Error::new("the largest cost is above 0"));
    }
    let lists = [&constraints.allowed_tools, &constraints.allowed_paths];
    let bounded = |list: &&Vec<String>| {
        list.len() <= CONSTRAINT_LINES_MAX && list.iter().all(|line| line.len() <= CONSTRAINT_LINE_MAX_BYTES)
    };
    if lists.iter().all(bounded) { Ok(()) } else { Err(garde::Error::new("a list is too long")) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn a_ref_is_a_name_and_never_an_option() {
        for good in ["main", "feature/rate-limit", "v1.2.3", "0123456789abcdef", "fix_#12"] {
            assert!(git_ref(&Some(good.to_owned()), &()).is_ok(), "{good}");
        }
        for bad in ["", "-u", "--upload-pack=x", "a..b", "a b", "a//b", "/a", "a/", "a.lock", "a@{1}", "a\nb", "a:b"] {
            assert!(git_ref(&Some(bad.to_owned()), &()).is_err(), "{bad}");
        }
    }
}
