//! A ticket's page: fields, comments, history, runs; and its changes as they come.

use super::board::Delegate;
use super::context::{READ_YOUR_WRITES, request};
use super::enums::{Priority, TicketKind};
use super::history::{HistoryConnection, HistoryEntry, read_history};
use super::paging::first_of;
use super::people::{Actor, User, user};
use super::run::AgentRun;
use super::scalars::{Cursor, Position, UsdMicros, page_place};
use crate::auth::access::{Action, OrgAccess};
use crate::errors::ApiError;
use crate::live::{Shared, Step, Subject, TicketSource, TicketStep, Topic, follow};
use async_graphql::{ComplexObject, Context, Object, SimpleObject, Subscription};
use chrono::{DateTime, Utc};
use domain::{OrgId, TicketId, UserId};
use futures::{Stream, StreamExt};
use projections::Waited;
use projections::runs::RunFilter;
use projections::ticket;
use std::sync::Arc;
use uuid::Uuid;

#[derive(SimpleObject, Clone, Debug)]
#[graphql(complex)]
pub(crate) struct Ticket {
    #[graphql(skip)]
    access: OrgAccess,
    #[graphql(skip)]
    assignee_id: Option<UserId>,
    #[graphql(skip)]
    parent_id: Option<TicketId>,
    #[graphql(skip)]
    provider: Option<String>,
    #[graphql(skip)]
    creator: domain::Actor,
    id: Uuid,
    project_id: Uuid,
    board_id: Uuid,
    key: String,
    version: u64,
    title: String,
    description_md: String,
    kind: TicketKind,
    column_key: String,
    rank: String,
    priority: Option<Priority>,
    /// At most 30.
    labels: Vec<String>,
    estimate: Option<u32>,
    due_on: Option<DateTime<Utc>>,
    branch: Option<String>,
    archived: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    cursor: Cursor,
    cost_usd_micros: UsdMicros,
}

impl Ticket {
    pub(super) fn new(access: OrgAccess, ticket: ticket::Ticket) -> Self {
        Self {
            access,
            assignee_id: ticket.assignee,
            parent_id: ticket.parent,
            provider: ticket.delegate,
            creator: ticket.created_by,
            id: ticket.id.as_uuid(),
            project_id: ticket.project.as_uuid(),
            board_id: ticket.board.as_uuid(),
            key: ticket.key,
            version: ticket.version,
            title: ticket.title,
            description_md: ticket.description_md,
            kind: ticket.kind.into(),
            column_key: ticket.column,
            rank: ticket.rank,
            priority: ticket.priority.map(Into::into),
            labels: ticket.labels,
            estimate: ticket.estimate,
            due_on: ticket.due_on,
            branch: ticket.branch,
            archived: ticket.archived,
            created_at: ticket.created_at,
            updated_at: ticket.updated_at,
            cursor: Cursor::of_position(ticket.position),
            cost_usd_micros: UsdMicros(ticket.cost_usd_micros),
        }
    }
}

#[ComplexObject]
impl Ticket {
    async fn parent(&self, ctx: &Context<'_>) -> Result<Option<TicketRef>, ApiError> {
        ticket_ref(ctx, self.access.org(), self.parent_id).await
    }

    /// By key number; archived ones are left out. At most `first`, which is at most 100.
    #[graphql(complexity = "first.max(0) as usize * child_complexity")]
    async fn children(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 100)] first: i32,
    ) -> Result<Vec<TicketRef>, ApiError> {
        let first = first_of(first)?;
        let children = request(ctx)?.gateway.reads.children(self.access.org(), TicketId(self.id), first).await?;
        Ok(children.into_iter().map(Into::into).collect())
    }

    async fn assignee(&self, ctx: &Context<'_>) -> Result<Option<User>, ApiError> {
        user(ctx, self.assignee_id).await
    }

    async fn delegate(&self) -> Option<Delegate> {
        self.provider.clone().map(|provider| Delegate { provider })
    }

    async fn created_by(&self) -> Actor {
        Actor { org: self.access.org(), actor: self.creator.clone() }
    }

    /// The last ones, oldest first. At most `first`, which is at most 100.
    #[graphql(complexity = "first.max(0) as usize * child_complexity")]
    async fn comments(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 100)] first: i32,
    ) -> Result<Vec<Comment>, ApiError> {
        let first = first_of(first)?;
        let org = self.access.org();
        let comments = request(ctx)?.gateway.reads.comments(org, TicketId(self.id), first).await?;
        let comments = comments.into_iter().map(|comment| Comment {
            id: comment.id.as_uuid(),
            author: Actor { org, actor: comment.author },
            body_md: comment.body_md,
            at: comment.at,
        });
        Ok(comments.collect())
    }

    /// Newest first. At most `first`, which is at most 100.
    #[graphql(complexity = "first.max(0) as usize * child_complexity")]
    async fn activity(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 100)] first: i32,
    ) -> Result<Vec<HistoryEntry>, ApiError> {
        Ok(read_history(ctx, self.access, TicketId(self.id), first_of(first)?, None).await?.nodes)
    }

    /// Newest first. At most `first`, which is at most 100.
    #[graphql(complexity = "first.max(0) as usize * child_complexity")]
    async fn runs(&self, ctx: &Context<'_>, #[graphql(default = 50)] first: i32) -> Result<Vec<AgentRun>, ApiError> {
        let filter = RunFilter { ticket: Some(TicketId(self.id)), ..RunFilter::default() };
        let runs = request(ctx)?.gateway.reads.runs(self.access.org(), &filter, first_of(first)?, None).await?;
        Ok(runs.nodes.into_iter().map(|run| AgentRun::new(self.access, run)).collect())
    }
}

#[derive(SimpleObject, Clone, Debug)]
pub(crate) struct TicketRef {
    id: Uuid,
    key: String,
    title: String,
    kind: TicketKind,
    column_key: String,
}

impl From<ticket::TicketRef> for TicketRef {
    fn from(ticket: ticket::TicketRef) -> Self {
        Self {
            id: ticket.id.as_uuid(),
            key: ticket.key,
            title: ticket.title,
            kind: ticket.kind.into(),
            column_key: ticket.column,
        }
    }
}

pub(super) async fn ticket_ref(
    ctx: &Context<'_>,
    org: OrgId,
    ticket: Option<TicketId>,
) -> Result<Option<TicketRef>, ApiError> {
    match ticket {
        Some(ticket) => Ok(request(ctx)?.loaders.ticket_ref(org, ticket).await?.map(Into::into)),
        None => Ok(None),
    }
}

#[derive(SimpleObject, Debug)]
pub(crate) struct Comment {
    id: Uuid,
    author: Actor,
    body_md: String,
    at: DateTime<Utc>,
}

/// The way to a ticket, wherever it is.
pub(super) async fn access_to_ticket(
    ctx: &Context<'_>,
    ticket: TicketId,
    action: Action,
) -> Result<OrgAccess, ApiError> {
    let request = request(ctx)?;
    let look_up = request.gateway.reads.org_of_ticket(ticket);
    let org = request.gateway.org_of(ticket.as_uuid(), look_up).await?;
    request.access_to(org, action).await
}

pub(super) async fn read_ticket(ctx: &Context<'_>, access: OrgAccess, id: TicketId) -> Result<Ticket, ApiError> {
    let ticket = request(ctx)?.gateway.reads.ticket(access.org(), id).await?.ok_or(ApiError::NotFound)?;
    Ok(Ticket::new(access, ticket))
}

#[derive(Debug, Default)]
pub(crate) struct TicketQuery;

#[Object]
impl TicketQuery {
    async fn ticket(&self, ctx: &Context<'_>, id: Uuid, after_command: Option<Uuid>) -> Result<Ticket, ApiError> {
        request(ctx)?.after("ticket", after_command, None).await?;
        let access = access_to_ticket(ctx, TicketId(id), Action::Read).await?;
        read_ticket(ctx, access, TicketId(id)).await
    }

    /// By its key, such as AL-12.
    async fn ticket_by_key(&self, ctx: &Context<'_>, org_id: Uuid, key: String) -> Result<Ticket, ApiError> {
        let request = request(ctx)?;
        let access = request.access(OrgId(org_id), Action::Read).await?;
        let ticket = request.gateway.reads.ticket_by_key(access.org(), &key).await?.ok_or(ApiError::NotFound)?;
        Ok(Ticket::new(access, ticket))
    }

    /// Every change of a ticket, newest first.
    #[graphql(complexity = "first.max(0) as usize * child_complexity")]
    async fn history(
        &self,
        ctx: &Context<'_>,
        ticket_id: Uuid,
        #[graphql(default = 100)] first: i32,
        after: Option<String>,
    ) -> Result<HistoryConnection, ApiError> {
        let access = access_to_ticket(ctx, TicketId(ticket_id), Action::Read).await?;
        read_history(ctx, access, TicketId(ticket_id), first_of(first)?, page_place(after.as_deref())?).await
    }
}

#[derive(SimpleObject, Debug)]
pub(crate) struct TicketChange {
    cursor: Cursor,
    live: bool,
    resync: bool,
    position: Option<Position>,
    command_id: Option<Uuid>,
    ticket: Option<Ticket>,
    entry: Option<HistoryEntry>,
}

impl TicketChange {
    fn marker(place: u64) -> Self {
        Self {
            cursor: Cursor::of_position(place),
            live: false,
            resync: false,
            position: None,
            command_id: None,
            ticket: None,
            entry: None,
        }
    }

    fn of(access: OrgAccess, ticket: TicketId, step: Step<TicketStep>) -> Shared<Self> {
        let (item, place) = match step {
            Step::Live(place) => (Self { live: true, ..Self::marker(place) }, None),
            Step::Resync(place) => (Self { resync: true, ..Self::marker(place) }, None),
            Step::Change(place, TicketStep { change, ticket: now }) => {
                let item = Self {
                    position: Some(Position(change.position)),
                    command_id: Some(change.command_id.as_uuid()),
                    ticket: Some(Ticket::new(access, (*now).clone())),
                    entry: Some(HistoryEntry::new(access.org(), change.entry.clone())),
                    ..Self::marker(place)
                };
                (item, Some((Subject { topic: Topic::Ticket, id: ticket.as_uuid() }, place)))
            }
        };
        Shared { cursor: item.cursor.0.clone(), item, place }
    }
}

#[derive(Debug, Default)]
pub(crate) struct TicketSubscription;

#[Subscription]
impl TicketSubscription {
    /// What changed since `after` (or from now), then one item with live = true, then what comes.
    async fn ticket_changed(
        &self,
        ctx: &Context<'_>,
        ticket_id: Uuid,
        after: Option<Cursor>,
    ) -> Result<impl Stream<Item = async_graphql::Result<Shared<TicketChange>>> + use<>, ApiError> {
        let request = request(ctx)?;
        let ticket = TicketId(ticket_id);
        let access = access_to_ticket(ctx, ticket, Action::Read).await?;
        let after = after.map(|cursor| cursor.position()).transpose()?;
        // A cursor of the board may be ahead of what this projection shows.
        if let Some(after) = after {
            let waited = request.gateway.reads.wait_for("ticket", after, READ_YOUR_WRITES).await?;
            tracing::trace!(after, reached = matches!(waited, Waited::Reached(_)), "a ticket is followed");
        }
        let source = TicketSource { access, ticket };
        let steps = follow(Arc::clone(&request.gateway), Arc::clone(&request.viewer), access, source, after);
        Ok(steps.map(move |step| step.map(|step| TicketChange::of(access, ticket, step))))
    }
}
