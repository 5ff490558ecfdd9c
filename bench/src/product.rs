//! The built product as a process of its own, on a home of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::signal::Signal;
use serde::Deserialize;
use tempfile::TempDir;
use testkit::child::{Server, bound_command, children_of};

const READY_WITHIN: Duration = Duration::from_mins(1);

/// A directory for a home, empty at first, that PostgreSQL's account may pass through.
#[derive(Debug)]
pub(crate) struct Place {
    folder: TempDir,
    lime: PathBuf,
}

/// What `lime up` writes when it is ready.
#[derive(Debug, Deserialize)]
pub(crate) struct Ready {
    pub(crate) url: url::Url,
}

/// How to reach its servers; what the commands beside a running `lime up` read too.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Runtime {
    pub(crate) database_url: String,
    pub(crate) owner_database_url: String,
    pub(crate) nats_url: url::Url,
}

/// A running `lime up`; killed when dropped, and its servers with it.
#[derive(Debug)]
pub(crate) struct Up {
    server: Server,
    pub(crate) ready: Ready,
    pub(crate) started_in: Duration,
}

impl Place {
    pub(crate) fn new(lime: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("lime-bench-").tempdir_in("/tmp")?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711))?;
        Ok(Self { folder, lime: lime.canonicalize()? })
    }

    fn with_settings(&self, mut command: Command) -> anyhow::Result<Command> {
        command.current_dir(self.folder.path()).env_clear().env("HOME", self.folder.path());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("LIME_PG_BIN", testkit::binaries::postgres_bin()?);
        command.env("LIME_NATS_BIN", testkit::binaries::nats_bin()?);
        // One caller stands for many people: an allowance would be measured instead.
        command.env("LIME_RATE_LIMIT", "0");
        Ok(command)
    }

    /// Starts every role, and returns when the ready file is there.
    pub(crate) async fn up(&self) -> anyhow::Result<Up> {
        let ready_file = self.folder.path().join("ready.json");
        let mut command = self.with_settings(bound_command(&self.lime, None))?;
        command.args(["up", "--home", "home", "--listen", "127.0.0.1:0", "--ready-file", "ready.json"]);
        let _ = fs::remove_file(&ready_file);
        let began = Instant::now();
        let mut server = Server::start(command, &self.folder.path().join("lime.log"))?;
        loop {
            if let Ok(text) = fs::read(&ready_file) {
                let started_in = began.elapsed();
                return Ok(Up { server, ready: serde_json::from_slice(&text)?, started_in });
            }
            if server.has_ended() || began.elapsed() > READY_WITHIN {
                bail!("lime up did not get ready:\n{}", server.log_tail());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) fn runtime(&self) -> anyhow::Result<Runtime> {
        let text = fs::read(self.folder.path().join("home/runtime.json")).context("lime up left no runtime.json")?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// A token for the owner.
    pub(crate) async fn token(&self) -> anyhow::Result<String> {
        let mut command = self.with_settings(Command::new(&self.lime))?;
        command.args(["token", "create", "--home", "home", "--name", "bench"]);
        let made = tokio::process::Command::from(command).kill_on_drop(true).output().await?;
        if !made.status.success() {
            bail!("no token: {}", String::from_utf8_lossy(&made.stderr));
        }
        Ok(String::from_utf8(made.stdout)?.trim().to_owned())
    }
}

impl Up {
    /// A clean stop.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.server.signal(Signal::SIGTERM)?;
        tokio::task::spawn_blocking(move || self.server.wait(Duration::from_secs(30))).await?
    }

    /// Proportional set size, in MiB, of the product's own processes: those of its tree that run its program.
    pub(crate) fn memory_mib(&self) -> anyhow::Result<f64> {
        let program = fs::read_link(format!("/proc/{}/exe", self.server.pid())).context("no /proc to look at")?;
        let mut kib = 0;
        let mut tree = vec![self.server.pid()];
        while let Some(pid) = tree.pop() {
            tree.extend(children_of(pid));
            if fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|found| found == program) {
                kib += pss_kib(pid)?;
            }
        }
        Ok(f64::from(u32::try_from(kib)?) / 1024.0)
    }
}

fn pss_kib(pid: u32) -> anyhow::Result<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).context("no Pss in smaps_rollup")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
