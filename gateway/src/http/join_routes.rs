//! What an invitation's link leads to, for those who are not signed in: a look at it, and joining as a new person.
//!
//! Where no sign-in provider is set up, the link itself makes a local person, once: 256 random bits, stored as a hash,
//! bound to one invitation that is used up by the org's own rule, within seven days. Where GitHub is set up, everybody
//! signs in there first and accepts as who they are.

use super::auth_routes::{NO_COOKIE, Peer, TOO_MANY_TRIES, Tried, address_of, begin_session, may_try};
use crate::auth::cookies::CookieName;
use crate::auth::viewer::Credentials;
use crate::auth::{invitations, people};
use crate::errors::{ApiError, from_command};
use crate::http::graphql::CSRF;
use crate::http::request_ids::RequestIds;
use crate::state::Gateway;
use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use commands::org::{AcceptInvitation, OpenInvitation, accept_invitation, read_invitation};
use commands::{Caller, CommandError};
use domain::limits::NAME_MAX_CHARS;
use domain::org::SignInMethod;
use domain::{Actor, CommandId, InvitationId, OrgId, UserId, text};
use feed::chain;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How long the answer waits for the directory to show the new member.
const SHOWN_WITHIN: Duration = Duration::from_secs(2);
const NO_LINK: &str = "This is no invitation of this installation.";

#[derive(serde::Deserialize)]
pub(crate) struct LinkBody {
    token: String,
}

#[derive(serde::Deserialize)]
pub(crate) struct JoinBody {
    token: String,
    name: String,
}

/// An answer other than success, as JSON: `reason` for programs, `message` for people.
struct Refusal {
    status: StatusCode,
    reason: &'static str,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self { status, reason, message: message.into() }
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        let message = error.to_string();
        match error {
            // It stood once: used, taken back, too old.
            ApiError::Rejected { reason, .. } => Self::new(StatusCode::GONE, reason, message),
            ApiError::NotFound => Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", NO_LINK),
            ApiError::Invalid { .. } => Self::new(StatusCode::BAD_REQUEST, "INVALID", message),
            ApiError::Denied(_) | ApiError::Stale { .. } => Self::new(StatusCode::FORBIDDEN, "DENIED", message),
            ApiError::RateLimited { .. } => Self::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", message),
            ApiError::StorageLow => Self::new(StatusCode::INSUFFICIENT_STORAGE, "STORAGE_LOW", message),
            ApiError::Unavailable { .. } => Self::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", message),
            ApiError::Internal(source) => {
                tracing::error!(error = chain(source.as_ref()), "joining failed");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", message)
            }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "reason": self.reason, "message": self.message }))).into_response()
    }
}

/// `POST /auth/invitation {token}`: what the link leads to.
pub(crate) async fn look(
    State(gateway): State<Arc<Gateway>>,
    peer: Peer,
    headers: HeaderMap,
    Json(body): Json<LinkBody>,
) -> Response {
    let looked = async {
        from_our_page(&gateway, peer, &headers).await?;
        let (org, invitation) = find(&gateway, &body.token).await?;
        still_open(&gateway, org, invitation).await
    };
    match looked.await {
        Ok(open) => {
            let needs_provider = gateway.github.is_some();
            Json(json!({
                "orgName": open.org_name, "role": open.role, "expiresAt": open.expires_at,
                "needsProvider": needs_provider,
            }))
            .into_response()
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// `POST /auth/join {token, name}`: makes a person of that name, a member by the invitation, signed in.
pub(crate) async fn join(
    State(gateway): State<Arc<Gateway>>,
    peer: Peer,
    Extension(ids): Extension<RequestIds>,
    headers: HeaderMap,
    Json(body): Json<JoinBody>,
) -> Response {
    match join_as_new(&gateway, peer, &ids, &headers, &body).await {
        Ok((cookie, secret)) => {
            (StatusCode::NO_CONTENT, AppendHeaders([(header::SET_COOKIE, cookie.set(&secret))])).into_response()
        }
        Err(refusal) => refusal.into_response(),
    }
}

async fn join_as_new(
    gateway: &Gateway,
    peer: Peer,
    ids: &RequestIds,
    headers: &HeaderMap,
    body: &JoinBody,
) -> Result<(CookieName, String), Refusal> {
    from_our_page(gateway, peer, headers).await?;
    let cookie = CookieName::of(headers, &gateway.origins)
        .ok_or_else(|| Refusal::new(StatusCode::FORBIDDEN, "PLAIN_HTTP", NO_COOKIE))?;
    if gateway.github.is_some() {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "SIGN_IN_FIRST", "Sign in with GitHub first."));
    }
    // Somebody who is signed in joins as who they are, by the API.
    if gateway.identify(&Credentials::of(headers, &gateway.origins)).await.is_ok() {
        return Err(Refusal::new(StatusCode::CONFLICT, "SIGNED_IN", "You are signed in already."));
    }
    let name = text::line(&body.name, NAME_MAX_CHARS)
        .map_err(|problem| Refusal::new(StatusCode::BAD_REQUEST, "INVALID", format!("The name {problem}.")))?;
    let (org, invitation) = find(gateway, &body.token).await?;
    still_open(gateway, org, invitation).await?;
    let user = people::create(&gateway.pool, &name).await.map_err(ApiError::from)?;
    let mut caller = Caller::new(org, Actor::User(user), CommandId(Uuid::now_v7()));
    caller.correlation_id = ids.correlation;
    let accepted = match accept_invitation(&gateway.commands, &caller, AcceptInvitation { invitation, user }).await {
        Ok(accepted) => accepted,
        Err(error) => {
            // Whether it was accepted is not known when the database went away in between: then the person stays.
            if !matches!(error, CommandError::Unavailable { .. } | CommandError::Failed { .. }) {
                forget(gateway, user).await;
            }
            let error = from_command(error, None);
            gateway.refused_invitation(org, invitation, &error).await;
            return Err(error.into());
        }
    };
    tracing::info!(%user, %org, "joined by an invitation");
    let session = begin_session(gateway, headers, ids.correlation, user, Some(org), SignInMethod::Invitation).await?;
    // The page that follows shows the org.
    if let Some(position) = accepted.position {
        gateway.reads.wait_for("org_directory", position, SHOWN_WITHIN).await.map_err(ApiError::from)?;
    }
    Ok((cookie, session))
}

async fn still_open(gateway: &Gateway, org: OrgId, invitation: InvitationId) -> Result<OpenInvitation, Refusal> {
    match read_invitation(&gateway.commands, org, invitation).await {
        Ok(open) => Ok(open),
        Err(error) => {
            let error = from_command(error, None);
            gateway.refused_invitation(org, invitation, &error).await;
            Err(error.into())
        }
    }
}

async fn forget(gateway: &Gateway, user: UserId) {
    if let Err(error) = people::forget(&gateway.pool, user).await {
        tracing::warn!(error = chain(&error), "a person who did not join was not taken back");
    }
}

/// Guesses are cheap to make and must stay few; a form of another site cannot send this.
async fn from_our_page(gateway: &Gateway, peer: Peer, headers: &HeaderMap) -> Result<(), Refusal> {
    if !gateway.origins.admits(headers) || headers.get(CSRF).is_none_or(|value| value != "1") {
        let message = "Send X-Lime-Csrf: 1, from a page of this gateway.";
        return Err(Refusal::new(StatusCode::FORBIDDEN, "DENIED", message));
    }
    if !may_try(gateway, address_of(peer), Tried::Invitation).await {
        return Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", TOO_MANY_TRIES));
    }
    Ok(())
}

async fn find(gateway: &Gateway, token: &str) -> Result<(OrgId, InvitationId), Refusal> {
    let found = invitations::find(&gateway.pool, token).await.map_err(ApiError::from)?;
    found.ok_or_else(|| ApiError::NotFound.into())
}
