//! Why a sandbox could not be made. What a process did inside it is no error here: see [`super::Ended`].

use std::io;
use std::path::PathBuf;

/// A sandbox that could not be built or started.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// This machine cannot make a sandbox at all. `remedy` says in words what an operator can do.
    #[error("no sandbox can be made here: {reason} ({remedy})")]
    Unavailable { reason: String, remedy: String },
    /// A path that should have been bound into the sandbox is not there or cannot be read.
    #[error("{path} cannot be given to the sandbox")]
    Bind {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The spec asks for something that is not allowed, such as a relative target path.
    #[error("the sandbox was described wrongly: {reason}")]
    Spec { reason: String },
    /// The seccomp filter could not be compiled for this processor.
    #[error("failed to compile the system call filter")]
    Seccomp {
        #[source]
        source: seccompiler::BackendError,
    },
    /// A descriptor, pipe or memory file for the start could not be made.
    #[error("failed to prepare the sandbox: {what}")]
    Prepare {
        what: &'static str,
        #[source]
        source: io::Error,
    },
    /// bubblewrap could not be executed.
    #[error("failed to start {program}")]
    Spawn {
        program: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The sandbox was started but did not come up; `reason` is what it printed.
    #[error("the sandbox did not come up: {reason}")]
    Start { reason: String },
    /// The sandbox is up, but the program given could not be executed in it.
    #[error("the program cannot be run in the sandbox: {reason}")]
    Program { reason: String },
    /// The sandbox did not report itself within the time given for its start.
    #[error("the sandbox was not up after {after_ms} ms")]
    StartTimeout { after_ms: u64 },
}
