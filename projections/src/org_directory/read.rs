//! Rows of the directory → structs.

use crate::reads::{ReadError, Reads};
use chrono::{DateTime, Utc};
use domain::org::Role;
use domain::repo_connection::RepoProvider;
use domain::{BoardId, OrgId, ProjectId, RepoConnectionId, UserId, Version};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Org {
    pub id: OrgId,
    pub name: String,
    pub version: Version,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub user: UserId,
    pub role: Role,
    pub joined_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    pub id: ProjectId,
    pub org: OrgId,
    pub key: String,
    pub name: String,
    pub default_board: BoardId,
    pub version: Version,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardRef {
    pub id: BoardId,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepoConnection {
    pub id: RepoConnectionId,
    pub org: OrgId,
    pub project: ProjectId,
    pub provider: RepoProvider,
    pub external_id: Option<String>,
    pub name: String,
    pub clone_url: String,
    pub version: Version,
    pub connected_at: DateTime<Utc>,
    pub disconnected_at: Option<DateTime<Utc>>,
}

impl Reads {
    pub async fn org(&self, org: OrgId) -> Result<Option<Org>, ReadError> {
        let _ = org;
        todo!()
    }

    /// The orgs that a person is a member of, by name.
    pub async fn orgs_of(&self, user: UserId) -> Result<Vec<(Org, Role)>, ReadError> {
        let _ = user;
        todo!()
    }

    pub async fn role_of(&self, user: UserId, org: OrgId) -> Result<Option<Role>, ReadError> {
        let _ = (user, org);
        todo!()
    }

    /// In the order in which they joined.
    pub async fn members(&self, org: OrgId) -> Result<Vec<Member>, ReadError> {
        let _ = org;
        todo!()
    }

    pub async fn org_of_project(&self, project: ProjectId) -> Result<Option<OrgId>, ReadError> {
        let _ = project;
        todo!()
    }

    pub async fn org_of_repo_connection(&self, connection: RepoConnectionId) -> Result<Option<OrgId>, ReadError> {
        let _ = connection;
        todo!()
    }

    /// By key.
    pub async fn projects(&self, org: OrgId) -> Result<Vec<Project>, ReadError> {
        let _ = org;
        todo!()
    }

    pub async fn project(&self, org: OrgId, project: ProjectId) -> Result<Option<Project>, ReadError> {
        let _ = (org, project);
        todo!()
    }

    /// The default board first.
    pub async fn boards(&self, org: OrgId, project: ProjectId) -> Result<Vec<BoardRef>, ReadError> {
        let _ = (org, project);
        todo!()
    }

    /// In the order in which they were connected, those that were disconnected since included.
    pub async fn repo_connections(&self, org: OrgId, project: ProjectId) -> Result<Vec<RepoConnection>, ReadError> {
        let _ = (org, project);
        todo!()
    }

    pub async fn repo_connection(
        &self,
        org: OrgId,
        connection: RepoConnectionId,
    ) -> Result<Option<RepoConnection>, ReadError> {
        let _ = (org, connection);
        todo!()
    }
}
