//! Rows of the audit log → structs.

use super::NAME;
use crate::reads::{Page, ReadError, Reading, Reads, one_more};
use crate::ticket::payload;
use crate::words::parsed;
use chrono::{DateTime, Utc};
use domain::{Actor, AggregateKind, CommandId, EventId, OrgId, Position};
use feed::log::{from_bigint, to_bigint};
use feed::records::{Record, records_at};
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::collections::HashMap;
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
        const WHAT: &str = "the audit log";
        let mut query = sqlx::QueryBuilder::new(
            "select e.*, k.key from entries e left join target_keys k on k.org = e.org and k.target_id = e.target_id \
             where e.org = ",
        );
        query.push_bind(org.as_uuid());
        if let Some(before) = before {
            query.push(" and e.org_position < ").push_bind(to_bigint(before));
        }
        if let Some(actor) = &filter.actor {
            query.push(" and e.actor = ").push_bind(actor.to_string());
        }
        if let Some(action) = &filter.action {
            query.push(" and e.action = ").push_bind(action);
        }
        if let Some(target_type) = &filter.target_type {
            query.push(" and e.target_type = ").push_bind(target_type);
        }
        if let Some(target_id) = filter.target_id {
            query.push(" and e.target_id = ").push_bind(target_id);
        }
        if let Some(from) = filter.from {
            query.push(" and e.at >= ").push_bind(from);
        }
        if let Some(to) = filter.to {
            query.push(" and e.at < ").push_bind(to);
        }
        query.push(" order by e.org_position desc limit ").push_bind(one_more(first));
        let mut snapshot = self.snapshot(NAME).await?;
        let rows = query.build().fetch_all(snapshot.connection()).await.reading(WHAT)?;
        let positions: Vec<i64> =
            rows.iter().map(|row| row.try_get("position")).collect::<Result<_, _>>().reading(WHAT)?;
        let records =
            records_at(snapshot.connection(), positions.into_iter().map(from_bigint)).await.reading("the log")?;
        snapshot.close().await;
        Ok(Page::of(rows.iter().map(|row| read_entry(row, &records)).collect::<Result<_, _>>()?, first))
    }
}

fn read_entry(row: &PgRow, records: &HashMap<Position, Record>) -> Result<AuditEntry, ReadError> {
    const WHAT: &str = "an audit entry";
    let position = from_bigint(row.try_get("position").reading(WHAT)?);
    let record = records.get(&position);
    let actor: &str = row.try_get("actor").reading(WHAT)?;
    let target_type: &str = row.try_get("target_type").reading(WHAT)?;
    let cause: Option<Uuid> = row.try_get("cause").reading(WHAT)?;
    Ok(AuditEntry {
        event_id: EventId(row.try_get("event_id").reading(WHAT)?),
        position,
        org_position: from_bigint(row.try_get("org_position").reading(WHAT)?),
        at: row.try_get("at").reading(WHAT)?,
        actor: parsed::<Actor>(WHAT, actor)?,
        action: row.try_get("action").reading(WHAT)?,
        target_type: parsed::<AggregateKind>(WHAT, target_type)?,
        target_id: row.try_get("target_id").reading(WHAT)?,
        target_key: row.try_get("key").reading(WHAT)?,
        payload: payload(record),
        command_id: CommandId(row.try_get("command_id").reading(WHAT)?),
        cause: cause.map(EventId),
        hash: record.map(|record| hex::encode(&record.hash)).unwrap_or_default(),
    })
}
