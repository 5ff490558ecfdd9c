//! Sign-ins with a provider that are under way: each can be finished once, by the browser that began it.

use super::AuthError;
use super::cookies::LOGIN_S;
use super::secret::{hash, random_secret};
use sqlx::PgPool;

/// What a sign-in begins with.
pub(crate) struct Begun {
    /// Travels to the provider and back.
    pub state: String,
    /// Stays in the browser, as a cookie.
    pub login: String,
}

pub(crate) async fn begin(pool: &PgPool, return_to: &str) -> Result<Begun, AuthError> {
    let failed = || AuthError::store("a sign-in under way");
    let begun = Begun { state: random_secret()?, login: random_secret()? };
    sqlx::query("delete from login_states where expires_at < now()").execute(pool).await.map_err(failed())?;
    sqlx::query(
        "insert into login_states (state_hash, login_hash, return_to, expires_at)
         values ($1, $2, $3, now() + $4 * interval '1 second')",
    )
    .bind(hash(&begun.state).as_slice())
    .bind(hash(&begun.login).as_slice())
    .bind(return_to)
    .bind(LOGIN_S)
    .execute(pool)
    .await
    .map_err(failed())?;
    Ok(begun)
}

/// Uses it up and says where to go on. None: never begun, finished before, too old, or of another browser; which of
/// these is nobody's business. One of another browser stays usable by its own.
pub(crate) async fn finish(pool: &PgPool, state: &str, login: &str) -> Result<Option<String>, AuthError> {
    sqlx::query_scalar(
        "delete from login_states where state_hash = $1 and login_hash = $2 and expires_at > now() returning return_to",
    )
    .bind(hash(state).as_slice())
    .bind(hash(login).as_slice())
    .fetch_optional(pool)
    .await
    .map_err(AuthError::store("a sign-in under way"))
}
