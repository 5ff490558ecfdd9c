//! The rules of an org.

use super::{
    AcceptInvitation, BudgetLevel, BudgetSet, BudgetUsedUp, BudgetWarned, ChangeRole, CreateOrg, Invitation,
    InvitationRevoked, InvitationState, InviteMember, MemberInvited, MemberJoined, MemberRemoved, MemberRoleChanged,
    MemberRoleSet, MemberSignedIn, NoteSpending, Org, OrgCommand, OrgCreated, OrgEvent, OrgTimeZoneSet,
    ProviderKeyRemoved, ProviderKeySet, Record, Recorded, RefusalReason, Role, SessionRevoked, SetBudget,
    SetProjectRole, SetProviderKey, SetTimeZone, SignInRefused, TokenCreated, TokenRevoked, Told, budget_level,
};
use crate::decider::{Context, Rejection};
use crate::ids::{InvitationId, UserId};
use crate::limits::{BUDGETS_MAX, INVITATIONS_MAX, MEMBERS_MAX, NAME_MAX_CHARS};
use crate::text::{self, LineProblem};
use chrono::{DateTime, Utc};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrgRejection {
    #[error("this organisation exists already")]
    Exists,
    #[error("the name {0}")]
    Name(LineProblem),
    #[error("this is the last admin: make somebody else an admin first")]
    LastAdmin,
    #[error("there is no such member")]
    NoMember,
    #[error("this person is a member already")]
    AlreadyMember,
    #[error("an organisation has at most {MEMBERS_MAX} members")]
    Full,
    #[error("there are {INVITATIONS_MAX} open invitations: take some back first")]
    TooManyInvitations,
    #[error("there is no such invitation")]
    NoInvitation,
    #[error("this invitation was used already")]
    InvitationUsed,
    #[error("this invitation was taken back")]
    InvitationRevoked,
    #[error("this invitation is too old: ask for another one")]
    InvitationExpired,
    #[error("no agent is known as {provider}")]
    UnknownProvider { provider: String },
    #[error("an organisation has at most {BUDGETS_MAX} budgets: take some away first")]
    TooManyBudgets,
    #[error("no time zone is known by this name")]
    UnknownTimeZone,
}

impl Rejection for OrgRejection {
    fn reason(&self) -> &'static str {
        match self {
            Self::Exists => "EXISTS",
            Self::Name(problem) => text::name_reason(*problem),
            Self::LastAdmin => "LAST_ADMIN",
            Self::NoMember => "NO_MEMBER",
            Self::AlreadyMember => "ALREADY_MEMBER",
            Self::Full => "ORG_FULL",
            Self::TooManyInvitations => "TOO_MANY_INVITATIONS",
            Self::NoInvitation => "NO_INVITATION",
            Self::InvitationUsed => "INVITATION_USED",
            Self::InvitationRevoked => "INVITATION_REVOKED",
            Self::InvitationExpired => "INVITATION_EXPIRED",
            Self::UnknownProvider { .. } => "UNKNOWN_PROVIDER",
            Self::TooManyBudgets => "TOO_MANY_BUDGETS",
            Self::UnknownTimeZone => "UNKNOWN_TIME_ZONE",
        }
    }
}

type Decision = Result<Vec<OrgEvent>, OrgRejection>;

pub(super) fn decide(org: &Org, command: &OrgCommand, context: &Context) -> Decision {
    match command {
        OrgCommand::Create(command) => create(org, command),
        OrgCommand::Invite(command) => invite(org, command, context.now),
        OrgCommand::RevokeInvitation(invitation) => revoke_invitation(org, *invitation),
        OrgCommand::AcceptInvitation(command) => accept(org, command, context.now),
        OrgCommand::ChangeRole(command) => change_role(org, command),
        OrgCommand::SetProjectRole(command) => set_project_role(org, command),
        OrgCommand::Remove(user) => remove(org, *user),
        OrgCommand::Record(command) => Ok(record(org, command)),
        OrgCommand::RecordRefusal(refused) => Ok(record_refusal(org, refused)),
        OrgCommand::SetProviderKey(command) => set_provider_key(org, command),
        OrgCommand::RemoveProviderKey(provider) => Ok(remove_provider_key(org, provider)),
        OrgCommand::SetBudget(command) => set_budget(org, command),
        OrgCommand::NoteSpending(command) => Ok(note_spending(org, command)),
        OrgCommand::SetTimeZone(command) => set_time_zone(org, command),
    }
}

fn create(org: &Org, command: &CreateOrg) -> Decision {
    if org.name.is_some() {
        return Err(OrgRejection::Exists);
    }
    let name = text::line(&command.name, NAME_MAX_CHARS).map_err(OrgRejection::Name)?;
    let owner = MemberJoined { user: command.owner, role: Role::Admin, invitation: None };
    Ok(vec![OrgCreated { name }.into(), owner.into()])
}

fn invite(org: &Org, command: &InviteMember, now: DateTime<Utc>) -> Decision {
    let open = |invitation: &&Invitation| invitation.state == InvitationState::Open && invitation.expires_at > now;
    if org.invitations.values().filter(open).count() >= INVITATIONS_MAX {
        return Err(OrgRejection::TooManyInvitations);
    }
    let (role, expires_at) = (command.role, command.expires_at);
    Ok(vec![MemberInvited { invitation: command.invitation, role, expires_at }.into()])
}

fn revoke_invitation(org: &Org, invitation: InvitationId) -> Decision {
    match org.invitations.get(&invitation).ok_or(OrgRejection::NoInvitation)?.state {
        InvitationState::Open => Ok(vec![InvitationRevoked { invitation }.into()]),
        InvitationState::Used => Err(OrgRejection::InvitationUsed),
        InvitationState::Revoked => Ok(vec![]),
    }
}

/// The role that an invitation would give now.
///
/// # Errors
/// Used, taken back, or too old.
pub fn usable(invitation: &Invitation, now: DateTime<Utc>) -> Result<Role, OrgRejection> {
    match invitation.state {
        InvitationState::Used => Err(OrgRejection::InvitationUsed),
        InvitationState::Revoked => Err(OrgRejection::InvitationRevoked),
        InvitationState::Open if invitation.expires_at <= now => Err(OrgRejection::InvitationExpired),
        InvitationState::Open => Ok(invitation.role),
    }
}

fn accept(org: &Org, command: &AcceptInvitation, now: DateTime<Utc>) -> Decision {
    let invitation = org.invitations.get(&command.invitation).ok_or(OrgRejection::NoInvitation)?;
    let role = usable(invitation, now)?;
    if org.is_member(command.user) {
        return Err(OrgRejection::AlreadyMember);
    }
    if org.members.len() >= MEMBERS_MAX {
        return Err(OrgRejection::Full);
    }
    Ok(vec![MemberJoined { user: command.user, role, invitation: Some(command.invitation) }.into()])
}

fn change_role(org: &Org, command: &ChangeRole) -> Decision {
    let role = *org.members.get(&command.user).ok_or(OrgRejection::NoMember)?;
    if role == command.role {
        return Ok(vec![]);
    }
    if org.is_last_admin(command.user) {
        return Err(OrgRejection::LastAdmin);
    }
    Ok(vec![MemberRoleChanged { user: command.user, role: command.role }.into()])
}

fn set_project_role(org: &Org, command: &SetProjectRole) -> Decision {
    if !org.is_member(command.user) {
        return Err(OrgRejection::NoMember);
    }
    if org.project_role(command.user, command.project) == command.role {
        return Ok(vec![]);
    }
    Ok(vec![MemberRoleSet { user: command.user, project: command.project, role: command.role }.into()])
}

fn remove(org: &Org, user: UserId) -> Decision {
    if !org.is_member(user) {
        return Err(OrgRejection::NoMember);
    }
    if org.is_last_admin(user) {
        return Err(OrgRejection::LastAdmin);
    }
    Ok(vec![MemberRemoved { user }.into()])
}

fn record(org: &Org, command: &Record) -> Vec<OrgEvent> {
    let user = command.user;
    if !org.is_member(user) {
        return vec![];
    }
    vec![match command.what.clone() {
        Recorded::SignIn { session, method } => MemberSignedIn { user, session, method }.into(),
        Recorded::SessionRevoked { session } => SessionRevoked { user, session }.into(),
        Recorded::TokenCreated { token, role, scopes, expires_at } => {
            TokenCreated { user, token, role, scopes, expires_at }.into()
        }
        Recorded::TokenRevoked { token } => TokenRevoked { user, token }.into(),
    }]
}

fn record_refusal(org: &Org, refused: &SignInRefused) -> Vec<OrgEvent> {
    let knows_person = refused.user.is_some_and(|user| match refused.reason {
        RefusalReason::NoMember => org.former.contains(&user),
        RefusalReason::InvitationUsed
        | RefusalReason::InvitationRevoked
        | RefusalReason::InvitationExpired
        | RefusalReason::TokenRevoked
        | RefusalReason::TokenExpired => org.is_member(user),
    });
    let knows_invitation = refused.invitation.is_some_and(|invitation| org.invitations.contains_key(&invitation));
    if knows_person || knows_invitation { vec![refused.clone().into()] } else { vec![] }
}

fn set_provider_key(org: &Org, command: &SetProviderKey) -> Decision {
    if !command.known_providers.contains(&command.provider) {
        let provider = text::cut(&command.provider, 80).to_owned();
        return Err(OrgRejection::UnknownProvider { provider });
    }
    if org.provider_keys.get(&command.provider).is_some_and(|saved| saved.key == command.key) {
        return Ok(vec![]);
    }
    let (provider, last_four) = (command.provider.clone(), command.last_four.clone());
    Ok(vec![ProviderKeySet { provider, key: command.key, last_four }.into()])
}

fn remove_provider_key(org: &Org, provider: &str) -> Vec<OrgEvent> {
    let saved = org.provider_keys.get(provider);
    saved.map(|saved| ProviderKeyRemoved { provider: provider.to_owned(), key: saved.key }.into()).into_iter().collect()
}

fn set_budget(org: &Org, command: &SetBudget) -> Decision {
    let known = org.budget(command.scope);
    if known.map(|budget| budget.limit_usd_micros) == command.limit_usd_micros {
        return Ok(vec![]);
    }
    if known.is_none() && org.budgets.len() >= BUDGETS_MAX {
        return Err(OrgRejection::TooManyBudgets);
    }
    Ok(vec![BudgetSet { scope: command.scope, limit_usd_micros: command.limit_usd_micros }.into()])
}

fn note_spending(org: &Org, command: &NoteSpending) -> Vec<OrgEvent> {
    let &NoteSpending { scope, day, limit_usd_micros, spent_usd_micros, refused } = command;
    let Some(budget) = org.budget(scope).filter(|budget| budget.limit_usd_micros == limit_usd_micros) else {
        return vec![];
    };
    let (level, now) = (budget_level(spent_usd_micros, limit_usd_micros), Some(Told { day }));
    if refused || level == BudgetLevel::UsedUp {
        let told = budget.used_up == now;
        let used_up = BudgetUsedUp { scope, day, limit_usd_micros, spent_usd_micros };
        return if told { vec![] } else { vec![used_up.into()] };
    }
    // Once it was used up there is nothing left to warn of.
    if level == BudgetLevel::Warning && budget.warned != now && budget.used_up != now {
        return vec![BudgetWarned { scope, day, limit_usd_micros, spent_usd_micros }.into()];
    }
    vec![]
}

fn set_time_zone(org: &Org, command: &SetTimeZone) -> Decision {
    if !command.known {
        return Err(OrgRejection::UnknownTimeZone);
    }
    if org.time_zone() == command.time_zone {
        return Ok(vec![]);
    }
    Ok(vec![OrgTimeZoneSet { time_zone: command.time_zone.clone() }.into()])
}
