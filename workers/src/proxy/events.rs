//! What a run learns from its proxy.

use super::budget::OverBudget;

/// What one model call took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelUsage {
    pub model: String,
    /// All input: fresh, cached and written to the cache.
    pub input_tokens: u64,
    /// The part of the input that was served from the vendor's cache.
    pub cached_input_tokens: u64,
    pub output_tokens: u64,
    pub cost_usd_micros: u64,
    /// The table has this model; if not, the dearest price was taken.
    pub price_known: bool,
    /// The answer broke off or did not say: counted from what passed.
    pub estimated: bool,
}

/// Why a call to the vendor failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderFailureKind {
    /// The key is not taken (401, 403): the run's failure reason `provider_auth`.
    Auth,
    /// Asked to come again later (429, 503, 529): `provider_overloaded` when the agent gives up over it.
    Overloaded,
    /// Any other refusal.
    Rejected,
    /// No connection, no answer.
    Unreachable,
    /// The answer ended in its middle.
    BrokeOff,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderFailure {
    pub kind: ProviderFailureKind,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// In words, free of secrets, at most some hundred characters.
    pub message: String,
}

/// What happens at the proxy, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxyEvent {
    Usage(ModelUsage),
    ProviderFailed(ProviderFailure),
    /// A call was refused or cut off: the run's failure reason `budget`.
    OverBudget(OverBudget),
    /// The agent asked for something else than a model, or with a wrong token.
    Refused {
        method: String,
        path: String,
    },
}
