//! A scripted stand-in for a model vendor's HTTP API.
//!
//! It plays fixed assistant turns, so that real agent programs run end to end with no network, no key and the same
//! result every time. It speaks `OpenAI` Responses (`POST …/responses`), Anthropic Messages (`POST …/messages` and
//! `…/messages/count_tokens`) and `GET …/models`, on loopback or on a Unix socket.
//!
//! No conversation is kept: the turn to play is found by counting the assistant turns that the request already carries,
//! so a retry gets the same answer again and a resumed session goes on where it stopped. The script's format is
//! described at [`Script`]; scripts that stand ready are in `testkit/scripts/`.
//!
//! To add an API: a file beside `responses.rs` with `read`, `whole`, `frames` and `refusal`, and an arm in [`Api`].

mod messages;
mod playback;
mod responses;
mod script;
mod server;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

pub use script::{ErrorTurn, Scenario, Script, ScriptError, ToolUse, Turn, TurnUsage};

/// The vendor APIs that can be played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    Responses,
    Messages,
}

/// One request that reached the model, kept for assertions.
#[derive(Debug, Clone, Serialize)]
pub struct Call {
    /// Counted from 0 in order of arrival.
    pub n: usize,
    /// Since the model was started.
    pub at_ms: u64,
    pub method: String,
    pub path: String,
    pub api: Option<Api>,
    /// The scenario that was played, by its name.
    pub scenario: Option<String>,
    /// How many assistant turns the request already carried.
    pub turn: usize,
    /// A request that offers no tools (a title, a summary): it gets the scenario's `side` turn.
    pub side: bool,
    pub model: Option<String>,
    pub stream: bool,
    /// Names of the tools that were offered.
    pub tools: Vec<String>,
    /// The credential as sent: `x-api-key`, or the whole `authorization` header.
    pub credential: Option<String>,
    /// The whole request; `Null` when it was not JSON or there was none.
    pub body: Value,
}

/// Every call so far, and a signal for each.
#[derive(Debug)]
struct Calls {
    started: Instant,
    kept: Mutex<Vec<Call>>,
    count: watch::Sender<usize>,
    log: Option<Mutex<std::fs::File>>,
}

impl Calls {
    fn note(&self, mut call: Call) -> usize {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        call.n = kept.len();
        call.at_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let n = call.n;
        if let Some(log) = &self.log {
            use std::io::Write as _;
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) =
                serde_json::to_writer(&mut *log, &call).map_err(Into::into).and_then(|()| log.write_all(b"\n"))
            {
                tracing::warn!(%error, "the call log was not written");
            }
        }
        kept.push(call);
        self.count.send_replace(kept.len());
        n
    }

    fn all(&self) -> Vec<Call> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// How a [`ScriptedModel`] is started.
#[derive(Debug, Default)]
pub struct ModelSettings {
    /// Replaces `${NAME}` in the script's strings.
    pub variables: Vec<(String, String)>,
    /// Each call is appended to this file as a JSON line.
    pub log: Option<PathBuf>,
    /// Waited before every turn, so that a person can watch.
    pub pace: Duration,
}

/// A running scripted model; it stops when dropped.
#[derive(Debug)]
pub struct ScriptedModel {
    address: String,
    calls: Arc<Calls>,
    stopping: CancellationToken,
    server: JoinHandle<()>,
}

impl ScriptedModel {
    /// Starts on a free loopback port without variables: what most tests want.
    pub async fn start(script: Script) -> anyhow::Result<Self> {
        Self::start_on_port(script, 0, ModelSettings::default()).await
    }

    /// Starts on `127.0.0.1:port`; port 0 takes a free one.
    pub async fn start_on_port(script: Script, port: u16, settings: ModelSettings) -> anyhow::Result<Self> {
        let listener =
            TcpListener::bind(("127.0.0.1", port)).await.with_context(|| format!("binding 127.0.0.1:{port}"))?;
        let address = format!("http://{}", listener.local_addr().context("reading the bound address")?);
        Self::serve(script, listener, address, settings)
    }

    /// Starts on a Unix socket at `path`, replacing a stale one.
    #[cfg(unix)]
    pub async fn start_on_socket(script: Script, path: &Path, settings: ModelSettings) -> anyhow::Result<Self> {
        match tokio::fs::remove_file(path).await {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("removing the old socket {}", path.display())),
        }
        let listener = tokio::net::UnixListener::bind(path).with_context(|| format!("binding {}", path.display()))?;
        Self::serve(script, listener, format!("unix:{}", path.display()), settings)
    }

    fn serve<L>(script: Script, listener: L, address: String, settings: ModelSettings) -> anyhow::Result<Self>
    where
        L: axum::serve::Listener,
        L::Addr: std::fmt::Debug,
    {
        let log = match &settings.log {
            None => None,
            Some(path) => {
                let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
                Some(Mutex::new(file.with_context(|| format!("opening the call log {}", path.display()))?))
            }
        };
        let calls = Arc::new(Calls {
            started: Instant::now(),
            kept: Mutex::new(Vec::new()),
            count: watch::Sender::new(0),
            log,
        });
        let stopping = CancellationToken::new();
        let app = server::router(
            script.with_variables(settings.variables),
            Arc::clone(&calls),
            stopping.clone(),
            settings.pace,
        );
        let stop = stopping.clone();
        let server = tokio::spawn(async move {
            tokio::select! {
                ended = axum::serve(listener, app).into_future() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "the scripted model stopped serving");
                    }
                }
                () = stop.cancelled() => {}
            }
        });
        Ok(Self { address, calls, stopping, server })
    }

    /// `http://127.0.0.1:PORT`, or `unix:PATH`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The base URL as agents of the Responses API want it, ending in `/v1`.
    pub fn base_url(&self) -> String {
        format!("{}/v1", self.address)
    }

    /// Every call so far.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.all()
    }

    /// Waits until `count` calls have arrived, and returns all.
    pub async fn wait_for_calls(&self, count: usize, within: Duration) -> anyhow::Result<Vec<Call>> {
        let mut seen = self.calls.count.subscribe();
        tokio::time::timeout(within, seen.wait_for(|&n| n >= count)).await.with_context(|| {
            format!("{} of {count} calls reached the model within {within:?}", self.calls().len())
        })??;
        Ok(self.calls())
    }

    /// Runs until the process is told to stop.
    pub async fn serve_forever(mut self) {
        if let Err(error) = (&mut self.server).await {
            tracing::error!(%error, "the scripted model ended");
        }
    }
}

impl Drop for ScriptedModel {
    fn drop(&mut self) {
        self.stopping.cancel();
        self.server.abort();
    }
}
