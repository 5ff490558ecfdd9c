//! A running sandbox: its three files, and the one task that watches it and can end it.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::io::unix::AsyncFd;
use tokio::net::unix::pipe;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::descriptors::when_readable;
use super::output::BoundedLines;
use super::spec::Limits;
use super::watchdog::{DISK_INTERVAL, INTERVAL, Usage, disk_usage, measure, parent_and_threads};

/// Why a sandbox was ended from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopCause {
    /// [`SandboxedProcess::kill`] or [`Stopper::stop`].
    Killed,
    /// Every handle on the process was dropped.
    Abandoned,
    /// The wall clock ran out.
    WallClock,
    /// All processes together used too much memory.
    Memory,
    /// Too many processes and threads at once.
    Processes,
    /// Too much was written below the read-write binds.
    Disk,
    /// A line or the whole output was over its limit.
    OutputFlood,
}

/// How a sandboxed process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The program's exit code, 128 + signal when a signal ended it; `None` when the sandbox was ended
    /// from outside.
    pub exit_code: Option<i32>,
    pub stopped_by: Option<StopCause>,
    pub ran_for: Duration,
    /// The largest sums the watchdog saw; a peak between two looks is not in them.
    pub peak: Usage,
}

impl Ended {
    /// Ended by itself, with exit code 0.
    pub fn success(&self) -> bool {
        self.exit_code == Some(0) && self.stopped_by.is_none()
    }
}

/// Ends the sandbox from anywhere. Cheap to clone; holding one does not keep the sandbox alive.
#[derive(Debug, Clone)]
pub struct Stopper {
    stop: mpsc::Sender<StopCause>,
}

impl Stopper {
    /// Asks for the end; the process tree is gone within a second, [`SandboxedProcess::wait`] says when.
    pub fn stop(&self) {
        // Full means that a stop is under way; closed, that it has ended.
        let _ = self.stop.try_send(StopCause::Killed);
    }
}

/// A process tree in a sandbox of its own. Dropping it ends the tree.
#[derive(Debug)]
pub struct SandboxedProcess {
    /// Take it to write; drop it to close the program's input.
    pub stdin: Option<ChildStdin>,
    /// Both outputs must be read (or tailed), else the program blocks when a pipe is full.
    pub stdout: Option<BoundedLines<ChildStdout>>,
    pub stderr: Option<BoundedLines<ChildStderr>>,
    /// How much of the second layer the kernel enforces: `full`, `partial` or `none`.
    pub landlock: String,
    pub(crate) stop: mpsc::Sender<StopCause>,
    pub(crate) ended: watch::Receiver<Option<Ended>>,
    /// Dropped with us, which tells the task that nobody cares any longer.
    pub(crate) _alive: mpsc::Sender<()>,
    /// Process id of the outermost process, on the host.
    pub(crate) pid: u32,
}

impl SandboxedProcess {
    /// The process id of bubblewrap on the host, for logs.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until every process of the tree is gone. May be called more than once.
    pub async fn wait(&self) -> Ended {
        let mut ended = self.ended.clone();
        let seen = ended.wait_for(Option::is_some).await.ok().and_then(|ended| ended.clone());
        // Without an answer the task is gone (its runtime shuts down), and the child with it.
        seen.unwrap_or(Ended {
            exit_code: None,
            stopped_by: Some(StopCause::Abandoned),
            ran_for: Duration::ZERO,
            peak: Usage::default(),
        })
    }

    /// Ends the process tree and waits until it is gone (well under a second; asserted by a test).
    pub async fn kill(&self) -> Ended {
        self.stopper().stop();
        self.wait().await
    }

    pub fn stopper(&self) -> Stopper {
        Stopper { stop: self.stop.clone() }
    }
}

/// The first process of the sandbox's namespace, held so that its number cannot be somebody else's.
/// When the kernel reports its end, every process of the namespace has ended before it.
#[derive(Debug)]
pub(crate) struct FirstProcess {
    descriptor: AsyncFd<OwnedFd>,
}

impl FirstProcess {
    /// `None` when the process is gone already, and all of its namespace with it.
    ///
    /// # Errors
    /// The kernel is older than 5.3.
    pub(crate) fn open(pid: i32, parent: Option<u32>) -> io::Result<Option<Self>> {
        let pid = Pid::from_raw(pid).ok_or_else(|| io::Error::other("zero is no process id"))?;
        let descriptor = match pidfd_open(pid, PidfdFlags::NONBLOCK) {
            Ok(descriptor) => descriptor,
            Err(rustix::io::Errno::SRCH) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        // Had it ended before it was held, the number could be a stranger's by now.
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
        if parent_and_threads(&stat).map(|(parent, _)| parent) != parent {
            return Ok(None);
        }
        Ok(Some(Self { descriptor: when_readable(descriptor)? }))
    }

    fn kill(&self) {
        // Refused only when it has ended, which is what we want.
        let _ = pidfd_send_signal(self.descriptor.get_ref(), Signal::KILL);
    }

    async fn gone(&self) {
        drop(self.descriptor.readable().await);
    }
}

pub(crate) struct Watched {
    pub child: Child,
    pub first: Option<FirstProcess>,
    /// bubblewrap writes there when it ends; kept open so that this write does not fail.
    pub status: pipe::Receiver,
    pub limits: Limits,
    pub writable: Vec<PathBuf>,
    pub started: Instant,
    pub stop: mpsc::Receiver<StopCause>,
    pub alive: mpsc::Receiver<()>,
    pub ended: watch::Sender<Option<Ended>>,
}

/// Watches until the end. The wall clock, the watchdog, a flood and every [`Stopper`] meet here.
pub(crate) async fn watch_over(mut watched: Watched) {
    let pid = watched.child.id().unwrap_or_default();
    let mut peak = Usage::default();
    let mut cause = None;
    let deadline = tokio::time::sleep_until((watched.started + watched.limits.wall_clock).into());
    tokio::pin!(deadline);
    let mut look = interval(INTERVAL);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut walk = interval(DISK_INTERVAL);
    walk.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let status = loop {
        let reason = tokio::select! {
            status = watched.child.wait() => break status.ok(),
            () = &mut deadline, if cause.is_none() => Some(StopCause::WallClock),
            Some(reason) = watched.stop.recv(), if cause.is_none() => Some(reason),
            _ = watched.alive.recv(), if cause.is_none() => Some(StopCause::Abandoned),
            _ = look.tick(), if cause.is_none() => {
                let usage = tokio::task::spawn_blocking(move || measure(pid)).await.unwrap_or_default();
                peak.memory_bytes = peak.memory_bytes.max(usage.memory_bytes);
                peak.processes = peak.processes.max(usage.processes);
                over(&watched.limits, usage)
            }
            _ = walk.tick(), if cause.is_none() => {
                let roots = watched.writable.clone();
                let used = tokio::task::spawn_blocking(move || disk_usage(&roots)).await.unwrap_or(Some(0));
                used.is_none_or(|used| used > watched.limits.disk_bytes).then_some(StopCause::Disk)
            }
        };
        if let Some(reason) = reason {
            cause = Some(reason);
            watched.first.iter().for_each(FirstProcess::kill);
            drop(watched.child.start_kill());
        }
    };
    // A program whose output is no longer read ends by itself at times, before it can be stopped.
    if cause.is_none() && watched.stop.try_recv() == Ok(StopCause::OutputFlood) {
        cause = Some(StopCause::OutputFlood);
    }
    // bubblewrap's own end comes with, or a few milliseconds before, that of the namespace.
    if let Some(first) = &watched.first {
        first.kill();
        first.gone().await;
    }
    drop(watched.status);
    let exit_code = status.filter(|_| cause.is_none()).and_then(|status| status.code());
    let ended = Ended { exit_code, stopped_by: cause, ran_for: watched.started.elapsed(), peak };
    drop(watched.ended.send(Some(ended)));
}

fn over(limits: &Limits, usage: Usage) -> Option<StopCause> {
    if usage.memory_bytes > limits.memory_bytes {
        Some(StopCause::Memory)
    } else if usage.processes > limits.processes.saturating_mul(2) {
        // The per-user limit inside holds at `processes`; this is for kernels where it does not.
        Some(StopCause::Processes)
    } else {
        None
    }
}
