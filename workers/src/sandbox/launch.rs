//! Makes sandboxes: finds the two programs it needs, and starts a spec in bubblewrap.

use std::ffi::OsString;
use std::io::{self, Seek, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::unix::pipe;
use tokio::process::Child;
use tokio::sync::{mpsc, watch};

use super::bridge::{BridgeConfig, Ready};
use super::bubblewrap::{Descriptors, GROUP, HOSTS, PASSWD, arguments};
use super::descriptors::{Launch, launch};
use super::error::SandboxError;
use super::output::{BoundedLines, OutputAllowance};
use super::process::{FirstProcess, SandboxedProcess, Watched, watch_over};
use super::spec::{Access, BRIDGE, SandboxSpec};
use super::stage::{StageConfig, staged};
use super::{seccomp, stage};

/// The sandbox comes up in some 20 ms; a machine under heavy load needs longer.
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// Of what is printed when it does not come up.
const REASON_BYTES: u64 = 4096;

/// The first of the user ids that slots get when the worker runs as root: in a gap of the usual allocations.
pub const SLOT_USERS_FROM: u32 = 60_800;

/// Whom the sandboxed processes are on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// The worker's own user. Inside it shows as user 1500, without any privilege.
    Worker,
    /// A user and group of the slot's own; only for a worker that runs as root.
    Slot { uid: u32, gid: u32 },
}

impl Identity {
    /// The user of a slot: root gives each slot its own, an ordinary user has only itself.
    ///
    /// `base_id` is the first id of a range that no account uses (60800 is in a gap of the usual
    /// allocations); `slot` counts from 0.
    pub fn for_slot(base_id: u32, slot: u32) -> Self {
        if rustix::process::geteuid().is_root() {
            Self::Slot { uid: base_id + slot, gid: base_id + slot }
        } else {
            Self::Worker
        }
    }
}

/// Makes sandboxes for one run slot.
#[derive(Debug, Clone)]
pub struct Sandbox {
    /// bubblewrap, 0.8 or newer.
    pub bubblewrap: PathBuf,
    /// A program that hands its arguments to [`super::inner_main`]: the `lime` binary itself.
    pub bridge: PathBuf,
    pub identity: Identity,
}

impl Sandbox {
    /// With the bubblewrap found in PATH and this very program as the bridge.
    ///
    /// # Errors
    /// [`SandboxError::Unavailable`] when bubblewrap is not installed.
    pub fn of_this_program(identity: Identity) -> Result<Self, SandboxError> {
        let bridge = std::env::current_exe().map_err(|source| SandboxError::Prepare { what: "own program", source })?;
        Ok(Self { bubblewrap: super::probe::find_bubblewrap()?, bridge, identity })
    }

    /// Gives a tree that this worker made to the user that the sandbox runs as. To be called before
    /// anything untrusted has run in it. Links are given away themselves, never followed.
    ///
    /// # Errors
    /// [`SandboxError::Bind`] with the path that could not be given.
    pub fn hand_over(&self, path: &Path) -> Result<(), SandboxError> {
        let Identity::Slot { uid, gid } = self.identity else { return Ok(()) };
        let mut waiting = vec![path.to_path_buf()];
        while let Some(path) = waiting.pop() {
            let failed = |source| SandboxError::Bind { path: path.clone(), source };
            std::os::unix::fs::lchown(&path, Some(uid), Some(gid)).map_err(failed)?;
            if path.symlink_metadata().map_err(failed)?.is_dir() {
                for entry in path.read_dir().map_err(failed)? {
                    waiting.push(entry.map_err(failed)?.path());
                }
            }
        }
        Ok(())
    }

    /// Starts the program and returns once it runs. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// [`SandboxError::Spec`] and [`SandboxError::Bind`] before anything is started;
    /// [`SandboxError::Program`] when the program is not there or cannot be executed;
    /// [`SandboxError::Start`] with bubblewrap's words for everything else that keeps it from coming up.
    pub async fn spawn(&self, spec: &SandboxSpec) -> Result<SandboxedProcess, SandboxError> {
        spec.check()?;
        let started = Instant::now();
        let mut prepared = self.prepare(spec)?;
        let pass = std::mem::take(&mut prepared.pass);
        let start = Launch { program: prepared.program.clone(), args: std::mem::take(&mut prepared.args), pass };
        let program = prepared.program.clone();
        let mut child = launch(start).await.map_err(|source| SandboxError::Spawn { program, source })?;
        let up = tokio::time::timeout(START_TIMEOUT, come_up(&mut prepared, &mut child)).await;
        let after_ms = START_TIMEOUT.as_millis().try_into().unwrap_or(u64::MAX);
        let (landlock, first) = up.map_err(|_| SandboxError::StartTimeout { after_ms })??;
        Ok(process(spec, child, prepared.status.into_inner(), landlock, first, started))
    }

    fn prepare(&self, spec: &SandboxSpec) -> Result<Prepared, SandboxError> {
        let failed = |what| move |source| SandboxError::Prepare { what, source };
        let (ready, ready_inside) = io::pipe().map_err(failed("start pipe"))?;
        let (status, status_inside) = io::pipe().map_err(failed("status pipe"))?;
        let mut pass = Pass::default();
        let ready_number = pass.add(ready_inside.into()).map_err(failed("start pipe"))?;
        let status_number = pass.add(status_inside.into()).map_err(failed("status pipe"))?;
        let mut file = |bytes: &[u8]| pass.file(bytes).map_err(failed("memory file"));
        let filters = seccomp::programs()?.iter().map(|program| file(program)).collect::<Result<_, _>>()?;
        let descriptors = Descriptors {
            passwd: file(PASSWD.as_bytes())?,
            group: file(GROUP.as_bytes())?,
            hosts: file(HOSTS.as_bytes())?,
            seccomp: filters,
            status: status_number,
        };
        let sources: Vec<PathBuf> =
            std::iter::once(self.bridge.clone()).chain(spec.all_binds().into_iter().map(|bind| bind.source)).collect();
        let seen_as = |path: &Path| -> PathBuf {
            let index = sources.iter().position(|source| source == path);
            let staged = index.filter(|_| self.identity != Identity::Worker).map(staged);
            staged.unwrap_or_else(|| path.to_path_buf())
        };
        let args_number = file(&arguments(spec, &self.bridge, &descriptors, &seen_as))?;
        let bridge = bridge_config(spec, ready_number);
        let bridge = serde_json::to_string(&bridge).map_err(|error| failed("bridge settings")(error.into()))?;
        let mut args: Vec<OsString> = vec!["--args".into(), args_number.to_string().into(), "--".into()];
        args.extend([BRIDGE, "bridge", &bridge, "--"].map(OsString::from));
        args.extend(spec.command.iter().map(OsString::from));
        let program = match self.identity {
            Identity::Worker => self.bubblewrap.clone(),
            Identity::Slot { uid, gid } => {
                let parent = std::process::id().cast_signed();
                let stage = StageConfig { parent, uid, gid, bubblewrap: self.bubblewrap.clone(), sources };
                let stage = serde_json::to_string(&stage).map_err(|error| failed("stage settings")(error.into()))?;
                let before = [stage::COMMAND, &stage, "--"].map(OsString::from);
                args = before.into_iter().chain(args).collect();
                self.bridge.clone()
            }
        };
        let reader = |pipe: io::PipeReader| pipe::Receiver::from_owned_fd(pipe.into()).map(BufReader::new);
        Ok(Prepared {
            program,
            args,
            pass: pass.files,
            ready: reader(ready).map_err(failed("start pipe"))?,
            status: reader(status).map_err(failed("status pipe"))?,
        })
    }
}

struct Prepared {
    program: PathBuf,
    args: Vec<OsString>,
    pass: Vec<OwnedFd>,
    ready: BufReader<pipe::Receiver>,
    status: BufReader<pipe::Receiver>,
}

/// Open files that the child inherits under the numbers they have here.
#[derive(Default)]
struct Pass {
    files: Vec<OwnedFd>,
}

impl Pass {
    fn add(&mut self, file: OwnedFd) -> io::Result<RawFd> {
        // High numbers: far from those that std opens for itself between fork and exec.
        let file = rustix::io::fcntl_dupfd_cloexec(file, 100)?;
        let number = file.as_raw_fd();
        self.files.push(file);
        Ok(number)
    }

    fn file(&mut self, bytes: &[u8]) -> io::Result<RawFd> {
        let file = rustix::fs::memfd_create("sandbox", rustix::fs::MemfdFlags::CLOEXEC)?;
        let mut file = std::fs::File::from(file);
        file.write_all(bytes)?;
        file.rewind()?;
        self.add(file.into())
    }
}

fn bridge_config(spec: &SandboxSpec, ready: RawFd) -> BridgeConfig {
    let targets = |access| {
        let binds = spec.all_binds().into_iter().filter(move |bind| bind.access == access);
        binds.map(|bind| bind.target).collect()
    };
    BridgeConfig {
        ready,
        forwards: spec.forwards.clone(),
        readable: targets(Access::ReadOnly),
        writable: targets(Access::ReadWrite),
        processes: spec.limits.processes.into(),
        open_files: spec.limits.open_files,
        file_bytes: spec.limits.file_bytes,
        data_bytes: spec.limits.memory_bytes,
    }
}

/// Waits for bubblewrap's report of the first process and the bridge's that the program runs.
async fn come_up(prepared: &mut Prepared, child: &mut Child) -> Result<(String, Option<FirstProcess>), SandboxError> {
    let read = |source| SandboxError::Prepare { what: "report of the sandbox", source };
    let (mut status, mut ready) = (String::new(), String::new());
    (&mut prepared.status).take(REASON_BYTES).read_line(&mut status).await.map_err(read)?;
    let named = serde_json::from_str::<serde_json::Value>(&status).ok();
    let first = named.and_then(|status| i32::try_from(status.get("child-pid")?.as_i64()?).ok());
    let first = match first {
        Some(pid) => FirstProcess::open(pid, child.id()).map_err(read)?,
        None => return Err(SandboxError::Start { reason: printed(child).await }),
    };
    (&mut prepared.ready).take(REASON_BYTES).read_line(&mut ready).await.map_err(read)?;
    match serde_json::from_str::<Ready>(&ready) {
        Ok(Ready::Running { landlock }) => Ok((landlock, first)),
        Ok(Ready::NoProgram { reason }) => Err(SandboxError::Program { reason }),
        Ok(Ready::Failed { reason }) => Err(SandboxError::Start { reason }),
        Err(_) => Err(SandboxError::Start { reason: printed(child).await }),
    }
}

/// What bubblewrap (or the stage) said before it gave up.
async fn printed(child: &mut Child) -> String {
    let mut text = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        drop(stderr.take(REASON_BYTES).read_to_end(&mut text).await);
    }
    let text = String::from_utf8_lossy(&text).trim().to_owned();
    if text.is_empty() { "it ended without a word".into() } else { text }
}

fn process(
    spec: &SandboxSpec,
    mut child: Child,
    status: pipe::Receiver,
    landlock: String,
    first: Option<FirstProcess>,
    started: Instant,
) -> SandboxedProcess {
    let (stop, stopped) = mpsc::channel(4);
    let (alive, still_alive) = mpsc::channel(1);
    let (ended, seen) = watch::channel(None);
    let allowance = Arc::new(OutputAllowance { limit_bytes: spec.limits.output_bytes, used_bytes: AtomicU64::new(0) });
    let line_bytes = spec.limits.line_bytes;
    let stdout = child.stdout.take().map(|o| BoundedLines::new(o, line_bytes, Arc::clone(&allowance), stop.clone()));
    let stderr = child.stderr.take().map(|o| BoundedLines::new(o, line_bytes, allowance, stop.clone()));
    let stdin = child.stdin.take();
    let pid = child.id().unwrap_or_default();
    let writable =
        spec.all_binds().into_iter().filter(|bind| bind.access == Access::ReadWrite).map(|bind| bind.source).collect();
    tokio::spawn(watch_over(Watched {
        child,
        first,
        status,
        limits: spec.limits.clone(),
        writable,
        started,
        stop: stopped,
        alive: still_alive,
        ended,
    }));
    SandboxedProcess { stdin, stdout, stderr, landlock, stop, ended: seen, _alive: alive, pid }
}
