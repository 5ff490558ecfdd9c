//! The model proxy of a run: the only way from a sandbox to a model, and the only holder of the key.
//!
//! An agent gets an address on loopback and a token that is good for its run alone; `lime bridge` leads
//! the address to this proxy's unix socket. The proxy lets model calls pass and nothing else, puts the
//! real key in, passes the answer back as it comes, counts its tokens, and is the hard cap on cost:
//! before a call the [`Purse`] sets aside what it can cost at the most, and where less is left the answer's
//! length is held to that; a call that the budget does not cover is refused (402 on Anthropic's API, 400 on
//! OpenAI's, the codes with which the agents neither retry nor lose the message), one that outgrows what was
//! set aside is cut off.
//!
//! Use: [`ModelProxy::start`] with a socket in the run's directory, take [`ProxyEvent`]s, and
//! [`ModelProxy::stop`] when the agent has ended. [`crate::scrub`] cleans what the agent said.
//!
//! How to add a vendor: a variant of [`ModelApi`] with its paths, key header and error shape
//! (`route.rs`), its usage fields (`usage.rs`) and prices (`prices.rs`), each with its test.

mod budget;
mod events;
mod forward;
mod prices;
mod route;
mod server;
mod usage;

pub use budget::{KeySource, Needs, NoKey, NoMoney, OverBudget, Purse, SetAside};
pub use events::{ModelUsage, ProviderFailure, ProviderFailureKind, ProxyEvent};
pub use prices::{LongPrompt, PRICES_AS_OF, Price, price_of};
pub use route::ModelApi;
pub(crate) use route::over_budget_message;
pub use server::{ModelProxy, ProxyError, ProxySettings, Upstream};
pub use usage::Tokens;
