//! What happened to an organisation. People by id only: names and addresses live in the users table.

use super::BudgetScope;
use crate::event::events;
use crate::ids::{InvitationId, ProjectId, ProviderKeyId, SessionId, TokenId, UserId};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// What a member may do; the table is in the gateway. Per org, and where wanted another one per project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Admin,
    Pm,
    Dev,
    Qa,
}

/// What let a person in: a one-time link that the machine's owner printed, an invitation's own link, or GitHub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignInMethod {
    OwnerLink,
    Invitation,
    Github,
}

/// Why somebody was not let in who came with something that had been a way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    InvitationUsed,
    InvitationRevoked,
    InvitationExpired,
    TokenRevoked,
    TokenExpired,
    /// The person was a member.
    NoMember,
}

events! {
    OrgEvent of Org {
        OrgCreated = 1, MemberInvited = 1, InvitationRevoked = 1, MemberJoined = 1, MemberRoleChanged = 1,
        MemberRoleSet = 1, MemberRemoved = 1, MemberSignedIn = 1, SessionRevoked = 1, TokenCreated = 1,
        TokenRevoked = 1, SignInRefused = 1, ProviderKeySet = 1, ProviderKeyRemoved = 1, BudgetSet = 1,
        BudgetWarned = 1, BudgetUsedUp = 1, OrgTimeZoneSet = 1,
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct OrgCreated {
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MemberInvited {
    pub invitation: InvitationId,
    pub role: Role,
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub expires_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct InvitationRevoked {
    pub invitation: InvitationId,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MemberJoined {
    pub user: UserId,
    pub role: Role,
    /// None: the org's first member, who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<InvitationId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MemberRoleChanged {
    pub user: UserId,
    pub role: Role,
}

/// In one project only. No role: the one in the org counts again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MemberRoleSet {
    pub user: UserId,
    pub project: ProjectId,
    pub role: Option<Role>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MemberRemoved {
    pub user: UserId,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MemberSignedIn {
    pub user: UserId,
    pub session: SessionId,
    pub method: SignInMethod,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SessionRevoked {
    pub user: UserId,
    pub session: SessionId,
}

/// A token works in every org that its person is in, so each of them knows of it. Its name is the person's own word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TokenCreated {
    pub user: UserId,
    pub token: TokenId,
    /// The most that it may do; none: what the person may.
    pub role: Option<Role>,
    pub scopes: Vec<String>,
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub expires_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TokenRevoked {
    pub user: UserId,
    pub token: TokenId,
}

/// Somebody came with a way in that does not hold any more. Once a day for each of them, however often they come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SignInRefused {
    pub reason: RefusalReason,
    /// Whose way in it was. None: whoever holds the invitation's link.
    pub user: Option<UserId>,
    pub invitation: Option<InvitationId>,
    pub token: Option<TokenId>,
    pub session: Option<SessionId>,
}

/// From now on the org's runs use this key, until another one is set or it is removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ProviderKeySet {
    /// Such as `codex`.
    pub provider: String,
    /// Names it in the vault.
    pub key: ProviderKeyId,
    /// Of the key, so that people know which one it is.
    pub last_four: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ProviderKeyRemoved {
    pub provider: String,
    pub key: ProviderKeyId,
}

/// No limit: it was taken away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BudgetSet {
    pub scope: BudgetScope,
    pub limit_usd_micros: Option<u64>,
}

/// Four fifths are spent. Once a day and limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BudgetWarned {
    pub scope: BudgetScope,
    /// Of a daily budget: the day in the org's time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub day: Option<NaiveDate>,
    pub limit_usd_micros: u64,
    pub spent_usd_micros: u64,
}

/// All of it is spent, or what is left covers no further call: runs are stopped by it. Once a day and limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BudgetUsedUp {
    pub scope: BudgetScope,
    /// Of a daily budget: the day in the org's time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub day: Option<NaiveDate>,
    pub limit_usd_micros: u64,
    pub spent_usd_micros: u64,
}

/// Where the org's days begin and end, as the IANA names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct OrgTimeZoneSet {
    pub time_zone: String,
}
