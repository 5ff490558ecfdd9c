//! What a model's tokens cost. A table of ours: Codex reports no dollars, and a budget that trusted an
//! agent's own figures would be no budget.
//!
//! As of **2026-11-22**, from the vendors' price pages (OpenAI: developers.openai.com/api/docs/pricing;
//! Anthropic: platform.claude.com/docs/en/about-claude/pricing), standard tier. To change a price, edit
//! the row and the date; the past keeps the cost it was recorded with.

use super::usage::Tokens;

/// The day this table was last compared with the vendors' pages.
pub const PRICES_AS_OF: &str = "2026-11-22";

/// Prices in micros of a US dollar for a million tokens: 1,250,000 is $1.25.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    pub input: u64,
    pub cached_input: u64,
    pub cache_write: u64,
    pub output: u64,
    /// A prompt above this many tokens makes the whole call cost more.
    pub long_prompt: Option<LongPrompt>,
}

/// Factors in percent on a call's input and output prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LongPrompt {
    pub above_tokens: u64,
    pub input_percent: u64,
    pub output_percent: u64,
}

impl Price {
    /// In micros of a US dollar, rounded up: many small calls must not add up to nothing.
    pub fn cost_usd_micros(&self, tokens: &Tokens) -> u64 {
        let prompt = tokens.input + tokens.cached_input + tokens.cache_write;
        let long = self.long_prompt.filter(|long| prompt > long.above_tokens);
        let (input_percent, output_percent) = long.map_or((100, 100), |long| (long.input_percent, long.output_percent));
        let of = |count: u64, price: u64| u128::from(count) * u128::from(price);
        let input = of(tokens.input, self.input)
            + of(tokens.cached_input, self.cached_input)
            + of(tokens.cache_write, self.cache_write);
        let total = input * u128::from(input_percent) + of(tokens.output, self.output) * u128::from(output_percent);
        u64::try_from(total.div_ceil(100_000_000)).unwrap_or(u64::MAX)
    }
}

/// Cents for a million tokens: input, cached input in hundredths of a cent, output. OpenAI does not
/// report cache writes on their own, so they are priced as input.
const fn openai(input: u64, cached_input: u64, output: u64) -> Price {
    let (input, output) = (input * 10_000, output * 10_000);
    Price { input, cached_input: cached_input * 100, cache_write: input, output, long_prompt: None }
}

/// Since GPT-5.4 a prompt above 272,000 tokens doubles the input price and adds half to the output's.
const fn openai_long(input: u64, cached_input: u64, output: u64) -> Price {
    let long = LongPrompt { above_tokens: 272_000, input_percent: 200, output_percent: 150 };
    Price { long_prompt: Some(long), ..openai(input, cached_input, output) }
}

/// Cache writes of an hour cost twice the input; those of five minutes 1.25 times. The stream does not
/// always tell them apart, so the dearer one counts.
const fn anthropic(input: u64, cached_input: u64, output: u64) -> Price {
    let (input, output) = (input * 10_000, output * 10_000);
    Price { input, cached_input: cached_input * 100, cache_write: input * 2, output, long_prompt: None }
}

const HAIKU_5_5: Price = Price {
    long_prompt: Some(LongPrompt { above_tokens: 100_000, input_percent: 500, output_percent: 500 }),
    ..anthropic(10, 100, 50)
};

/// Beginnings of model names. The longest that matches counts, so `gpt-5.5-2026-04-01` is `gpt-5.5`.
const PRICES: &[(&str, Price)] = &[
    ("gpt-6-astra", openai_long(1_000, 10_000, 5_000)),
    ("gpt-6-sol", openai_long(200, 2_000, 1_000)),
    ("gpt-6-luna", openai_long(10, 100, 50)),
    ("gpt-6.1-sol", openai_long(200, 1_000, 1_000)),
    ("gpt-6.1-terra", openai_long(100, 500, 500)),
    ("gpt-5.6", openai_long(500, 5_000, 3_000)),
    ("gpt-5.6-sol", openai_long(500, 5_000, 3_000)),
    ("gpt-5.6-terra", openai_long(200, 2_000, 1_200)),
    ("gpt-5.6-luna", openai_long(20, 200, 120)),
    ("gpt-5.5", openai_long(500, 5_000, 3_000)),
    ("gpt-5.4", openai_long(250, 2_500, 1_500)),
    ("gpt-5.4-mini", openai(75, 750, 450)),
    ("gpt-5.4-nano", openai(20, 200, 125)),
    ("gpt-5.3-codex", openai(175, 1_750, 1_400)),
    ("gpt-5.2", openai(175, 1_750, 1_400)),
    ("gpt-5.1", openai(125, 1_250, 1_000)),
    ("gpt-5", openai(125, 1_250, 1_000)),
    ("gpt-5-mini", openai(25, 250, 200)),
    ("gpt-5.1-codex-mini", openai(25, 250, 200)),
    ("gpt-5-nano", openai(5, 50, 40)),
    ("gpt-4.1", openai(200, 5_000, 800)),
    ("codex-mini", openai(150, 3_750, 600)),
    ("o3", openai(200, 5_000, 800)),
    ("o4-mini", openai(110, 2_750, 440)),
    ("claude-opus-5-5", anthropic(400, 2_000, 2_000)),
    ("claude-opus-5", anthropic(500, 5_000, 2_500)),
    ("claude-opus-4", anthropic(1_500, 15_000, 7_500)),
    ("claude-opus-4-5", anthropic(500, 5_000, 2_500)),
    ("claude-opus-4-6", anthropic(500, 5_000, 2_500)),
    ("claude-opus-4-7", anthropic(500, 5_000, 2_500)),
    ("claude-opus-4-8", anthropic(500, 5_000, 2_500)),
    ("claude-fable-5", anthropic(1_000, 10_000, 5_000)),
    ("claude-fable-5-1", anthropic(1_000, 2_500, 5_000)),
    ("claude-sonnet-5", anthropic(200, 2_000, 1_000)),
    ("claude-sonnet-5-5", anthropic(200, 1_000, 1_000)),
    ("claude-sonnet-4", anthropic(300, 3_000, 1_500)),
    ("claude-haiku-5-5", HAIKU_5_5),
    ("claude-haiku-4", anthropic(100, 1_000, 500)),
    ("claude-3-5-haiku", anthropic(80, 800, 400)),
];

/// For a model that is not in the table: dearer than all that are, so that a budget holds.
const UNKNOWN: Price = anthropic(1_500, 15_000, 7_500);

/// A model's price, and whether the table knows the model.
pub fn price_of(model: &str) -> (Price, bool) {
    let known = PRICES.iter().filter(|(name, _)| begins(model, name)).max_by_key(|(name, _)| name.len());
    known.map_or((UNKNOWN, false), |(_, price)| (*price, true))
}

/// `gpt-5` begins `gpt-5-2026-01-01` and `gpt-5-codex`, but not `gpt-50` and not `gpt-5.9`.
fn begins(model: &str, name: &str) -> bool {
    let rest = model.strip_prefix(name);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '[', ':', '@']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(input: u64, cached_input: u64, cache_write: u64, output: u64) -> Tokens {
        Tokens { input, cached_input, cache_write, output }
    }

    #[test]
    fn the_longest_beginning_counts() {
        assert_eq!(price_of("gpt-5.5-2026-04-01").0.input, 5_000_000);
        assert_eq!(price_of("gpt-5-codex").0.input, 1_250_000);
        assert_eq!(price_of("gpt-5-mini-2026-01-01").0.input, 250_000);
        assert_eq!(price_of("claude-sonnet-4-5-20250929").0.output, 15_000_000);
        assert_eq!(price_of("claude-opus-4-1").0.input, 15_000_000);
    }

    #[test]
    fn an_unknown_model_is_the_dearest() {
        for unknown in ["gpt-50", "gpt-5.9", "llama", ""] {
            let (price, known) = price_of(unknown);
            assert!(!known, "{unknown}");
            assert!(PRICES.iter().all(|(_, other)| other.input <= price.input && other.output <= price.output));
        }
    }

    #[test]
    fn a_call_costs_what_the_page_says() {
        // 1,000 fresh at $1.25, 9,000 cached at $0.125, 500 out at $10 a million.
        assert_eq!(price_of("gpt-5").0.cost_usd_micros(&tokens(1_000, 9_000, 0, 500)), 1_250 + 1_125 + 5_000);
        // A long prompt: everything at the raised price.
        let cost = price_of("gpt-5.5").0.cost_usd_micros(&tokens(300_000, 0, 0, 1_000));
        assert_eq!(cost, 300_000 * 10 + 1_000 * 45);
    }

    #[test]
    fn less_than_a_micro_rounds_up() {
        assert_eq!(price_of("gpt-5-nano").0.cost_usd_micros(&tokens(1, 0, 0, 0)), 1);
        assert_eq!(price_of("gpt-5-nano").0.cost_usd_micros(&tokens(0, 0, 0, 0)), 0);
    }
}
