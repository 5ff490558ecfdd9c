//! Runs of agents through the product: the built `lime`, the real Codex program in its sandbox, a model that plays a
//! script, a git repository over smart HTTP.

#[path = "../product/mod.rs"]
mod product;

mod bad_input;
mod floor;
mod line;
mod money;
mod secrets;
mod socket;
mod stops;
