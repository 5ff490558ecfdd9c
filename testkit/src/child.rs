//! Server processes that never outlive the test that started them.
//!
//! Linux ends them through `setpriv --pdeathsig` when the starting *thread* ends, so one thread, which lives as long
//! as the process, starts all of them: a thread of a runtime would take its children with it when it idles out.
//! Elsewhere they are ended when their handle is dropped.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User};

type Request = (Command, mpsc::Sender<std::io::Result<std::process::Child>>);

/// Starts `command` from the thread that lives as long as this process.
fn spawn(command: Command) -> anyhow::Result<std::process::Child> {
    static STARTER: OnceLock<mpsc::Sender<Request>> = OnceLock::new();
    let starter = STARTER.get_or_init(|| {
        let (sender, requests) = mpsc::channel::<Request>();
        std::thread::spawn(move || {
            for (mut command, answer) in requests {
                // A requester that is gone left its child to the end of this process.
                let _ = answer.send(command.spawn());
            }
        });
        sender
    });
    let (sender, answer) = mpsc::channel();
    starter.send((command, sender)).context("the thread that starts servers has ended")?;
    Ok(answer.recv().context("the thread that starts servers has ended")??)
}

/// The account that PostgreSQL runs as: none (our own) unless we are root, whom it refuses.
///
/// # Errors
/// Root on a machine without any of the accounts `postgres`, `lime-postgres`, `nobody`.
pub fn postgres_account() -> anyhow::Result<Option<User>> {
    if !nix::unistd::geteuid().is_root() {
        return Ok(None);
    }
    for name in ["lime-postgres", "postgres", "nobody"] {
        if let Some(user) = User::from_name(name)? {
            return Ok(Some(user));
        }
    }
    bail!("PostgreSQL refuses to run as root, and there is no account postgres, lime-postgres or nobody to run it as")
}

/// `program` as `account`, ended by the system when this process ends.
pub fn bound_command(program: &Path, account: Option<&User>) -> Command {
    if cfg!(target_os = "linux") {
        let mut command = Command::new("setpriv");
        if let Some(user) = account {
            command.arg("--reuid").arg(user.uid.to_string()).arg("--regid").arg(user.gid.to_string());
            command.arg("--clear-groups");
        }
        command.args(["--pdeathsig", "KILL", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

/// A server process; killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: std::process::Child,
    log: PathBuf,
}

impl Server {
    /// Starts `command` with its output in `log`.
    pub fn start(mut command: Command, log: &Path) -> anyhow::Result<Self> {
        let output = File::options().create(true).append(true).open(log)?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let name = format!("{command:?}");
        let child = spawn(command).with_context(|| format!("failed to start {name}"))?;
        Ok(Self { child, log: log.to_path_buf() })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process has ended; it is reaped then.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.child.id())?);
        kill(pid, signal).with_context(|| format!("failed to send {signal} to {pid}"))
    }

    /// Waits until the process has ended, and fails with its log when it has not within `limit`.
    pub fn wait(&mut self, limit: Duration) -> anyhow::Result<()> {
        let deadline = Instant::now() + limit;
        while !self.has_ended() {
            if Instant::now() > deadline {
                bail!("process {} did not end within {limit:?}; its log ends:\n{}", self.pid(), self.log_tail());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// The last 2,000 characters of what the process wrote.
    pub fn log_tail(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let skipped = text.chars().count().saturating_sub(2_000);
        text.chars().skip(skipped).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The processes whose parent is `parent`, from `/proc`; empty where there is no `/proc`.
pub fn children_of(parent: u32) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| parent_of(*pid) == Some(parent))
        .collect()
}

fn parent_of(pid: u32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}
