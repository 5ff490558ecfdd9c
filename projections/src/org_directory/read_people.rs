//! Rows of an org's people → structs.

use super::read::{Org, read_org};
use crate::reads::{ReadError, Reading, Reads};
use crate::words::{meaning, parsed};
use chrono::{DateTime, Utc};
use domain::org::Role;
use domain::{Actor, InvitationId, OrgId, ProjectId, UserId};
use sqlx::Row;
use sqlx::postgres::PgRow;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub user: UserId,
    pub role: Role,
    pub joined_at: DateTime<Utc>,
    /// Where the role differs from the one in the org.
    pub project_roles: Vec<(ProjectId, Role)>,
}

/// Neither used nor taken back, but perhaps too old.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    pub id: InvitationId,
    pub role: Role,
    pub invited_by: Actor,
    pub invited_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

impl Reads {
    /// The orgs that a person is a member of, by name.
    pub async fn orgs_of(&self, user: UserId) -> Result<Vec<(Org, Role)>, ReadError> {
        let query = sqlx::query(
            "select o.org, o.name, o.version, o.created_at, m.role, o.time_zone from members m \
             join orgs o using (org) where m.user_id = $1 order by m.position, o.org",
        )
        .bind(user.as_uuid());
        let rows = self.directory_rows("a person's orgs", query).await?;
        rows.iter().map(|row| Ok((read_org(row)?, read_role(row, 4)?))).collect()
    }

    pub async fn role_of(&self, user: UserId, org: OrgId) -> Result<Option<Role>, ReadError> {
        let query = sqlx::query("select role from members where org = $1 and user_id = $2")
            .bind(org.as_uuid())
            .bind(user.as_uuid());
        let rows = self.directory_rows("a role", query).await?;
        rows.first().map(|row| read_role(row, 0)).transpose()
    }

    /// The member's role in a project: the one that was set for it, else the one in the org. None: no member.
    pub async fn role_in_project(
        &self,
        user: UserId,
        org: OrgId,
        project: ProjectId,
    ) -> Result<Option<Role>, ReadError> {
        let query = sqlx::query(
            "select coalesce(p.role, m.role) from members m \
             left join project_roles p on p.org = m.org and p.user_id = m.user_id and p.project_id = $3 \
             where m.org = $1 and m.user_id = $2",
        )
        .bind(org.as_uuid())
        .bind(user.as_uuid())
        .bind(project.as_uuid());
        let rows = self.directory_rows("a role", query).await?;
        rows.first().map(|row| read_role(row, 0)).transpose()
    }

    /// In the order in which they joined.
    pub async fn members(&self, org: OrgId) -> Result<Vec<Member>, ReadError> {
        const WHAT: &str = "a member";
        let query = sqlx::query(
            "select m.user_id, m.role, m.joined_at, p.project_id, p.role from members m \
             left join project_roles p on p.org = m.org and p.user_id = m.user_id \
             where m.org = $1 order by m.position, p.project_id",
        )
        .bind(org.as_uuid());
        let mut members: Vec<Member> = Vec::new();
        for row in self.directory_rows("an org's members", query).await? {
            let user = UserId(row.try_get(0).reading(WHAT)?);
            if members.last().is_none_or(|last| last.user != user) {
                let (role, joined_at) = (read_role(&row, 1)?, row.try_get(2).reading(WHAT)?);
                members.push(Member { user, role, joined_at, project_roles: Vec::new() });
            }
            let project: Option<uuid::Uuid> = row.try_get(3).reading(WHAT)?;
            if let (Some(project), Some(member)) = (project, members.last_mut()) {
                member.project_roles.push((ProjectId(project), read_role(&row, 4)?));
            }
        }
        Ok(members)
    }

    /// Newest first.
    pub async fn invitations(&self, org: OrgId) -> Result<Vec<Invitation>, ReadError> {
        let query = sqlx::query(
            "select invitation_id, role, invited_by, invited_at, expires_at from invitations where org = $1 \
             order by position desc",
        )
        .bind(org.as_uuid());
        let rows = self.directory_rows("an org's invitations", query).await?;
        rows.iter().map(read_invitation).collect()
    }
}

fn read_role(row: &PgRow, column: usize) -> Result<Role, ReadError> {
    meaning("a role", row.try_get(column).reading("a role")?)
}

fn read_invitation(row: &PgRow) -> Result<Invitation, ReadError> {
    const WHAT: &str = "an invitation";
    Ok(Invitation {
        id: InvitationId(row.try_get(0).reading(WHAT)?),
        role: read_role(row, 1)?,
        invited_by: parsed::<Actor>(WHAT, row.try_get(2).reading(WHAT)?)?,
        invited_at: row.try_get(3).reading(WHAT)?,
        expires_at: row.try_get(4).reading(WHAT)?,
    })
}
