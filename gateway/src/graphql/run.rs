//! Runs of agents.

use super::context::request;
use super::enums::{RunFailureReason, RunMode, RunState};
use super::paging::{PageInfo, first_of};
use super::people::Actor;
use super::project::access_to_project;
use super::repo::RepoBadge;
use super::run_result::{Artifact, Diff, PlanItem, Usage};
use super::scalars::{Cursor, UsdMicros, page_place};
use super::ticket::{TicketRef, ticket_ref};
use crate::auth::access::{Action, OrgAccess};
use crate::errors::ApiError;
use async_graphql::{ComplexObject, Context, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use commands::objects::Digest;
use domain::{ConversationId, OrgId, ProjectId, RunId, TicketId, UserId};
use projections::{board, runs};
use uuid::Uuid;

#[derive(SimpleObject, Clone, Debug)]
pub(crate) struct RunFailure {
    reason: RunFailureReason,
    message: String,
}

impl From<board::RunFailure> for RunFailure {
    fn from(failure: board::RunFailure) -> Self {
        Self { reason: failure.reason.into(), message: failure.message }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct AgentRun {
    access: OrgAccess,
    run: runs::Run,
}

impl AgentRun {
    pub(super) const fn new(access: OrgAccess, run: runs::Run) -> Self {
        Self { access, run }
    }

    async fn artifacts_of(&self, ctx: &Context<'_>) -> Result<Vec<runs::Artifact>, ApiError> {
        Ok(request(ctx)?.gateway.reads.artifacts(self.access.org(), &[self.run.id]).await?)
    }
}

#[Object]
impl AgentRun {
    async fn id(&self) -> Uuid {
        self.run.id.as_uuid()
    }

    async fn org_id(&self) -> Uuid {
        self.run.org.as_uuid()
    }

    async fn project_id(&self) -> Uuid {
        self.run.project.as_uuid()
    }

    async fn ticket_id(&self) -> Option<Uuid> {
        self.run.ticket.as_ref().map(|ticket| ticket.id.as_uuid())
    }

    /// The ticket as it is now.
    async fn ticket(&self, ctx: &Context<'_>) -> Result<Option<TicketRef>, ApiError> {
        ticket_ref(ctx, self.access.org(), self.run.ticket.as_ref().map(|ticket| ticket.id)).await
    }

    async fn repo(&self) -> Option<RepoBadge> {
        self.run.repo.clone().map(Into::into)
    }

    async fn conversation_id(&self) -> Option<Uuid> {
        self.run.conversation.map(|conversation| conversation.as_uuid())
    }

    async fn mode(&self) -> RunMode {
        self.run.mode.into()
    }

    async fn provider(&self) -> &str {
        &self.run.provider
    }

    async fn model(&self) -> Option<&str> {
        self.run.model.as_deref()
    }

    async fn prompt(&self) -> &str {
        &self.run.prompt
    }

    async fn state(&self) -> RunState {
        self.run.state.into()
    }

    async fn version(&self) -> u64 {
        self.run.version
    }

    async fn failure(&self) -> Option<RunFailure> {
        self.run.failure.clone().map(Into::into)
    }

    async fn requested_by(&self) -> Actor {
        Actor { org: self.access.org(), actor: self.run.requested_by.clone() }
    }

    async fn requested_at(&self) -> DateTime<Utc> {
        self.run.requested_at
    }

    /// When the agent began to work.
    async fn started_at(&self) -> Option<DateTime<Utc>> {
        self.run.started_at
    }

    async fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.run.ended_at
    }

    async fn base_ref(&self) -> Option<&str> {
        self.run.base_ref.as_deref()
    }

    async fn branch(&self) -> Option<&str> {
        self.run.branch.as_deref()
    }

    async fn head_commit(&self) -> Option<&str> {
        self.run.head_commit.as_deref()
    }

    async fn summary(&self) -> Option<&str> {
        self.run.summary.as_deref()
    }

    async fn diff(&self, ctx: &Context<'_>) -> Result<Option<Diff>, ApiError> {
        let Some(changes) = &self.run.changes else { return Ok(None) };
        let artifacts = self.artifacts_of(ctx).await?;
        let artifact = artifacts.into_iter().find(|artifact| artifact.id == changes.artifact);
        let text = match artifact.and_then(|artifact| Digest::parse(&artifact.digest)) {
            Some(digest) => request(ctx)?.gateway.objects.get(&digest).await.map_err(ApiError::internal)?,
            None => return Err(ApiError::internal("a run's diff has no artifact")),
        };
        Ok(Some(Diff::new(&text, changes)))
    }

    /// At most 200.
    async fn artifacts(&self, ctx: &Context<'_>) -> Result<Vec<Artifact>, ApiError> {
        Ok(self.artifacts_of(ctx).await?.into_iter().map(Into::into).collect())
    }

    /// At most 60, in the order in which they were proposed.
    async fn plan(&self, ctx: &Context<'_>) -> Result<Vec<PlanItem>, ApiError> {
        let org = self.access.org();
        let items = request(ctx)?.gateway.reads.plan_items(org, &[self.run.id]).await?;
        Ok(items.into_iter().map(|item| PlanItem::new(org, item)).collect())
    }

    async fn usage(&self) -> Usage {
        Usage {
            input_tokens: self.run.usage.input_tokens,
            cached_input_tokens: self.run.usage.cached_input_tokens,
            output_tokens: self.run.usage.output_tokens,
        }
    }

    async fn cost_usd_micros(&self) -> UsdMicros {
        UsdMicros(self.run.cost_usd_micros)
    }

    /// Four fifths of what the run may cost by itself are spent.
    async fn budget_warned(&self) -> bool {
        self.run.budget_warned
    }

    async fn max_cost_usd_micros(&self) -> Option<UsdMicros> {
        self.run.constraints.max_cost_usd_micros.map(UsdMicros)
    }

    #[graphql(name = "timeBudgetS")]
    async fn time_budget_s(&self) -> Option<u32> {
        self.run.constraints.time_budget_s
    }

    async fn stations_reached(&self) -> u8 {
        self.run.stations_reached
    }

    async fn cancel_requested(&self) -> bool {
        self.run.cancel_requested
    }

    /// Of its transcript; 0 when that is empty.
    async fn last_seq(&self, ctx: &Context<'_>) -> Result<u64, ApiError> {
        let gateway = &request(ctx)?.gateway;
        Ok(feed::transcript::last_seq(&gateway.pool, self.access.org(), self.run.id).await?)
    }

    /// True when a script answers in the model's place.
    async fn scripted(&self) -> bool {
        self.run.scripted
    }

    async fn cursor(&self) -> Cursor {
        Cursor::of_position(self.run.position)
    }
}

#[derive(InputObject, Debug)]
pub(crate) struct RunFilter {
    project_id: Option<Uuid>,
    state: Option<RunState>,
    provider: Option<String>,
    mode: Option<RunMode>,
    user_id: Option<Uuid>,
    ticket_id: Option<Uuid>,
    conversation_id: Option<Uuid>,
}

impl From<RunFilter> for runs::RunFilter {
    fn from(filter: RunFilter) -> Self {
        Self {
            project: filter.project_id.map(ProjectId),
            state: filter.state.map(Into::into),
            provider: filter.provider,
            mode: filter.mode.map(Into::into),
            user: filter.user_id.map(UserId),
            ticket: filter.ticket_id.map(TicketId),
            conversation: filter.conversation_id.map(ConversationId),
        }
    }
}

#[derive(SimpleObject, Debug)]
pub(crate) struct AgentRunConnection {
    /// At most `first`.
    nodes: Vec<AgentRun>,
    page_info: PageInfo,
}

/// The way to a run, wherever it is.
pub(super) async fn access_to_run(ctx: &Context<'_>, run: RunId, action: Action) -> Result<OrgAccess, ApiError> {
    let request = request(ctx)?;
    let look_up = request.gateway.reads.org_of_run(run);
    let org = request.gateway.org_of(run.as_uuid(), look_up).await?;
    let access = request.access_to(org, Action::Read).await?;
    if action == Action::Read {
        return Ok(access);
    }
    let found = request.gateway.reads.run(access.org(), run).await?.ok_or(ApiError::NotFound)?;
    request.access_in(org, found.project, action).await
}

pub(super) async fn read_run(ctx: &Context<'_>, access: OrgAccess, id: RunId) -> Result<AgentRun, ApiError> {
    let run = request(ctx)?.gateway.reads.run(access.org(), id).await?.ok_or(ApiError::NotFound)?;
    Ok(AgentRun::new(access, run))
}

#[derive(Debug, Default)]
pub(crate) struct RunQuery;

#[Object]
impl RunQuery {
    /// Newest first.
    #[graphql(complexity = "first.max(0) as usize * child_complexity")]
    async fn agent_runs(
        &self,
        ctx: &Context<'_>,
        org_id: Uuid,
        filter: Option<RunFilter>,
        #[graphql(default = 50)] first: i32,
        after: Option<String>,
    ) -> Result<AgentRunConnection, ApiError> {
        let request = request(ctx)?;
        let access = request.access(OrgId(org_id), Action::Read).await?;
        let filter = filter.map(Into::into).unwrap_or_default();
        let before = page_place(after.as_deref())?;
        let page = request.gateway.reads.runs(access.org(), &filter, first_of(first)?, before).await?;
        let page_info = PageInfo::new(page.has_next, page.nodes.last().map(|run| run.requested_position));
        let nodes = page.nodes.into_iter().map(|run| AgentRun::new(access, run)).collect();
        Ok(AgentRunConnection { nodes, page_info })
    }

    async fn agent_run(&self, ctx: &Context<'_>, id: Uuid, after_command: Option<Uuid>) -> Result<AgentRun, ApiError> {
        request(ctx)?.after("runs", after_command, None).await?;
        let access = access_to_run(ctx, RunId(id), Action::Read).await?;
        read_run(ctx, access, RunId(id)).await
    }

    /// Newest first.
    #[graphql(complexity = "first.max(0) as usize * child_complexity")]
    async fn conversations(
        &self,
        ctx: &Context<'_>,
        project_id: Uuid,
        #[graphql(default = 20)] first: i32,
        after: Option<String>,
    ) -> Result<ConversationConnection, ApiError> {
        let project = ProjectId(project_id);
        let access = access_to_project(ctx, project, Action::Read).await?;
        let before = page_place(after.as_deref())?;
        let reads = &request(ctx)?.gateway.reads;
        let page = reads.conversations(access.org(), project, first_of(first)?, before).await?;
        let page_info = PageInfo::new(page.has_next, page.nodes.last().map(|conversation| conversation.position));
        let nodes = page.nodes.into_iter().map(|conversation| Conversation {
            access,
            id: conversation.id.as_uuid(),
            title: conversation.title,
            started_at: conversation.started_at,
        });
        Ok(ConversationConnection { nodes: nodes.collect(), page_info })
    }
}

#[derive(SimpleObject, Debug)]
#[graphql(complex)]
pub(crate) struct Conversation {
    #[graphql(skip)]
    access: OrgAccess,
    id: Uuid,
    title: String,
    started_at: DateTime<Utc>,
}

#[ComplexObject]
impl Conversation {
    /// Newest first. At most `first`, which is at most 100.
    #[graphql(complexity = "first.max(0) as usize * child_complexity")]
    async fn runs(&self, ctx: &Context<'_>, #[graphql(default = 20)] first: i32) -> Result<Vec<AgentRun>, ApiError> {
        let filter = runs::RunFilter { conversation: Some(ConversationId(self.id)), ..runs::RunFilter::default() };
        let page = request(ctx)?.gateway.reads.runs(self.access.org(), &filter, first_of(first)?, None).await?;
        Ok(page.nodes.into_iter().map(|run| AgentRun::new(self.access, run)).collect())
    }
}

#[derive(SimpleObject, Debug)]
pub(crate) struct ConversationConnection {
    /// At most `first`.
    nodes: Vec<Conversation>,
    page_info: PageInfo,
}
