//! Rows of tickets → structs.

use super::NAME;
use crate::reads::{Changes, Page, ReadError, Reading, Reads, Snapshot, had_more, one_more};
use crate::words::{count, meaning, optional_meaning, parsed};
use chrono::{DateTime, Utc};
use domain::ticket::{PlannedBy, Priority, TicketKind};
use domain::{
    Actor, BoardId, CommandId, CommentId, EventId, OrgId, PlanItemId, Position, ProjectId, RunId, TicketId, UserId,
    Version,
};

use feed::log::{from_bigint, to_bigint};
use feed::records::{Record, records_at};
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::collections::HashMap;
use uuid::Uuid;

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

const REF: &str = "select ticket_id, key, title, kind, column_key from tickets ";

impl Reads {
    pub async fn org_of_ticket(&self, ticket: TicketId) -> Result<Option<OrgId>, ReadError> {
        let mut snapshot = self.snapshot(NAME).await?;
        let org: Option<Uuid> = sqlx::query_scalar("select org from tickets where ticket_id = $1 limit 1")
            .bind(ticket.as_uuid())
            .fetch_optional(snapshot.connection())
            .await
            .reading("a ticket's org")?;
        snapshot.close().await;
        Ok(org.map(OrgId))
    }

    pub async fn ticket(&self, org: OrgId, ticket: TicketId) -> Result<Option<Ticket>, ReadError> {
        let mut snapshot = self.snapshot(NAME).await?;
        let row = sqlx::query("select * from tickets where org = $1 and ticket_id = $2")
            .bind(org.as_uuid())
            .bind(ticket.as_uuid())
            .fetch_optional(snapshot.connection())
            .await
            .reading("a ticket")?;
        let position = snapshot.position;
        snapshot.close().await;
        row.map(|row| read_ticket(&row, position)).transpose()
    }

    /// By its key, such as `AL-12`.
    pub async fn ticket_by_key(&self, org: OrgId, key: &str) -> Result<Option<Ticket>, ReadError> {
        let mut snapshot = self.snapshot(NAME).await?;
        let row = sqlx::query("select * from tickets where org = $1 and key = $2 order by ticket_id limit 1")
            .bind(org.as_uuid())
            .bind(key)
            .fetch_optional(snapshot.connection())
            .await
            .reading("a ticket by its key")?;
        let position = snapshot.position;
        snapshot.close().await;
        row.map(|row| read_ticket(&row, position)).transpose()
    }

    /// Those of `tickets` that the org has, in no order: for loading many at once.
    pub async fn ticket_refs(&self, org: OrgId, tickets: &[TicketId]) -> Result<Vec<TicketRef>, ReadError> {
        let tickets: Vec<Uuid> = tickets.iter().map(|ticket| ticket.as_uuid()).collect();
        let mut snapshot = self.snapshot(NAME).await?;
        let rows = sqlx::query(&format!("{REF} where org = $1 and ticket_id = any($2)"))
            .bind(org.as_uuid())
            .bind(tickets)
            .fetch_all(snapshot.connection())
            .await
            .reading("tickets")?;
        snapshot.close().await;
        rows.iter().map(read_ref).collect()
    }

    /// By key number. Archived ones are left out.
    pub async fn children(&self, org: OrgId, parent: TicketId, first: u32) -> Result<Vec<TicketRef>, ReadError> {
        let mut snapshot = self.snapshot(NAME).await?;
        let rows = sqlx::query(&format!(
            "{REF} where org = $1 and parent = $2 and not archived order by number, ticket_id limit $3"
        ))
        .bind(org.as_uuid())
        .bind(parent.as_uuid())
        .bind(i64::from(first))
        .fetch_all(snapshot.connection())
        .await
        .reading("a ticket's children")?;
        snapshot.close().await;
        rows.iter().map(read_ref).collect()
    }

    /// The last `first` comments, oldest first.
    pub async fn comments(&self, org: OrgId, ticket: TicketId, first: u32) -> Result<Vec<Comment>, ReadError> {
        let mut snapshot = self.snapshot(NAME).await?;
        let rows = sqlx::query(
            "select comment_id, author, body_md, at, position from comments where org = $1 and ticket_id = $2 \
             order by position desc limit $3",
        )
        .bind(org.as_uuid())
        .bind(ticket.as_uuid())
        .bind(i64::from(first))
        .fetch_all(snapshot.connection())
        .await
        .reading("a ticket's comments")?;
        snapshot.close().await;
        rows.iter().rev().map(read_comment).collect()
    }

    /// Newest first; `before` is the position of the last entry of the page before. The ticket's own events, and the
    /// facts of its runs. `None`: no such ticket in this org.
    pub async fn history(
        &self,
        org: OrgId,
        ticket: TicketId,
        first: u32,
        before: Option<Position>,
    ) -> Result<Option<Page<HistoryEntry>>, ReadError> {
        let mut snapshot = self.snapshot(NAME).await?;
        if !has_ticket(&mut snapshot, org, ticket).await? {
            snapshot.close().await;
            return Ok(None);
        }
        let rows = sqlx::query(
            "select * from history where org = $1 and ticket_id = $2 and position < $3 and shown \
             order by position desc limit $4",
        )
        .bind(org.as_uuid())
        .bind(ticket.as_uuid())
        .bind(before.map_or(i64::MAX, to_bigint))
        .bind(one_more(first))
        .fetch_all(snapshot.connection())
        .await
        .reading("a ticket's history")?;
        let entries = entries(&mut snapshot, &rows).await?;
        snapshot.close().await;
        Ok(Some(Page::of(entries, first)))
    }

    /// What changed a ticket's page after `after`: at most `limit` events. They are kept for ever, so `resync` comes
    /// only for a cursor that this log never gave. `None`: no such ticket in this org.
    pub async fn ticket_changes(
        &self,
        org: OrgId,
        ticket: TicketId,
        after: Position,
        limit: u32,
    ) -> Result<Option<Changes<TicketChange>>, ReadError> {
        let mut snapshot = self.snapshot(NAME).await?;
        if !has_ticket(&mut snapshot, org, ticket).await? {
            snapshot.close().await;
            return Ok(None);
        }
        let position = snapshot.position;
        if snapshot.is_out_of_reach(after, 0).await.reading("the log's end")? {
            snapshot.close().await;
            return Ok(Some(Changes { resync: true, items: Vec::new(), position, more: false }));
        }
        let rows = sqlx::query(
            "select * from history where org = $1 and ticket_id = $2 and position > $3 order by position limit $4",
        )
        .bind(org.as_uuid())
        .bind(ticket.as_uuid())
        .bind(to_bigint(after))
        .bind(one_more(limit))
        .fetch_all(snapshot.connection())
        .await
        .reading("a ticket's changes")?;
        let entries = entries(&mut snapshot, &rows).await?;
        snapshot.close().await;
        let mut items: Vec<_> = entries
            .into_iter()
            .map(|entry| TicketChange { position: entry.position, command_id: entry.command_id, entry })
            .collect();
        let more = had_more(&mut items, limit);
        Ok(Some(Changes { resync: false, items, position, more }))
    }
}

async fn has_ticket(snapshot: &mut Snapshot, org: OrgId, ticket: TicketId) -> Result<bool, ReadError> {
    sqlx::query_scalar("select exists (select from tickets where org = $1 and ticket_id = $2)")
        .bind(org.as_uuid())
        .bind(ticket.as_uuid())
        .fetch_one(snapshot.connection())
        .await
        .reading("a ticket")
}

async fn entries(snapshot: &mut Snapshot, rows: &[PgRow]) -> Result<Vec<HistoryEntry>, ReadError> {
    const WHAT: &str = "a ticket's history";
    let positions: Vec<i64> = rows.iter().map(|row| row.try_get("position")).collect::<Result<_, _>>().reading(WHAT)?;
    let records = records_at(snapshot.connection(), positions.into_iter().map(from_bigint)).await.reading("the log")?;
    rows.iter().map(|row| read_entry(row, &records)).collect()
}

fn read_entry(row: &PgRow, records: &HashMap<Position, Record>) -> Result<HistoryEntry, ReadError> {
    const WHAT: &str = "a ticket's history";
    let position = from_bigint(row.try_get("position").reading(WHAT)?);
    let actor: &str = row.try_get("actor").reading(WHAT)?;
    let cause: Option<Uuid> = row.try_get("cause").reading(WHAT)?;
    Ok(HistoryEntry {
        event_id: EventId(row.try_get("event_id").reading(WHAT)?),
        position,
        at: row.try_get("at").reading(WHAT)?,
        actor: parsed::<Actor>(WHAT, actor)?,
        action: row.try_get("action").reading(WHAT)?,
        payload: payload(records.get(&position)),
        command_id: CommandId(row.try_get("command_id").reading(WHAT)?),
        cause: cause.map(EventId),
    })
}

/// Null where the log holds no JSON there: one damaged entry does not hide the others.
pub(crate) fn payload(record: Option<&Record>) -> serde_json::Value {
    record.and_then(|record| serde_json::from_str(&record.payload).ok()).unwrap_or_default()
}

fn read_ticket(row: &PgRow, position: Position) -> Result<Ticket, ReadError> {
    const WHAT: &str = "a ticket";
    let kind: &str = row.try_get("kind").reading(WHAT)?;
    let priority: Option<&str> = row.try_get("priority").reading(WHAT)?;
    let estimate: Option<i32> = row.try_get("estimate").reading(WHAT)?;
    let parent: Option<Uuid> = row.try_get("parent").reading(WHAT)?;
    let assignee: Option<Uuid> = row.try_get("assignee").reading(WHAT)?;
    let created_by: &str = row.try_get("created_by").reading(WHAT)?;
    let run: Option<Uuid> = row.try_get("planned_by_run").reading(WHAT)?;
    let item: Option<Uuid> = row.try_get("planned_by_item").reading(WHAT)?;
    let comments: i32 = row.try_get("comment_count").reading(WHAT)?;
    Ok(Ticket {
        id: TicketId(row.try_get("ticket_id").reading(WHAT)?),
        org: OrgId(row.try_get("org").reading(WHAT)?),
        project: ProjectId(row.try_get("project_id").reading(WHAT)?),
        board: BoardId(row.try_get("board_id").reading(WHAT)?),
        key: row.try_get("key").reading(WHAT)?,
        version: from_bigint(row.try_get("version").reading(WHAT)?),
        title: row.try_get("title").reading(WHAT)?,
        description_md: row.try_get("description_md").reading(WHAT)?,
        kind: meaning::<TicketKind>(WHAT, kind)?,
        column: row.try_get("column_key").reading(WHAT)?,
        rank: row.try_get("rank").reading(WHAT)?,
        priority: optional_meaning::<Priority>(WHAT, priority)?,
        labels: row.try_get("labels").reading(WHAT)?,
        estimate: estimate.map(|estimate| count(estimate.into())),
        due_on: row.try_get("due_on").reading(WHAT)?,
        parent: parent.map(TicketId),
        assignee: assignee.map(UserId),
        delegate: row.try_get("delegate").reading(WHAT)?,
        branch: row.try_get("branch").reading(WHAT)?,
        archived: row.try_get("archived").reading(WHAT)?,
        created_at: row.try_get("created_at").reading(WHAT)?,
        updated_at: row.try_get("updated_at").reading(WHAT)?,
        created_by: parsed::<Actor>(WHAT, created_by)?,
        planned_by: run.zip(item).map(|(run, item)| PlannedBy { run: RunId(run), item: PlanItemId(item) }),
        cost_usd_micros: count(row.try_get("cost_usd_micros").reading(WHAT)?),
        comment_count: count(comments.into()),
        position,
    })
}

fn read_ref(row: &PgRow) -> Result<TicketRef, ReadError> {
    const WHAT: &str = "a ticket";
    let kind: &str = row.try_get(3).reading(WHAT)?;
    Ok(TicketRef {
        id: TicketId(row.try_get(0).reading(WHAT)?),
        key: row.try_get(1).reading(WHAT)?,
        title: row.try_get(2).reading(WHAT)?,
        kind: meaning::<TicketKind>(WHAT, kind)?,
        column: row.try_get(4).reading(WHAT)?,
    })
}

fn read_comment(row: &PgRow) -> Result<Comment, ReadError> {
    const WHAT: &str = "a comment";
    let author: &str = row.try_get(1).reading(WHAT)?;
    Ok(Comment {
        id: CommentId(row.try_get(0).reading(WHAT)?),
        author: parsed::<Actor>(WHAT, author)?,
        body_md: row.try_get(2).reading(WHAT)?,
        at: row.try_get(3).reading(WHAT)?,
        position: from_bigint(row.try_get(4).reading(WHAT)?),
    })
}
