//! Why a turn failed, from what Codex says about it.

use domain::agent_run::FailureReason;
use serde_json::Value;

use super::wire::TurnError;
use crate::agents::driver::Failure;

/// The `error.code` under which the model proxy refuses a run that has used up its budget. On this API it must do so
/// with HTTP 400: 402, 403 and 429 cause retries or lose the message.
pub const BUDGET_REFUSAL_CODE: &str = "budget_used_up";

pub(super) fn classify(error: &TurnError) -> Failure {
    let details = error.additional_details.as_deref().unwrap_or_default();
    let words = if error.message.is_empty() { details } else { &error.message };
    let (name, status) = info(&error.codex_error_info);
    let reason = if is_budget(&error.message) || is_budget(details) || status == Some(402) {
        FailureReason::Budget
    } else {
        by_name(name, status).or_else(|| by_status(status)).unwrap_or(FailureReason::AgentCrashed)
    };
    Failure::new(reason, readable(words))
}

fn is_budget(text: &str) -> bool {
    text.contains(BUDGET_REFUSAL_CODE)
}

/// The error's name and, where it carries one, the HTTP status.
fn info(info: &Value) -> (&str, Option<u64>) {
    match info {
        Value::String(name) => (name, None),
        Value::Object(fields) => fields
            .iter()
            .next()
            .map_or(("", None), |(name, value)| (name.as_str(), value.get("httpStatusCode").and_then(Value::as_u64))),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => ("", None),
    }
}

fn by_name(name: &str, status: Option<u64>) -> Option<FailureReason> {
    match name {
        "unauthorized" => Some(FailureReason::ProviderAuth),
        "sessionBudgetExceeded" => Some(FailureReason::Budget),
        "usageLimitExceeded"
        | "rateLimitExceeded"
        | "serverOverloaded"
        | "flexUnavailable"
        | "internalServerError"
        | "policyCapacityUnavailable" => Some(FailureReason::ProviderOverloaded),
        "cyberPolicy" | "misalignmentPolicyViolation" | "tooManyDenials" | "inferenceHookDenied" => {
            Some(FailureReason::Policy)
        }
        "sandboxError" => Some(FailureReason::Sandbox),
        // Without a status the provider could not be reached at all.
        "httpConnectionFailed"
        | "responseStreamConnectionFailed"
        | "responseStreamDisconnected"
        | "responseTooManyFailedAttempts"
            if status.is_none() =>
        {
            Some(FailureReason::ProviderOverloaded)
        }
        _ => None,
    }
}

fn by_status(status: Option<u64>) -> Option<FailureReason> {
    match status? {
        401 | 403 => Some(FailureReason::ProviderAuth),
        402 => Some(FailureReason::Budget),
        408 | 429 | 500..=599 => Some(FailureReason::ProviderOverloaded),
        _ => None,
    }
}

/// The provider's own words where the message is its JSON answer.
fn readable(message: &str) -> String {
    let body = serde_json::from_str::<Value>(message).ok();
    let words = body.as_ref().and_then(|body| body.pointer("/error/message")).and_then(Value::as_str);
    words.unwrap_or(message).to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[allow(clippy::needless_pass_by_value, reason = "so that a case is one line")]
    fn reason(info: Value, message: &str) -> FailureReason {
        classify(&serde_json::from_value(json!({"message": message, "codexErrorInfo": info})).unwrap()).reason
    }

    #[test]
    fn each_error_has_its_reason() {
        let status = |name: &str, status: u16| json!({name: {"httpStatusCode": status}});
        assert_eq!(reason(json!("unauthorized"), ""), FailureReason::ProviderAuth);
        assert_eq!(reason(status("httpConnectionFailed", 401), ""), FailureReason::ProviderAuth);
        assert_eq!(reason(status("responseTooManyFailedAttempts", 429), ""), FailureReason::ProviderOverloaded);
        assert_eq!(reason(status("responseStreamDisconnected", 503), ""), FailureReason::ProviderOverloaded);
        assert_eq!(
            reason(json!({"httpConnectionFailed": {"httpStatusCode": null}}), ""),
            FailureReason::ProviderOverloaded
        );
        assert_eq!(reason(json!("serverOverloaded"), ""), FailureReason::ProviderOverloaded);
        assert_eq!(reason(json!("cyberPolicy"), ""), FailureReason::Policy);
        assert_eq!(reason(json!("other"), "odd"), FailureReason::AgentCrashed);
        assert_eq!(reason(json!(["a shape of tomorrow"]), "odd"), FailureReason::AgentCrashed);
    }

    #[test]
    fn the_proxy_s_refusal_is_the_budget_and_reads_as_words() {
        let body = json!({"error": {"code": BUDGET_REFUSAL_CODE, "message": "The run's budget of $0.50 is used up."}});
        let error =
            TurnError { message: body.to_string(), codex_error_info: json!("badRequest"), additional_details: None };
        assert_eq!(classify(&error), Failure::new(FailureReason::Budget, "The run's budget of $0.50 is used up."));
    }
}
