//! An org's people: who is in, who is invited, who may do what.

use super::context::{RequestContext, request};
use super::enums::Role;
use super::org::{OrgPayload, read_org};
use super::people::{Actor, User, user};
use super::scalars::Position;
use crate::auth::access::{Action, OrgAccess};
use crate::auth::{invitations, sessions};
use crate::errors::ApiError;
use async_graphql::{ComplexObject, Context, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use commands::org;
use commands::{Accepted, Caller};
use domain::limits::INVITATION_DAYS;
use domain::{InvitationId, OrgId, ProjectId, UserId};
use projections::org_directory;
use std::time::Duration;
use uuid::Uuid;

/// How long an invitation's link can be used.
const VALID_FOR: Duration = Duration::from_hours(24 * INVITATION_DAYS.unsigned_abs());

#[derive(SimpleObject, Debug)]
#[graphql(complex)]
pub(crate) struct Member {
    #[graphql(skip)]
    id: UserId,
    role: Role,
    joined_at: DateTime<Utc>,
    /// At most 500: the projects in which the role is another one.
    project_roles: Vec<ProjectRole>,
}

#[ComplexObject]
impl Member {
    async fn user(&self, ctx: &Context<'_>) -> Result<User, ApiError> {
        user(ctx, Some(self.id)).await?.ok_or(ApiError::NotFound)
    }
}

#[derive(SimpleObject, Debug)]
pub(crate) struct ProjectRole {
    project_id: Uuid,
    role: Role,
}

impl From<org_directory::Member> for Member {
    fn from(member: org_directory::Member) -> Self {
        let roles = member.project_roles.into_iter().take(500);
        Self {
            id: member.user,
            role: member.role.into(),
            joined_at: member.joined_at,
            project_roles: roles
                .map(|(project, role)| ProjectRole { project_id: project.as_uuid(), role: role.into() })
                .collect(),
        }
    }
}

/// Neither used nor taken back. Its link is shown to whoever made it, once.
#[derive(SimpleObject, Debug)]
pub(crate) struct Invitation {
    id: Uuid,
    role: Role,
    invited_by: Actor,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    /// Its link does not work any more.
    expired: bool,
}

impl Invitation {
    fn new(org: OrgId, invitation: org_directory::Invitation) -> Self {
        Self {
            id: invitation.id.as_uuid(),
            role: invitation.role.into(),
            invited_by: Actor { org, actor: invitation.invited_by },
            created_at: invitation.invited_at,
            expires_at: invitation.expires_at,
            expired: invitation.expires_at <= Utc::now(),
        }
    }
}

pub(super) async fn members_of(ctx: &Context<'_>, access: OrgAccess) -> Result<Vec<Member>, ApiError> {
    let members = request(ctx)?.gateway.reads.members(access.org()).await?;
    Ok(members.into_iter().take(1_000).map(Member::from).collect())
}

/// For those who may invite.
pub(super) async fn invitations_of(ctx: &Context<'_>, org: OrgId) -> Result<Vec<Invitation>, ApiError> {
    let request = request(ctx)?;
    let access = request.access(org, Action::ManageMembers).await?;
    let invitations = request.gateway.reads.invitations(access.org()).await?;
    Ok(invitations.into_iter().take(200).map(|invitation| Invitation::new(org, invitation)).collect())
}

#[derive(InputObject, Debug)]
pub(crate) struct InviteInput {
    command_id: Uuid,
    org_id: Uuid,
    role: Role,
}

#[derive(InputObject, Debug)]
pub(crate) struct InvitationRefInput {
    command_id: Uuid,
    org_id: Uuid,
    invitation_id: Uuid,
}

#[derive(InputObject, Debug)]
pub(crate) struct AcceptInvitationInput {
    command_id: Uuid,
    /// What stands behind the # of the invitation's link.
    token: String,
}

#[derive(InputObject, Debug)]
pub(crate) struct RoleInput {
    command_id: Uuid,
    org_id: Uuid,
    user_id: Uuid,
    /// Null only together with projectId: the role in the org counts there again.
    role: Option<Role>,
    /// The role in this project alone, instead of the one in the org.
    project_id: Option<Uuid>,
}

#[derive(InputObject, Debug)]
pub(crate) struct MemberRefInput {
    command_id: Uuid,
    org_id: Uuid,
    user_id: Uuid,
}

#[derive(Debug, Default)]
pub(crate) struct MemberMutation;

#[Object]
impl MemberMutation {
    /// Makes an invitation and its link, which lets one person in, within seven days. The link is in this answer and
    /// nowhere else; sent again under the same commandId, the invitation gets another link and the first is useless.
    async fn invite_member(&self, ctx: &Context<'_>, input: InviteInput) -> Result<OrgPayload, ApiError> {
        let request = request(ctx)?;
        let access = request.access(OrgId(input.org_id), Action::ManageMembers).await?;
        let caller = request.caller(access.org(), input.command_id, None);
        let command = org::InviteMember { role: input.role.into(), valid_for: VALID_FOR };
        let sent = org::invite_member(&request.gateway.commands, &caller, command);
        let accepted = request.send("invite_member", &caller, sent).await?;
        let invitation = org::invitation_of(&caller);
        let token = invitations::create_link(&request.gateway.pool, access.org(), invitation).await?;
        let mut payload = payload(ctx, access, &accepted, &caller).await?;
        let open = request.gateway.reads.invitations(access.org()).await?;
        let made = open.into_iter().find(|open| open.id == invitation);
        payload.invitation = made.map(|made| Invitation::new(access.org(), made));
        payload.invitation_link = Some(invitations::url(&request.gateway.settings.public_url, &token));
        Ok(payload)
    }

    async fn revoke_invitation(&self, ctx: &Context<'_>, input: InvitationRefInput) -> Result<OrgPayload, ApiError> {
        let request = request(ctx)?;
        let access = request.access(OrgId(input.org_id), Action::ManageMembers).await?;
        let caller = request.caller(access.org(), input.command_id, None);
        let command = org::RevokeInvitation { invitation: InvitationId(input.invitation_id) };
        let sent = org::revoke_invitation(&request.gateway.commands, &caller, command);
        let accepted = request.send("revoke_invitation", &caller, sent).await?;
        payload(ctx, access, &accepted, &caller).await
    }

    /// Joins the org that an invitation's link leads to. Rejected with INVITATION_USED, INVITATION_REVOKED,
    /// INVITATION_EXPIRED or ALREADY_MEMBER.
    async fn accept_invitation(&self, ctx: &Context<'_>, input: AcceptInvitationInput) -> Result<OrgPayload, ApiError> {
        let request = request(ctx)?;
        request.viewer.may(Action::ManageOwnAccess)?;
        let found = invitations::find(&request.gateway.pool, &input.token).await?;
        let (org, invitation) = found.ok_or(ApiError::NotFound)?;
        let caller = request.caller(org, input.command_id, None);
        let command = org::AcceptInvitation { invitation, user: request.viewer.user };
        let sent = org::accept_invitation(&request.gateway.commands, &caller, command);
        let accepted = match request.send("accept_invitation", &caller, sent).await {
            Ok(accepted) => accepted,
            Err(error) => {
                request.gateway.refused_invitation(org, invitation, &error).await;
                return Err(error);
            }
        };
        sessions::rotate_all(&request.gateway.pool, request.viewer.user).await?;
        request.shown("org_directory", org, &accepted, caller.command_id).await?;
        let access = request.access(org, Action::Read).await.map_err(super::not_shown_yet)?;
        payload(ctx, access, &accepted, &caller).await
    }

    /// In the org, or with projectId in one project. Rejected with LAST_ADMIN when nobody would be left to let others
    /// in.
    async fn change_role(&self, ctx: &Context<'_>, input: RoleInput) -> Result<OrgPayload, ApiError> {
        let request = request(ctx)?;
        let access = request.access(OrgId(input.org_id), Action::ManageMembers).await?;
        let caller = request.caller(access.org(), input.command_id, None);
        let user = UserId(input.user_id);
        let accepted = match (input.project_id, input.role) {
            (Some(project), role) => {
                let role = role.map(Into::into);
                let command = org::SetProjectRole { user, project: ProjectId(project), role };
                let sent = org::set_project_role(&request.gateway.commands, &caller, command);
                request.send("set_project_role", &caller, sent).await?
            }
            (None, Some(role)) => {
                let command = org::ChangeRole { user, role: role.into() };
                let sent = org::change_role(&request.gateway.commands, &caller, command);
                request.send("change_role", &caller, sent).await?
            }
            (None, None) => return Err(ApiError::invalid("role", "Say which role.")),
        };
        sessions::rotate_all(&request.gateway.pool, user).await?;
        access_changed(request, access, &accepted, &caller).await?;
        payload(ctx, access, &accepted, &caller).await
    }

    /// Somebody else, for admins; oneself, to leave. What the person follows live ends within a second. Rejected with
    /// LAST_ADMIN when nobody would be left to let others in.
    async fn remove_member(&self, ctx: &Context<'_>, input: MemberRefInput) -> Result<OrgPayload, ApiError> {
        let request = request(ctx)?;
        let user = UserId(input.user_id);
        let action = if user == request.viewer.user { Action::LeaveOrgs } else { Action::ManageMembers };
        let access = request.access(OrgId(input.org_id), action).await?;
        // Read before: whoever leaves may not read afterwards.
        let org = read_org(ctx, access).await?;
        let caller = request.caller(access.org(), input.command_id, None);
        let sent = org::remove_member(&request.gateway.commands, &caller, org::RemoveMember { user });
        let accepted = request.send("remove_member", &caller, sent).await?;
        access_changed(request, access, &accepted, &caller).await?;
        Ok(OrgPayload::new(org, &accepted))
    }
}

/// The directory first, so that whoever is asked anew who they are hears the truth.
async fn access_changed(
    request: &RequestContext,
    access: OrgAccess,
    accepted: &Accepted,
    caller: &Caller,
) -> Result<(), ApiError> {
    request.shown("org_directory", access.org(), accepted, caller.command_id).await?;
    Ok(request.gateway.access_changed().await?)
}

pub(super) async fn payload(
    ctx: &Context<'_>,
    access: OrgAccess,
    accepted: &Accepted,
    caller: &Caller,
) -> Result<OrgPayload, ApiError> {
    request(ctx)?.shown("org_directory", access.org(), accepted, caller.command_id).await?;
    let org = read_org(ctx, access).await.map_err(super::not_shown_yet)?;
    Ok(OrgPayload::new(org, accepted))
}

impl OrgPayload {
    pub(super) fn new(org: super::org::Org, accepted: &Accepted) -> Self {
        Self {
            org,
            version: accepted.version,
            position: accepted.position.map(Position),
            invitation: None,
            invitation_link: None,
        }
    }
}
