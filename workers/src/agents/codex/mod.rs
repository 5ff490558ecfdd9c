//! Codex, driven over `codex app-server`: JSON-RPC as lines on its pipes.
//!
//! Its own sandbox is off and it never asks for approval: the worker's sandbox is the wall, and a second one inside does
//! not nest. Written against 0.169.0; `codex app-server generate-json-schema --experimental` prints the protocol of the
//! version at hand.

mod failure;
mod launch;
mod pipes;
mod requests;
mod session;
mod translate;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    content::AttachmentStore,
    desk::ToolDesk,
    driver::{AgentDriver, AgentEnd, AgentStdio, LaunchPaths, LaunchPlan, RunSpec},
    protocol::RunEvent,
};

pub use failure::BUDGET_REFUSAL_CODE;
pub use launch::DEFAULT_MODEL;

/// The provider's id.
pub const PROVIDER: &str = "codex";

#[derive(Clone, Default)]
pub struct CodexDriver {
    attachments: Option<Arc<dyn AttachmentStore>>,
}

impl CodexDriver {
    /// Content that is too long for an event is cut, and lost.
    pub fn new() -> Self {
        Self::default()
    }

    /// Content that is too long for an event is kept in `attachments` and linked.
    pub fn with_attachments(attachments: Arc<dyn AttachmentStore>) -> Self {
        Self { attachments: Some(attachments) }
    }
}

impl std::fmt::Debug for CodexDriver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CodexDriver").field("attachments", &self.attachments.is_some()).finish()
    }
}

#[async_trait]
impl AgentDriver for CodexDriver {
    fn provider(&self) -> &'static str {
        PROVIDER
    }

    fn launch_plan(&self, spec: &RunSpec, paths: &LaunchPaths) -> LaunchPlan {
        launch::plan(spec, paths)
    }

    async fn drive(
        &self,
        spec: &RunSpec,
        stdio: AgentStdio,
        desk: Arc<ToolDesk>,
        events: mpsc::Sender<RunEvent>,
        stop: CancellationToken,
    ) -> AgentEnd {
        session::drive(spec, stdio, desk, events, stop, self.attachments.as_deref()).await
    }
}
