//! Every change of a ticket, with who and why.

use super::context::request;
use super::paging::PageInfo;
use super::people::Actor;
use super::scalars::Position;
use crate::auth::access::OrgAccess;
use crate::errors::ApiError;
use async_graphql::{Context, SimpleObject};
use chrono::{DateTime, Utc};
use domain::{OrgId, TicketId};
use projections::ticket;
use uuid::Uuid;

#[derive(SimpleObject, Clone, Debug)]
pub(crate) struct HistoryEntry {
    event_id: Uuid,
    position: Position,
    at: DateTime<Utc>,
    actor: Actor,
    /// The event's name, such as TicketMoved.
    action: String,
    payload: serde_json::Value,
    /// The event that this one answers.
    cause: Option<Uuid>,
}

impl HistoryEntry {
    pub(super) fn new(org: OrgId, entry: ticket::HistoryEntry) -> Self {
        Self {
            event_id: entry.event_id.as_uuid(),
            position: Position(entry.position),
            at: entry.at,
            actor: Actor { org, actor: entry.actor },
            action: entry.action,
            payload: entry.payload,
            cause: entry.cause.map(|event| event.as_uuid()),
        }
    }
}

#[derive(SimpleObject, Debug)]
pub(crate) struct HistoryConnection {
    /// At most `first`.
    pub(super) nodes: Vec<HistoryEntry>,
    page_info: PageInfo,
}

pub(super) async fn read_history(
    ctx: &Context<'_>,
    access: OrgAccess,
    ticket: TicketId,
    first: u32,
    before: Option<u64>,
) -> Result<HistoryConnection, ApiError> {
    let page = request(ctx)?.gateway.reads.history(access.org(), ticket, first, before).await?;
    let page = page.ok_or(ApiError::NotFound)?;
    let page_info = PageInfo::new(page.has_next, page.nodes.last().map(|entry| entry.position));
    let nodes = page.nodes.into_iter().map(|entry| HistoryEntry::new(access.org(), entry)).collect();
    Ok(HistoryConnection { nodes, page_info })
}
