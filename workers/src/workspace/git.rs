//! The git program on the host: a fixed environment, no configuration but ours, bounded in time, output,
//! disk and memory. Never run in a tree that an agent has written.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::error::WorkspaceError;
use crate::sandbox::watchdog::{disk_usage, measure, memory_of};

/// The oldest git with all that is used here (`GIT_CONFIG_GLOBAL`, pinned addresses, `--max-input-size`).
const OLDEST: (u32, u32) = (2, 39);
/// Of what a failing git says.
const REASON_BYTES: usize = 16 << 10;

/// Settings that hold for every call.
///
/// Hooks, fsmonitor, external diffs, filters, pagers and helpers are the ways in which a repository's
/// configuration runs code. The repositories here are ours and bare, so there is no such configuration;
/// these lines hold should one ever appear.
const CONFIG: &[(&str, &str)] = &[
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.attributesFile", "/dev/null"),
    ("core.excludesFile", "/dev/null"),
    ("core.askPass", "/bin/false"),
    ("core.pager", "cat"),
    ("core.editor", "/bin/false"),
    ("core.protectHFS", "true"),
    ("core.protectNTFS", "true"),
    ("core.quotePath", "false"),
    // Larger files are streamed instead of held in memory.
    ("core.bigFileThreshold", "16m"),
    ("credential.helper", ""),
    ("diff.external", ""),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("protocol.version", "2"),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    // A redirect leads past the check of the address.
    ("http.followRedirects", "false"),
    ("http.lowSpeedLimit", "1000"),
    ("http.lowSpeedTime", "60"),
    ("transfer.fsckObjects", "true"),
    // Old histories have these, and they do no harm.
    ("fetch.fsck.badTimezone", "warn"),
    ("fetch.fsck.missingSpaceBeforeDate", "warn"),
    ("fetch.fsck.zeroPaddedFilemode", "warn"),
    ("fetch.fsck.badDateOverflow", "warn"),
    ("fetch.fsck.missingEmail", "warn"),
    ("fetch.fsck.badEmail", "warn"),
    ("fetch.fsck.missingNameBeforeEmail", "warn"),
    ("fetch.fsck.nullSha1", "warn"),
];

/// The git program of this machine.
#[derive(Debug, Clone)]
pub struct Git {
    program: PathBuf,
    path: OsString,
}

/// One call.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// What is being done, for the error: "fetch the repository".
    pub what: &'static str,
    pub args: Vec<OsString>,
    /// `GIT_DIR`.
    pub git_dir: Option<&'a Path>,
    /// Protocols that may be used, separated by colons; none if empty.
    pub protocols: &'static str,
    pub config: Vec<(String, String)>,
    /// More variables, such as where to put objects.
    pub env: Vec<(&'static str, OsString)>,
    pub input: Option<Input>,
    pub time_limit: Duration,
    /// Output beyond it is cut and the call ended, which is no error: [`Done::cut`] says so.
    pub output_bytes: usize,
    /// A directory that may not grow past so many bytes.
    pub disk: Option<(PathBuf, u64)>,
    pub memory_bytes: u64,
    /// Sent as basic authentication (user `x-access-token`) with each request.
    pub credential: Option<&'a SecretString>,
}

#[derive(Debug)]
pub(crate) enum Input {
    Bytes(Vec<u8>),
    /// From where its position is.
    File(std::fs::File),
}

impl<'a> Call<'a> {
    pub(crate) fn new<S: Into<OsString>>(what: &'static str, args: impl IntoIterator<Item = S>) -> Self {
        Self {
            what,
            args: args.into_iter().map(Into::into).collect(),
            git_dir: None,
            protocols: "",
            config: Vec::new(),
            env: Vec::new(),
            input: None,
            time_limit: Duration::from_mins(1),
            output_bytes: 64 << 20,
            disk: None,
            memory_bytes: 2 << 30,
            credential: None,
        }
    }

    pub(crate) fn within(mut self, git_dir: &'a Path) -> Self {
        self.git_dir = Some(git_dir);
        self
    }
}

#[derive(Debug)]
pub(crate) struct Done {
    pub output: Vec<u8>,
    /// The output was longer than asked for.
    pub cut: bool,
}

/// A call that ended badly; `said` is what git printed.
#[derive(Debug)]
pub(crate) enum Failed {
    Refused { what: &'static str, said: String },
    Other(WorkspaceError),
}

impl From<Failed> for WorkspaceError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Refused { what, said } => Self::Git { what, reason: last_words(&said) },
            Failed::Other(error) => error,
        }
    }
}

/// Git's own last line, without its prefixes.
pub(crate) fn last_words(said: &str) -> String {
    let line = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it ended without a word");
    let line = line.trim().trim_start_matches("fatal: ").trim_start_matches("error: ").trim_start_matches("remote: ");
    line.chars().take(500).collect()
}

impl Git {
    /// Finds git in PATH and asks its version.
    ///
    /// # Errors
    /// [`WorkspaceError::Git`] when it is missing or older than 2.39.
    pub async fn find() -> Result<Self, WorkspaceError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program = std::env::split_paths(&path).map(|dir| dir.join("git")).find(|program| program.is_file());
        let missing = || WorkspaceError::Git { what: "be found", reason: "the program git is not in PATH".into() };
        Self::at(program.ok_or_else(missing)?).await
    }

    /// Uses this very program.
    ///
    /// # Errors
    /// [`WorkspaceError::Git`] when it is no git or older than 2.39.
    pub async fn at(program: PathBuf) -> Result<Self, WorkspaceError> {
        let git = Self { program, path: std::env::var_os("PATH").unwrap_or_default() };
        let done = git.run(Call::new("tell its version", ["version"])).await?;
        let text = String::from_utf8_lossy(&done.output).trim().to_owned();
        let mut numbers = text.trim_start_matches("git version ").split('.').map(str::parse::<u32>);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= OLDEST => Ok(git),
            _ => Err(WorkspaceError::Git { what: "be used", reason: format!("{text:?} is older than 2.39") }),
        }
    }

    pub(crate) async fn run(&self, call: Call<'_>) -> Result<Done, Failed> {
        let mut command = self.command(&call);
        let input = match call.input {
            Some(Input::File(file)) => {
                command.stdin(file);
                None
            }
            Some(Input::Bytes(bytes)) => {
                command.stdin(Stdio::piped());
                Some(bytes)
            }
            None => {
                command.stdin(Stdio::null());
                None
            }
        };
        let cannot = |error: std::io::Error| {
            Failed::Other(WorkspaceError::Git { what: call.what, reason: format!("it cannot be started: {error}") })
        };
        let mut child = command.spawn().map_err(cannot)?;
        let pid = child.id().unwrap_or_default();
        let group = EndGroup(Pid::from_raw(pid.cast_signed()));
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let feed = async {
            if let (Some(mut stdin), Some(bytes)) = (stdin, input) {
                // A git that has read enough hangs up.
                let _ = stdin.write_all(&bytes).await;
            }
        };
        let work = async {
            let (output, said, ()) = tokio::join!(
                async {
                    let read = bounded(stdout, call.output_bytes).await;
                    // Not read on, so that git ends with the broken pipe.
                    if read.1 {
                        group.end()
                    }
                    read
                },
                drain(stderr, REASON_BYTES),
                feed
            );
            (output, said, child.wait().await)
        };
        let ((output, cut), said, status) = tokio::select! {
            done = work => done,
            error = watch(call.disk, call.memory_bytes, pid, call.what, call.time_limit) => return Err(Failed::Other(error)),
        };
        // Ended and waited for: its number may be somebody else's from here on.
        std::mem::forget(group);
        let said = String::from_utf8_lossy(&said).into_owned();
        match status {
            Ok(status) if status.success() || cut => Ok(Done { output, cut }),
            Ok(_) => Err(Failed::Refused { what: call.what, said: without(&said, call.credential) }),
            Err(error) => Err(cannot(error)),
        }
    }

    fn command(&self, call: &Call<'_>) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&call.args).current_dir("/").env_clear().kill_on_drop(true).process_group(0);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("PATH", &self.path).env("HOME", "/nonexistent").env("LC_ALL", "C");
        let fixed = [
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_ATTR_NOSYSTEM", "1"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_ASKPASS", "/bin/false"),
            ("SSH_ASKPASS", "/bin/false"),
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_PROTOCOL_FROM_USER", "0"),
        ];
        command.envs(fixed).env("GIT_ALLOW_PROTOCOL", call.protocols);
        if let Some(git_dir) = call.git_dir {
            command.env("GIT_DIR", git_dir);
        }
        command.envs(call.env.iter().map(|(name, value)| (name, value)));
        let fixed = CONFIG.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        // In the environment, not the arguments: those can be read by every user of the machine.
        let credential = call.credential.map(|credential| ("http.extraHeader".to_owned(), basic(credential)));
        let config = fixed.chain(call.config.iter().cloned()).chain(credential);
        let mut count = 0;
        for (number, (name, value)) in config.enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{number}"), name).env(format!("GIT_CONFIG_VALUE_{number}"), value);
            count = number + 1;
        }
        command.env("GIT_CONFIG_COUNT", count.to_string());
        command
    }
}

fn basic(credential: &SecretString) -> String {
    let pair = format!("x-access-token:{}", credential.expose_secret());
    format!("Authorization: Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

fn without(said: &str, credential: Option<&SecretString>) -> String {
    crate::scrub::Scrubber::new(credential).scrub(said).into_owned()
}

/// Ends git and the helpers it started: they are a process group of their own.
struct EndGroup(Pid);

impl EndGroup {
    fn end(&self) {
        // Nobody left in the group is fine; the number is not reused while the child is not waited for.
        let _ = killpg(self.0, Signal::SIGKILL);
    }
}

impl Drop for EndGroup {
    fn drop(&mut self) {
        self.end();
    }
}

/// Returns only when a bound is passed.
async fn watch(
    disk: Option<(PathBuf, u64)>,
    memory_bytes: u64,
    pid: u32,
    what: &'static str,
    time_limit: Duration,
) -> WorkspaceError {
    let deadline = sleep_until(Instant::now() + time_limit);
    tokio::pin!(deadline);
    let mut look = interval(Duration::from_millis(200));
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = &mut deadline => {
                let limit_ms = time_limit.as_millis().try_into().unwrap_or(u64::MAX);
                return WorkspaceError::Timeout { what, limit_ms };
            }
            _ = look.tick() => {}
        }
        let disk = disk.clone();
        let seen = move || {
            let used = disk.map(|(dir, limit)| (disk_usage(&[dir]).unwrap_or(u64::MAX), limit));
            (used, measure(pid).memory_bytes + memory_of(pid))
        };
        let Ok((used, memory)) = tokio::task::spawn_blocking(seen).await else { continue };
        if let Some((_, limit)) = used.filter(|(used, limit)| used > limit) {
            return WorkspaceError::TooLarge { what: "the repository in bytes", limit };
        }
        if memory > memory_bytes {
            return WorkspaceError::TooLarge { what: "the memory that git takes in bytes", limit: memory_bytes };
        }
    }
}

/// Up to so many bytes, and whether there was more.
async fn bounded(reader: Option<impl AsyncRead + Unpin>, most: usize) -> (Vec<u8>, bool) {
    let mut read = Vec::new();
    if let Some(reader) = reader {
        // What was read before an error is all there is.
        let _ = reader.take(most as u64 + 1).read_to_end(&mut read).await;
    }
    let cut = read.len() > most;
    read.truncate(most);
    (read, cut)
}

/// The last so many bytes; reads to the end, so that git never waits for us.
async fn drain(reader: Option<impl AsyncRead + Unpin>, most: usize) -> Vec<u8> {
    let (mut kept, mut piece) = (Vec::new(), [0; 4096]);
    let Some(mut reader) = reader else { return kept };
    while let Ok(size @ 1..) = reader.read(&mut piece).await {
        kept.extend_from_slice(piece.get(..size).unwrap_or_default());
        let over = kept.len().saturating_sub(most);
        kept.drain(..over);
    }
    kept
}
