//! What acts.

pub mod agents;
