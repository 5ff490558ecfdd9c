//! API tokens: for programs, in place of a browser's session.

use super::AuthError;
use super::access::Action;
use super::secret::{SecretHash, hash, random_token};
use chrono::{DateTime, Utc};
use domain::UserId;
use domain::org::Role;
use sqlx::{PgPool, Row};
use std::str::FromStr;
use uuid::Uuid;

/// What a token may be used for at most. A token without scopes may do all that its role may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Queries and subscriptions.
    Read,
    /// Everything on tickets, besides reading.
    Tickets,
    /// Starting, steering and stopping runs, besides reading.
    Runs,
    /// Everything.
    Write,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown scope {0:?}: known are read, tickets, runs and write")]
pub struct UnknownScope(String);

impl Scope {
    pub const ALL: [Self; 4] = [Self::Read, Self::Tickets, Self::Runs, Self::Write];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Tickets => "tickets",
            Self::Runs => "runs",
            Self::Write => "write",
        }
    }

    pub(crate) const fn covers(self, action: Action) -> bool {
        match action {
            Action::Read | Action::ReadAudit => true,
            Action::ChangeTickets => matches!(self, Self::Tickets | Self::Write),
            Action::StartRuns | Action::AcceptPlans => matches!(self, Self::Runs | Self::Write),
            Action::CreateOrgs | Action::CreateProjects | Action::ConnectRepositories => matches!(self, Self::Write),
        }
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or_else(|| UnknownScope(text.to_owned()))
    }
}

/// What a new token is to be.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// For the person's own list.
    pub name: String,
    /// The most that it may do; the person's own role bounds it too. None: the person's role.
    pub role: Option<Role>,
    /// Empty: no further bound.
    pub scopes: Vec<Scope>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// Makes a token for `user` and returns it: it is shown once and stored only as its hash.
pub async fn create_token(pool: &PgPool, user: UserId, new: NewToken) -> Result<String, AuthError> {
    let token = random_token()?;
    let scopes: Vec<&str> = new.scopes.iter().map(|scope| scope.as_str()).collect();
    sqlx::query(
        "insert into api_tokens (id, token_hash, user_id, name, role, scopes, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(Uuid::now_v7())
    .bind(hash(&token).as_slice())
    .bind(user.as_uuid())
    .bind(new.name)
    .bind(new.role.map(role_name))
    .bind(scopes)
    .bind(new.expires_at)
    .execute(pool)
    .await
    .map_err(AuthError::store("a token"))?;
    Ok(token)
}

#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub id: Uuid,
    pub user: UserId,
    pub role: Option<Role>,
    pub scopes: Vec<Scope>,
    last_used_at: Option<DateTime<Utc>>,
}

/// The token of this hash, if it still stands. A role or scope that this build does not know lets nothing through.
pub(crate) async fn find(pool: &PgPool, token: &SecretHash) -> Result<Option<Token>, AuthError> {
    let failed = || AuthError::store("a token");
    let row = sqlx::query(
        "select id, user_id, role, scopes, last_used_at from api_tokens
         where token_hash = $1 and revoked_at is null and (expires_at is null or expires_at > now())",
    )
    .bind(token.as_slice())
    .fetch_optional(pool)
    .await
    .map_err(failed())?;
    let Some(row) = row else { return Ok(None) };
    let read = || -> Result<(Uuid, Uuid, Option<String>, Vec<String>, Option<DateTime<Utc>>), sqlx::Error> {
        Ok((
            row.try_get("id")?,
            row.try_get("user_id")?,
            row.try_get("role")?,
            row.try_get("scopes")?,
            row.try_get("last_used_at")?,
        ))
    };
    let (id, user, role, scopes, last_used_at) = read().map_err(failed())?;
    let known_role = role.as_deref().map(role_of_name);
    let known_scopes: Result<Vec<Scope>, UnknownScope> = scopes.iter().map(|scope| scope.parse()).collect();
    let (Ok(scopes), false) = (known_scopes, matches!(known_role, Some(None))) else { return Ok(None) };
    Ok(Some(Token { id, user: UserId(user), role: known_role.flatten(), scopes, last_used_at }))
}

/// Notes that the token was used, at most once a minute.
pub(crate) async fn touch(pool: &PgPool, token: &Token) -> Result<(), AuthError> {
    if token.last_used_at.is_some_and(|at| Utc::now() - at < chrono::Duration::minutes(1)) {
        return Ok(());
    }
    sqlx::query("update api_tokens set last_used_at = now() where id = $1")
        .bind(token.id)
        .execute(pool)
        .await
        .map_err(AuthError::store("a token"))?;
    Ok(())
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Admin => "admin",
        Role::Pm => "pm",
        Role::Dev => "dev",
        Role::Qa => "qa",
    }
}

fn role_of_name(name: &str) -> Option<Role> {
    [Role::Admin, Role::Pm, Role::Dev, Role::Qa].into_iter().find(|role| role_name(*role) == name)
}
