//! All events as one type, and the way from the stored form to it.

use crate::agent_run::AgentRunEvent;
use crate::board::BoardEvent;
use crate::org::OrgEvent;
use crate::project::ProjectEvent;
use crate::repo_connection::RepoConnectionEvent;
use crate::ticket::TicketEvent;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The kinds of streams. The name is stored: never rename one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AggregateKind {
    Org,
    Project,
    Board,
    Ticket,
    RepoConnection,
    AgentRun,
}

impl AggregateKind {
    pub const ALL: [Self; 6] =
        [Self::Org, Self::Project, Self::Board, Self::Ticket, Self::RepoConnection, Self::AgentRun];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Org => "Org",
            Self::Project => "Project",
            Self::Board => "Board",
            Self::Ticket => "Ticket",
            Self::RepoConnection => "RepoConnection",
            Self::AgentRun => "AgentRun",
        }
    }
}

impl fmt::Display for AggregateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AggregateKind {
    type Err = DecodeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| DecodeError::UnknownAggregate(text.chars().take(80).collect()))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum DomainEvent {
    Org(OrgEvent),
    Project(ProjectEvent),
    Board(BoardEvent),
    Ticket(TicketEvent),
    RepoConnection(RepoConnectionEvent),
    AgentRun(AgentRunEvent),
}

#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("unknown aggregate {0:?}")]
    UnknownAggregate(String),
    #[error("unknown event {event_type} version {version} of {aggregate}")]
    UnknownEvent { aggregate: AggregateKind, event_type: String, version: u16 },
    #[error("the payload of {event_type} version {version} does not fit its schema")]
    Payload {
        event_type: String,
        version: u16,
        #[source]
        source: serde_json::Error,
    },
    #[error("an event of {found} stands in a stream of {expected}")]
    OtherAggregate { expected: AggregateKind, found: AggregateKind },
}

impl DomainEvent {
    pub const fn aggregate(&self) -> AggregateKind {
        match self {
            Self::Org(_) => AggregateKind::Org,
            Self::Project(_) => AggregateKind::Project,
            Self::Board(_) => AggregateKind::Board,
            Self::Ticket(_) => AggregateKind::Ticket,
            Self::RepoConnection(_) => AggregateKind::RepoConnection,
            Self::AgentRun(_) => AggregateKind::AgentRun,
        }
    }

    /// The name that is stored, such as `TicketMoved`.
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::Org(event) => event.event_type(),
            Self::Project(event) => event.event_type(),
            Self::Board(event) => event.event_type(),
            Self::Ticket(event) => event.event_type(),
            Self::RepoConnection(event) => event.event_type(),
            Self::AgentRun(event) => event.event_type(),
        }
    }

    /// The schema version that is written today.
    pub const fn event_version(&self) -> u16 {
        match self {
            Self::Org(event) => event.event_version(),
            Self::Project(event) => event.event_version(),
            Self::Board(event) => event.event_version(),
            Self::Ticket(event) => event.event_version(),
            Self::RepoConnection(event) => event.event_version(),
            Self::AgentRun(event) => event.event_version(),
        }
    }

    /// The payload as it is stored: the JSON object of the event's fields.
    ///
    /// # Errors
    /// Never for the types of this crate; kept because serde says so.
    pub fn to_payload(&self) -> Result<String, serde_json::Error> {
        match self {
            Self::Org(event) => event.to_payload(),
            Self::Project(event) => event.to_payload(),
            Self::Board(event) => event.to_payload(),
            Self::Ticket(event) => event.to_payload(),
            Self::RepoConnection(event) => event.to_payload(),
            Self::AgentRun(event) => event.to_payload(),
        }
    }

    /// Reads a stored event, of any version ever written.
    ///
    /// # Errors
    /// [`DecodeError`] when the name, the version or the payload is not one that this build knows.
    pub fn decode(
        aggregate: AggregateKind,
        event_type: &str,
        version: u16,
        payload: &str,
    ) -> Result<Self, DecodeError> {
        match aggregate {
            AggregateKind::Org => OrgEvent::decode(event_type, version, payload).map(Self::Org),
            AggregateKind::Project => ProjectEvent::decode(event_type, version, payload).map(Self::Project),
            AggregateKind::Board => BoardEvent::decode(event_type, version, payload).map(Self::Board),
            AggregateKind::Ticket => TicketEvent::decode(event_type, version, payload).map(Self::Ticket),
            AggregateKind::RepoConnection => {
                RepoConnectionEvent::decode(event_type, version, payload).map(Self::RepoConnection)
            }
            AggregateKind::AgentRun => AgentRunEvent::decode(event_type, version, payload).map(Self::AgentRun),
        }
    }
}

/// Makes the enum of an aggregate's events from its event structs: name on disk, schema version, encode and decode.
///
/// A new schema version adds an upcast arm in `decode`, never changes what an old one meant.
macro_rules! events {
    ($(#[$doc:meta])* $enum_name:ident of $kind:ident { $($event:ident = $version:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $enum_name { $($event($event)),+ }

        impl $enum_name {
            /// Every event's name with the schema version written today.
            pub const TYPES: &'static [(&'static str, u16)] = &[$((stringify!($event), $version)),+];

            pub const fn event_type(&self) -> &'static str {
                match self { $(Self::$event(_) => stringify!($event)),+ }
            }
            pub const fn event_version(&self) -> u16 {
                match self { $(Self::$event(_) => $version),+ }
            }
            pub(crate) fn to_payload(&self) -> Result<String, serde_json::Error> {
                match self { $(Self::$event(event) => serde_json::to_string(event)),+ }
            }
            pub(crate) fn decode(event_type: &str, version: u16, payload: &str) -> Result<Self, $crate::event::DecodeError> {
                match (event_type, version) {
                    $((stringify!($event), $version) => serde_json::from_str(payload).map(Self::$event).map_err(|source| {
                        $crate::event::DecodeError::Payload { event_type: event_type.to_owned(), version, source }
                    }),)+
                    _ => Err($crate::event::DecodeError::UnknownEvent {
                        aggregate: $crate::event::AggregateKind::$kind,
                        event_type: event_type.chars().take(80).collect(),
                        version,
                    }),
                }
            }
            /// The JSON Schema of every event of this aggregate, by name and version.
            pub fn json_schemas() -> Vec<(&'static str, u16, schemars::Schema)> {
                vec![$((stringify!($event), $version, schemars::schema_for!($event))),+]
            }
        }
        impl $enum_name {
            /// The event as one of this aggregate.
            pub(crate) fn from_domain(event: $crate::event::DomainEvent) -> Result<Self, $crate::event::DecodeError> {
                let found = event.aggregate();
                if let $crate::event::DomainEvent::$kind(event) = event { return Ok(event); }
                Err($crate::event::DecodeError::OtherAggregate { expected: $crate::event::AggregateKind::$kind, found })
            }
        }
        impl From<$enum_name> for $crate::event::DomainEvent {
            fn from(event: $enum_name) -> Self { Self::$kind(event) }
        }
        $(impl From<$event> for $enum_name { fn from(event: $event) -> Self { Self::$event(event) } })+
    };
}
pub(crate) use events;
