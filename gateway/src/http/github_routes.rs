//! Signing in with GitHub: there, and back.

use super::auth_routes::{NO_COOKIE, Peer, TOO_MANY_TRIES, Tried, address_of, begin_session, broken, may_try, page};
use crate::auth::cookies::CookieName;
use crate::auth::github::{self, Github, GithubError};
use crate::auth::login_states;
use crate::http::request_ids::RequestIds;
use crate::state::Gateway;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use domain::org::SignInMethod;
use feed::chain;
use std::sync::Arc;

const NOT_SET_UP: &str = "Sign-in with GitHub is not set up here.";
const NOT_BEGUN: &str =
    "This sign-in did not begin in this browser, was finished before, or took too long. Begin again.";
const RETURN_MAX_CHARS: usize = 500;

#[derive(Debug, serde::Deserialize)]
pub(crate) struct StartQuery {
    /// A path of the app.
    #[serde(default)]
    return_to: String,
}

#[derive(serde::Deserialize)]
pub(crate) struct CallbackQuery {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
    error: Option<String>,
}

/// `GET /auth/github/start?return_to=/path`: remembers the browser, goes to GitHub.
pub(crate) async fn start(
    State(gateway): State<Arc<Gateway>>,
    peer: Peer,
    Query(query): Query<StartQuery>,
    headers: HeaderMap,
) -> Response {
    let (github, cookie) = match ready(&gateway, peer, &headers).await {
        Ok(ready) => ready,
        Err(response) => return response,
    };
    match login_states::begin(&gateway.pool, own_path(&query.return_to)).await {
        Ok(begun) => {
            let go = Redirect::to(&github.authorize_url(&begun.state, &begun.login));
            (AppendHeaders([(header::SET_COOKIE, cookie.set_login(&begun.login))]), go).into_response()
        }
        Err(error) => broken(&error.into()),
    }
}

/// `GET /auth/github/callback?code=…&state=…`: what GitHub sends the browser back to.
pub(crate) async fn callback(
    State(gateway): State<Arc<Gateway>>,
    peer: Peer,
    Extension(ids): Extension<RequestIds>,
    Query(query): Query<CallbackQuery>,
    headers: HeaderMap,
) -> Response {
    let (github, cookie) = match ready(&gateway, peer, &headers).await {
        Ok(ready) => ready,
        Err(response) => return response,
    };
    let Some(login) = cookie.read_login(&headers) else { return page(StatusCode::FORBIDDEN, NOT_BEGUN) };
    let return_to = match login_states::finish(&gateway.pool, &query.state, &login).await {
        Ok(Some(return_to)) => return_to,
        Ok(None) => return page(StatusCode::FORBIDDEN, NOT_BEGUN),
        Err(error) => return broken(&error.into()),
    };
    if query.error.is_some() {
        return page(StatusCode::FORBIDDEN, "GitHub did not let you in, or you said no there.");
    }
    let profile = match github.profile(&query.code, &login).await {
        Ok(profile) => profile,
        Err(error) => return refused(&error),
    };
    let user = match github::person(&gateway.pool, &profile).await {
        Ok(user) => user,
        Err(error) => return broken(&error.into()),
    };
    match begin_session(&gateway, &headers, ids.correlation, user, None, SignInMethod::Github).await {
        Ok(secret) => {
            tracing::info!(%user, "signed in with GitHub");
            let cookies = [cookie.set(&secret), cookie.clear_login()].map(|cookie| (header::SET_COOKIE, cookie));
            (AppendHeaders(cookies), Redirect::to(&return_to)).into_response()
        }
        Err(error) => broken(&error),
    }
}

async fn ready<'a>(
    gateway: &'a Gateway,
    peer: Peer,
    headers: &HeaderMap,
) -> Result<(&'a Github, CookieName), Response> {
    let Some(github) = &gateway.github else { return Err(page(StatusCode::NOT_FOUND, NOT_SET_UP)) };
    let Some(cookie) = CookieName::of(headers, &gateway.origins) else {
        return Err(page(StatusCode::FORBIDDEN, NO_COOKIE));
    };
    if !may_try(gateway, address_of(peer), Tried::Github).await {
        return Err(page(StatusCode::TOO_MANY_REQUESTS, TOO_MANY_TRIES));
    }
    Ok((github, cookie))
}

fn refused(error: &GithubError) -> Response {
    tracing::warn!(error = chain(error), "a sign-in with GitHub failed");
    match error {
        GithubError::Code(_) => page(
            StatusCode::FORBIDDEN,
            "GitHub did not accept the code: it was used before, or is too old. Begin again.",
        ),
        GithubError::Unreachable(_) | GithubError::Status(_) | GithubError::TooLarge | GithubError::Malformed(_) => {
            page(StatusCode::BAD_GATEWAY, "GitHub does not answer as it should. Try again in a moment.")
        }
    }
}

/// A path of this app and of no other: anything else would send people who have just signed in wherever a link says.
fn own_path(wanted: &str) -> &str {
    let is_own = wanted.starts_with('/')
        && !wanted.starts_with("//")
        && wanted.len() <= RETURN_MAX_CHARS
        && wanted.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_own { wanted } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for own in ["/", "/p/AL/board?ticket=AL-12", "/join"] {
            assert_eq!(own_path(own), own);
        }
        for foreign in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "evil",
            "/a\r\nb",
            "/\t/evil.example",
            "/ä",
        ] {
            assert_eq!(own_path(foreign), "/", "{foreign}");
        }
    }
}
