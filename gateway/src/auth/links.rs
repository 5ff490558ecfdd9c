//! One-time sign-in links of the local owner.

use super::AuthError;
use super::secret::{hash, random_secret};
use domain::UserId;
use sqlx::PgPool;
use std::time::Duration;

/// How long a printed link can be used.
pub(crate) const LIFETIME: Duration = Duration::from_mins(15);

/// A link's token; used at `GET /auth/local?token=…`, once.
#[derive(Clone)]
pub struct OwnerLink {
    token: String,
}

impl std::fmt::Debug for OwnerLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OwnerLink(..)")
    }
}

impl OwnerLink {
    /// The address that signs the owner in. `base` is where the gateway listens, such as `http://127.0.0.1:5463`.
    pub fn url(&self, base: &str) -> String {
        format!("{}/auth/local?token={}", base.trim_end_matches('/'), self.token)
    }
}

/// Makes a link that signs `owner` in once, within 15 minutes.
pub async fn create_owner_link(pool: &PgPool, owner: UserId) -> Result<OwnerLink, AuthError> {
    let failed = || AuthError::store("a sign-in link");
    let token = random_secret()?;
    sqlx::query("delete from sign_in_links where expires_at < now() - interval '1 day'")
        .execute(pool)
        .await
        .map_err(failed())?;
    sqlx::query(
        "insert into sign_in_links (token_hash, user_id, expires_at) values ($1, $2, now() + make_interval(secs => $3))",
    )
    .bind(hash(&token).as_slice())
    .bind(owner.as_uuid())
    .bind(LIFETIME.as_secs_f64())
    .execute(pool)
    .await
    .map_err(failed())?;
    Ok(OwnerLink { token })
}

/// Uses a link up. None: unknown, used before, or too old; which of these is nobody's business.
pub(crate) async fn redeem(pool: &PgPool, token: &str) -> Result<Option<UserId>, AuthError> {
    let user = sqlx::query_scalar(
        "update sign_in_links set used_at = now()
         where token_hash = $1 and used_at is null and expires_at > now() returning user_id",
    )
    .bind(hash(token).as_slice())
    .fetch_optional(pool)
    .await
    .map_err(AuthError::store("a sign-in link"))?;
    Ok(user.map(UserId))
}
