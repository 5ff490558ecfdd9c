//! Who sends a command, and what comes back when it is accepted.

use domain::{Actor, CommandId, CorrelationId, EventId, OrgId, Position, Version};
use uuid::Uuid;

/// Who asks, in which org, and under which ids. Every command function takes one.
#[derive(Clone, Debug)]
pub struct Caller {
    pub org: OrgId,
    pub actor: Actor,
    /// Chosen by the client. The same id from the same actor in the same org gets the same answer.
    pub command_id: CommandId,
    pub correlation_id: CorrelationId,
    /// The event that made somebody send this; none when a person did.
    pub causation_id: Option<EventId>,
    /// W3C trace context of the request.
    pub traceparent: Option<String>,
    /// The version that the sender saw. Stale only if what the command sets changed after it. None: whatever it is now.
    pub expected_version: Option<Version>,
}

impl Caller {
    /// A caller with fresh correlation and neither cause nor expectation.
    pub fn new(org: OrgId, actor: Actor, command_id: CommandId) -> Self {
        Self {
            org,
            actor,
            command_id,
            correlation_id: CorrelationId(Uuid::now_v7()),
            causation_id: None,
            traceparent: None,
            expected_version: None,
        }
    }

    #[must_use]
    pub fn expecting(mut self, version: Option<Version>) -> Self {
        self.expected_version = version;
        self
    }

    #[must_use]
    pub fn caused_by(mut self, event: EventId, correlation: CorrelationId) -> Self {
        self.causation_id = Some(event);
        self.correlation_id = correlation;
        self
    }

    /// The same caller sending one step of a larger command, under an id that a retry makes again.
    #[must_use]
    pub fn step(&self, name: &str) -> Self {
        Self { command_id: CommandId(self.command_id.derive(name)), expected_version: None, ..self.clone() }
    }
}

/// The answer to an accepted command; a repeated command gets the one that the first got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub aggregate_id: Uuid,
    /// Of the aggregate, after this command.
    pub version: Version,
    /// In order; empty when it was so already.
    pub event_ids: Vec<EventId>,
    /// `events.id` of each, in order.
    pub rows: Vec<i64>,
    /// Place of the last event in the log; none when it was not known within the settings' wait.
    pub position: Option<Position>,
    /// True when this command had been answered before.
    pub repeated: bool,
}
