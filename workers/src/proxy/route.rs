//! Which requests the proxy knows, and its own answers in the words that each API's clients understand.

use bytes::Bytes;
use domain::org::BudgetScope;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::json;

use super::budget::OverBudget;
use super::forward::AnswerBody;

/// Whose API the agent speaks, and the key belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelApi {
    OpenAi,
    Anthropic,
}

/// A request that may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// Asks a model: costs, and is metered.
    Call,
    /// Lists models or counts tokens: free.
    Free,
}

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

impl ModelApi {
    /// The allow-list. Paths must match to the letter: no other spelling of the same path is known.
    pub(crate) fn route(self, method: &Method, path: &str) -> Option<Route> {
        match (self, method.as_str(), path) {
            (Self::OpenAi, "POST", "/v1/responses" | "/v1/chat/completions")
            | (Self::Anthropic, "POST", "/v1/messages") => Some(Route::Call),
            (Self::Anthropic, "POST", "/v1/messages/count_tokens") | (_, "GET", "/v1/models") => Some(Route::Free),
            _ => None,
        }
    }

    /// The token that the request carries, in either of the two usual headers.
    pub(crate) fn token(headers: &HeaderMap) -> Option<&[u8]> {
        let bearer = headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        headers.get(API_KEY).map(HeaderValue::as_bytes).or(bearer)
    }

    /// Puts the real key where this API wants it.
    ///
    /// # Errors
    /// The key has characters that no header can carry.
    pub(crate) fn set_key(self, headers: &mut HeaderMap, key: &str) -> Result<(), http::header::InvalidHeaderValue> {
        let (name, mut value) = match self {
            Self::OpenAi => (AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {key}"))?),
            Self::Anthropic => (API_KEY, HeaderValue::from_str(key)?),
        };
        // Keeps it out of every `Debug` of a request and out of the compression tables of HTTP/2.
        value.set_sensitive(true);
        headers.insert(name, value);
        Ok(())
    }

    /// The fields in which a question bounds its answer.
    pub(crate) fn answer_bounds(self) -> &'static [&'static str] {
        match self {
            Self::OpenAi => &["max_output_tokens", "max_completion_tokens", "max_tokens"],
            Self::Anthropic => &["max_tokens"],
        }
    }

    /// The one of them that this path takes.
    pub(crate) fn answer_bound(self, path: &str) -> &'static str {
        match (self, path) {
            (Self::OpenAi, "/v1/chat/completions") => "max_completion_tokens",
            (Self::OpenAi, _) => "max_output_tokens",
            (Self::Anthropic, _) => "max_tokens",
        }
    }

    /// Other codes than these make the agents retry, or lose the message.
    pub(crate) fn over_budget_status(self) -> StatusCode {
        match self {
            Self::OpenAi => StatusCode::BAD_REQUEST,
            Self::Anthropic => StatusCode::PAYMENT_REQUIRED,
        }
    }

    /// An error answer of the proxy's own.
    pub(crate) fn error(self, status: StatusCode, code: &str, message: &str) -> Response<AnswerBody> {
        let body = match self {
            Self::OpenAi => {
                json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": code}})
            }
            Self::Anthropic => {
                let kind = match status {
                    StatusCode::UNAUTHORIZED => "authentication_error",
                    StatusCode::FORBIDDEN => "permission_error",
                    StatusCode::PAYMENT_REQUIRED => "billing_error",
                    StatusCode::PAYLOAD_TOO_LARGE => "request_too_large",
                    StatusCode::BAD_GATEWAY => "api_error",
                    _ => "invalid_request_error",
                };
                json!({"type": "error", "error": {"type": kind, "message": message, "code": code}})
            }
        };
        let mut answer =
            Response::new(Full::new(Bytes::from(body.to_string())).map_err(|never| match never {}).boxed_unsync());
        *answer.status_mut() = status;
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // Anthropic's clients obey it; for the others the status decides.
        answer.headers_mut().insert("x-should-retry", HeaderValue::from_static("false"));
        answer
    }

    /// What ends a stream that has used the budget up. The empty lines before it end whatever event
    /// the cut fell into.
    pub(crate) fn cut_off(self, message: &str) -> Bytes {
        let (event, data) = match self {
            // The one code with which Codex gives up at once instead of asking again.
            Self::OpenAi => (
                "response.failed",
                json!({"type": "response.failed", "response": {"object": "response", "status": "failed",
                    "error": {"code": "insufficient_quota", "message": message}}}),
            ),
            Self::Anthropic => {
                ("error", json!({"type": "error", "error": {"type": "invalid_request_error", "message": message}}))
            }
        };
        Bytes::from(format!("\n\nevent: {event}\ndata: {data}\n\n"))
    }
}

/// In words, for the agent's own message and so for the person who reads it.
pub(crate) fn over_budget_message(over: OverBudget) -> String {
    let OverBudget { scope, limit_usd_micros, spent_usd_micros } = over;
    let whose = match scope {
        BudgetScope::EachRun => "the budget of this run",
        BudgetScope::Ticket { .. } => "the budget of the ticket",
        BudgetScope::Project { .. } => "today's budget of the project",
        BudgetScope::Org => "today's budget of the organisation",
    };
    let how = if spent_usd_micros >= limit_usd_micros { "is used up" } else { "does not cover another call" };
    format!("{whose} {how}: {} of {} are spent", dollars(spent_usd_micros), dollars(limit_usd_micros))
}

/// To the cent, or to the micro where cents do not tell it all.
pub(crate) fn dollars(micros: u64) -> String {
    let (whole, rest) = (micros / 1_000_000, micros % 1_000_000);
    if rest.is_multiple_of(10_000) {
        return format!("${whole}.{:02}", rest / 10_000);
    }
    let all = format!("${whole}.{rest:06}");
    all.trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_the_listed_paths_pass_and_only_spelt_like_that() {
        let post = |api: ModelApi, path| api.route(&Method::POST, path);
        assert_eq!(post(ModelApi::OpenAi, "/v1/responses"), Some(Route::Call));
        assert_eq!(post(ModelApi::OpenAi, "/v1/chat/completions"), Some(Route::Call));
        assert_eq!(post(ModelApi::Anthropic, "/v1/messages"), Some(Route::Call));
        assert_eq!(post(ModelApi::Anthropic, "/v1/messages/count_tokens"), Some(Route::Free));
        assert_eq!(ModelApi::OpenAi.route(&Method::GET, "/v1/models"), Some(Route::Free));
        for path in [
            "/v1/files",
            "/v1/responses/",
            "//v1/responses",
            "/v1/../v1/responses",
            "/v1/%72esponses",
            "/",
            "/v1/messages",
        ] {
            assert_eq!(post(ModelApi::OpenAi, path), None, "{path}");
        }
        assert_eq!(ModelApi::OpenAi.route(&Method::DELETE, "/v1/responses"), None);
        assert_eq!(post(ModelApi::Anthropic, "/v1/responses"), None);
    }

    #[test]
    fn a_person_reads_whose_budget_it_was_to_the_micro_dollar() {
        let over = |scope, limit_usd_micros, spent_usd_micros| {
            over_budget_message(OverBudget { scope, limit_usd_micros, spent_usd_micros })
        };
        assert_eq!(
            over(BudgetScope::EachRun, 500_000, 500_000),
            "the budget of this run is used up: $0.50 of $0.50 are spent"
        );
        assert_eq!(
            over(BudgetScope::Org, 20_000_000, 19_987_654),
            "today's budget of the organisation does not cover another call: $19.987654 of $20.00 are spent"
        );
        assert_eq!([0, 1, 1_500, 12_340_000].map(dollars), ["$0.00", "$0.000001", "$0.0015", "$12.34"]);
    }

    #[test]
    fn a_key_in_a_header_does_not_show() {
        let mut headers = HeaderMap::new();
        ModelApi::OpenAi.set_key(&mut headers, "sk-canary").unwrap();
        ModelApi::Anthropic.set_key(&mut headers, "sk-canary").unwrap();
        assert_eq!(headers.len(), 2);
        assert!(!format!("{headers:?}").contains("canary"));
        assert!(ModelApi::OpenAi.set_key(&mut headers, "line\nbreak").is_err());
    }
}
