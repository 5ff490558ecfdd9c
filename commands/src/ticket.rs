//! Tickets.

use crate::{Accepted, Caller, CommandError, Commands};
use domain::ticket::{EditTicket as TicketChanges, Priority, TicketKind};
use domain::{BoardId, ProjectId, TicketId, UserId};

#[derive(Clone, Debug)]
pub struct CreateTicket {
    pub project: ProjectId,
    /// None: the project's default board.
    pub board: Option<BoardId>,
    pub title: String,
    pub kind: TicketKind,
    pub description_md: String,
    /// A column's key, such as `backlog`.
    pub column: String,
    pub parent: Option<TicketId>,
    pub labels: Vec<String>,
    pub priority: Option<Priority>,
    pub assignee: Option<UserId>,
    pub estimate: Option<u32>,
}

#[derive(Clone, Debug)]
pub struct EditTicket {
    pub ticket: TicketId,
    /// Outer none: leave it. Inner none: clear it.
    pub changes: TicketChanges,
}

/// Between `after` and `before`; with one of them next to it; with neither at the end of the column.
#[derive(Clone, Debug)]
pub struct MoveTicket {
    pub ticket: TicketId,
    pub column: String,
    pub after: Option<TicketId>,
    pub before: Option<TicketId>,
}

#[derive(Clone, Debug)]
pub struct AssignTicket {
    pub ticket: TicketId,
    pub assignee: Option<UserId>,
}

#[derive(Clone, Debug)]
pub struct DelegateTicket {
    pub ticket: TicketId,
    pub provider: Option<String>,
}

#[derive(Clone, Debug)]
pub struct CommentOnTicket {
    pub ticket: TicketId,
    pub body_md: String,
}

#[derive(Clone, Copy, Debug)]
pub struct ArchiveTicket {
    pub ticket: TicketId,
}

#[derive(Clone, Copy, Debug)]
pub struct RestoreTicket {
    pub ticket: TicketId,
}

pub async fn create_ticket(
    commands: &Commands,
    caller: &Caller,
    input: CreateTicket,
) -> Result<Accepted, CommandError> {
    Err(commands.pending(caller, &input))
}

pub async fn edit_ticket(commands: &Commands, caller: &Caller, input: EditTicket) -> Result<Accepted, CommandError> {
    Err(commands.pending(caller, &input))
}

pub async fn move_ticket(commands: &Commands, caller: &Caller, input: MoveTicket) -> Result<Accepted, CommandError> {
    Err(commands.pending(caller, &input))
}

pub async fn assign_ticket(
    commands: &Commands,
    caller: &Caller,
    input: AssignTicket,
) -> Result<Accepted, CommandError> {
    Err(commands.pending(caller, &input))
}

pub async fn delegate_ticket(
    commands: &Commands,
    caller: &Caller,
    input: DelegateTicket,
) -> Result<Accepted, CommandError> {
    Err(commands.pending(caller, &input))
}

pub async fn archive_ticket(
    commands: &Commands,
    caller: &Caller,
    input: ArchiveTicket,
) -> Result<Accepted, CommandError> {
    Err(commands.pending(caller, &input))
}

pub async fn restore_ticket(
    commands: &Commands,
    caller: &Caller,
    input: RestoreTicket,
) -> Result<Accepted, CommandError> {
    Err(commands.pending(caller, &input))
}

pub async fn comment_on_ticket(
    commands: &Commands,
    caller: &Caller,
    input: CommentOnTicket,
) -> Result<Accepted, CommandError> {
    Err(commands.pending(caller, &input))
}
