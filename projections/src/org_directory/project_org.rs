//! Events of an org → rows of the directory: its members, their roles, its invitations.

use crate::words::word;
use domain::org::{MemberInvited, MemberJoined, MemberRoleSet, OrgCreated, OrgEvent, Role};
use domain::{Envelope, InvitationId, UserId};
use feed::log::to_bigint;
use feed::runner::ApplyError;
use sqlx::PgConnection;

pub(super) async fn apply(
    connection: &mut PgConnection,
    envelope: &Envelope,
    event: &OrgEvent,
) -> Result<(), ApplyError> {
    match event {
        OrgEvent::OrgCreated(event) => return create(connection, envelope, event).await,
        OrgEvent::MemberInvited(event) => invite(connection, envelope, event).await?,
        OrgEvent::InvitationRevoked(event) => close_invitation(connection, envelope, event.invitation).await?,
        OrgEvent::MemberJoined(event) => join(connection, envelope, event).await?,
        OrgEvent::MemberRoleChanged(event) => change_role(connection, envelope, event.user, event.role).await?,
        OrgEvent::MemberRoleSet(event) => set_role(connection, envelope, event).await?,
        OrgEvent::MemberRemoved(event) => remove(connection, envelope, event.user).await?,
        // The audit log shows them; the directory counts them as a version alone.
        OrgEvent::MemberSignedIn(_)
        | OrgEvent::SessionRevoked(_)
        | OrgEvent::TokenCreated(_)
        | OrgEvent::TokenRevoked(_)
        | OrgEvent::SignInRefused(_) => {}
    }
    sqlx::query("update orgs set version = $2 where org = $1")
        .bind(envelope.org.as_uuid())
        .bind(to_bigint(envelope.version))
        .execute(connection)
        .await?;
    Ok(())
}

async fn create(connection: &mut PgConnection, envelope: &Envelope, event: &OrgCreated) -> Result<(), ApplyError> {
    sqlx::query("insert into orgs (org, name, version, created_at) values ($1, $2, $3, $4)")
        .bind(envelope.org.as_uuid())
        .bind(&event.name)
        .bind(to_bigint(envelope.version))
        .bind(envelope.at)
        .execute(connection)
        .await?;
    Ok(())
}

async fn invite(connection: &mut PgConnection, envelope: &Envelope, event: &MemberInvited) -> Result<(), ApplyError> {
    sqlx::query(
        "insert into invitations (org, invitation_id, role, invited_by, invited_at, expires_at, position) \
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(envelope.org.as_uuid())
    .bind(event.invitation.as_uuid())
    .bind(word(event.role)?)
    .bind(envelope.actor.to_string())
    .bind(envelope.at)
    .bind(event.expires_at)
    .bind(to_bigint(envelope.position))
    .execute(connection)
    .await?;
    Ok(())
}

async fn close_invitation(
    connection: &mut PgConnection,
    envelope: &Envelope,
    invitation: InvitationId,
) -> Result<(), ApplyError> {
    sqlx::query("delete from invitations where org = $1 and invitation_id = $2")
        .bind(envelope.org.as_uuid())
        .bind(invitation.as_uuid())
        .execute(connection)
        .await?;
    Ok(())
}

async fn join(connection: &mut PgConnection, envelope: &Envelope, event: &MemberJoined) -> Result<(), ApplyError> {
    sqlx::query(
        "insert into members (org, user_id, role, joined_at, position) values ($1, $2, $3, $4, $5) \
         on conflict (org, user_id) do update set role = excluded.role",
    )
    .bind(envelope.org.as_uuid())
    .bind(event.user.as_uuid())
    .bind(word(event.role)?)
    .bind(envelope.at)
    .bind(to_bigint(envelope.position))
    .execute(&mut *connection)
    .await?;
    match event.invitation {
        Some(invitation) => close_invitation(connection, envelope, invitation).await,
        None => Ok(()),
    }
}

async fn change_role(
    connection: &mut PgConnection,
    envelope: &Envelope,
    user: UserId,
    role: Role,
) -> Result<(), ApplyError> {
    let done = sqlx::query("update members set role = $3 where org = $1 and user_id = $2")
        .bind(envelope.org.as_uuid())
        .bind(user.as_uuid())
        .bind(word(role)?)
        .execute(connection)
        .await?;
    if done.rows_affected() == 0 {
        return Err(ApplyError::poison("its person never joined"));
    }
    Ok(())
}

async fn set_role(connection: &mut PgConnection, envelope: &Envelope, event: &MemberRoleSet) -> Result<(), ApplyError> {
    let query = match event.role {
        Some(role) => sqlx::query(
            "insert into project_roles (org, user_id, project_id, role) values ($1, $2, $3, $4) \
             on conflict (org, user_id, project_id) do update set role = excluded.role",
        )
        .bind(envelope.org.as_uuid())
        .bind(event.user.as_uuid())
        .bind(event.project.as_uuid())
        .bind(word(role)?),
        None => sqlx::query("delete from project_roles where org = $1 and user_id = $2 and project_id = $3")
            .bind(envelope.org.as_uuid())
            .bind(event.user.as_uuid())
            .bind(event.project.as_uuid()),
    };
    query.execute(connection).await?;
    Ok(())
}

async fn remove(connection: &mut PgConnection, envelope: &Envelope, user: UserId) -> Result<(), ApplyError> {
    for rows in ["members", "project_roles"] {
        sqlx::query(&format!("delete from {rows} where org = $1 and user_id = $2"))
            .bind(envelope.org.as_uuid())
            .bind(user.as_uuid())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
