//! Private servers as children: started, watched, restarted, and stopped with us.
//!
//! A child's death never ends this process: it is started again after 0.2 s, 0.4 s … 30 s, and after five ends within
//! a minute it is left down, with the last lines of its log. When this process dies, however it dies, the system ends
//! the children (see [`starter`]).

mod backoff;
mod nats;
mod postgres;
mod starter;

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use self::backoff::{Exits, Next};
pub(crate) use self::nats::Nats;
pub(crate) use self::postgres::{Postgres, check_durability};
pub(crate) use self::starter::Starter;

const READY_WITHIN: Duration = Duration::from_secs(60);
const LOG_LINES_SHOWN: usize = 12;

/// What a kind of server knows of itself; the watching is the same for all.
pub(crate) trait Server: Send + 'static {
    fn name(&self) -> &'static str;

    /// The file that the child's output goes to.
    fn log(&self) -> &Path;

    /// Before each start: data directory, settings, what a killed predecessor left.
    fn prepare(&mut self, starter: &Starter) -> impl Future<Output = anyhow::Result<()>> + Send;

    fn command(&self) -> anyhow::Result<Command>;

    /// Whether the child with this process id answers.
    fn is_ready(&mut self, pid: u32) -> impl Future<Output = bool> + Send;

    /// The signal for a clean stop.
    fn stop_signal(&self) -> Signal;

    /// After an end that nobody asked for; may repair, and says whether the next start should come at once.
    fn after_exit(&mut self, was_ready: bool, log: &str) -> anyhow::Result<Retry>;

    /// What to do about a child that keeps ending.
    fn hint(&self, log: &str) -> String;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    /// With backoff; counted.
    Counted,
    /// In a moment; the end was expected and says nothing about the next start.
    Expected,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Starting,
    Ready {
        pid: u32,
    },
    /// Ended; starts again by itself.
    Waiting {
        why: String,
    },
    /// Ended too often; stays down.
    GivenUp {
        why: String,
    },
    Stopped,
}

/// A watched child. Dropping it does not stop the child; [`Supervised::stop`] does.
#[derive(Debug)]
pub(crate) struct Supervised {
    name: &'static str,
    state: watch::Receiver<State>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Supervised {
    pub(crate) fn start<S: Server>(server: S, starter: Starter) -> Self {
        let (sender, state) = watch::channel(State::Starting);
        let stop = CancellationToken::new();
        let name = server.name();
        let watcher = Watcher { server, starter, state: sender, stop: stop.clone() };
        Self { name, state, stop, task: tokio::spawn(watcher.run()) }
    }

    /// Returns when the child answers; fails when it was given up.
    pub(crate) async fn ready(&self) -> anyhow::Result<()> {
        let mut state = self.state.clone();
        let settled =
            state.wait_for(|state| matches!(state, State::Ready { .. } | State::GivenUp { .. } | State::Stopped));
        match &*settled.await? {
            State::Ready { .. } => Ok(()),
            State::GivenUp { why } | State::Waiting { why } => {
                Err(crate::exit::Exit::ServerFailed.because(format!("{} could not be started: {why}", self.name)))
            }
            State::Starting | State::Stopped => {
                Err(crate::exit::Exit::ServerFailed.because(format!("{} was stopped while it started", self.name)))
            }
        }
    }

    /// A clean stop, then a kill.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(server = self.name, %error, "the watcher of a private server had failed");
        }
    }
}

struct Watcher<S> {
    server: S,
    starter: Starter,
    state: watch::Sender<State>,
    stop: CancellationToken,
}

impl<S: Server> Watcher<S> {
    async fn run(mut self) {
        let mut exits = Exits::default();
        while !self.stop.is_cancelled() {
            self.state.send_replace(State::Starting);
            let outcome = self.live_once().await;
            if self.stop.is_cancelled() {
                break;
            }
            let (why, retry) = match outcome {
                Ok((why, retry)) => (why, retry),
                Err(error) => (format!("{error:#}"), Retry::Counted),
            };
            let next = if retry == Retry::Expected { Next::Wait(backoff::FIRST) } else { exits.record(Instant::now()) };
            match next {
                Next::Wait(pause) => {
                    tracing::warn!(
                        server = self.server.name(),
                        why,
                        again_in_ms = pause.as_millis(),
                        "a private server ended"
                    );
                    self.state.send_replace(State::Waiting { why });
                    tokio::select! { () = sleep(pause) => {}, () = self.stop.cancelled() => {} }
                }
                Next::GiveUp => {
                    let log = log_tail(self.server.log());
                    let why = format!("{why}\n{}\n{}", last_lines(&log), self.server.hint(&log));
                    tracing::error!(
                        server = self.server.name(),
                        why,
                        "a private server ended five times in a minute and is left down"
                    );
                    self.state.send_replace(State::GivenUp { why });
                    self.stop.cancelled().await;
                }
            }
        }
        self.state.send_replace(State::Stopped);
    }

    /// One life of the child, from the start to the end; says why it ended.
    async fn live_once(&mut self) -> anyhow::Result<(String, Retry)> {
        self.server.prepare(&self.starter).await?;
        let mut child = self.starter.start(self.server.command()?, self.server.log()).await?;
        let pid = child.id().unwrap_or_default();
        let stop = self.stop.clone();
        let was_ready = tokio::select! {
            is_ready = self.until_ready(pid) => is_ready,
            _ = child.wait() => false,
            () = stop.cancelled() => {
                self.end(&mut child).await;
                return Ok((String::new(), Retry::Counted));
            }
        };
        if was_ready {
            tracing::debug!(server = self.server.name(), pid, "a private server is ready");
            self.state.send_replace(State::Ready { pid });
        } else if matches!(child.try_wait(), Ok(None)) {
            self.end(&mut child).await;
            return Ok((format!("it did not answer within {READY_WITHIN:?}"), Retry::Counted));
        }
        tokio::select! {
            status = child.wait() => {
                let status = status.map_or_else(|error| error.to_string(), describe);
                let retry = self.server.after_exit(was_ready, &log_tail(self.server.log()))?;
                Ok((status, retry))
            }
            () = self.stop.cancelled() => {
                self.end(&mut child).await;
                Ok((String::new(), Retry::Counted))
            }
        }
    }

    async fn until_ready(&mut self, pid: u32) -> bool {
        let asking = async {
            while !self.server.is_ready(pid).await {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(READY_WITHIN, asking).await.is_ok()
    }

    async fn end(&mut self, child: &mut Child) {
        let signal = self.server.stop_signal();
        if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) {
            // A paused child would never see the signal. One that ended meanwhile needs neither.
            let _ = kill(Pid::from_raw(pid), signal);
            let _ = kill(Pid::from_raw(pid), Signal::SIGCONT);
        }
        if timeout(Duration::from_secs(20), child.wait()).await.is_err() {
            tracing::warn!(server = self.server.name(), "a private server did not stop within 20 s and is killed");
            if let Err(error) = child.kill().await {
                tracing::error!(server = self.server.name(), %error, "a private server could not be killed");
            }
        }
    }
}

fn describe(status: ExitStatus) -> String {
    format!("it ended ({status})")
}

/// The last 8 KiB of a log.
fn log_tail(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_default();
    let start = bytes.len().saturating_sub(8 * 1024);
    String::from_utf8_lossy(bytes.get(start..).unwrap_or_default()).into_owned()
}

fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let start = lines.len().saturating_sub(LOG_LINES_SHOWN);
    lines.get(start..).unwrap_or_default().iter().map(|line| format!("  | {line}")).collect::<Vec<_>>().join("\n")
}

/// Starts a log afresh when it is large; the one before stays beside it.
fn rotate(log: &Path) {
    const LARGE_BYTES: u64 = 16 << 20;
    if std::fs::metadata(log).is_ok_and(|found| found.len() > LARGE_BYTES) {
        let older: PathBuf = log.with_extension("1.log");
        if let Err(error) = std::fs::rename(log, older) {
            tracing::warn!(log = %log.display(), %error, "a large log could not be set aside");
        }
    }
}
