//! Links of invitations: the token is known to whoever was given the link; here is its hash, bound to one invitation of
//! one org. Whether that was used, taken back or is too old is the org's own to say.

use super::AuthError;
use super::secret::{hash, random_secret};
use domain::{InvitationId, OrgId};
use sqlx::{PgPool, Row};

/// Gives the invitation a link and returns its token. Another one for the same invitation makes the first useless.
pub(crate) async fn create_link(pool: &PgPool, org: OrgId, invitation: InvitationId) -> Result<String, AuthError> {
    let failed = || AuthError::store("an invitation's link");
    let token = random_secret()?;
    sqlx::query("delete from invitation_links where created_at < now() - interval '90 days'")
        .execute(pool)
        .await
        .map_err(failed())?;
    sqlx::query(
        "insert into invitation_links (token_hash, org, invitation_id) values ($1, $2, $3)
         on conflict (org, invitation_id) do update set token_hash = excluded.token_hash",
    )
    .bind(hash(&token).as_slice())
    .bind(org.as_uuid())
    .bind(invitation.as_uuid())
    .execute(pool)
    .await
    .map_err(failed())?;
    Ok(token)
}

/// What the link leads to. None: nobody was ever given such a link.
pub(crate) async fn find(pool: &PgPool, token: &str) -> Result<Option<(OrgId, InvitationId)>, AuthError> {
    let failed = || AuthError::store("an invitation's link");
    let row = sqlx::query("select org, invitation_id from invitation_links where token_hash = $1")
        .bind(hash(token).as_slice())
        .fetch_optional(pool)
        .await
        .map_err(failed())?;
    let read = |row: &sqlx::postgres::PgRow| Ok((OrgId(row.try_get(0)?), InvitationId(row.try_get(1)?)));
    row.as_ref().map(read).transpose().map_err(failed())
}

/// Below the fragment sign: browsers send that part of an address nowhere.
pub(crate) fn url(public_url: &str, token: &str) -> String {
    format!("{}/join#{token}", public_url.trim_end_matches('/'))
}
