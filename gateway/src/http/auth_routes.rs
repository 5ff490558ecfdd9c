//! Signing in by a one-time link, and out; and what every way in has in common.

use crate::auth::cookies::CookieName;
use crate::auth::viewer::Credentials;
use crate::auth::{links, sessions};
use crate::errors::ApiError;
use crate::http::graphql::CSRF;
use crate::http::request_ids::RequestIds;
use crate::state::Gateway;
use axum::Json;
use axum::extract::{ConnectInfo, Extension, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use domain::org::SignInMethod;
use domain::{CorrelationId, OrgId, UserId};
use feed::chain;
use serde_json::{Value, json};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

pub(super) type Peer = Option<Extension<ConnectInfo<SocketAddr>>>;

pub(super) fn address_of(peer: Peer) -> Option<IpAddr> {
    peer.map(|Extension(ConnectInfo(address))| address.ip().to_canonical())
}

/// What a browser is told that would have to send its session over plain http.
pub(super) const NO_COOKIE: &str = "A session is not sent over plain http. Open the address as http://127.0.0.1 or \
    http://localhost, or give the gateway an https address (LIME_PUBLIC_URL).";
pub(super) const TOO_MANY_TRIES: &str = "Too many tries. Wait a minute.";

#[derive(Debug, serde::Deserialize)]
pub(crate) struct LinkQuery {
    #[serde(default)]
    token: String,
}

/// `GET /auth/local?token=…`: uses the link up, opens a session, goes to the app.
pub(crate) async fn sign_in(
    State(gateway): State<Arc<Gateway>>,
    peer: Peer,
    Extension(ids): Extension<RequestIds>,
    Query(query): Query<LinkQuery>,
    headers: HeaderMap,
) -> Response {
    let peer = address_of(peer);
    if peer.is_some_and(|address| !address.is_loopback()) && !gateway.origins.is_https() {
        return page(
            StatusCode::FORBIDDEN,
            "This link works on the machine itself, or through an ssh tunnel to it: \
             ssh -L 5463:127.0.0.1:5463 that-machine",
        );
    }
    let Some(cookie) = CookieName::of(&headers, &gateway.origins) else {
        return page(StatusCode::FORBIDDEN, NO_COOKIE);
    };
    if !may_try(&gateway, peer, Tried::OwnerLink).await {
        return page(StatusCode::TOO_MANY_REQUESTS, TOO_MANY_TRIES);
    }
    let redeemed = links::redeem(&gateway.pool, &query.token).await;
    let user = match redeemed {
        Ok(Some(user)) => user,
        Ok(None) => {
            return page(
                StatusCode::FORBIDDEN,
                "This link was used before, or is too old. Make a new one: lime owner-link",
            );
        }
        Err(error) => return broken(&error.into()),
    };
    match begin_session(&gateway, &headers, ids.correlation, user, None, SignInMethod::OwnerLink).await {
        Ok(secret) => {
            tracing::info!(%user, "signed in by an owner link");
            (AppendHeaders([(header::SET_COOKIE, cookie.set(&secret))]), Redirect::to("/")).into_response()
        }
        Err(error) => broken(&error),
    }
}

/// Opens a session for `user` and writes the sign-in into the log of each of their orgs (`joining`: one that they came
/// to be a member of a moment ago). The secret for the cookie.
pub(super) async fn begin_session(
    gateway: &Gateway,
    headers: &HeaderMap,
    correlation: CorrelationId,
    user: UserId,
    joining: Option<OrgId>,
    method: SignInMethod,
) -> Result<String, ApiError> {
    // The session that this browser had before ends: nobody can have planted the one that it has from now on.
    if let Err(error) = gateway.sign_out(&Credentials::of(headers, &gateway.origins)).await {
        tracing::warn!(error = chain(&error), "the session before this one was not ended");
    }
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let opened = sessions::open(&gateway.pool, user, agent).await?;
    if let Err(error) = gateway.record_sign_in(user, joining, correlation, opened.id, method).await {
        sessions::revoke_listed(&gateway.pool, user, opened.id).await?;
        return Err(error);
    }
    Ok(opened.secret)
}

/// `GET /auth/methods`: how people can sign in here.
pub(crate) async fn methods(State(gateway): State<Arc<Gateway>>) -> Json<Value> {
    Json(json!({ "github": gateway.github.is_some() }))
}

/// `POST /auth/logout`: ends the session, here and on every open socket.
pub(crate) async fn sign_out(State(gateway): State<Arc<Gateway>>, headers: HeaderMap) -> Response {
    if !gateway.origins.admits(&headers) || headers.get(CSRF).is_none_or(|value| value != "1") {
        return (StatusCode::FORBIDDEN, "Send X-Lime-Csrf: 1, from a page of this gateway.\n").into_response();
    }
    if let Err(error) = gateway.sign_out(&Credentials::of(&headers, &gateway.origins)).await {
        return broken(&error.into());
    }
    let cleared = CookieName::of(&headers, &gateway.origins).map(|cookie| (header::SET_COOKIE, cookie.clear()));
    (StatusCode::NO_CONTENT, AppendHeaders(cleared)).into_response()
}

/// What is tried, so that one way in does not use up another's tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Tried {
    OwnerLink,
    Invitation,
    Github,
}

impl Tried {
    /// From one address. An office behind one address joins and signs in together; a link is used alone.
    const fn per_minute(self) -> u32 {
        match self {
            Self::OwnerLink => 10,
            Self::Invitation | Self::Github => 60,
        }
    }
}

pub(super) async fn may_try(gateway: &Gateway, peer: Option<IpAddr>, what: Tried) -> bool {
    let Some(peer) = peer else { return true };
    let tries = gateway.sign_ins.get_with((peer, what), async { Arc::new(AtomicU32::new(0)) }).await;
    tries.fetch_add(1, Ordering::Relaxed) < what.per_minute()
}

pub(super) fn broken(error: &ApiError) -> Response {
    let away = matches!(error, ApiError::Unavailable { .. });
    tracing::error!(error = chain(error), "signing in or out failed");
    if away {
        page(StatusCode::SERVICE_UNAVAILABLE, "The database does not answer. Try again in a moment.")
    } else {
        page(StatusCode::INTERNAL_SERVER_ERROR, "Something broke on our side.")
    }
}

/// A sentence of ours as a small page; never anything that came with the request.
pub(super) fn page(status: StatusCode, text: &'static str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Assembly Lime</title>\
         <style>:root{{color-scheme:light dark}}body{{font:16px/1.5 system-ui,sans-serif;max-width:34em;\
         margin:12vh auto;padding:0 1em}}</style>\
         <h1>Assembly Lime</h1><p>{text}</p><p><a href=\"/\">To the sign-in page</a></p></html>\n"
    );
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()
}
