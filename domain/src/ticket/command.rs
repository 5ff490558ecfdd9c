//! What can be asked of a ticket.
//!
//! Foreign facts that a rule needs (the board's columns, a neighbour's rank, the next number) are in the command: the
//! command function fetched them.

use super::event::{PlannedBy, Priority, TicketKind};
use crate::ids::{BoardId, CommentId, ProjectId, TicketId, UserId};
use chrono::{DateTime, Utc};
use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum TicketCommand {
    Create(Box<CreateTicket>),
    Edit(EditTicket, ParentFacts),
    Move(MoveTicket),
    Assign(AssignTicket),
    Delegate(DelegateTicket),
    Comment(CommentOnTicket),
    Archive,
    Restore(RestoreTicket),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CreateTicket {
    pub project: ProjectId,
    pub board: BoardId,
    pub key: String,
    pub number: u64,
    pub title: String,
    pub kind: TicketKind,
    pub description_md: String,
    pub column: String,
    pub board_columns: Vec<String>,
    pub rank: String,
    pub parent: Option<TicketId>,
    pub parent_facts: ParentFacts,
    pub labels: Vec<String>,
    pub priority: Option<Priority>,
    pub assignee: Option<UserId>,
    /// Fetched: that person is a member of the org.
    pub assignee_is_member: bool,
    pub estimate: Option<u32>,
    pub planned_by: Option<PlannedBy>,
}

/// Fetched about the ticket that is to become the parent; all false when there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ParentFacts {
    /// It belongs to another project.
    pub elsewhere: bool,
    /// It is the ticket itself, or stands below it.
    pub below: bool,
}

/// Outer `None`: leave it. Inner `None`: clear it. One event for each field that really changes.
///
/// Written as JSON, a field that is left is not there and one that is cleared is null: so two edits that differ are
/// written differently.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EditTicket {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description_md: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<TicketKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<Option<TicketId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Option<Priority>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Option<u32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_on: Option<Option<DateTime<Utc>>>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MoveTicket {
    pub to: String,
    pub board_columns: Vec<String>,
    pub rank: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AssignTicket {
    pub assignee: Option<UserId>,
    /// Fetched: that person is a member of the org.
    pub assignee_is_member: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DelegateTicket {
    pub provider: Option<String>,
    pub known_providers: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CommentOnTicket {
    pub comment: CommentId,
    pub body_md: String,
}

/// Puts an archived ticket back where it was, or into the first column when its column is gone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RestoreTicket {
    pub board_columns: Vec<String>,
    /// At the end of the column.
    pub rank: String,
}
