//! Projects.

use super::context::request;
use super::repo::{RepoConnection, connections_of};
use super::scalars::Position;
use crate::auth::access::{Action, OrgAccess};
use crate::errors::ApiError;
use async_graphql::{ComplexObject, Context, InputObject, Object, SimpleObject};
use domain::{OrgId, ProjectId};
use projections::org_directory;
use uuid::Uuid;

#[derive(SimpleObject, Debug)]
#[graphql(complex)]
pub(crate) struct Project {
    #[graphql(skip)]
    access: OrgAccess,
    id: Uuid,
    org_id: Uuid,
    key: String,
    name: String,
}

impl Project {
    fn new(access: OrgAccess, project: org_directory::Project) -> Self {
        Self { access, id: project.id.as_uuid(), org_id: project.org.as_uuid(), key: project.key, name: project.name }
    }
}

#[ComplexObject]
impl Project {
    /// At most 100, the default board first.
    async fn boards(&self, ctx: &Context<'_>) -> Result<Vec<BoardRef>, ApiError> {
        let boards = request(ctx)?.gateway.reads.boards(self.access.org(), ProjectId(self.id)).await?;
        Ok(boards.into_iter().take(100).map(|board| BoardRef { id: board.id.as_uuid(), name: board.name }).collect())
    }

    /// At most 500, in the order in which they were connected.
    async fn repositories(&self, ctx: &Context<'_>) -> Result<Vec<RepoConnection>, ApiError> {
        connections_of(ctx, self.access, ProjectId(self.id)).await
    }
}

#[derive(SimpleObject, Debug)]
pub(crate) struct BoardRef {
    id: Uuid,
    name: String,
}

pub(super) async fn projects_of(ctx: &Context<'_>, access: OrgAccess) -> Result<Vec<Project>, ApiError> {
    let projects = request(ctx)?.gateway.reads.projects(access.org()).await?;
    Ok(projects.into_iter().take(500).map(|project| Project::new(access, project)).collect())
}

/// The way to a project, wherever it is.
pub(super) async fn access_to_project(
    ctx: &Context<'_>,
    project: ProjectId,
    action: Action,
) -> Result<OrgAccess, ApiError> {
    let request = request(ctx)?;
    let look_up = request.gateway.reads.org_of_project(project);
    let org = request.gateway.org_of(project.as_uuid(), look_up).await?;
    request.access_in(org, project, action).await
}

async fn read_project(ctx: &Context<'_>, access: OrgAccess, id: ProjectId) -> Result<Project, ApiError> {
    let project = request(ctx)?.gateway.reads.project(access.org(), id).await?.ok_or(ApiError::NotFound)?;
    Ok(Project::new(access, project))
}

#[derive(Debug, Default)]
pub(crate) struct ProjectQuery;

#[Object]
impl ProjectQuery {
    async fn project(&self, ctx: &Context<'_>, id: Uuid, after_command: Option<Uuid>) -> Result<Project, ApiError> {
        request(ctx)?.after("org_directory", after_command, None).await?;
        let access = access_to_project(ctx, ProjectId(id), Action::Read).await?;
        read_project(ctx, access, ProjectId(id)).await
    }
}

#[derive(InputObject, Debug)]
pub(crate) struct CreateProjectInput {
    command_id: Uuid,
    org_id: Uuid,
    key: String,
    name: String,
}

#[derive(SimpleObject, Debug)]
pub(crate) struct ProjectPayload {
    project: Project,
    version: u64,
    position: Option<Position>,
}

#[derive(Debug, Default)]
pub(crate) struct ProjectMutation;

#[Object]
impl ProjectMutation {
    /// Makes the default board with the six default columns.
    async fn create_project(&self, ctx: &Context<'_>, input: CreateProjectInput) -> Result<ProjectPayload, ApiError> {
        let request = request(ctx)?;
        let access = request.access(OrgId(input.org_id), Action::CreateProjects).await?;
        let caller = request.caller(access.org(), input.command_id, None);
        let command = commands::project::CreateProject { key: input.key, name: input.name };
        let sent = commands::project::create_project(&request.gateway.commands, &caller, command);
        let accepted = request.send("create_project", &caller, sent).await?;
        request.shown("org_directory", access.org(), &accepted, caller.command_id).await?;
        // Its board comes with it: who has the answer may open and follow it.
        request.shown("board", access.org(), &accepted, caller.command_id).await?;
        let project = read_project(ctx, access, ProjectId(accepted.aggregate_id)).await;
        let project = project.map_err(super::not_shown_yet)?;
        Ok(ProjectPayload { project, version: accepted.version, position: accepted.position.map(Position) })
    }
}
