//! Organisations and their members.

use crate::input::{Input, derived_id};
use crate::{Accepted, Caller, CommandError, Commands};
use chrono::{DateTime, Utc};
use domain::limits::{INVITATION_DAYS, NAME_MAX_CHARS};
use domain::org::{
    AcceptInvitation as Accept, ChangeRole as Change, CreateOrg as Create, InviteMember as Invite, Org, OrgCommand,
    Record, Recorded, Role, SetProjectRole as SetRole, SignInMethod, SignInRefused, usable,
};
use domain::project::Project;
use domain::{InvitationId, OrgId, ProjectId, Rejection, SessionId, TokenId, UserId};
use garde::Validate;
use serde::Serialize;
use std::time::Duration;

#[derive(Clone, Debug, Serialize, Validate)]
pub struct CreateOrg {
    #[garde(length(bytes, max = NAME_MAX_CHARS * 8))]
    pub name: String,
    /// Becomes the first member, as admin.
    #[garde(skip)]
    pub owner: UserId,
}

impl Input for CreateOrg {
    const NAME: &'static str = "create_org";
}

/// Makes an org. [`Caller::org`] is not looked at: the new org's id (`aggregate_id` of the answer) derives from the
/// actor and the command id.
pub async fn create_org(commands: &Commands, caller: &Caller, input: CreateOrg) -> Result<Accepted, CommandError> {
    let org = OrgId(caller.command_id.derive(&format!("{}/org", caller.actor)));
    let caller = &Caller { org, ..caller.clone() };
    commands
        .perform(caller, &input, async {
            let command = OrgCommand::Create(Create { name: input.name.clone(), owner: input.owner });
            commands.execute::<Org>(caller, org.0, input.digest(caller), &command).await
        })
        .await
}

/// `valid_for` is at most seven days; longer is cut.
#[derive(Clone, Debug, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub struct InviteMember {
    pub role: Role,
    pub valid_for: Duration,
}

impl Input for InviteMember {
    const NAME: &'static str = "invite_member";
}

/// The invitation that [`invite_member`] makes for this caller.
pub fn invitation_of(caller: &Caller) -> InvitationId {
    InvitationId(derived_id(caller, "invitation"))
}

/// Makes an invitation, [`invitation_of`] the caller. Its link is the gateway's: the log knows no token.
pub async fn invite_member(
    commands: &Commands,
    caller: &Caller,
    input: InviteMember,
) -> Result<Accepted, CommandError> {
    commands
        .perform(caller, &input, async {
            let longest = chrono::Duration::days(INVITATION_DAYS);
            let valid_for = chrono::Duration::from_std(input.valid_for).map_or(longest, |wanted| wanted.min(longest));
            let expires_at = Utc::now() + valid_for;
            let command = Invite { invitation: invitation_of(caller), role: input.role, expires_at };
            in_org(commands, caller, &input, &OrgCommand::Invite(command)).await
        })
        .await
}

#[derive(Clone, Debug, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub struct RevokeInvitation {
    pub invitation: InvitationId,
}

impl Input for RevokeInvitation {
    const NAME: &'static str = "revoke_invitation";
}

/// Takes an invitation back. Rejected with `INVITATION_USED` when somebody came in by it.
pub async fn revoke_invitation(
    commands: &Commands,
    caller: &Caller,
    input: RevokeInvitation,
) -> Result<Accepted, CommandError> {
    commands
        .perform(caller, &input, async {
            knows_invitation(commands, caller.org, input.invitation).await?;
            in_org(commands, caller, &input, &OrgCommand::RevokeInvitation(input.invitation)).await
        })
        .await
}

#[derive(Clone, Debug, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub struct AcceptInvitation {
    pub invitation: InvitationId,
    pub user: UserId,
}

impl Input for AcceptInvitation {
    const NAME: &'static str = "accept_invitation";
}

/// Makes the user a member. Whether they hold the invitation's link is judged before, by the gateway.
pub async fn accept_invitation(
    commands: &Commands,
    caller: &Caller,
    input: AcceptInvitation,
) -> Result<Accepted, CommandError> {
    commands
        .perform(caller, &input, async {
            knows_invitation(commands, caller.org, input.invitation).await?;
            let command = Accept { invitation: input.invitation, user: input.user };
            in_org(commands, caller, &input, &OrgCommand::AcceptInvitation(command)).await
        })
        .await
}

/// What an invitation that can be used leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenInvitation {
    pub org_name: String,
    pub role: Role,
    pub expires_at: DateTime<Utc>,
}

/// Rejected as [`accept_invitation`] would be: used, taken back, or too old.
pub async fn read_invitation(
    commands: &Commands,
    org: OrgId,
    invitation: InvitationId,
) -> Result<OpenInvitation, CommandError> {
    let org = &commands.find_now::<Org>(org, org).await?.state;
    let found = org.invitations.get(&invitation).ok_or(CommandError::NotFound)?;
    let role = usable(found, Utc::now())
        .map_err(|no| CommandError::Rejected { reason: no.reason(), message: no.to_string() })?;
    Ok(OpenInvitation { org_name: org.name.clone().unwrap_or_default(), role, expires_at: found.expires_at })
}

#[derive(Clone, Debug, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub struct ChangeRole {
    pub user: UserId,
    pub role: Role,
}

impl Input for ChangeRole {
    const NAME: &'static str = "change_role";
}

/// Rejected with `LAST_ADMIN` when nobody would be left to let others in.
pub async fn change_role(commands: &Commands, caller: &Caller, input: ChangeRole) -> Result<Accepted, CommandError> {
    commands
        .perform(caller, &input, async {
            knows_member(commands, caller.org, input.user).await?;
            let command = OrgCommand::ChangeRole(Change { user: input.user, role: input.role });
            in_org(commands, caller, &input, &command).await
        })
        .await
}

/// None: the role in the org counts in the project again.
#[derive(Clone, Debug, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub struct SetProjectRole {
    pub user: UserId,
    pub project: ProjectId,
    pub role: Option<Role>,
}

impl Input for SetProjectRole {
    const NAME: &'static str = "set_project_role";
}

pub async fn set_project_role(
    commands: &Commands,
    caller: &Caller,
    input: SetProjectRole,
) -> Result<Accepted, CommandError> {
    commands
        .perform(caller, &input, async {
            commands.find::<Project>(caller.org, input.project).await?;
            knows_member(commands, caller.org, input.user).await?;
            let command = SetRole { user: input.user, project: input.project, role: input.role };
            in_org(commands, caller, &input, &OrgCommand::SetProjectRole(command)).await
        })
        .await
}

#[derive(Clone, Debug, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub struct RemoveMember {
    pub user: UserId,
}

impl Input for RemoveMember {
    const NAME: &'static str = "remove_member";
}

/// Rejected with `LAST_ADMIN` when nobody would be left to let others in.
pub async fn remove_member(
    commands: &Commands,
    caller: &Caller,
    input: RemoveMember,
) -> Result<Accepted, CommandError> {
    commands
        .perform(caller, &input, async {
            knows_member(commands, caller.org, input.user).await?;
            in_org(commands, caller, &input, &OrgCommand::Remove(input.user)).await
        })
        .await
}

/// What a member did with the ways in, for the audit log of an org.
#[derive(Clone, Debug, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub struct RecordAccess {
    pub user: UserId,
    pub what: Access,
}

#[derive(Clone, Debug, Serialize)]
pub enum Access {
    SignIn { session: SessionId, method: SignInMethod },
    SessionRevoked { session: SessionId },
    TokenCreated { token: TokenId, role: Option<Role>, scopes: Vec<String>, expires_at: Option<DateTime<Utc>> },
    TokenRevoked { token: TokenId },
}

impl Input for RecordAccess {
    const NAME: &'static str = "record_access";
}

/// Nothing happens when the user is no member.
pub async fn record_access(
    commands: &Commands,
    caller: &Caller,
    input: RecordAccess,
) -> Result<Accepted, CommandError> {
    commands
        .perform(caller, &input, async {
            let what = match input.what.clone() {
                Access::SignIn { session, method } => Recorded::SignIn { session, method },
                Access::SessionRevoked { session } => Recorded::SessionRevoked { session },
                Access::TokenCreated { token, role, scopes, expires_at } => {
                    Recorded::TokenCreated { token, role, scopes, expires_at }
                }
                Access::TokenRevoked { token } => Recorded::TokenRevoked { token },
            };
            in_org(commands, caller, &input, &OrgCommand::Record(Record { user: input.user, what })).await
        })
        .await
}

/// A way in that does not hold any more, for the audit log of an org.
#[derive(Clone, Debug, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub struct RecordRefusal {
    pub refused: SignInRefused,
}

impl Input for RecordRefusal {
    const NAME: &'static str = "record_refusal";
}

/// Nothing happens when the org never knew the person or the invitation.
pub async fn record_refusal(
    commands: &Commands,
    caller: &Caller,
    input: RecordRefusal,
) -> Result<Accepted, CommandError> {
    commands
        .perform(caller, &input, async {
            in_org(commands, caller, &input, &OrgCommand::RecordRefusal(input.refused.clone())).await
        })
        .await
}

async fn in_org<I: Input + Sync>(
    commands: &Commands,
    caller: &Caller,
    input: &I,
    command: &OrgCommand,
) -> Result<Accepted, CommandError> {
    commands.find::<Org>(caller.org, caller.org).await?;
    commands.execute::<Org>(caller, caller.org.0, input.digest(caller), command).await
}

/// An id that means nothing here is not found, rather than against a rule.
async fn knows_member(commands: &Commands, org: OrgId, user: UserId) -> Result<(), CommandError> {
    let org = commands.find_now::<Org>(org, org).await?;
    if org.state.is_member(user) { Ok(()) } else { Err(CommandError::NotFound) }
}

async fn knows_invitation(commands: &Commands, org: OrgId, invitation: InvitationId) -> Result<(), CommandError> {
    let org = commands.find_now::<Org>(org, org).await?;
    if org.state.invitations.contains_key(&invitation) { Ok(()) } else { Err(CommandError::NotFound) }
}
