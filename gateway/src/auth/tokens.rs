//! API tokens: for programs, in place of a browser's session.

use super::access::Action;
use super::secret::{SecretHash, hash, random_token};
use super::{AuthError, epoch};
use chrono::{DateTime, Utc};
use domain::org::Role;
use domain::{TokenId, UserId};
use sqlx::postgres::PgRow;
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
            Action::CreateOrgs
            | Action::CreateProjects
            | Action::ConnectRepositories
            | Action::ManageMembers
            | Action::ManageProviderKeys
            | Action::SetBudgets
            | Action::LeaveOrgs
            | Action::ManageOwnAccess => matches!(self, Self::Write),
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
pub async fn create_token(pool: &PgPool, user: UserId, new: NewToken) -> Result<(TokenId, String), AuthError> {
    let id = TokenId(Uuid::now_v7());
    match create_as(pool, id, user, &new).await? {
        Some(token) => Ok((id, token)),
        None => Err(AuthError::store("a token")(sqlx::Error::RowNotFound)),
    }
}

/// Makes the token of this id. Once more, before it was ever used, it gets another secret: the first answer was lost.
/// None: the id stands for another token, or for one that was used or revoked.
pub(crate) async fn create_as(
    pool: &PgPool,
    id: TokenId,
    user: UserId,
    new: &NewToken,
) -> Result<Option<String>, AuthError> {
    let token = random_token()?;
    let scopes: Vec<&str> = new.scopes.iter().map(|scope| scope.as_str()).collect();
    let stored = sqlx::query(
        "insert into api_tokens as t (id, token_hash, user_id, name, role, scopes, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (id) do update set token_hash = excluded.token_hash
         where t.user_id = excluded.user_id and t.name = excluded.name and t.role is not distinct from excluded.role
           and t.scopes = excluded.scopes and t.last_used_at is null and t.revoked_at is null",
    )
    .bind(id.as_uuid())
    .bind(hash(&token).as_slice())
    .bind(user.as_uuid())
    .bind(&new.name)
    .bind(new.role.map(role_name))
    .bind(scopes)
    .bind(new.expires_at)
    .execute(pool)
    .await
    .map_err(AuthError::store("a token"))?;
    Ok((stored.rows_affected() == 1).then_some(token))
}

/// Takes back what [`create_as`] made, when it could not be written into the audit log.
pub(crate) async fn forget(pool: &PgPool, id: TokenId) -> Result<(), AuthError> {
    sqlx::query("delete from api_tokens where id = $1 and last_used_at is null")
        .bind(id.as_uuid())
        .execute(pool)
        .await
        .map_err(AuthError::store("a token"))?;
    Ok(())
}

/// A token as its person sees it in the list.
#[derive(Clone, Debug)]
pub(crate) struct ListedToken {
    pub id: TokenId,
    pub name: String,
    pub role: Option<Role>,
    pub scopes: Vec<Scope>,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
}

/// Those that were not revoked, newest first, expired ones included; at most 100.
pub(crate) async fn list(pool: &PgPool, user: UserId) -> Result<Vec<ListedToken>, AuthError> {
    let rows = sqlx::query(
        "select id, name, role, scopes, created_at, expires_at, last_used_at from api_tokens
         where user_id = $1 and revoked_at is null order by created_at desc, id desc limit 100",
    )
    .bind(user.as_uuid())
    .fetch_all(pool)
    .await
    .map_err(AuthError::store("a person's tokens"))?;
    rows.iter().map(listed).collect::<Result<_, _>>().map_err(AuthError::store("a person's tokens"))
}

fn listed(row: &PgRow) -> Result<ListedToken, sqlx::Error> {
    let (role, scopes): (Option<String>, Vec<String>) = (row.try_get("role")?, row.try_get("scopes")?);
    Ok(ListedToken {
        id: TokenId(row.try_get("id")?),
        name: row.try_get("name")?,
        role: role.as_deref().and_then(role_of_name),
        scopes: scopes.iter().filter_map(|scope| scope.parse().ok()).collect(),
        created_at: row.try_get("created_at")?,
        expires_at: row.try_get("expires_at")?,
        last_used_at: row.try_get("last_used_at")?,
    })
}

/// Ends a person's token everywhere. The new access epoch; none when the person has no such token.
pub(crate) async fn revoke(pool: &PgPool, user: UserId, id: TokenId) -> Result<Option<i64>, AuthError> {
    let failed = || AuthError::store("a token");
    let mut transaction = feed::transaction::begin(pool, "begin").await.map_err(failed())?;
    let ended =
        sqlx::query("update api_tokens set revoked_at = coalesce(revoked_at, now()) where id = $1 and user_id = $2")
            .bind(id.as_uuid())
            .bind(user.as_uuid())
            .execute(&mut *transaction)
            .await
            .map_err(failed())?;
    if ended.rows_affected() == 0 {
        return Ok(None);
    }
    let now = epoch::raise(&mut transaction).await.map_err(failed())?;
    transaction.commit().await.map_err(failed())?;
    Ok(Some(now))
}

#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub id: Uuid,
    pub user: UserId,
    pub role: Option<Role>,
    pub scopes: Vec<Scope>,
    pub expires_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
}

/// The token of this hash, if it still stands. A role or scope that this build does not know lets nothing through.
pub(crate) async fn find(pool: &PgPool, token: &SecretHash) -> Result<Option<Token>, AuthError> {
    let failed = || AuthError::store("a token");
    let row = sqlx::query(
        "select id, user_id, role, scopes, expires_at, last_used_at from api_tokens
         where token_hash = $1 and revoked_at is null and (expires_at is null or expires_at > now())",
    )
    .bind(token.as_slice())
    .fetch_optional(pool)
    .await
    .map_err(failed())?;
    row.map_or(Ok(None), |row| standing(&row)).map_err(failed())
}

/// A token that was one and is none any more.
pub(crate) struct DeadToken {
    pub id: TokenId,
    pub user: UserId,
    pub is_revoked: bool,
}

/// The same of one that does not stand. None: nobody was ever given it.
pub(crate) async fn find_dead(pool: &PgPool, token: &SecretHash) -> Result<Option<DeadToken>, AuthError> {
    let failed = || AuthError::store("a token");
    let row = sqlx::query(
        "select id, user_id, revoked_at is not null as is_revoked from api_tokens
         where token_hash = $1 and (revoked_at is not null or expires_at <= now())",
    );
    let row = row.bind(token.as_slice()).fetch_optional(pool).await.map_err(failed())?;
    let read = |row: PgRow| {
        let (id, user) = (TokenId(row.try_get("id")?), UserId(row.try_get("user_id")?));
        Ok(DeadToken { id, user, is_revoked: row.try_get("is_revoked")? })
    };
    row.map(read).transpose().map_err(failed())
}

fn standing(row: &PgRow) -> Result<Option<Token>, sqlx::Error> {
    let (role, scopes): (Option<String>, Vec<String>) = (row.try_get("role")?, row.try_get("scopes")?);
    let known_role = role.as_deref().map(role_of_name);
    let known_scopes: Result<Vec<Scope>, UnknownScope> = scopes.iter().map(|scope| scope.parse()).collect();
    let (Ok(scopes), false) = (known_scopes, matches!(known_role, Some(None))) else { return Ok(None) };
    Ok(Some(Token {
        id: row.try_get("id")?,
        user: UserId(row.try_get("user_id")?),
        role: known_role.flatten(),
        scopes,
        expires_at: row.try_get("expires_at")?,
        last_used_at: row.try_get("last_used_at")?,
    }))
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
