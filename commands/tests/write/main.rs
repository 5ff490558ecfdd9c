//! The write side on a real PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
// A test of a use-case file uses most of what the file has.
#![allow(clippy::wildcard_imports)]

mod answers;
mod away;
mod budgets;
mod members;
mod places;
mod plans;
mod projects;
mod provider_keys;
mod runs;
mod staleness;
mod tenants;
mod tickets;
mod vault;
mod world;
