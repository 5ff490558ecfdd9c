//! What a connection's rules remember.

use super::decide::{RepoConnectionRejection, decide};
use super::{RepoConnectionCommand, RepoConnectionEvent, RepoProvider};
use crate::decider::{Changes, Context, Decider, LastChange};
use crate::event::{AggregateKind, DecodeError, DomainEvent};
use crate::ids::ProjectId;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepoConnection {
    /// None: there never was such a connection.
    pub repository: Option<Repository>,
    pub connected: bool,
    pub changes: Changes<RepoConnectionFacet>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repository {
    pub project: ProjectId,
    pub provider: RepoProvider,
    pub clone_url: String,
    pub name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RepoConnectionFacet {
    Connected,
}

impl From<RepoConnectionFacet> for &'static str {
    fn from(facet: RepoConnectionFacet) -> Self {
        match facet {
            RepoConnectionFacet::Connected => "connection",
        }
    }
}

impl Decider for RepoConnection {
    const KIND: AggregateKind = AggregateKind::RepoConnection;
    const SNAPSHOT_VERSION: u32 = 1;
    type Command = RepoConnectionCommand;
    type Event = RepoConnectionEvent;
    type Rejection = RepoConnectionRejection;
    type Facet = RepoConnectionFacet;

    fn decide(
        &self,
        command: &RepoConnectionCommand,
        _: &Context,
    ) -> Result<Vec<RepoConnectionEvent>, RepoConnectionRejection> {
        decide(self, command)
    }

    fn apply(&mut self, event: &RepoConnectionEvent, change: &LastChange) {
        match event {
            RepoConnectionEvent::RepositoryConnected(connected) => {
                self.repository = Some(Repository {
                    project: connected.project,
                    provider: connected.provider,
                    clone_url: connected.clone_url.clone(),
                    name: connected.name.clone(),
                });
                self.connected = true;
            }
            RepoConnectionEvent::RepositoryDisconnected(_) => self.connected = false,
        }
        self.changes.remember(RepoConnectionFacet::Connected, change);
    }

    fn facets(_: &RepoConnectionCommand) -> Vec<RepoConnectionFacet> {
        vec![RepoConnectionFacet::Connected]
    }

    fn last_change(&self, facet: RepoConnectionFacet) -> Option<&LastChange> {
        self.changes.last(facet)
    }

    fn event_from_domain(event: DomainEvent) -> Result<RepoConnectionEvent, DecodeError> {
        RepoConnectionEvent::from_domain(event)
    }
}
