//! A stand-in for GitHub's sign-in, and labelled as one: OAuth's web flow with PKCE, as GitHub's documentation tells it.
//!
//! It says yes for whoever [`FakeGithub::signs_in`] named last, without asking. It holds what GitHub holds: the exact
//! redirect address, the client's secret, one use a code, the code's own verifier. A code that does not do is answered
//! 200 with an `error` field.

use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;
use uuid::Uuid;

pub const CLIENT_ID: &str = "fake-client";
pub const CLIENT_SECRET: &str = "fake-client-secret";
/// In every answer.
const LABEL: [(&str, &str); 1] = [("x-fake-github", "this is not GitHub but a stand-in for tests")];

/// An account there.
#[derive(Clone, Debug)]
pub struct Account {
    pub id: i64,
    pub login: String,
    pub name: Option<String>,
    pub email: Option<String>,
}

/// Runs until dropped.
#[derive(Debug)]
pub struct FakeGithub {
    pub url: String,
    github: Arc<Mutex<Github>>,
    _running: DropGuard,
}

#[derive(Debug, Default)]
struct Github {
    redirect_uri: String,
    account: Option<Account>,
    codes: HashMap<String, Grant>,
    tokens: HashMap<String, Account>,
    is_down: bool,
}

#[derive(Clone, Debug)]
struct Grant {
    account: Account,
    redirect_uri: String,
    challenge: String,
}

type Shared = Arc<Mutex<Github>>;

fn locked(github: &Shared) -> MutexGuard<'_, Github> {
    github.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FakeGithub {
    /// On a port of its own.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_on("127.0.0.1:0".parse()?).await
    }

    pub async fn start_on(address: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (github, stop) = (Shared::default(), CancellationToken::new());
        let routes = Router::new()
            .route("/login/oauth/authorize", get(authorize))
            .route("/login/oauth/access_token", post(exchange))
            .route("/user", get(user))
            .with_state(Arc::clone(&github));
        let stopped = stop.clone().cancelled_owned();
        tokio::spawn(async move { axum::serve(listener, routes).with_graceful_shutdown(stopped).await });
        Ok(Self { url, github, _running: stop.drop_guard() })
    }

    /// The one address that the app is registered with.
    pub fn registers(&self, redirect_uri: &str) {
        redirect_uri.clone_into(&mut locked(&self.github).redirect_uri);
    }

    /// Who says yes from now on; none: whoever comes says no.
    pub fn signs_in(&self, account: Option<Account>) {
        locked(&self.github).account = account;
    }

    /// While set, the two endpoints that the app itself asks answer 503.
    pub fn is_down(&self, is_down: bool) {
        locked(&self.github).is_down = is_down;
    }
}

#[derive(Deserialize)]
struct Asked {
    client_id: String,
    redirect_uri: String,
    state: String,
    #[serde(default)]
    code_challenge: String,
    #[serde(default)]
    code_challenge_method: String,
}

async fn authorize(State(github): State<Shared>, Query(asked): Query<Asked>) -> Response {
    let mut github = locked(&github);
    if asked.client_id != CLIENT_ID {
        return (StatusCode::NOT_FOUND, LABEL, "no such app").into_response();
    }
    let Some(mut back) = Url::parse(&asked.redirect_uri).ok().filter(|_| asked.redirect_uri == github.redirect_uri)
    else {
        return (StatusCode::BAD_REQUEST, LABEL, "the redirect_uri is not the registered one").into_response();
    };
    if asked.code_challenge_method != "S256" || asked.code_challenge.len() != 43 {
        return (StatusCode::BAD_REQUEST, LABEL, "no code_challenge of S256").into_response();
    }
    match github.account.clone() {
        Some(account) => {
            let code = Uuid::new_v4().simple().to_string();
            back.query_pairs_mut().append_pair("code", &code).append_pair("state", &asked.state);
            let grant = Grant { account, redirect_uri: asked.redirect_uri, challenge: asked.code_challenge };
            github.codes.insert(code, grant);
        }
        None => {
            back.query_pairs_mut().append_pair("error", "access_denied").append_pair("state", &asked.state);
        }
    }
    (LABEL, Redirect::to(back.as_str())).into_response()
}

#[derive(Deserialize)]
struct Exchange {
    client_id: String,
    client_secret: String,
    code: String,
    redirect_uri: String,
    #[serde(default)]
    code_verifier: String,
}

async fn exchange(State(github): State<Shared>, Form(asked): Form<Exchange>) -> Response {
    let mut github = locked(&github);
    if github.is_down {
        return (StatusCode::SERVICE_UNAVAILABLE, LABEL).into_response();
    }
    if asked.client_id != CLIENT_ID || asked.client_secret != CLIENT_SECRET {
        return refused("incorrect_client_credentials");
    }
    // One use, whatever comes of it.
    let Some(grant) = github.codes.remove(&asked.code) else { return refused("bad_verification_code") };
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, asked.code_verifier.as_bytes()));
    if grant.redirect_uri != asked.redirect_uri {
        return refused("redirect_uri_mismatch");
    }
    if grant.challenge != challenge {
        return refused("bad_verification_code");
    }
    let token = format!("gho_{}", Uuid::new_v4().simple());
    github.tokens.insert(token.clone(), grant.account);
    (LABEL, Json(json!({ "access_token": token, "token_type": "bearer", "scope": "read:user" }))).into_response()
}

fn refused(error: &str) -> Response {
    (LABEL, Json(json!({ "error": error, "error_description": "as GitHub words it" }))).into_response()
}

async fn user(State(github): State<Shared>, headers: HeaderMap) -> Response {
    let github = locked(&github);
    if github.is_down {
        return (StatusCode::SERVICE_UNAVAILABLE, LABEL).into_response();
    }
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let Some(account) = bearer.and_then(|token| github.tokens.get(token)) else {
        return (StatusCode::UNAUTHORIZED, LABEL, Json(json!({ "message": "Bad credentials" }))).into_response();
    };
    (LABEL, Json(described(account))).into_response()
}

fn described(account: &Account) -> Value {
    json!({
        "id": account.id, "login": account.login, "name": account.name, "email": account.email,
        "avatar_url": format!("https://avatars.example/u/{}", account.id), "type": "User",
    })
}
