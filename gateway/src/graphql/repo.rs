//! The repositories of a project.

use super::context::request;
use super::enums::RepoProvider;
use super::project::access_to_project;
use super::scalars::Position;
use crate::auth::access::{Action, OrgAccess};
use crate::errors::ApiError;
use async_graphql::{Context, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use domain::{ProjectId, RepoConnectionId};
use projections::{board, org_directory};
use uuid::Uuid;

#[derive(SimpleObject, Debug)]
pub(crate) struct RepoConnection {
    id: Uuid,
    provider: RepoProvider,
    name: String,
    clone_url: String,
    /// Known once a worker or the provider has told it.
    default_branch: Option<String>,
    connected_at: DateTime<Utc>,
    disconnected_at: Option<DateTime<Utc>>,
}

impl From<org_directory::RepoConnection> for RepoConnection {
    fn from(connection: org_directory::RepoConnection) -> Self {
        Self {
            id: connection.id.as_uuid(),
            provider: connection.provider.into(),
            name: connection.name,
            clone_url: connection.clone_url,
            default_branch: None,
            connected_at: connection.connected_at,
            disconnected_at: connection.disconnected_at,
        }
    }
}

#[derive(SimpleObject, Debug)]
pub(crate) struct RepoBadge {
    id: Uuid,
    name: String,
}

impl From<board::RepoBadge> for RepoBadge {
    fn from(repo: board::RepoBadge) -> Self {
        Self { id: repo.id.as_uuid(), name: repo.name }
    }
}

pub(super) async fn connections_of(
    ctx: &Context<'_>,
    access: OrgAccess,
    project: ProjectId,
) -> Result<Vec<RepoConnection>, ApiError> {
    let connections = request(ctx)?.gateway.reads.repo_connections(access.org(), project).await?;
    Ok(connections.into_iter().take(500).map(Into::into).collect())
}

#[derive(Debug, Default)]
pub(crate) struct RepoQuery;

#[Object]
impl RepoQuery {
    /// At most 500, in the order in which they were connected; those that were disconnected since are included.
    async fn repo_connections(&self, ctx: &Context<'_>, project_id: Uuid) -> Result<Vec<RepoConnection>, ApiError> {
        let access = access_to_project(ctx, ProjectId(project_id), Action::Read).await?;
        connections_of(ctx, access, ProjectId(project_id)).await
    }
}

#[derive(InputObject, Debug)]
pub(crate) struct ConnectRepositoryInput {
    command_id: Uuid,
    project_id: Uuid,
    provider: RepoProvider,
    external_id: Option<String>,
    clone_url: Option<String>,
}

#[derive(InputObject, Debug)]
pub(crate) struct RepoRefInput {
    command_id: Uuid,
    repo_connection_id: Uuid,
}

#[derive(SimpleObject, Debug)]
pub(crate) struct RepoConnectionPayload {
    repo_connection: RepoConnection,
    version: u64,
    position: Option<Position>,
}

#[derive(Debug, Default)]
pub(crate) struct RepoMutation;

#[Object]
impl RepoMutation {
    async fn connect_repository(
        &self,
        ctx: &Context<'_>,
        input: ConnectRepositoryInput,
    ) -> Result<RepoConnectionPayload, ApiError> {
        let request = request(ctx)?;
        let project = ProjectId(input.project_id);
        let access = access_to_project(ctx, project, Action::ConnectRepositories).await?;
        let caller = request.caller(access.org(), input.command_id, None);
        let command = commands::repo_connection::ConnectRepository {
            project,
            provider: input.provider.into(),
            external_id: input.external_id,
            clone_url: input.clone_url,
        };
        let sent = commands::repo_connection::connect_repository(&request.gateway.commands, &caller, command);
        let accepted = request.send("connect_repository", &caller, sent).await?;
        payload(ctx, access, &accepted, &caller).await
    }

    async fn disconnect_repository(
        &self,
        ctx: &Context<'_>,
        input: RepoRefInput,
    ) -> Result<RepoConnectionPayload, ApiError> {
        let request = request(ctx)?;
        let repo_connection = RepoConnectionId(input.repo_connection_id);
        let org = request.gateway.reads.org_of_repo_connection(repo_connection).await?;
        let access = request.access_to(org, Action::Read).await?;
        let found = request.gateway.reads.repo_connection(access.org(), repo_connection).await?;
        let project = found.ok_or(ApiError::NotFound)?.project;
        let access = request.access_in(org, project, Action::ConnectRepositories).await?;
        let caller = request.caller(access.org(), input.command_id, None);
        let command = commands::repo_connection::DisconnectRepository { repo_connection };
        let sent = commands::repo_connection::disconnect_repository(&request.gateway.commands, &caller, command);
        let accepted = request.send("disconnect_repository", &caller, sent).await?;
        payload(ctx, access, &accepted, &caller).await
    }
}

async fn payload(
    ctx: &Context<'_>,
    access: OrgAccess,
    accepted: &commands::Accepted,
    caller: &commands::Caller,
) -> Result<RepoConnectionPayload, ApiError> {
    let request = request(ctx)?;
    request.shown("org_directory", access.org(), accepted, caller.command_id).await?;
    let id = RepoConnectionId(accepted.aggregate_id);
    let connection = request.gateway.reads.repo_connection(access.org(), id).await?;
    let connection = connection.ok_or(ApiError::NotFound).map_err(super::not_shown_yet)?;
    Ok(RepoConnectionPayload {
        repo_connection: connection.into(),
        version: accepted.version,
        position: accepted.position.map(Position),
    })
}
