//! What an org's rules remember.

use super::decide::{OrgRejection, decide};
use super::{OrgCommand, OrgEvent, Role};
use crate::decider::{Context, Decider, LastChange};
use crate::event::{AggregateKind, DecodeError, DomainEvent};
use crate::ids::UserId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Org {
    /// None: there is no such org.
    pub name: Option<String>,
    pub members: BTreeMap<UserId, Role>,
}

impl Org {
    pub fn is_member(&self, user: UserId) -> bool {
        self.members.contains_key(&user)
    }
}

/// Nothing of an org can be changed by two at once yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrgFacet {}

impl From<OrgFacet> for &'static str {
    fn from(facet: OrgFacet) -> Self {
        match facet {}
    }
}

impl Decider for Org {
    const KIND: AggregateKind = AggregateKind::Org;
    const SNAPSHOT_VERSION: u32 = 1;
    type Command = OrgCommand;
    type Event = OrgEvent;
    type Rejection = OrgRejection;
    type Facet = OrgFacet;

    fn decide(&self, command: &OrgCommand, _: &Context) -> Result<Vec<OrgEvent>, OrgRejection> {
        decide(self, command)
    }

    fn apply(&mut self, event: &OrgEvent, _: &LastChange) {
        match event {
            OrgEvent::OrgCreated(created) => self.name = Some(created.name.clone()),
            OrgEvent::MemberJoined(joined) => {
                self.members.insert(joined.user, joined.role);
            }
        }
    }

    fn facets(_: &OrgCommand) -> Vec<OrgFacet> {
        Vec::new()
    }

    fn last_change(&self, facet: OrgFacet) -> Option<&LastChange> {
        match facet {}
    }

    fn event_from_domain(event: DomainEvent) -> Result<OrgEvent, DecodeError> {
        OrgEvent::from_domain(event)
    }
}
