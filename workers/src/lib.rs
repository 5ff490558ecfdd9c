//! What acts.

pub mod agents;
pub mod sandbox;
