//! Rows of the directory → structs.

use super::NAME;
use crate::reads::{ReadError, Reading, Reads};
use crate::words::meaning;
use chrono::{DateTime, Utc};
use domain::repo_connection::RepoProvider;
use domain::{BoardId, OrgId, ProjectId, RepoConnectionId, Version};

use feed::log::from_bigint;
use sqlx::Row;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Org {
    pub id: OrgId,
    pub name: String,
    pub version: Version,
    pub created_at: DateTime<Utc>,
    /// Of its days, as the IANA names it.
    pub time_zone: String,
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

const PROJECT: &str = "select org, project_id, key, name, default_board, version, created_at from projects ";
const REPO_CONNECTION: &str = "select org, repo_connection_id, project_id, provider, external_id, name, clone_url, \
    version, connected_at, disconnected_at from repo_connections ";

impl Reads {
    pub(super) async fn directory_rows(
        &self,
        what: &'static str,
        query: Query<'_, sqlx::Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, ReadError> {
        let mut snapshot = self.snapshot(NAME).await?;
        let rows = query.fetch_all(snapshot.connection()).await.reading(what)?;
        snapshot.close().await;
        Ok(rows)
    }

    pub async fn org(&self, org: OrgId) -> Result<Option<Org>, ReadError> {
        let query = sqlx::query("select org, name, version, created_at, time_zone from orgs where org = $1")
            .bind(org.as_uuid());
        self.directory_rows("an org", query).await?.first().map(read_org).transpose()
    }

    pub async fn org_of_project(&self, project: ProjectId) -> Result<Option<OrgId>, ReadError> {
        let query = sqlx::query("select org from projects where project_id = $1 limit 1").bind(project.as_uuid());
        read_org_id(&self.directory_rows("a project's org", query).await?)
    }

    pub async fn org_of_repo_connection(&self, connection: RepoConnectionId) -> Result<Option<OrgId>, ReadError> {
        let query = sqlx::query("select org from repo_connections where repo_connection_id = $1 limit 1")
            .bind(connection.as_uuid());
        read_org_id(&self.directory_rows("a repository's org", query).await?)
    }

    /// By key.
    pub async fn projects(&self, org: OrgId) -> Result<Vec<Project>, ReadError> {
        let sql = format!("{PROJECT} where org = $1 order by key collate \"C\", project_id");
        let rows = self.directory_rows("an org's projects", sqlx::query(&sql).bind(org.as_uuid())).await?;
        rows.iter().map(read_project).collect()
    }

    pub async fn project(&self, org: OrgId, project: ProjectId) -> Result<Option<Project>, ReadError> {
        let sql = format!("{PROJECT} where org = $1 and project_id = $2");
        let query = sqlx::query(&sql).bind(org.as_uuid()).bind(project.as_uuid());
        self.directory_rows("a project", query).await?.first().map(read_project).transpose()
    }

    /// The default board first, then in the order in which they were created.
    pub async fn boards(&self, org: OrgId, project: ProjectId) -> Result<Vec<BoardRef>, ReadError> {
        let query = sqlx::query(
            "select b.board_id, b.name from boards b left join projects p using (org, project_id) \
             where b.org = $1 and b.project_id = $2 \
             order by b.board_id is distinct from p.default_board, b.position",
        )
        .bind(org.as_uuid())
        .bind(project.as_uuid());
        let rows = self.directory_rows("a project's boards", query).await?;
        rows.iter()
            .map(|row| {
                Ok(BoardRef {
                    id: BoardId(row.try_get(0).reading("a board")?),
                    name: row.try_get(1).reading("a board")?,
                })
            })
            .collect()
    }

    /// In the order in which they were connected, those that were disconnected since included.
    pub async fn repo_connections(&self, org: OrgId, project: ProjectId) -> Result<Vec<RepoConnection>, ReadError> {
        let sql = format!("{REPO_CONNECTION} where org = $1 and project_id = $2 order by position");
        let query = sqlx::query(&sql).bind(org.as_uuid()).bind(project.as_uuid());
        self.directory_rows("a project's repositories", query).await?.iter().map(read_repo_connection).collect()
    }

    pub async fn repo_connection(
        &self,
        org: OrgId,
        connection: RepoConnectionId,
    ) -> Result<Option<RepoConnection>, ReadError> {
        let sql = format!("{REPO_CONNECTION} where org = $1 and repo_connection_id = $2");
        let query = sqlx::query(&sql).bind(org.as_uuid()).bind(connection.as_uuid());
        self.directory_rows("a repository", query).await?.first().map(read_repo_connection).transpose()
    }
}

fn read_org_id(rows: &[PgRow]) -> Result<Option<OrgId>, ReadError> {
    rows.first().map(|row| row.try_get(0).map(OrgId).reading("an org's id")).transpose()
}

pub(super) fn read_org(row: &PgRow) -> Result<Org, ReadError> {
    const WHAT: &str = "an org";
    Ok(Org {
        id: OrgId(row.try_get(0).reading(WHAT)?),
        name: row.try_get(1).reading(WHAT)?,
        version: from_bigint(row.try_get(2).reading(WHAT)?),
        created_at: row.try_get(3).reading(WHAT)?,
        time_zone: row.try_get("time_zone").reading(WHAT)?,
    })
}

fn read_project(row: &PgRow) -> Result<Project, ReadError> {
    const WHAT: &str = "a project";
    Ok(Project {
        org: OrgId(row.try_get(0).reading(WHAT)?),
        id: ProjectId(row.try_get(1).reading(WHAT)?),
        key: row.try_get(2).reading(WHAT)?,
        name: row.try_get(3).reading(WHAT)?,
        default_board: BoardId(row.try_get(4).reading(WHAT)?),
        version: from_bigint(row.try_get(5).reading(WHAT)?),
        created_at: row.try_get(6).reading(WHAT)?,
    })
}

fn read_repo_connection(row: &PgRow) -> Result<RepoConnection, ReadError> {
    const WHAT: &str = "a repository";
    let provider: &str = row.try_get(3).reading(WHAT)?;
    Ok(RepoConnection {
        org: OrgId(row.try_get(0).reading(WHAT)?),
        id: RepoConnectionId(row.try_get(1).reading(WHAT)?),
        project: ProjectId(row.try_get(2).reading(WHAT)?),
        provider: meaning::<RepoProvider>(WHAT, provider)?,
        external_id: row.try_get(4).reading(WHAT)?,
        name: row.try_get(5).reading(WHAT)?,
        clone_url: row.try_get(6).reading(WHAT)?,
        version: from_bigint(row.try_get(7).reading(WHAT)?),
        connected_at: row.try_get(8).reading(WHAT)?,
        disconnected_at: row.try_get(9).reading(WHAT)?,
    })
}
