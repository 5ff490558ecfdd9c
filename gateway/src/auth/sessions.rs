//! Sessions of browsers: a random id in a cookie, stored as its hash.

use super::secret::{SecretHash, hash, random_secret};
use super::{AuthError, epoch};
use chrono::{DateTime, Utc};
use domain::{SessionId, UserId};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use uuid::Uuid;

/// A session ends after this long without a request.
pub(crate) const IDLE_DAYS: i32 = 7;
/// A session ends this long after sign-in, whatever happens.
pub(crate) const ABSOLUTE_DAYS: i32 = 30;
/// After a session got another secret, what was on its way with the old one still passes for this long.
const OLD_SECRET_S: i32 = 10;
/// A new secret that was not used for this long did not arrive: the next answer brings another one.
const NEW_SECRET_S: i32 = 30;
const USER_AGENT_MAX_CHARS: usize = 200;

#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub user: UserId,
    pub public_id: Uuid,
    /// It is to get another secret with the next answer.
    pub rotation_due: bool,
    /// The secret is the one that was handed out last, and this is its first use.
    is_next: bool,
    last_seen_at: DateTime<Utc>,
}

/// A session that was opened: its name in lists, and the secret for the cookie.
pub(crate) struct Opened {
    pub id: SessionId,
    pub secret: String,
}

pub(crate) async fn open(pool: &PgPool, user: UserId, user_agent: Option<&str>) -> Result<Opened, AuthError> {
    let (id, secret) = (SessionId(Uuid::now_v7()), random_secret()?);
    let user_agent: Option<String> =
        user_agent.map(|text| text.chars().filter(|c| !c.is_control()).take(USER_AGENT_MAX_CHARS).collect());
    sqlx::query(
        "insert into sessions (id_hash, public_id, user_id, expires_at, user_agent)
         values ($1, $2, $3, now() + make_interval(days => $4), $5)",
    )
    .bind(hash(&secret).as_slice())
    .bind(id.as_uuid())
    .bind(user.as_uuid())
    .bind(ABSOLUTE_DAYS)
    .bind(user_agent)
    .execute(pool)
    .await
    .map_err(AuthError::store("a session"))?;
    Ok(Opened { id, secret })
}

/// A session as its person sees it in the list.
#[derive(Clone, Debug)]
pub(crate) struct ListedSession {
    pub id: SessionId,
    pub user_agent: Option<String>,
    pub created_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// Those that stand, the last seen first; at most 100.
pub(crate) async fn list(pool: &PgPool, user: UserId) -> Result<Vec<ListedSession>, AuthError> {
    let failed = || AuthError::store("a person's sessions");
    let rows = sqlx::query(
        "select public_id, user_agent, created_at, last_seen_at, expires_at from sessions
         where user_id = $1 and revoked_at is null and expires_at > now()
           and last_seen_at > now() - make_interval(days => $2)
         order by last_seen_at desc, public_id limit 100",
    )
    .bind(user.as_uuid())
    .bind(IDLE_DAYS)
    .fetch_all(pool)
    .await
    .map_err(failed())?;
    rows.iter().map(listed).collect::<Result<_, _>>().map_err(failed())
}

fn listed(row: &PgRow) -> Result<ListedSession, sqlx::Error> {
    Ok(ListedSession {
        id: SessionId(row.try_get("public_id")?),
        user_agent: row.try_get("user_agent")?,
        created_at: row.try_get("created_at")?,
        last_seen_at: row.try_get("last_seen_at")?,
        expires_at: row.try_get("expires_at")?,
    })
}

/// The session of this secret, if it still stands.
pub(crate) async fn find(pool: &PgPool, id: &SecretHash) -> Result<Option<Session>, AuthError> {
    let row = sqlx::query(
        "select user_id, public_id, last_seen_at, rotation_due, next_hash is not distinct from $1 as is_next
         from sessions
         where (id_hash = $1 or next_hash = $1 or (previous_hash = $1 and previous_until > now()))
           and revoked_at is null and expires_at > now() and last_seen_at > now() - make_interval(days => $2)",
    )
    .bind(id.as_slice())
    .bind(IDLE_DAYS)
    .fetch_optional(pool)
    .await
    .map_err(AuthError::store("a session"))?;
    let session = row.map(|row| {
        Ok::<_, sqlx::Error>(Session {
            user: UserId(row.try_get("user_id")?),
            public_id: row.try_get("public_id")?,
            rotation_due: row.try_get("rotation_due")?,
            is_next: row.try_get("is_next")?,
            last_seen_at: row.try_get("last_seen_at")?,
        })
    });
    session.transpose().map_err(AuthError::store("a session"))
}

/// Whether the session stands, whatever its secret is by now.
pub(crate) async fn stands(pool: &PgPool, public_id: Uuid) -> Result<bool, AuthError> {
    sqlx::query_scalar(
        "select exists (select from sessions where public_id = $1 and revoked_at is null and expires_at > now()
           and last_seen_at > now() - make_interval(days => $2))",
    )
    .bind(public_id)
    .bind(IDLE_DAYS)
    .fetch_one(pool)
    .await
    .map_err(AuthError::store("a session"))
}

/// Notes that the session is in use, at most every five minutes; a new secret is in force from its first use.
pub(crate) async fn touch(pool: &PgPool, id: &SecretHash, session: &Session) -> Result<(), AuthError> {
    if session.is_next {
        let put_in_force = sqlx::query(
            "update sessions set previous_hash = id_hash, previous_until = now() + make_interval(secs => $2),
               id_hash = next_hash, next_hash = null, next_at = null, rotation_due = false, last_seen_at = now()
             where next_hash = $1",
        );
        let put_in_force = put_in_force.bind(id.as_slice()).bind(f64::from(OLD_SECRET_S)).execute(pool);
        return put_in_force.await.map(drop).map_err(AuthError::store("a session"));
    }
    if Utc::now() - session.last_seen_at < chrono::Duration::minutes(5) {
        return Ok(());
    }
    sqlx::query("update sessions set last_seen_at = now() where public_id = $1 and last_seen_at < now()")
        .bind(session.public_id)
        .execute(pool)
        .await
        .map_err(AuthError::store("a session"))?;
    Ok(())
}

/// Every session of the person gets another secret with its next answer: who knows an old one does not come along into
/// the new role.
pub(crate) async fn rotate_all(pool: &PgPool, user: UserId) -> Result<(), AuthError> {
    sqlx::query("update sessions set rotation_due = true where user_id = $1 and revoked_at is null")
        .bind(user.as_uuid())
        .execute(pool)
        .await
        .map(drop)
        .map_err(AuthError::store("a person's sessions"))
}

/// Another secret for the session of this one. None: not due, or one is on its way already.
pub(crate) async fn next_secret(pool: &PgPool, id: &SecretHash) -> Result<Option<String>, AuthError> {
    let secret = random_secret()?;
    let given = sqlx::query(
        "update sessions set next_hash = $2, next_at = now()
         where id_hash = $1 and rotation_due and revoked_at is null
           and (next_at is null or next_at < now() - make_interval(secs => $3))",
    )
    .bind(id.as_slice())
    .bind(hash(&secret).as_slice())
    .bind(f64::from(NEW_SECRET_S))
    .execute(pool)
    .await
    .map_err(AuthError::store("a session"))?;
    Ok((given.rows_affected() == 1).then_some(secret))
}

/// Ends a session everywhere: live subscriptions on any gateway end with it. The new access epoch, if it still stood.
pub(crate) async fn revoke(pool: &PgPool, id: &SecretHash) -> Result<Option<i64>, AuthError> {
    let end = sqlx::query(
        "update sessions set revoked_at = now()
         where (id_hash = $1 or next_hash = $1 or (previous_hash = $1 and previous_until > now()))
           and revoked_at is null",
    );
    end_everywhere(pool, end.bind(id.as_slice())).await
}

/// The same by the name that the list shows; none when the person has no such session. One that ended already is
/// ended once more, so that the same request gets the same answer.
pub(crate) async fn revoke_listed(pool: &PgPool, user: UserId, id: SessionId) -> Result<Option<i64>, AuthError> {
    let end = sqlx::query(
        "update sessions set revoked_at = coalesce(revoked_at, now()) where public_id = $1 and user_id = $2",
    );
    end_everywhere(pool, end.bind(id.as_uuid()).bind(user.as_uuid())).await
}

async fn end_everywhere(
    pool: &PgPool,
    end: sqlx::query::Query<'_, sqlx::Postgres, sqlx::postgres::PgArguments>,
) -> Result<Option<i64>, AuthError> {
    let failed = || AuthError::store("a session");
    let mut transaction = feed::transaction::begin(pool, "begin").await.map_err(failed())?;
    let ended = end.execute(&mut *transaction).await.map_err(failed())?;
    if ended.rows_affected() == 0 {
        return Ok(None);
    }
    let now = epoch::raise(&mut transaction).await.map_err(failed())?;
    transaction.commit().await.map_err(failed())?;
    Ok(Some(now))
}
