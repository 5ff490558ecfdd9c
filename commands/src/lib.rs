//! The write side: commands in, events out.
//!
//! A command function ([`ticket::move_ticket`]) fetches what its rule needs to know, puts it into the domain's command
//! and hands that to the executor: answered before? → load → decide → append → wait a moment for the position.
//! PostgreSQL's commit is the only acknowledgement.
//!
//! Whether the caller may act in the org is judged before, by the gateway; here every id in an input must belong to
//! [`Caller::org`], else the answer is [`CommandError::NotFound`], as for an unknown one.
//!
//! # How to add a command
//! 1. Add it to its aggregate in `domain` (that crate's head says how).
//! 2. Add an input struct with garde's length rules and a function to the use-case file of its aggregate here; copy
//!    [`ticket::assign_ticket`]. Foreign facts are fetched in that function, never in `decide`.
//! 3. Test it on a real database in `tests/`: done, rejected, repeated, foreign org.

mod caller;
mod error;
mod executor;
mod input;
mod numbers;
mod place;
mod settings;
mod store;

pub mod agent_run;
pub mod budget;
pub mod ledger;
pub mod objects;
pub mod org;
pub mod project;
pub mod provider_key;
pub mod repo_connection;
pub mod ticket;
pub mod vault;

pub use caller::{Accepted, Caller};
pub use error::CommandError;
pub use executor::Commands;
pub use settings::CommandSettings;
