//! The proxy's side of a budget: what a call can cost at the most, and the purse that says whether it may.

use super::prices::{Price, price_of};
use super::route::ModelApi;
use super::usage::Tokens;
use async_trait::async_trait;
use bytes::Bytes;
use domain::org::BudgetScope;
use secrecy::SecretString;
use serde_json::Value;
use uuid::Uuid;

/// How a budget stands that bounds a call, in micros of a US dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverBudget {
    /// [`BudgetScope::EachRun`]: the run's own.
    pub scope: BudgetScope,
    pub limit_usd_micros: u64,
    pub spent_usd_micros: u64,
}

/// What a call needs set aside: as much as it can cost (`most`) where there is that much; else what is left, up to
/// `enough`; never below `least`. In micros of a US dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    pub least: u64,
    pub enough: u64,
    pub most: u64,
}

/// What was set aside for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetAside {
    pub amount_usd_micros: u64,
    /// The budget that has the least left, as it stood before: the call is held to the amount. None: nothing bounds it.
    pub tightest: Option<OverBudget>,
}

/// Why a call may not be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoMoney {
    OverBudget(OverBudget),
    /// The run is another worker's by now, or has ended.
    LeaseLost,
    /// In words: the budgets cannot be asked, so nothing is spent.
    Unknown(String),
}

/// Where the money of a run's calls comes from.
#[async_trait]
pub trait Purse: Send + Sync + std::fmt::Debug {
    /// Sets money aside for a call, waiting for others' calls where what they have set aside is all that is left.
    async fn set_aside(&self, call: Uuid, needs: Needs) -> Result<SetAside, NoMoney>;

    /// The call is over and cost this; what it did not need is free.
    async fn settle(&self, call: Uuid, cost_usd_micros: u64);
}

/// Why there is no key to call the model with; in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoKey {
    /// Nobody has set one, or it was taken away.
    NotSet(String),
    /// It cannot be read just now: the agent may try again.
    Unreadable(String),
}

impl NoKey {
    pub fn message(&self) -> &str {
        match self {
            Self::NotSet(message) | Self::Unreadable(message) => message,
        }
    }
}

/// Where the model's key comes from, at the moment of each call.
#[async_trait]
pub trait KeySource: Send + Sync + std::fmt::Debug {
    async fn key(&self) -> Result<SecretString, NoKey>;

    /// How the provider took the key: accepted, or refused with this status.
    async fn taken(&self, refused_with: Option<u16>);
}

/// Bytes of a question to a token, at the least: no text that agents send is denser. Text and code have three to four,
/// and a budget must hold for what is dense too.
const DENSEST: u64 = 2;
/// No model of the table answers with more.
const LONGEST_ANSWER: u64 = 128_000;
/// An answer that is held shorter than this is not worth its question.
const SHORTEST_ANSWER: u64 = 1_000;
/// What a call is given of a budget that cannot bear the longest answer: the rest is for calls beside it.
const LONG_ANSWER: u64 = 32_000;

/// What is looked at of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub model: String,
    /// The longest answer that it allows, in tokens.
    longest_answer: Option<u64>,
    /// Of an answer, set aside for thinking: the bound must be above it.
    thinking: u64,
}

impl Asked {
    /// None: it is no question that names a model.
    pub(crate) fn read(api: ModelApi, body: &Bytes) -> Option<Self> {
        let question: Value = serde_json::from_slice(body).ok()?;
        let model = question.get("model")?.as_str()?;
        if !(1..=100).contains(&model.chars().count()) {
            return None;
        }
        let bounds = api.answer_bounds().iter().filter_map(|field| question.get(field)?.as_u64());
        let thinking = question.pointer("/thinking/budget_tokens").and_then(Value::as_u64).unwrap_or_default();
        Some(Self { model: model.to_owned(), longest_answer: bounds.min(), thinking })
    }

    fn cost(&self, body_bytes: usize, answer: u64) -> u64 {
        let question = (body_bytes as u64).div_ceil(DENSEST);
        let price = dearest_input(price_of(&self.model).0);
        price.cost_usd_micros(&Tokens { input: question, output: answer, ..Tokens::default() })
    }

    pub(crate) fn needs(&self, body_bytes: usize) -> Needs {
        let longest = self.longest_answer.unwrap_or(LONGEST_ANSWER);
        let cost = |answer: u64| self.cost(body_bytes, answer.min(longest));
        Needs {
            least: cost(self.thinking.saturating_add(SHORTEST_ANSWER)),
            enough: cost(self.thinking.saturating_add(LONG_ANSWER)),
            most: cost(longest),
        }
    }

    /// The longest answer that the amount pays for, beside the question.
    fn affordable_answer(&self, body_bytes: usize, amount: u64) -> u64 {
        let (mut fits, mut too_long) = (0, self.longest_answer.unwrap_or(LONGEST_ANSWER) + 1);
        while too_long - fits > 1 {
            let middle = fits + (too_long - fits) / 2;
            if self.cost(body_bytes, middle) <= amount { fits = middle } else { too_long = middle }
        }
        fits
    }

    /// The question, with its answer held to what the amount pays for. Unchanged when it needs no holding.
    pub(crate) fn held_to(&self, api: ModelApi, path: &str, body: Bytes, amount: u64) -> Bytes {
        if self.needs(body.len()).most <= amount {
            return body;
        }
        let Ok(Value::Object(mut question)) = serde_json::from_slice(&body) else { return body };
        let bound = self.affordable_answer(body.len(), amount);
        let given = api.answer_bounds().iter().find(|field| question.contains_key(**field));
        let field = given.copied().unwrap_or(api.answer_bound(path));
        question.insert(field.to_owned(), Value::from(bound));
        Bytes::from(Value::Object(question).to_string())
    }
}

/// Whether input is read from a cache or written to one is not known before: the dearest counts.
fn dearest_input(price: Price) -> Price {
    Price { input: price.input.max(price.cache_write).max(price.cached_input), ..price }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn asked(question: &Value) -> (Asked, Bytes) {
        let body = Bytes::from(question.to_string());
        (Asked::read(ModelApi::OpenAi, &body).unwrap(), body)
    }

    #[test]
    fn a_call_needs_what_it_can_cost_at_the_most() {
        let (asked, _) = asked(&json!({ "model": "gpt-5", "input": "x" }));
        // 2,000 bytes are at most 1,000 tokens at $1.25 a million; an answer at most 128,000 at $10.
        let needs = asked.needs(2_000);
        assert_eq!(needs, Needs { least: 1_250 + 10_000, enough: 1_250 + 320_000, most: 1_250 + 1_280_000 });
    }

    #[test]
    fn a_question_that_bounds_its_answer_needs_less() {
        let (asked, body) = asked(&json!({ "model": "gpt-5", "max_output_tokens": 500 }));
        let needs = asked.needs(2_000);
        assert_eq!(needs, Needs { least: 6_250, enough: 6_250, most: 6_250 });
        assert_eq!(asked.held_to(ModelApi::OpenAi, "/v1/responses", body.clone(), needs.most), body);
    }

    #[test]
    fn an_answer_is_held_to_what_is_left() {
        for (api, path, field) in [
            (ModelApi::OpenAi, "/v1/responses", "max_output_tokens"),
            (ModelApi::OpenAi, "/v1/chat/completions", "max_completion_tokens"),
            (ModelApi::Anthropic, "/v1/messages", "max_tokens"),
        ] {
            let (asked, body) = asked(&json!({ "model": "gpt-5", "input": "x".repeat(1_000) }));
            let left = asked.needs(body.len()).least + 10_000;
            let held = asked.held_to(api, path, body.clone(), left);
            let question: Value = serde_json::from_slice(&held).unwrap();
            let bound = question[field].as_u64().unwrap();
            assert_eq!(bound, 2_000, "{question}");
            assert!(asked.cost(body.len(), bound) <= left && asked.cost(body.len(), bound + 1) > left);
            assert_eq!(question["input"], json!("x".repeat(1_000)));
        }
    }

    #[test]
    fn a_long_prompt_and_a_cache_that_is_written_cost_their_price() {
        let (long, _) = asked(&json!({ "model": "gpt-5.5", "input": "x" }));
        // 300,000 tokens are above 272,000: twice the price of the input, one and a half times that of the answer.
        assert_eq!(long.needs(600_000).least, 300_000 * 10 + 1_000 * 45);
        let (cached, _) = asked(&json!({ "model": "claude-sonnet-4-5", "max_tokens": 100 }));
        assert_eq!(cached.needs(2_000).most, 1_000 * 6 + 100 * 15);
    }

    #[test]
    fn thinking_stays_possible() {
        let question =
            json!({ "model": "claude-sonnet-4-5", "max_tokens": 20_000, "thinking": { "budget_tokens": 8_000 } });
        let (asked, _) = asked(&question);
        assert_eq!(asked.needs(0).least, 9_000 * 15);
    }
}
