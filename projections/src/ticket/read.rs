//! Rows of tickets → structs.

use crate::reads::{Changes, Page, ReadError, Reads};
use chrono::{DateTime, Utc};
use domain::ticket::{PlannedBy, Priority, TicketKind};
use domain::{Actor, BoardId, CommandId, CommentId, EventId, OrgId, Position, ProjectId, TicketId, UserId, Version};

#[derive(Clone, Debug, PartialEq)]
pub struct Ticket {
    pub id: TicketId,
    pub org: OrgId,
    pub project: ProjectId,
    pub board: BoardId,
    pub key: String,
    pub version: Version,
    pub title: String,
    pub description_md: String,
    pub kind: TicketKind,
    pub column: String,
    pub rank: String,
    pub priority: Option<Priority>,
    pub labels: Vec<String>,
    pub estimate: Option<u32>,
    pub due_on: Option<DateTime<Utc>>,
    pub parent: Option<TicketId>,
    pub assignee: Option<UserId>,
    pub delegate: Option<String>,
    /// Of the run that worked on it last.
    pub branch: Option<String>,
    pub archived: bool,
    pub created_at: DateTime<Utc>,
    /// Of the last event of its own stream.
    pub updated_at: DateTime<Utc>,
    pub created_by: Actor,
    pub planned_by: Option<PlannedBy>,
    /// Of all its runs.
    pub cost_usd_micros: u64,
    pub comment_count: u32,
    /// The log up to here is in it: the cursor to go on from with [`Reads::ticket_changes`].
    pub position: Position,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketRef {
    pub id: TicketId,
    pub key: String,
    pub title: String,
    pub kind: TicketKind,
    pub column: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Comment {
    pub id: CommentId,
    pub author: Actor,
    pub body_md: String,
    pub at: DateTime<Utc>,
    pub position: Position,
}

/// One event of the ticket, or of a run that works on it.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryEntry {
    pub event_id: EventId,
    pub position: Position,
    pub at: DateTime<Utc>,
    pub actor: Actor,
    /// The event's name, such as `TicketMoved`.
    pub action: String,
    /// Read from the log, so that what was erased there is erased here.
    pub payload: serde_json::Value,
    pub command_id: CommandId,
    /// The event that this one answers.
    pub cause: Option<EventId>,
}

/// One event that changed the ticket's page. The ticket as it is now comes from [`Reads::ticket`].
#[derive(Clone, Debug, PartialEq)]
pub struct TicketChange {
    pub position: Position,
    pub command_id: CommandId,
    pub entry: HistoryEntry,
}

impl Reads {
    pub async fn org_of_ticket(&self, ticket: TicketId) -> Result<Option<OrgId>, ReadError> {
        let _ = ticket;
        todo!()
    }

    pub async fn ticket(&self, org: OrgId, ticket: TicketId) -> Result<Option<Ticket>, ReadError> {
        let _ = (org, ticket);
        todo!()
    }

    /// By its key, such as `AL-12`.
    pub async fn ticket_by_key(&self, org: OrgId, key: &str) -> Result<Option<Ticket>, ReadError> {
        let _ = (org, key);
        todo!()
    }

    /// Those of `tickets` that the org has, in no order: for loading many at once.
    pub async fn ticket_refs(&self, org: OrgId, tickets: &[TicketId]) -> Result<Vec<TicketRef>, ReadError> {
        let _ = (org, tickets);
        todo!()
    }

    /// By key number. Archived ones are left out.
    pub async fn children(&self, org: OrgId, parent: TicketId, first: u32) -> Result<Vec<TicketRef>, ReadError> {
        let _ = (org, parent, first);
        todo!()
    }

    /// The last `first` comments, oldest first.
    pub async fn comments(&self, org: OrgId, ticket: TicketId, first: u32) -> Result<Vec<Comment>, ReadError> {
        let _ = (org, ticket, first);
        todo!()
    }

    /// Newest first; `before` is the position of the last entry of the page before. The ticket's own events, and the
    /// facts of its runs.
    pub async fn history(
        &self,
        org: OrgId,
        ticket: TicketId,
        first: u32,
        before: Option<Position>,
    ) -> Result<Option<Page<HistoryEntry>>, ReadError> {
        let _ = (org, ticket, first, before);
        todo!()
    }

    /// What changed a ticket's page after `after`: at most `limit` events. They are kept for ever, so `resync` comes
    /// only for a cursor that this log never gave.
    pub async fn ticket_changes(
        &self,
        org: OrgId,
        ticket: TicketId,
        after: Position,
        limit: u32,
    ) -> Result<Option<Changes<TicketChange>>, ReadError> {
        let _ = (org, ticket, after, limit);
        todo!()
    }
}
