//! The audit log: who did what to what, and why.

mod project;
mod read;

pub use project::AuditProjection;
pub use read::{AuditEntry, AuditFilter};

/// The projection's name: for hints and for [`crate::Reads::wait_for`].
pub const NAME: &str = "audit";
