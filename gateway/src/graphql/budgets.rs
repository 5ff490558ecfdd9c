//! What may be spent on models, and what is spent.

use super::context::request;
use super::members::payload;
use super::org::OrgPayload;
use super::people::Actor;
use super::scalars::UsdMicros;
use super::ticket::{TicketRef, ticket_ref};
use crate::auth::access::{Action, OrgAccess};
use crate::errors::ApiError;
use async_graphql::{ComplexObject, Context, Enum, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use commands::budget::{self, Spending, SpendingError};
use domain::org::{self, BudgetLevel};
use domain::{OrgId, ProjectId, TicketId};
use futures::future::BoxFuture;
use uuid::Uuid;

/// What a budget bounds. Of several that bound a call to a model the strictest wins.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BudgetScope {
    /// All runs of the org, in a day of its time zone.
    Org,
    /// All runs of a project, in a day of the org's time zone.
    Project,
    /// All runs of a ticket, for good.
    Ticket,
    /// Each run of the org by itself.
    Run,
}

#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BudgetState {
    Ok,
    /// 80 % are spent.
    Warning,
    /// All of it: no further call to a model is made.
    UsedUp,
}

impl From<BudgetLevel> for BudgetState {
    fn from(level: BudgetLevel) -> Self {
        match level {
            BudgetLevel::Fine => Self::Ok,
            BudgetLevel::Warning => Self::Warning,
            BudgetLevel::UsedUp => Self::UsedUp,
        }
    }
}

#[derive(SimpleObject, Debug)]
#[graphql(complex)]
pub(crate) struct Budget {
    #[graphql(skip)]
    org: OrgId,
    scope: BudgetScope,
    project_id: Option<Uuid>,
    ticket_id: Option<Uuid>,
    limit_usd_micros: UsdMicros,
    /// Null for the budget of each run: agentRun.costUsdMicros says it.
    spent_usd_micros: Option<UsdMicros>,
    /// Set aside for calls to models that are under way; null for the budget of each run.
    reserved_usd_micros: Option<UsdMicros>,
    state: BudgetState,
    /// When a daily budget begins anew; null for the others.
    renews_at: Option<DateTime<Utc>>,
    set_by: Actor,
    set_at: DateTime<Utc>,
}

#[ComplexObject]
impl Budget {
    async fn ticket(&self, ctx: &Context<'_>) -> Result<Option<TicketRef>, ApiError> {
        ticket_ref(ctx, self.org, self.ticket_id.map(TicketId)).await
    }
}

/// All that are set, or only the org's own.
///
/// Boxed: what a resolver awaits takes room in the frame of all resolvers of its object, and an org has many.
pub(super) fn budgets_of<'a>(
    ctx: &'a Context<'_>,
    access: OrgAccess,
    time_zone: &'a str,
    only_org: bool,
) -> BoxFuture<'a, Result<Vec<Budget>, ApiError>> {
    Box::pin(read_budgets(ctx, access, time_zone, only_org))
}

async fn read_budgets(
    ctx: &Context<'_>,
    access: OrgAccess,
    time_zone: &str,
    only_org: bool,
) -> Result<Vec<Budget>, ApiError> {
    let (gateway, org) = (&request(ctx)?.gateway, access.org());
    let mut budgets = gateway.reads.budgets(org).await?;
    if only_org {
        budgets.retain(|budget| budget.scope == org::BudgetScope::Org);
    }
    if budgets.is_empty() {
        return Ok(Vec::new());
    }
    let of_ticket = |budget: &projections::org_directory::Budget| match budget.scope {
        org::BudgetScope::Ticket { ticket } => Some(ticket.as_uuid()),
        org::BudgetScope::Org | org::BudgetScope::Project { .. } | org::BudgetScope::EachRun => None,
    };
    let tickets: Vec<Uuid> = budgets.iter().filter_map(of_ticket).collect();
    let standing = Spending::new(gateway.pool.clone()).standing(org, time_zone, &tickets).await?;
    let shown = |budget: projections::org_directory::Budget| {
        let (scope, project_id, ticket_id) = match budget.scope {
            org::BudgetScope::Org => (BudgetScope::Org, None, None),
            org::BudgetScope::Project { project } => (BudgetScope::Project, Some(project.as_uuid()), None),
            org::BudgetScope::Ticket { ticket } => (BudgetScope::Ticket, None, Some(ticket.as_uuid())),
            org::BudgetScope::EachRun => (BudgetScope::Run, None, None),
        };
        let stands = standing.of(budget.scope, budget.limit_usd_micros);
        Budget {
            org,
            scope,
            project_id,
            ticket_id,
            limit_usd_micros: UsdMicros(budget.limit_usd_micros),
            spent_usd_micros: stands.map(|stands| UsdMicros(stands.spent)),
            reserved_usd_micros: stands.map(|stands| UsdMicros(stands.reserved)),
            state: stands.map_or(BudgetState::Ok, |stands| stands.level.into()),
            renews_at: budget.scope.is_daily().then_some(standing.day_ends_at),
            set_by: Actor { org, actor: budget.set_by },
            set_at: budget.set_at,
        }
    };
    Ok(budgets.into_iter().take(1_000).map(shown).collect())
}

impl From<SpendingError> for ApiError {
    fn from(error: SpendingError) -> Self {
        match error {
            SpendingError::Reserve(source) | SpendingError::Settle(source) | SpendingError::Read(source) => {
                source.into()
            }
        }
    }
}

#[derive(InputObject, Debug)]
pub(crate) struct BudgetInput {
    command_id: Uuid,
    org_id: Uuid,
    scope: BudgetScope,
    /// For PROJECT.
    project_id: Option<Uuid>,
    /// For TICKET.
    ticket_id: Option<Uuid>,
    /// Null takes the limit away; 0 lets nothing be spent.
    limit_usd_micros: Option<UsdMicros>,
}

impl BudgetInput {
    fn scope(&self) -> Result<org::BudgetScope, ApiError> {
        match (self.scope, self.project_id, self.ticket_id) {
            (BudgetScope::Org, None, None) => Ok(org::BudgetScope::Org),
            (BudgetScope::Run, None, None) => Ok(org::BudgetScope::EachRun),
            (BudgetScope::Project, Some(project), None) => {
                Ok(org::BudgetScope::Project { project: ProjectId(project) })
            }
            (BudgetScope::Ticket, None, Some(ticket)) => Ok(org::BudgetScope::Ticket { ticket: TicketId(ticket) }),
            (BudgetScope::Project, None, _) => Err(ApiError::invalid("projectId", "Say which project.")),
            (BudgetScope::Ticket, _, None) => Err(ApiError::invalid("ticketId", "Say which ticket.")),
            _ => Err(ApiError::invalid("scope", "Name only the project or ticket that the scope is of.")),
        }
    }
}

#[derive(InputObject, Debug)]
pub(crate) struct TimeZoneInput {
    command_id: Uuid,
    org_id: Uuid,
    /// As the IANA names it, such as `Europe/Berlin`.
    time_zone: String,
}

#[derive(Debug, Default)]
pub(crate) struct BudgetMutation;

#[Object]
impl BudgetMutation {
    /// Sets what may be spent on models, from the next call on, of runs under way too. Rejected with TOO_MANY_BUDGETS.
    async fn set_budget(&self, ctx: &Context<'_>, input: BudgetInput) -> Result<OrgPayload, ApiError> {
        let request = request(ctx)?;
        let access = request.access(OrgId(input.org_id), Action::SetBudgets).await?;
        let caller = request.caller(access.org(), input.command_id, None);
        let limit_usd_micros = input.limit_usd_micros.map(|limit| limit.0);
        let command = budget::SetBudget { scope: input.scope()?, limit_usd_micros };
        let sent = budget::set_budget(&request.gateway.commands, &caller, command);
        let accepted = request.send("set_budget", &caller, sent).await?;
        payload(ctx, access, &accepted, &caller).await
    }

    /// Where the org's days begin and end. Rejected with UNKNOWN_TIME_ZONE.
    async fn set_time_zone(&self, ctx: &Context<'_>, input: TimeZoneInput) -> Result<OrgPayload, ApiError> {
        let request = request(ctx)?;
        let access = request.access(OrgId(input.org_id), Action::SetBudgets).await?;
        let caller = request.caller(access.org(), input.command_id, None);
        let command = budget::SetTimeZone { time_zone: input.time_zone };
        let sent = budget::set_time_zone(&request.gateway.commands, &caller, command);
        let accepted = request.send("set_time_zone", &caller, sent).await?;
        payload(ctx, access, &accepted, &caller).await
    }
}
