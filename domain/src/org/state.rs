//! What an org's rules remember.

use super::decide::{OrgRejection, decide};
use super::{Budget, BudgetScope, OrgCommand, OrgEvent, Role, Told};
use crate::decider::{Context, Decider, LastChange};
use crate::event::{AggregateKind, DecodeError, DomainEvent};
use crate::ids::{InvitationId, ProjectId, ProviderKeyId, UserId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Org {
    /// None: there is no such org.
    pub name: Option<String>,
    pub members: BTreeMap<UserId, Role>,
    /// Who was a member and is none.
    pub former: BTreeSet<UserId>,
    /// Used and revoked ones too: whoever opens their link is told which.
    pub invitations: BTreeMap<InvitationId, Invitation>,
    /// Roles that differ from the one in the org, of members only.
    pub project_roles: BTreeMap<UserId, BTreeMap<ProjectId, Role>>,
    /// By provider. The keys themselves are in the vault.
    pub provider_keys: BTreeMap<String, SavedKey>,
    /// At most one a scope.
    pub budgets: Vec<Budget>,
    /// None: UTC.
    pub time_zone: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedKey {
    pub key: ProviderKeyId,
    pub last_four: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    pub role: Role,
    pub expires_at: DateTime<Utc>,
    pub state: InvitationState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvitationState {
    Open,
    Used,
    Revoked,
}

impl Org {
    pub fn is_member(&self, user: UserId) -> bool {
        self.members.contains_key(&user)
    }

    /// Without this one there would be nobody left to let others in.
    pub(super) fn is_last_admin(&self, user: UserId) -> bool {
        let mut admins = self.members.iter().filter(|(_, role)| **role == Role::Admin).map(|(admin, _)| *admin);
        admins.next() == Some(user) && admins.next().is_none()
    }

    pub(super) fn project_role(&self, user: UserId, project: ProjectId) -> Option<Role> {
        self.project_roles.get(&user)?.get(&project).copied()
    }

    fn set_project_role(&mut self, user: UserId, project: ProjectId, role: Option<Role>) {
        let roles = self.project_roles.entry(user).or_default();
        match role {
            Some(role) => roles.insert(project, role),
            None => roles.remove(&project),
        };
        if roles.is_empty() {
            self.project_roles.remove(&user);
        }
    }

    pub fn budget(&self, scope: BudgetScope) -> Option<&Budget> {
        self.budgets.iter().find(|budget| budget.scope == scope)
    }

    /// As PostgreSQL and browsers know it.
    pub fn time_zone(&self) -> &str {
        self.time_zone.as_deref().unwrap_or("UTC")
    }

    fn set_budget(&mut self, scope: BudgetScope, limit_usd_micros: Option<u64>) {
        self.budgets.retain(|budget| budget.scope != scope);
        if let Some(limit_usd_micros) = limit_usd_micros {
            self.budgets.push(Budget { scope, limit_usd_micros, warned: None, used_up: None });
        }
    }

    fn tell_of(&mut self, scope: BudgetScope, tell: impl FnOnce(&mut Budget)) {
        if let Some(budget) = self.budgets.iter_mut().find(|budget| budget.scope == scope) {
            tell(budget);
        }
    }

    fn close(&mut self, invitation: InvitationId, state: InvitationState) {
        if let Some(invitation) = self.invitations.get_mut(&invitation) {
            invitation.state = state;
        }
    }
}

/// Nothing of an org is judged by the version that its sender saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrgFacet {}

impl From<OrgFacet> for &'static str {
    fn from(facet: OrgFacet) -> Self {
        match facet {}
    }
}

impl Decider for Org {
    const KIND: AggregateKind = AggregateKind::Org;
    const SNAPSHOT_VERSION: u32 = 4;
    type Command = OrgCommand;
    type Event = OrgEvent;
    type Rejection = OrgRejection;
    type Facet = OrgFacet;

    fn decide(&self, command: &OrgCommand, context: &Context) -> Result<Vec<OrgEvent>, OrgRejection> {
        decide(self, command, context)
    }

    fn apply(&mut self, event: &OrgEvent, _: &LastChange) {
        match event {
            OrgEvent::OrgCreated(created) => self.name = Some(created.name.clone()),
            OrgEvent::MemberInvited(invited) => {
                let (role, expires_at) = (invited.role, invited.expires_at);
                let invitation = Invitation { role, expires_at, state: InvitationState::Open };
                self.invitations.insert(invited.invitation, invitation);
            }
            OrgEvent::InvitationRevoked(revoked) => self.close(revoked.invitation, InvitationState::Revoked),
            OrgEvent::MemberJoined(joined) => {
                self.members.insert(joined.user, joined.role);
                self.former.remove(&joined.user);
                if let Some(invitation) = joined.invitation {
                    self.close(invitation, InvitationState::Used);
                }
            }
            OrgEvent::MemberRoleChanged(changed) => {
                self.members.insert(changed.user, changed.role);
            }
            OrgEvent::MemberRoleSet(set) => self.set_project_role(set.user, set.project, set.role),
            OrgEvent::MemberRemoved(removed) => {
                self.members.remove(&removed.user);
                self.project_roles.remove(&removed.user);
                self.former.insert(removed.user);
            }
            OrgEvent::ProviderKeySet(set) => {
                let saved = SavedKey { key: set.key, last_four: set.last_four.clone() };
                self.provider_keys.insert(set.provider.clone(), saved);
            }
            OrgEvent::ProviderKeyRemoved(removed) => {
                self.provider_keys.remove(&removed.provider);
            }
            OrgEvent::BudgetSet(set) => self.set_budget(set.scope, set.limit_usd_micros),
            OrgEvent::BudgetWarned(warned) => {
                self.tell_of(warned.scope, |budget| budget.warned = Some(Told { day: warned.day }));
            }
            OrgEvent::BudgetUsedUp(used_up) => {
                self.tell_of(used_up.scope, |budget| budget.used_up = Some(Told { day: used_up.day }));
            }
            OrgEvent::OrgTimeZoneSet(set) => self.time_zone = Some(set.time_zone.clone()),
            // For the audit log alone: no rule asks about the ways in.
            OrgEvent::MemberSignedIn(_)
            | OrgEvent::SessionRevoked(_)
            | OrgEvent::TokenCreated(_)
            | OrgEvent::TokenRevoked(_)
            | OrgEvent::SignInRefused(_) => {}
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
