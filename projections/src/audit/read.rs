//! Rows of the audit log → structs.

use crate::reads::{Page, ReadError, Reads};
use chrono::{DateTime, Utc};
use domain::{Actor, AggregateKind, CommandId, EventId, OrgId, Position};
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    pub event_id: EventId,
    pub position: Position,
    /// Place among the events of its org, 1..N: lists go by it, newest first.
    pub org_position: Position,
    pub at: DateTime<Utc>,
    pub actor: Actor,
    /// The event's name, such as `TicketMoved`.
    pub action: String,
    pub target_type: AggregateKind,
    pub target_id: Uuid,
    /// What people call the target, such as `AL-12`.
    pub target_key: Option<String>,
    /// From the log itself, as the hash is: what was erased there is erased here.
    pub payload: serde_json::Value,
    pub command_id: CommandId,
    pub cause: Option<EventId>,
    /// SHA-256 of the org's chain at this entry, hex.
    pub hash: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuditFilter {
    pub actor: Option<Actor>,
    pub action: Option<String>,
    pub target_type: Option<String>,
    pub target_id: Option<Uuid>,
    /// Inclusive.
    pub from: Option<DateTime<Utc>>,
    /// Exclusive.
    pub to: Option<DateTime<Utc>>,
}

impl Reads {
    /// Newest first; `before` is the `org_position` of the last entry of the page before.
    pub async fn audit_log(
        &self,
        org: OrgId,
        filter: &AuditFilter,
        first: u32,
        before: Option<Position>,
    ) -> Result<Page<AuditEntry>, ReadError> {
        let _ = (org, filter, first, before);
        todo!()
    }
}
