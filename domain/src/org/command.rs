//! What can be asked of an organisation.

use super::{Role, SignInMethod, SignInRefused};
use crate::ids::{InvitationId, ProjectId, SessionId, TokenId, UserId};
use chrono::{DateTime, Utc};
use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum OrgCommand {
    Create(CreateOrg),
    Invite(InviteMember),
    RevokeInvitation(InvitationId),
    AcceptInvitation(AcceptInvitation),
    ChangeRole(ChangeRole),
    SetProjectRole(SetProjectRole),
    Remove(UserId),
    Record(Record),
    /// Nothing when the org never knew the person or the invitation.
    RecordRefusal(SignInRefused),
}

/// Makes the org with its first member as admin.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CreateOrg {
    pub name: String,
    pub owner: UserId,
}

/// Lets whoever holds the invitation's link join once, until it expires.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InviteMember {
    pub invitation: InvitationId,
    pub role: Role,
    pub expires_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AcceptInvitation {
    pub invitation: InvitationId,
    pub user: UserId,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChangeRole {
    pub user: UserId,
    pub role: Role,
}

/// Gives a member another role in one project. None: the role in the org counts again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetProjectRole {
    pub user: UserId,
    pub project: ProjectId,
    pub role: Option<Role>,
}

/// Writes down what a member did with the ways in. Nothing when the person is no member (any more).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Record {
    pub user: UserId,
    pub what: Recorded,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Recorded {
    SignIn { session: SessionId, method: SignInMethod },
    SessionRevoked { session: SessionId },
    TokenCreated { token: TokenId, role: Option<Role>, scopes: Vec<String>, expires_at: Option<DateTime<Utc>> },
    TokenRevoked { token: TokenId },
}
