//! The signed-in person, and orgs.

use super::account::{ApiToken, Session, sessions_of, tokens_of};
use super::budgets::{Budget, budgets_of};
use super::context::request;
use super::enums::Role;
use super::members::{Invitation, Member, invitations_of, members_of};
use super::people::{User, user};
use super::project::{Project, projects_of};
use super::provider_keys::{ProviderKey, provider_keys_of};
use super::scalars::Position;
use crate::auth::Grant;
use crate::auth::access::{Action, OrgAccess};
use crate::errors::{ApiError, SIGN_IN};
use async_graphql::{ComplexObject, Context, InputObject, Object, SimpleObject};
use domain::{OrgId, UserId};
use uuid::Uuid;

#[derive(SimpleObject, Debug)]
#[graphql(complex)]
pub(crate) struct Viewer {
    #[graphql(skip)]
    id: UserId,
    /// The session's public id; null for a token.
    session_id: Option<String>,
}

#[ComplexObject]
impl Viewer {
    async fn user(&self, ctx: &Context<'_>) -> Result<User, ApiError> {
        user(ctx, Some(self.id)).await?.ok_or(ApiError::Denied(SIGN_IN))
    }

    /// At most 100, in the order in which they joined: one membership an org.
    async fn orgs(&self, ctx: &Context<'_>) -> Result<Vec<Membership>, ApiError> {
        let request = request(ctx)?;
        let mut memberships = Vec::new();
        for (org, role) in request.gateway.reads.orgs_of(self.id).await?.into_iter().take(100) {
            // A token may see less than its person.
            match request.access(org.id, Action::Read).await {
                Ok(access) => {
                    memberships.push(Membership { org: Org::new(access, org), role: role.into() });
                }
                Err(ApiError::NotFound | ApiError::Denied(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(memberships)
    }

    /// At most 100, the last seen first: those that stand.
    async fn sessions(&self, ctx: &Context<'_>) -> Result<Vec<Session>, ApiError> {
        sessions_of(ctx, self.id).await
    }

    /// At most 100, newest first: those that were not revoked.
    async fn tokens(&self, ctx: &Context<'_>) -> Result<Vec<ApiToken>, ApiError> {
        tokens_of(ctx, self.id).await
    }
}

#[derive(SimpleObject, Debug)]
pub(crate) struct Membership {
    org: Org,
    role: Role,
}

#[derive(Debug)]
pub(crate) struct Org {
    access: OrgAccess,
    name: String,
    time_zone: String,
}

impl Org {
    fn new(access: OrgAccess, org: projections::org_directory::Org) -> Self {
        Self { access, name: org.name, time_zone: org.time_zone }
    }
}

#[Object]
impl Org {
    async fn id(&self) -> Uuid {
        self.access.org().as_uuid()
    }

    async fn name(&self) -> &str {
        &self.name
    }

    /// At most 500, by key.
    async fn projects(&self, ctx: &Context<'_>) -> Result<Vec<Project>, ApiError> {
        projects_of(ctx, self.access).await
    }

    /// At most 1,000, in the order in which they joined.
    async fn members(&self, ctx: &Context<'_>) -> Result<Vec<Member>, ApiError> {
        members_of(ctx, self.access).await
    }

    /// At most 200, newest first: neither used nor taken back. For admins.
    async fn invitations(&self, ctx: &Context<'_>) -> Result<Vec<Invitation>, ApiError> {
        invitations_of(ctx, self.access.org()).await
    }

    /// Of its days, as the IANA names it, such as `Europe/Berlin`.
    async fn time_zone(&self) -> &str {
        &self.time_zone
    }

    /// At most 1,000: the org's own, that of each run, projects', tickets'. What no budget is set for is not limited.
    async fn budgets(&self, ctx: &Context<'_>) -> Result<Vec<Budget>, ApiError> {
        budgets_of(ctx, self.access, &self.time_zone, false).await
    }

    /// What the org may spend today, and has spent. Null where that is not limited.
    async fn budget_today(&self, ctx: &Context<'_>) -> Result<Option<Budget>, ApiError> {
        Ok(budgets_of(ctx, self.access, &self.time_zone, true).await?.into_iter().next())
    }

    /// At most 20: of which providers the org has a key of its own. For admins.
    async fn provider_keys(&self, ctx: &Context<'_>) -> Result<Vec<ProviderKey>, ApiError> {
        provider_keys_of(ctx, self.access.org()).await
    }
}

pub(super) async fn read_org(ctx: &Context<'_>, access: OrgAccess) -> Result<Org, ApiError> {
    let org = request(ctx)?.gateway.reads.org(access.org()).await?.ok_or(ApiError::NotFound)?;
    Ok(Org::new(access, org))
}

#[derive(Debug, Default)]
pub(crate) struct OrgQuery;

#[Object]
impl OrgQuery {
    /// The signed-in person. DENIED when nobody is signed in.
    async fn me(&self, ctx: &Context<'_>) -> Result<Viewer, ApiError> {
        let viewer = &request(ctx)?.viewer;
        let session_id = match &viewer.grant {
            Grant::Session { public_id, .. } => Some(public_id.to_string()),
            Grant::Token { .. } => None,
        };
        Ok(Viewer { id: viewer.user, session_id })
    }

    async fn org(&self, ctx: &Context<'_>, id: Uuid) -> Result<Org, ApiError> {
        let access = request(ctx)?.access(OrgId(id), Action::Read).await?;
        read_org(ctx, access).await
    }
}

#[derive(InputObject, Debug)]
pub(crate) struct CreateOrgInput {
    command_id: Uuid,
    name: String,
}

#[derive(SimpleObject, Debug)]
pub(crate) struct OrgPayload {
    pub(super) org: Org,
    pub(super) version: u64,
    pub(super) position: Option<Position>,
    /// Of inviteMember alone.
    pub(super) invitation: Option<Invitation>,
    /// Of inviteMember alone: the address to hand to whoever is invited.
    pub(super) invitation_link: Option<String>,
}

#[derive(Debug, Default)]
pub(crate) struct OrgMutation;

#[Object]
impl OrgMutation {
    async fn create_org(&self, ctx: &Context<'_>, input: CreateOrgInput) -> Result<OrgPayload, ApiError> {
        let request = request(ctx)?;
        request.viewer.may(Action::CreateOrgs)?;
        // The command function does not look at the caller's org: the new one's id derives from actor and command id.
        let caller = request.caller(OrgId(Uuid::nil()), input.command_id, None);
        let command = commands::org::CreateOrg { name: input.name, owner: request.viewer.user };
        let sent = commands::org::create_org(&request.gateway.commands, &caller, command);
        let accepted = request.send("create_org", &caller, sent).await?;
        let id = OrgId(accepted.aggregate_id);
        request.shown("org_directory", id, &accepted, caller.command_id).await?;
        // A member since a moment ago; behind by more than the wait, the org is not there to be shown yet.
        let access = request.access(id, Action::Read).await.map_err(super::not_shown_yet)?;
        let org = read_org(ctx, access).await.map_err(super::not_shown_yet)?;
        Ok(OrgPayload::new(org, &accepted))
    }
}
