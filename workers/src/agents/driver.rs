//! The port that a provider implements: how its program is launched, and how a run is driven over its pipes.

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::agent_run::{FailureReason, RunMode};
use secrecy::SecretString;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

use super::{desk::ToolDesk, prompts::PromptPart, protocol::RunEvent};

/// Everything that a driver must know of a run.
#[derive(Debug, Clone)]
pub struct RunSpec {
    pub mode: RunMode,
    /// Unguessable and of this run only: marks off the parts of the prompt, so that no part can pretend to be another.
    pub boundary: String,
    pub prompt: Vec<PromptPart>,
    /// The work tree, as the agent's process sees it.
    pub cwd: PathBuf,
    /// Where the agent finds its model: the run's proxy. Ends in `/v1`.
    pub model_base_url: String,
    pub model: Option<String>,
    /// What the agent shows the proxy instead of a key; it dies with the run.
    pub run_token: SecretString,
    /// Further values that must never reach the transcript.
    pub secrets: Vec<SecretString>,
    pub limits: RunLimits,
}

#[derive(Debug, Clone)]
pub struct RunLimits {
    /// Wall time from the first word to the last; then the run fails with `time`.
    pub time_budget: Duration,
    /// How long the program may take to answer for the first time.
    pub start_timeout: Duration,
    /// How long an interrupted agent may take to stop by itself before it is left to the sandbox's kill.
    pub interrupt_grace: Duration,
}

impl Default for RunLimits {
    fn default() -> Self {
        Self {
            time_budget: Duration::from_hours(1),
            start_timeout: Duration::from_secs(30),
            // Cancel ends the whole process tree within a second: this leaves the larger half of it to the kill.
            interrupt_grace: Duration::from_millis(400),
        }
    }
}

/// Where things are when the agent starts, as its process sees them.
#[derive(Debug, Clone)]
pub struct LaunchPaths {
    /// The provider's program, as [`super::programs`] found it.
    pub program: PathBuf,
    /// A private, writable folder for the agent's own files; never inside the work tree.
    pub agent_home: PathBuf,
}

/// What the sandbox must start, and what must be in place before.
#[derive(Debug, Clone)]
pub struct LaunchPlan {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// The whole environment: nothing else is passed on.
    pub environment: Vec<(String, String)>,
    /// To be written below the agent's home.
    pub home_files: Vec<HomeFile>,
    /// Folders that must be readable inside at the same path.
    pub read_only: Vec<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HomeFile {
    /// Below the agent's home.
    pub path: PathBuf,
    pub contents: String,
}

/// The pipes of a process that already runs.
pub struct AgentStdio {
    pub(crate) stdin: Box<dyn AsyncWrite + Send + Unpin>,
    pub(crate) stdout: Box<dyn AsyncRead + Send + Unpin>,
    pub(crate) stderr: Box<dyn AsyncRead + Send + Unpin>,
}

impl AgentStdio {
    pub fn new(
        stdin: impl AsyncWrite + Send + Unpin + 'static,
        stdout: impl AsyncRead + Send + Unpin + 'static,
        stderr: impl AsyncRead + Send + Unpin + 'static,
    ) -> Self {
        Self { stdin: Box::new(stdin), stdout: Box::new(stdout), stderr: Box::new(stderr) }
    }
}

impl std::fmt::Debug for AgentStdio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AgentStdio").finish_non_exhaustive()
    }
}

/// How the agent's part of a run ended. The process may still live: ending it is the sandbox's work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentEnd {
    /// It says that it is done; `summary` are its last words.
    Completed { summary: String },
    /// `stop` was cancelled.
    Interrupted,
    /// An `error` event with the same reason was sent before.
    Failed(Failure),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub reason: FailureReason,
    pub message: String,
}

impl Failure {
    pub fn new(reason: FailureReason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

/// A provider's way of being driven.
#[async_trait]
pub trait AgentDriver: Send + Sync {
    /// The provider's id as `startRun` names it.
    fn provider(&self) -> &'static str;

    fn launch_plan(&self, spec: &RunSpec, paths: &LaunchPaths) -> LaunchPlan;

    /// Drives one run from the first word to the last.
    ///
    /// Events come in order and already cut to their size. The channel's bound is the brake on an agent that floods: while
    /// it is full nothing more is read. A receiver that goes away stops the run like `stop` does.
    async fn drive(
        &self,
        spec: &RunSpec,
        stdio: AgentStdio,
        desk: Arc<ToolDesk>,
        events: mpsc::Sender<RunEvent>,
        stop: CancellationToken,
    ) -> AgentEnd;
}
