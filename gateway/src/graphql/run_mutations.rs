//! What people do to runs. Each: parse, call, translate.

use super::context::request;
use super::enums::RunMode;
use super::project::access_to_project;
use super::run::{AgentRun, access_to_run, read_run};
use super::scalars::{Position, UsdMicros};
use super::ticket::TicketRef;
use crate::auth::access::{Action, OrgAccess};
use crate::errors::ApiError;
use async_graphql::{Context, InputObject, Object};
use commands::agent_run::{self, ticket_of_plan_item};
use commands::{Accepted, Caller};
use domain::agent_run::RunConstraints;
use domain::limits::PLAN_ITEMS_MAX;
use domain::{ConversationId, PlanItemId, ProjectId, RepoConnectionId, RunId, TicketId};
use uuid::Uuid;

#[derive(InputObject, Debug)]
pub(crate) struct StartRunInput {
    command_id: Uuid,
    project_id: Uuid,
    mode: RunMode,
    provider: String,
    model: Option<String>,
    prompt: Option<String>,
    ticket_id: Option<Uuid>,
    repo_connection_id: Option<Uuid>,
    base_ref: Option<String>,
    conversation_id: Option<Uuid>,
    constraints: Option<RunConstraintsInput>,
}

#[derive(InputObject, Debug)]
pub(crate) struct RunConstraintsInput {
    #[graphql(name = "timeBudgetS")]
    time_budget_s: Option<u32>,
    max_cost_usd_micros: Option<UsdMicros>,
    allowed_tools: Option<Vec<String>>,
    allowed_paths: Option<Vec<String>>,
}

impl From<RunConstraintsInput> for RunConstraints {
    fn from(input: RunConstraintsInput) -> Self {
        Self {
            time_budget_s: input.time_budget_s,
            max_cost_usd_micros: input.max_cost_usd_micros.map(|cost| cost.0),
            allowed_tools: input.allowed_tools.unwrap_or_default(),
            allowed_paths: input.allowed_paths.unwrap_or_default(),
        }
    }
}

#[derive(InputObject, Debug)]
pub(crate) struct RunRefInput {
    command_id: Uuid,
    run_id: Uuid,
}

#[derive(InputObject, Debug)]
pub(crate) struct AcceptPlanInput {
    command_id: Uuid,
    run_id: Uuid,
    item_ids: Option<Vec<Uuid>>,
}

#[derive(Debug)]
pub(crate) struct AgentRunPayload {
    access: OrgAccess,
    accepted: Accepted,
    caller: Caller,
}

impl AgentRunPayload {
    async fn read(&self, ctx: &Context<'_>) -> Result<AgentRun, ApiError> {
        request(ctx)?.shown("runs", self.access.org(), &self.accepted, self.caller.command_id).await?;
        read_run(ctx, self.access, RunId(self.accepted.aggregate_id)).await.map_err(super::not_shown_yet)
    }
}

#[Object]
impl AgentRunPayload {
    /// As it is after this command; an older version than the payload's when the read side is more than 2 s behind.
    async fn run(&self, ctx: &Context<'_>) -> Result<AgentRun, ApiError> {
        self.read(ctx).await
    }

    async fn version(&self) -> u64 {
        self.accepted.version
    }

    async fn position(&self) -> Option<Position> {
        self.accepted.position.map(Position)
    }
}

#[derive(Debug)]
pub(crate) struct AcceptPlanPayload {
    payload: AgentRunPayload,
    items: Option<Vec<PlanItemId>>,
}

#[Object]
impl AcceptPlanPayload {
    async fn run(&self, ctx: &Context<'_>) -> Result<AgentRun, ApiError> {
        // Its items name the tickets that they became.
        let AgentRunPayload { access, accepted, caller } = &self.payload;
        request(ctx)?.shown("ticket", access.org(), accepted, caller.command_id).await?;
        self.payload.read(ctx).await
    }

    /// The tickets that the accepted items became. At most 60: one an item.
    async fn tickets(&self, ctx: &Context<'_>) -> Result<Vec<TicketRef>, ApiError> {
        let request = request(ctx)?;
        let AgentRunPayload { access, accepted, caller } = &self.payload;
        let org = access.org();
        request.shown("runs", org, accepted, caller.command_id).await?;
        request.shown("ticket", org, accepted, caller.command_id).await?;
        let run = RunId(accepted.aggregate_id);
        let wanted: Vec<TicketId> = match &self.items {
            Some(items) => items.iter().map(|item| ticket_of_plan_item(run, *item)).collect(),
            None => {
                let items = request.gateway.reads.plan_items(org, &[run]).await?;
                items.iter().filter_map(|item| item.accepted_ticket).collect()
            }
        };
        let refs = request.gateway.reads.ticket_refs(org, &wanted).await?;
        // In the order of the items.
        let in_order = wanted.iter().filter_map(|id| refs.iter().find(|ticket| ticket.id == *id));
        Ok(in_order.map(|ticket| ticket.clone().into()).collect())
    }

    async fn version(&self) -> u64 {
        self.payload.accepted.version
    }

    async fn position(&self) -> Option<Position> {
        self.payload.accepted.position.map(Position)
    }
}

#[derive(Debug, Default)]
pub(crate) struct RunMutation;

#[Object]
impl RunMutation {
    async fn start_run(&self, ctx: &Context<'_>, input: StartRunInput) -> Result<AgentRunPayload, ApiError> {
        let request = request(ctx)?;
        let project = ProjectId(input.project_id);
        let access = access_to_project(ctx, project, Action::StartRuns).await?;
        let caller = request.caller(access.org(), input.command_id, None);
        let command = agent_run::RequestRun {
            project,
            mode: input.mode.into(),
            provider: input.provider,
            model: input.model,
            prompt: input.prompt.unwrap_or_default(),
            ticket: input.ticket_id.map(TicketId),
            repo_connection: input.repo_connection_id.map(RepoConnectionId),
            base_ref: input.base_ref,
            conversation: input.conversation_id.map(ConversationId),
            constraints: input.constraints.map(Into::into).unwrap_or_default(),
        };
        let sent = agent_run::request_run(&request.gateway.commands, &caller, command);
        let accepted = request.send("start_run", &caller, sent).await?;
        Ok(AgentRunPayload { access, accepted, caller })
    }

    async fn cancel_run(&self, ctx: &Context<'_>, input: RunRefInput) -> Result<AgentRunPayload, ApiError> {
        let request = request(ctx)?;
        let run = RunId(input.run_id);
        let access = access_to_run(ctx, run, Action::StartRuns).await?;
        let caller = request.caller(access.org(), input.command_id, None);
        let sent = agent_run::cancel_run(&request.gateway.commands, &caller, agent_run::CancelRun { run });
        let accepted = request.send("cancel_run", &caller, sent).await?;
        Ok(AgentRunPayload { access, accepted, caller })
    }

    /// Puts all items of a plan onto the board, or some.
    async fn accept_plan(&self, ctx: &Context<'_>, input: AcceptPlanInput) -> Result<AcceptPlanPayload, ApiError> {
        let request = request(ctx)?;
        let run = RunId(input.run_id);
        let access = access_to_run(ctx, run, Action::AcceptPlans).await?;
        if input.item_ids.as_ref().is_some_and(|items| items.len() > PLAN_ITEMS_MAX) {
            return Err(ApiError::invalid("itemIds", format!("At most {PLAN_ITEMS_MAX}.")));
        }
        let items: Option<Vec<PlanItemId>> = input.item_ids.map(|items| items.into_iter().map(PlanItemId).collect());
        let caller = request.caller(access.org(), input.command_id, None);
        let command = agent_run::AcceptPlan { run, items: items.clone() };
        let sent = agent_run::accept_plan(&request.gateway.commands, &caller, command);
        let accepted = request.send("accept_plan", &caller, sent).await?;
        Ok(AcceptPlanPayload { payload: AgentRunPayload { access, accepted, caller }, items })
    }
}
