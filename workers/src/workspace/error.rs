//! What can go wrong between a repository's address and an agent's diff. The reasons are words for a person.

use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// The address is not one this instance clones from.
    #[error("this address cannot be cloned: {reason}")]
    Url { reason: String },
    /// A branch or tag name that git would not take, or that we do not.
    #[error("{name:?} is no usable branch or tag name: {reason}")]
    RefName { name: String, reason: &'static str },
    /// The repository could not be fetched.
    #[error("the repository could not be cloned: {reason}")]
    Clone { reason: String },
    /// The repository is there, the branch, tag or commit is not.
    #[error("the repository has no branch, tag or commit {name:?}")]
    UnknownRef { name: String },
    /// It took longer than allowed and was ended.
    #[error("{what} took longer than {limit_ms} ms")]
    Timeout { what: &'static str, limit_ms: u64 },
    /// It is larger than allowed: `limit` counts what `what` says.
    #[error("{what} is more than {limit}")]
    TooLarge { what: &'static str, limit: u64 },
    /// The agent's commits could not be taken over.
    #[error("the agent's commits were not taken over: {reason}")]
    Bundle { reason: String },
    /// The git program is missing, too old or broken on our own side.
    #[error("git failed to {what}: {reason}")]
    Git { what: &'static str, reason: String },
    /// A file of the worker's own.
    #[error("failed to {what} {path}")]
    File {
        what: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl WorkspaceError {
    /// For `map_err`.
    pub(crate) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }
}
