//! Budgets: what people set in the org's stream here, and what calls to models spend in [`calls`].
//!
//! A call is allowed before it is made: [`Spending::reserve`] sets aside what it can cost at the most, in one transaction
//! under a lock of the org, so that no two workers give the same money away. [`Spending::settle`] puts what it came to in
//! its place. What a lost worker had reserved is free again when its lease ends.

mod calls;
mod standing;

pub use calls::{Call, Limits, OverBudget, Reserve, Reserved, Spending, SpendingError, Wanted};
pub use standing::{BudgetStanding, Standing};

use crate::input::Input;
use crate::store::{StoreError, within};
use crate::{Accepted, Caller, CommandError, Commands};
use chrono::NaiveDate;
use domain::agent_run::{AgentRun, AgentRunCommand, RunBudgetWarned};
use domain::limits::USD_MICROS_MAX;
use domain::org::{BudgetScope, NoteSpending as Note, Org, OrgCommand, SetBudget as Set, SetTimeZone as SetZone};
use domain::project::Project;
use domain::ticket::Ticket;
use domain::{OrgId, RunId};
use garde::Validate;
use serde::Serialize;

const TIME_ZONE_MAX_BYTES: usize = 64;

#[derive(Clone, Debug, Serialize, Validate)]
pub struct SetBudget {
    #[garde(skip)]
    pub scope: BudgetScope,
    /// None takes the limit away; 0 lets nothing be spent.
    #[garde(inner(range(max = USD_MICROS_MAX)))]
    pub limit_usd_micros: Option<u64>,
}

impl Input for SetBudget {
    const NAME: &'static str = "set_budget";
}

/// A project or ticket of another org is `NOT_FOUND`. Counts from the next call to a model on, of runs under way
/// too.
pub async fn set_budget(commands: &Commands, caller: &Caller, input: SetBudget) -> Result<Accepted, CommandError> {
    commands
        .perform(caller, &input, async {
            match input.scope {
                BudgetScope::Org | BudgetScope::EachRun => {}
                BudgetScope::Project { project } => drop(commands.find::<Project>(caller.org, project).await?),
                BudgetScope::Ticket { ticket } => drop(commands.find::<Ticket>(caller.org, ticket).await?),
            }
            let command = OrgCommand::SetBudget(Set { scope: input.scope, limit_usd_micros: input.limit_usd_micros });
            in_org(commands, caller, &input, &command).await
        })
        .await
}

#[derive(Clone, Debug, Serialize, Validate)]
pub struct SetTimeZone {
    /// As the IANA names it, such as `Europe/Berlin`.
    #[garde(length(bytes, min = 1, max = TIME_ZONE_MAX_BYTES))]
    pub time_zone: String,
}

impl Input for SetTimeZone {
    const NAME: &'static str = "set_time_zone";
}

/// Where the org's days begin and end. Rejected with `UNKNOWN_TIME_ZONE`.
pub async fn set_time_zone(commands: &Commands, caller: &Caller, input: SetTimeZone) -> Result<Accepted, CommandError> {
    commands
        .perform(caller, &input, async {
            commands.find::<Org>(caller.org, caller.org).await?;
            let known = is_time_zone(commands, &input.time_zone).await?;
            let command = OrgCommand::SetTimeZone(SetZone { time_zone: input.time_zone.clone(), known });
            in_org(commands, caller, &input, &command).await
        })
        .await
}

/// PostgreSQL counts the days, so it says which zones there are.
async fn is_time_zone(commands: &Commands, name: &str) -> Result<bool, CommandError> {
    let known = within(commands.settings().patience, async {
        let known = sqlx::query_scalar("select exists (select from pg_timezone_names where name = $1)").bind(name);
        known.fetch_one(commands.pool()).await.map_err(StoreError::TimeZones)
    });
    Ok(known.await?)
}

/// How much of a budget is spent, as a worker saw it after a call.
#[derive(Clone, Debug, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub struct NoteSpending {
    pub scope: BudgetScope,
    /// Of a daily budget.
    pub day: Option<NaiveDate>,
    pub limit_usd_micros: u64,
    pub spent_usd_micros: u64,
    /// A call was refused because of it.
    pub refused: bool,
}

impl Input for NoteSpending {
    const NAME: &'static str = "note_spending";
}

/// Says in the log that people are to be warned, or that the budget is used up: once a day and limit.
pub async fn note_spending(
    commands: &Commands,
    caller: &Caller,
    input: NoteSpending,
) -> Result<Accepted, CommandError> {
    commands
        .perform(caller, &input, async {
            let NoteSpending { scope, day, limit_usd_micros, spent_usd_micros, refused } = input;
            let command = OrgCommand::NoteSpending(Note { scope, day, limit_usd_micros, spent_usd_micros, refused });
            in_org(commands, caller, &input, &command).await
        })
        .await
}

/// The run has spent four fifths of what it may cost by itself.
#[derive(Clone, Debug, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub struct WarnOfBudget {
    pub run: RunId,
    pub warning: RunBudgetWarned,
}

impl Input for WarnOfBudget {
    const NAME: &'static str = "warn_of_budget";
}

pub async fn warn_of_budget(
    commands: &Commands,
    caller: &Caller,
    input: WarnOfBudget,
) -> Result<Accepted, CommandError> {
    commands
        .perform(caller, &input, async {
            commands.find::<AgentRun>(caller.org, input.run).await?;
            let command = AgentRunCommand::WarnOfBudget(input.warning.clone());
            commands.execute::<AgentRun>(caller, input.run.0, input.digest(caller), &command).await
        })
        .await
}

/// What bounds the calls of a run now: the org's budgets, and what the run was started with.
pub async fn limits_of(
    commands: &Commands,
    org: OrgId,
    call: &Call,
    asked: Option<u64>,
) -> Result<Limits, CommandError> {
    let org = commands.find_now::<Org>(org, org).await?;
    let limit = |scope| org.state.budget(scope).map(|budget| budget.limit_usd_micros);
    let each_run = limit(BudgetScope::EachRun);
    Ok(Limits {
        org: limit(BudgetScope::Org),
        project: limit(BudgetScope::Project { project: call.project }),
        ticket: call.ticket.and_then(|ticket| limit(BudgetScope::Ticket { ticket })),
        run: asked.into_iter().chain(each_run).min(),
        time_zone: org.state.time_zone().to_owned(),
    })
}

async fn in_org<I: Input + Sync>(
    commands: &Commands,
    caller: &Caller,
    input: &I,
    command: &OrgCommand,
) -> Result<Accepted, CommandError> {
    commands.find::<Org>(caller.org, caller.org).await?;
    commands.execute::<Org>(caller, caller.org.0, input.digest(caller), command).await
}
