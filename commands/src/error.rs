//! The ways in which a command does not succeed. Each is a different thing to the person who sent it.

use chrono::{DateTime, Utc};
use domain::{Actor, Version};

pub(crate) type Source = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// A rule said no. `reason` is a stable name such as `ARCHIVED`; `message` is for people.
    #[error("{message}")]
    Rejected { reason: &'static str, message: String },
    /// A lost race: somebody changed the same `facet` after the version that the sender saw.
    #[error("{by} changed the {facet} meanwhile (version {version})")]
    Stale { by: Actor, at: DateTime<Utc>, version: Version, facet: &'static str },
    #[error("not allowed")]
    Denied,
    /// Unknown, or of another org: both answer alike.
    #[error("not found")]
    NotFound,
    /// The input is not well formed, or the command id was used before with other input (`field` is `commandId`).
    #[error("{field}: {message}")]
    Invalid { field: String, message: String },
    /// PostgreSQL does not answer. Nothing was acknowledged; the same command may be sent again.
    #[error("the database does not answer")]
    Unavailable {
        #[source]
        source: Source,
    },
    #[error("storage is low: nothing is written until there is space again")]
    StorageLow,
    /// Something broke.
    #[error("the command failed")]
    Failed {
        #[source]
        source: Source,
    },
}

impl CommandError {
    pub(crate) fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid { field: field.to_owned(), message: message.into() }
    }
}
