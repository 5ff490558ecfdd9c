//! What people do to tickets. Each: parse, call, translate.

use super::context::request;
use super::enums::{Priority, TicketKind};
use super::project::access_to_project;
use super::scalars::Position;
use super::ticket::{Ticket, access_to_ticket, read_ticket};
use crate::auth::access::{Action, OrgAccess};
use crate::errors::ApiError;
use async_graphql::{Context, InputObject, MaybeUndefined, Object};
use chrono::{DateTime, Utc};
use commands::{Accepted, Caller, ticket};
use domain::{BoardId, ProjectId, TicketId, UserId};
use uuid::Uuid;

#[derive(InputObject, Debug)]
pub(crate) struct CreateTicketInput {
    command_id: Uuid,
    project_id: Uuid,
    board_id: Option<Uuid>,
    title: String,
    #[graphql(default_with = "TicketKind::Task")]
    kind: TicketKind,
    description_md: Option<String>,
    #[graphql(default = "backlog")]
    column_key: String,
    parent_id: Option<Uuid>,
    labels: Option<Vec<String>>,
    priority: Option<Priority>,
    assignee_id: Option<Uuid>,
    estimate: Option<u32>,
}

/// Only the fields that are given change. An explicit null clears parentId, priority, estimate or dueOn.
#[derive(InputObject, Debug)]
pub(crate) struct EditTicketInput {
    command_id: Uuid,
    ticket_id: Uuid,
    expected_version: Option<u64>,
    title: Option<String>,
    description_md: Option<String>,
    kind: Option<TicketKind>,
    parent_id: MaybeUndefined<Uuid>,
    labels: Option<Vec<String>>,
    priority: MaybeUndefined<Priority>,
    estimate: MaybeUndefined<u32>,
    due_on: MaybeUndefined<DateTime<Utc>>,
}

#[derive(InputObject, Debug)]
pub(crate) struct MoveTicketInput {
    command_id: Uuid,
    ticket_id: Uuid,
    expected_version: Option<u64>,
    column_key: String,
    after_id: Option<Uuid>,
    before_id: Option<Uuid>,
}

#[derive(InputObject, Debug)]
pub(crate) struct AssignTicketInput {
    command_id: Uuid,
    ticket_id: Uuid,
    expected_version: Option<u64>,
    user_id: Option<Uuid>,
}

#[derive(InputObject, Debug)]
pub(crate) struct DelegateTicketInput {
    command_id: Uuid,
    ticket_id: Uuid,
    expected_version: Option<u64>,
    provider: Option<String>,
}

#[derive(InputObject, Debug)]
pub(crate) struct CommentInput {
    command_id: Uuid,
    ticket_id: Uuid,
    body_md: String,
}

#[derive(InputObject, Debug)]
pub(crate) struct TicketRefInput {
    command_id: Uuid,
    ticket_id: Uuid,
    expected_version: Option<u64>,
}

/// position is null when it is not yet known.
#[derive(Debug)]
pub(crate) struct TicketPayload {
    access: OrgAccess,
    accepted: Accepted,
    caller: Caller,
}

/// position is null when it is not yet known.
#[Object]
impl TicketPayload {
    /// As it is after this command; an older version than the payload's when the read side is more than 2 s behind.
    async fn ticket(&self, ctx: &Context<'_>) -> Result<Ticket, ApiError> {
        let org = self.access.org();
        request(ctx)?.shown("ticket", org, &self.accepted, self.caller.command_id).await?;
        read_ticket(ctx, self.access, TicketId(self.accepted.aggregate_id)).await.map_err(super::not_shown_yet)
    }

    async fn version(&self) -> u64 {
        self.accepted.version
    }

    async fn position(&self) -> Option<Position> {
        self.accepted.position.map(Position)
    }
}

fn cleared_or<T, U>(value: MaybeUndefined<T>, into: impl FnOnce(T) -> U) -> Option<Option<U>> {
    match value {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(into(value))),
    }
}

/// Runs a command function on a ticket that exists.
macro_rules! on_ticket {
    ($ctx:expr, $input:expr, $expected:expr, $name:literal, $function:path, $command:expr) => {{
        let request = request($ctx)?;
        let access = access_to_ticket($ctx, TicketId($input.ticket_id), Action::ChangeTickets).await?;
        let caller = request.caller(access.org(), $input.command_id, $expected);
        let sent = $function(&request.gateway.commands, &caller, $command);
        let accepted = request.send($name, &caller, sent).await?;
        Ok(TicketPayload { access, accepted, caller })
    }};
}

#[derive(Debug, Default)]
pub(crate) struct TicketMutation;

#[Object]
impl TicketMutation {
    async fn create_ticket(&self, ctx: &Context<'_>, input: CreateTicketInput) -> Result<TicketPayload, ApiError> {
        let request = request(ctx)?;
        let project = ProjectId(input.project_id);
        let access = access_to_project(ctx, project, Action::ChangeTickets).await?;
        let caller = request.caller(access.org(), input.command_id, None);
        let command = ticket::CreateTicket {
            project,
            board: input.board_id.map(BoardId),
            title: input.title,
            kind: input.kind.into(),
            description_md: input.description_md.unwrap_or_default(),
            column: input.column_key,
            parent: input.parent_id.map(TicketId),
            labels: input.labels.unwrap_or_default(),
            priority: input.priority.map(Into::into),
            assignee: input.assignee_id.map(UserId),
            estimate: input.estimate,
        };
        let sent = ticket::create_ticket(&request.gateway.commands, &caller, command);
        let accepted = request.send("create_ticket", &caller, sent).await?;
        Ok(TicketPayload { access, accepted, caller })
    }

    async fn edit_ticket(&self, ctx: &Context<'_>, input: EditTicketInput) -> Result<TicketPayload, ApiError> {
        let changes = domain::ticket::EditTicket {
            title: input.title,
            description_md: input.description_md,
            kind: input.kind.map(Into::into),
            parent: cleared_or(input.parent_id, TicketId),
            labels: input.labels,
            priority: cleared_or(input.priority, Into::into),
            estimate: cleared_or(input.estimate, |estimate| estimate),
            due_on: cleared_or(input.due_on, |due_on| due_on),
        };
        let command = ticket::EditTicket { ticket: TicketId(input.ticket_id), changes };
        on_ticket!(ctx, input, input.expected_version, "edit_ticket", ticket::edit_ticket, command)
    }

    /// Without afterId and beforeId it goes to the end of the column.
    async fn move_ticket(&self, ctx: &Context<'_>, input: MoveTicketInput) -> Result<TicketPayload, ApiError> {
        let command = ticket::MoveTicket {
            ticket: TicketId(input.ticket_id),
            column: input.column_key,
            after: input.after_id.map(TicketId),
            before: input.before_id.map(TicketId),
        };
        on_ticket!(ctx, input, input.expected_version, "move_ticket", ticket::move_ticket, command)
    }

    async fn assign_ticket(&self, ctx: &Context<'_>, input: AssignTicketInput) -> Result<TicketPayload, ApiError> {
        let command = ticket::AssignTicket { ticket: TicketId(input.ticket_id), assignee: input.user_id.map(UserId) };
        on_ticket!(ctx, input, input.expected_version, "assign_ticket", ticket::assign_ticket, command)
    }

    async fn delegate_ticket(&self, ctx: &Context<'_>, input: DelegateTicketInput) -> Result<TicketPayload, ApiError> {
        let command = ticket::DelegateTicket { ticket: TicketId(input.ticket_id), provider: input.provider };
        on_ticket!(ctx, input, input.expected_version, "delegate_ticket", ticket::delegate_ticket, command)
    }

    async fn comment_on_ticket(&self, ctx: &Context<'_>, input: CommentInput) -> Result<TicketPayload, ApiError> {
        let command = ticket::CommentOnTicket { ticket: TicketId(input.ticket_id), body_md: input.body_md };
        on_ticket!(ctx, input, None, "comment_on_ticket", ticket::comment_on_ticket, command)
    }

    async fn archive_ticket(&self, ctx: &Context<'_>, input: TicketRefInput) -> Result<TicketPayload, ApiError> {
        let command = ticket::ArchiveTicket { ticket: TicketId(input.ticket_id) };
        on_ticket!(ctx, input, input.expected_version, "archive_ticket", ticket::archive_ticket, command)
    }

    async fn restore_ticket(&self, ctx: &Context<'_>, input: TicketRefInput) -> Result<TicketPayload, ApiError> {
        let command = ticket::RestoreTicket { ticket: TicketId(input.ticket_id) };
        on_ticket!(ctx, input, input.expected_version, "restore_ticket", ticket::restore_ticket, command)
    }
}
