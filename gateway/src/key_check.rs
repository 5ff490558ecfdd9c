//! Asks a model's provider whether it takes a key, by the question that costs nothing: which models are there?
//!
//! The same rules as for a run's calls: the instance's own address and no other, no redirects, nothing of the answer kept
//! but its status.

use commands::provider_key::KeyOutcome;
use reqwest::redirect::Policy;
use secrecy::{ExposeSecret, SecretString};
use std::sync::OnceLock;
use std::time::Duration;
use url::Url;

const PATIENCE: Duration = Duration::from_secs(6);

#[derive(Debug, Default)]
pub(crate) struct KeyCheckClient {
    client: OnceLock<Option<reqwest::Client>>,
}

impl KeyCheckClient {
    /// `base` is the API's address with or without its `/v1`.
    pub(crate) async fn ask(&self, base: &Url, key: &SecretString) -> KeyOutcome {
        let near = base.scheme() == "http";
        let client = self.client.get_or_init(|| {
            let client = reqwest::Client::builder().redirect(Policy::none()).timeout(PATIENCE);
            if near { client.no_proxy() } else { client }.build().ok()
        });
        let Some(client) = client else { return unreachable("no connection can be set up") };
        match client.get(models_of(base)).bearer_auth(key.expose_secret()).send().await {
            Ok(answer) => match answer.status().as_u16() {
                200..300 => KeyOutcome::Accepted,
                status @ (401 | 403) => KeyOutcome::Refused(status.to_string()),
                status => unreachable(&format!("it answered {status}")),
            },
            Err(error) if error.is_timeout() => unreachable("it did not answer in time"),
            // Without the error's own words: they may hold what was asked.
            Err(_) => unreachable("it could not be reached"),
        }
    }
}

fn unreachable(why: &str) -> KeyOutcome {
    KeyOutcome::Unreachable(why.to_owned())
}

fn models_of(base: &Url) -> Url {
    let path = base.path().trim_end_matches('/');
    let mut url = base.clone();
    url.set_path(&format!("{}/v1/models", path.strip_suffix("/v1").unwrap_or(path)));
    url
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_question_goes_to_the_providers_own_address() {
        let of = |base: &str| models_of(&Url::parse(base).unwrap()).to_string();
        assert_eq!(of("https://api.openai.com/v1"), "https://api.openai.com/v1/models");
        assert_eq!(of("https://api.openai.com"), "https://api.openai.com/v1/models");
        assert_eq!(of("https://gate.example/team/a/v1/"), "https://gate.example/team/a/v1/models");
    }
}
