//! GitHub as the one who says who somebody is: OAuth's web flow with PKCE. No token of GitHub's is kept.

use super::AuthError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::limits::NAME_MAX_CHARS;
use domain::{UserId, text};
use reqwest::header::{ACCEPT, USER_AGENT};
use reqwest::redirect::Policy;
use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sqlx::PgPool;
use std::time::Duration;
use url::Url;
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(10);
/// An answer of the two that are asked for is some hundred bytes.
const ANSWER_MAX_BYTES: usize = 256 * 1024;
const AGENT: &str = "assembly-lime";

/// The OAuth app that this installation is to GitHub.
#[derive(Clone, Debug)]
pub struct GithubSignIn {
    pub client_id: String,
    pub client_secret: SecretString,
    /// Where people sign in: `https://github.com`, or an Enterprise server.
    pub base_url: Url,
    /// `https://api.github.com`, or an Enterprise server's `/api/v3`.
    pub api_url: Url,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum GithubError {
    /// Used before, made up, or of another sign-in. GitHub says so in an answer of 200.
    #[error("GitHub refused the code: {0}")]
    Code(String),
    #[error("GitHub was not reached")]
    Unreachable(#[source] reqwest::Error),
    #[error("GitHub answered {0}")]
    Status(u16),
    #[error("GitHub's answer is larger than {ANSWER_MAX_BYTES} bytes")]
    TooLarge,
    #[error("GitHub's answer is not what its documentation says")]
    Malformed(#[source] serde_json::Error),
}

#[derive(Debug)]
pub(crate) struct Github {
    settings: GithubSignIn,
    redirect_uri: String,
    client: reqwest::Client,
}

/// What GitHub answers about a person. The id is for good; everything else may change.
#[derive(Debug, Deserialize)]
pub(crate) struct Profile {
    id: i64,
    login: String,
    name: Option<String>,
    email: Option<String>,
    avatar_url: Option<String>,
}

#[derive(Deserialize)]
struct Exchanged {
    access_token: Option<SecretString>,
    error: Option<String>,
}

/// The verifier comes from the pre-login cookie's secret, so that no table has to hold it.
pub(crate) fn verifier(login: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, format!("pkce {login}").as_bytes()))
}

fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

impl Github {
    pub(crate) fn new(settings: GithubSignIn, public_url: &str) -> Self {
        let redirect_uri = format!("{}/auth/github/callback", public_url.trim_end_matches('/'));
        // Without settings of its own a client cannot fail to be made; the plain one would follow redirects.
        let client = reqwest::Client::builder().redirect(Policy::none()).timeout(PATIENCE).build();
        Self { settings, redirect_uri, client: client.unwrap_or_default() }
    }

    /// Where the browser is sent to sign in.
    pub(crate) fn authorize_url(&self, state: &str, login: &str) -> String {
        let mut url = below(&self.settings.base_url, "login/oauth/authorize");
        url.query_pairs_mut()
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("scope", "read:user")
            .append_pair("state", state)
            .append_pair("code_challenge", &challenge(&verifier(login)))
            .append_pair("code_challenge_method", "S256");
        url.into()
    }

    /// Who the code is of.
    pub(crate) async fn profile(&self, code: &str, login: &str) -> Result<Profile, GithubError> {
        let (client_secret, verifier) = (self.settings.client_secret.expose_secret(), verifier(login));
        let form = [
            ("client_id", self.settings.client_id.as_str()),
            ("client_secret", client_secret),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", &verifier),
        ];
        let exchange = self.client.post(below(&self.settings.base_url, "login/oauth/access_token"));
        let exchanged: Exchanged = answer(exchange.header(ACCEPT, "application/json").form(&form)).await?;
        let Some(token) = exchanged.access_token else {
            let words = exchanged.error.unwrap_or_default();
            return Err(GithubError::Code(words.chars().filter(|c| !c.is_control()).take(80).collect()));
        };
        let ask = self.client.get(below(&self.settings.api_url, "user")).bearer_auth(token.expose_secret());
        answer(ask.header(ACCEPT, "application/vnd.github+json")).await
    }
}

/// An Enterprise server's API has a path of its own, which joining would replace.
fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}

async fn answer<T: DeserializeOwned>(request: reqwest::RequestBuilder) -> Result<T, GithubError> {
    let unreachable = |error: reqwest::Error| GithubError::Unreachable(error.without_url());
    let mut response = request.header(USER_AGENT, AGENT).send().await.map_err(unreachable)?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(GithubError::Status(response.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_MAX_BYTES {
            return Err(GithubError::TooLarge);
        }
    }
    serde_json::from_slice(&body).map_err(GithubError::Malformed)
}

/// The person of this GitHub account: made at the first sign-in, brought up to date at every other.
pub(crate) async fn person(pool: &PgPool, profile: &Profile) -> Result<UserId, AuthError> {
    let fallback = || text::line(&profile.login, NAME_MAX_CHARS).unwrap_or_else(|_| "A GitHub user".to_owned());
    let name = profile.name.as_deref().and_then(|name| text::line(name, NAME_MAX_CHARS).ok()).unwrap_or_else(fallback);
    let email = profile.email.as_deref().and_then(|email| text::line(email, NAME_MAX_CHARS * 3).ok());
    let avatar_url = profile.avatar_url.as_deref().filter(|url| url.starts_with("https://") && url.len() <= 2_000);
    let id: Uuid = sqlx::query_scalar(
        "insert into users (id, name, email, avatar_url, github_id) values ($1, $2, $3, $4, $5)
         on conflict (github_id) do update
         set name = excluded.name, email = excluded.email, avatar_url = excluded.avatar_url
         returning id",
    )
    .bind(Uuid::now_v7())
    .bind(name)
    .bind(email)
    .bind(avatar_url)
    .bind(profile.id)
    .fetch_one(pool)
    .await
    .map_err(AuthError::store("a person"))?;
    Ok(UserId(id))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_challenge_is_the_standards_own() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert_eq!(super::verifier("a").len(), 43);
        assert_ne!(super::verifier("a"), super::verifier("b"));
    }

    #[test]
    fn an_enterprise_servers_path_stays() {
        let url = |text: &str| Url::parse(text).unwrap();
        assert_eq!(below(&url("https://ghe.example/api/v3/"), "user").as_str(), "https://ghe.example/api/v3/user");
        assert_eq!(below(&url("https://api.github.com"), "user").as_str(), "https://api.github.com/user");
    }
}
