//! The rules of an org.

use super::{
    AcceptInvitation, ChangeRole, CreateOrg, Invitation, InvitationRevoked, InvitationState, InviteMember,
    MemberInvited, MemberJoined, MemberRemoved, MemberRoleChanged, MemberRoleSet, MemberSignedIn, Org, OrgCommand,
    OrgCreated, OrgEvent, Record, Recorded, RefusalReason, Role, SessionRevoked, SetProjectRole, SignInRefused,
    TokenCreated, TokenRevoked,
};
use crate::decider::{Context, Rejection};
use crate::ids::{InvitationId, UserId};
use crate::limits::{INVITATIONS_MAX, MEMBERS_MAX, NAME_MAX_CHARS};
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
