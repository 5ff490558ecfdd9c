//! What acts.

pub mod agents;
pub mod proxy;
pub mod sandbox;
pub mod workspace;
