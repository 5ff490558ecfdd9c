//! The audit log: who did what to what, and why.

mod read;

pub use read::{AuditEntry, AuditFilter};
