//! The gateway as its callers meet it: requests and sockets against the whole app, with a database of its own, the
//! ledger and the projections running.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
// The client's own error type is large.
#![allow(clippy::result_large_err)]

mod account;
mod attacks;
mod budgets;
mod contract;
mod cut_sockets;
mod files;
mod github;
mod limits;
mod members;
mod mutations;
mod pages;
mod provider_keys;
mod refusals;
mod revocations;
mod rotation;
mod runs;
mod sign_in;
mod sockets;
mod subscriptions;
mod support;
mod tenants;
