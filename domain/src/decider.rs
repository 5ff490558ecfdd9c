//! The shape that every aggregate has: `decide` says yes or no, `apply` remembers.

use crate::actor::Actor;
use crate::event::{AggregateKind, DecodeError, DomainEvent};
use crate::ids::{CommandId, OrgId, Version};
use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// What a decision may know besides state and command. The clock was read outside.
#[derive(Clone, Debug)]
pub struct Context {
    pub org: OrgId,
    pub actor: Actor,
    pub now: DateTime<Utc>,
    pub command_id: CommandId,
}

/// Who changed a facet last, when, and at which version of the stream.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LastChange {
    pub version: Version,
    pub by: Actor,
    pub at: DateTime<Utc>,
}

/// An aggregate: its state is `Self`, folded from its events.
///
/// `decide` and `apply` are pure. `apply` never fails and never panics: an event is a fact.
pub trait Decider: Default + Clone + Debug + Send + Sync + Serialize + DeserializeOwned + 'static {
    const KIND: AggregateKind;
    /// Raised when the shape of the state changes: older snapshots are then folded afresh.
    const SNAPSHOT_VERSION: u32;

    type Command: Clone + Debug + Send + Sync + Serialize;
    type Event: Clone + Debug + PartialEq + Send + Sync + Into<DomainEvent>;
    /// A rule that said no. Not an error: nothing is broken.
    type Rejection: Rejection;
    /// A part of the state that can be changed by itself, such as a title or a place on the board.
    type Facet: Copy + Debug + PartialEq + Eq + Send + Sync + Into<&'static str>;

    /// # Errors
    /// The rule that forbids it. No events means: it is so already.
    fn decide(&self, command: &Self::Command, context: &Context) -> Result<Vec<Self::Event>, Self::Rejection>;

    /// `change` says who, when, and the version that this event made.
    fn apply(&mut self, event: &Self::Event, change: &LastChange);

    /// What the command sets. It is stale when one of these changed after the version that its sender saw.
    fn facets(command: &Self::Command) -> Vec<Self::Facet>;

    fn last_change(&self, facet: Self::Facet) -> Option<&LastChange>;

    /// The event as this aggregate's own.
    ///
    /// # Errors
    /// [`DecodeError::OtherAggregate`] when it belongs to another.
    fn event_from_domain(event: DomainEvent) -> Result<Self::Event, DecodeError>;
}

/// The reason that a rule gives. `reason` is a stable name for programs, `Display` is for people.
pub trait Rejection: std::error::Error + Clone + PartialEq + Send + Sync + 'static {
    /// Upper snake case, such as `ARCHIVED`. Part of the public contract.
    fn reason(&self) -> &'static str;
}

/// Remembers who changed what last: the part of a state that staleness is judged by.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Changes<F: Ord>(std::collections::BTreeMap<F, LastChange>);

impl<F: Ord> Default for Changes<F> {
    fn default() -> Self {
        Self(std::collections::BTreeMap::new())
    }
}

impl<F: Ord> Changes<F> {
    pub fn remember(&mut self, facet: F, change: &LastChange) {
        self.0.insert(facet, change.clone());
    }

    pub fn last(&self, facet: F) -> Option<&LastChange> {
        self.0.get(&facet)
    }
}
