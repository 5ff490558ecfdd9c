//! The audit log.

use super::context::request;
use super::paging::{PageInfo, first_of};
use super::people::{Actor, User, user};
use super::scalars::{Position, page_place};
use crate::auth::access::Action;
use crate::errors::ApiError;
use async_graphql::{ComplexObject, Context, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use domain::{AggregateKind, OrgId, UserId};
use projections::audit;
use uuid::Uuid;

#[derive(SimpleObject, Debug)]
#[graphql(complex)]
pub(crate) struct AuditEntry {
    event_id: Uuid,
    position: Position,
    org_position: Position,
    at: DateTime<Utc>,
    actor: Actor,
    action: String,
    target_type: String,
    target_id: Uuid,
    target_key: Option<String>,
    payload: serde_json::Value,
    command_id: Option<Uuid>,
    cause: Option<Uuid>,
    hash: String,
}

#[ComplexObject]
impl AuditEntry {
    /// Whom an event of the organisation is about, members and those who were.
    async fn person(&self, ctx: &Context<'_>) -> Result<Option<User>, ApiError> {
        // Other streams say `user` of nobody, and what is in this org's own log is this org's to see.
        let about =
            (self.target_type == AggregateKind::Org.as_str()).then(|| self.payload.get("user")?.as_str()?.parse().ok());
        user(ctx, about.flatten().map(UserId)).await
    }
}

impl AuditEntry {
    fn new(org: OrgId, entry: audit::AuditEntry) -> Self {
        Self {
            event_id: entry.event_id.as_uuid(),
            position: Position(entry.position),
            org_position: Position(entry.org_position),
            at: entry.at,
            actor: Actor { org, actor: entry.actor },
            action: entry.action,
            target_type: entry.target_type.to_string(),
            target_id: entry.target_id,
            target_key: entry.target_key,
            payload: entry.payload,
            command_id: Some(entry.command_id.as_uuid()),
            cause: entry.cause.map(|event| event.as_uuid()),
            hash: entry.hash,
        }
    }
}

#[derive(InputObject, Debug)]
pub(crate) struct AuditFilter {
    /// As `Actor.id` gives it.
    actor: Option<String>,
    action: Option<String>,
    target_type: Option<String>,
    target_id: Option<Uuid>,
    /// Inclusive.
    from: Option<DateTime<Utc>>,
    /// Exclusive.
    to: Option<DateTime<Utc>>,
}

impl TryFrom<AuditFilter> for audit::AuditFilter {
    type Error = ApiError;

    fn try_from(filter: AuditFilter) -> Result<Self, ApiError> {
        let actor = filter.actor.map(|actor| actor.parse());
        let actor = actor
            .transpose()
            .map_err(|_| ApiError::invalid("filter.actor", "user:<uuid>, run:<uuid> or system:<name>."))?;
        Ok(Self {
            actor,
            action: filter.action,
            target_type: filter.target_type,
            target_id: filter.target_id,
            from: filter.from,
            to: filter.to,
        })
    }
}

#[derive(SimpleObject, Debug)]
pub(crate) struct AuditConnection {
    /// At most `first`.
    nodes: Vec<AuditEntry>,
    page_info: PageInfo,
}

#[derive(Debug, Default)]
pub(crate) struct AuditQuery;

#[Object]
impl AuditQuery {
    /// Newest first.
    #[graphql(complexity = "first.max(0) as usize * child_complexity")]
    async fn audit_log(
        &self,
        ctx: &Context<'_>,
        org_id: Uuid,
        filter: Option<AuditFilter>,
        #[graphql(default = 100)] first: i32,
        after: Option<String>,
    ) -> Result<AuditConnection, ApiError> {
        let request = request(ctx)?;
        let access = request.access(OrgId(org_id), Action::ReadAudit).await?;
        let filter = filter.map(TryInto::try_into).transpose()?.unwrap_or_default();
        let before = page_place(after.as_deref())?;
        let page = request.gateway.reads.audit_log(access.org(), &filter, first_of(first)?, before).await?;
        let page_info = PageInfo::new(page.has_next, page.nodes.last().map(|entry| entry.org_position));
        let nodes = page.nodes.into_iter().map(|entry| AuditEntry::new(access.org(), entry)).collect();
        Ok(AuditConnection { nodes, page_info })
    }
}
