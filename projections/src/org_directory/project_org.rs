//! Events of an org → rows of the directory: its members, their roles, its invitations.

use crate::words::{stored, word};
use domain::org::{
    BudgetScope, BudgetSet, MemberInvited, MemberJoined, MemberRoleSet, OrgCreated, OrgEvent, ProviderKeySet, Role,
};
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
        OrgEvent::ProviderKeySet(event) => set_key(connection, envelope, event).await?,
        OrgEvent::ProviderKeyRemoved(event) => remove_key(connection, envelope, &event.provider).await?,
        OrgEvent::BudgetSet(event) => set_budget(connection, envelope, event).await?,
        OrgEvent::OrgTimeZoneSet(event) => set_time_zone(connection, envelope, &event.time_zone).await?,
        // How far a budget is used is counted from the calls. The audit log shows them; the directory counts them as a version alone.
        OrgEvent::MemberSignedIn(_)
        | OrgEvent::SessionRevoked(_)
        | OrgEvent::TokenCreated(_)
        | OrgEvent::TokenRevoked(_)
        | OrgEvent::SignInRefused(_)
        | OrgEvent::BudgetWarned(_)
        | OrgEvent::BudgetUsedUp(_) => {}
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

async fn set_key(connection: &mut PgConnection, envelope: &Envelope, event: &ProviderKeySet) -> Result<(), ApplyError> {
    sqlx::query(
        "insert into provider_keys (org, provider, key_id, last_four, set_by, set_at) values ($1, $2, $3, $4, $5, $6) \
         on conflict (org, provider) do update set key_id = excluded.key_id, last_four = excluded.last_four, \
         set_by = excluded.set_by, set_at = excluded.set_at",
    )
    .bind(envelope.org.as_uuid())
    .bind(&event.provider)
    .bind(event.key.as_uuid())
    .bind(&event.last_four)
    .bind(envelope.actor.to_string())
    .bind(envelope.at)
    .execute(connection)
    .await?;
    Ok(())
}

async fn remove_key(connection: &mut PgConnection, envelope: &Envelope, provider: &str) -> Result<(), ApplyError> {
    sqlx::query("delete from provider_keys where org = $1 and provider = $2")
        .bind(envelope.org.as_uuid())
        .bind(provider)
        .execute(connection)
        .await?;
    Ok(())
}

async fn set_budget(connection: &mut PgConnection, envelope: &Envelope, event: &BudgetSet) -> Result<(), ApplyError> {
    let (scope, id) = match event.scope {
        BudgetScope::Org => ("org", envelope.org.as_uuid()),
        BudgetScope::Project { project } => ("project", project.as_uuid()),
        BudgetScope::Ticket { ticket } => ("ticket", ticket.as_uuid()),
        BudgetScope::EachRun => ("each_run", envelope.org.as_uuid()),
    };
    let query = match event.limit_usd_micros {
        Some(limit) => sqlx::query(
            "insert into budgets (org, scope, scope_id, limit_usd_micros, set_by, set_at, position) \
             values ($1, $2, $3, $4, $5, $6, $7) on conflict (org, scope, scope_id) do update \
             set limit_usd_micros = excluded.limit_usd_micros, set_by = excluded.set_by, set_at = excluded.set_at",
        )
        .bind(envelope.org.as_uuid())
        .bind(scope)
        .bind(id)
        .bind(stored::<_, i64>("the budget", limit)?)
        .bind(envelope.actor.to_string())
        .bind(envelope.at)
        .bind(to_bigint(envelope.position)),
        None => sqlx::query("delete from budgets where org = $1 and scope = $2 and scope_id = $3")
            .bind(envelope.org.as_uuid())
            .bind(scope)
            .bind(id),
    };
    query.execute(connection).await?;
    Ok(())
}

async fn set_time_zone(connection: &mut PgConnection, envelope: &Envelope, zone: &str) -> Result<(), ApplyError> {
    sqlx::query("update orgs set time_zone = $2 where org = $1")
        .bind(envelope.org.as_uuid())
        .bind(zone)
        .execute(connection)
        .await?;
    Ok(())
}
