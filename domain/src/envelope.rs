//! What surrounds an event in the log.

use crate::actor::Actor;
use crate::event::{AggregateKind, DomainEvent};
use crate::ids::{CommandId, CorrelationId, EventId, OrgId, Position, Version};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An event as projections and policies see it: with its place in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    pub position: Position,
    /// Place among the events of its org, 1..N.
    pub org_position: Position,
    pub event_id: EventId,
    pub org: OrgId,
    pub aggregate: AggregateKind,
    pub aggregate_id: Uuid,
    pub version: Version,
    pub actor: Actor,
    pub at: DateTime<Utc>,
    pub metadata: Metadata,
    pub event: DomainEvent,
}

/// Rides beside the payload; never decides anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    pub command_id: CommandId,
    pub correlation_id: CorrelationId,
    /// The event that made somebody send this command; none when a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<EventId>,
    /// W3C trace context of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}
