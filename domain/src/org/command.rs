//! What can be asked of an organisation.

use super::{BudgetScope, Role, SignInMethod, SignInRefused};
use crate::ids::{InvitationId, ProjectId, ProviderKeyId, SessionId, TokenId, UserId};
use chrono::{DateTime, NaiveDate, Utc};
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
    SetProviderKey(SetProviderKey),
    /// Of this provider.
    RemoveProviderKey(String),
    SetBudget(SetBudget),
    NoteSpending(NoteSpending),
    SetTimeZone(SetTimeZone),
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

/// The key itself never comes near the log: it is in the vault, under its id.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetProviderKey {
    pub provider: String,
    /// Fetched: the providers that this build can drive.
    pub known_providers: Vec<String>,
    pub key: ProviderKeyId,
    pub last_four: String,
}

/// None: no limit any more.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetBudget {
    pub scope: BudgetScope,
    pub limit_usd_micros: Option<u64>,
}

/// How much of a budget is spent, as a worker has seen it. Says something only the first time a day, and nothing when
/// the limit is another one by now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoteSpending {
    pub scope: BudgetScope,
    /// Of a daily budget: the day in the org's time zone.
    pub day: Option<NaiveDate>,
    pub limit_usd_micros: u64,
    pub spent_usd_micros: u64,
    /// A call was refused because of it.
    pub refused: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetTimeZone {
    pub time_zone: String,
    /// Fetched: there is such a zone.
    pub known: bool,
}
