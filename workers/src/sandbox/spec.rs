//! What a caller says about the sandbox it wants. Plain values: nothing here touches the machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::SandboxError;

/// Where the agent's work tree is inside.
pub const WORKSPACE: &str = "/workspace";
/// Where the run's directory with its unix sockets is inside, read-only.
pub const RUN_DIR: &str = "/run/al";
/// The home of the sandbox's user: a tmpfs, unless something is bound below it.
pub const HOME: &str = "/home/agent";
/// Where the bridge program (the `lime` binary) is inside.
pub const BRIDGE: &str = "/opt/al/lime";
/// The user and group id that the sandboxed program sees itself as, whoever it is outside.
pub const INSIDE_ID: u32 = 1500;

/// May a bound path be written from inside?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    ReadOnly,
    ReadWrite,
}

/// A path of the host that appears inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// Absolute path on the host; must exist. The paths of agents' files are not followed further than
    /// the kernel does at mount time, so hand in only paths that no sandboxed program could have made.
    pub source: PathBuf,
    /// Absolute path inside, without `..`.
    pub target: PathBuf,
    pub access: Access,
}

/// A loopback TCP port inside that leads to a unix socket of the run directory. Agents want a base URL
/// of the form `http://127.0.0.1:PORT`, and the network namespace has nothing but loopback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forward {
    /// TCP port on 127.0.0.1 inside.
    pub port: u16,
    /// The socket's path inside, such as `/run/al/model.sock`.
    pub socket: PathBuf,
}

/// Bounds on what a sandboxed program may use. Each is enforced from outside the program's reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Time from start to kill, by the wall clock.
    pub wall_clock: Duration,
    /// Resident memory of all processes together, shared file pages not counted.
    pub memory_bytes: u64,
    /// Processes and threads together.
    pub processes: u32,
    /// Open files of one process.
    pub open_files: u64,
    /// The largest single file that can be written.
    pub file_bytes: u64,
    /// All that lies below the read-write binds together, sampled every few seconds.
    pub disk_bytes: u64,
    /// Size of each of the two tmpfs (`/tmp`, `/home`); `/dev/shm` gets a quarter.
    pub tmp_bytes: u64,
    /// One line of output, its end excluded.
    pub line_bytes: usize,
    /// Output and error output together over the life of the process.
    pub output_bytes: u64,
}

impl Default for Limits {
    /// Enough for an agent that compiles and tests an ordinary project.
    fn default() -> Self {
        Self {
            wall_clock: Duration::from_mins(30),
            memory_bytes: 4 << 30,
            processes: 512,
            open_files: 4096,
            file_bytes: 1 << 30,
            disk_bytes: 8 << 30,
            tmp_bytes: 512 << 20,
            line_bytes: 8 << 20,
            output_bytes: 256 << 20,
        }
    }
}

/// One sandboxed process.
#[derive(Debug, Clone)]
pub struct SandboxSpec {
    /// Bound read-write (or read-only) at [`WORKSPACE`].
    pub workspace: PathBuf,
    pub workspace_access: Access,
    /// A directory with nothing but this run's unix sockets, bound read-only at [`RUN_DIR`].
    pub run_dir: Option<PathBuf>,
    /// The agent program's files, its kept state, an output directory.
    pub binds: Vec<Bind>,
    /// The program and its arguments as seen from inside. Not a shell line.
    pub command: Vec<String>,
    /// Absolute path inside; [`WORKSPACE`] if not given.
    pub working_dir: Option<PathBuf>,
    /// The whole environment of the program, besides PATH, HOME, LANG, TERM and TMPDIR, which have
    /// defaults that can be replaced here. Nothing is inherited from the worker. No secret belongs here:
    /// a run-scoped token of the proxy is the most that may be.
    pub env: BTreeMap<String, String>,
    pub forwards: Vec<Forward>,
    pub limits: Limits,
}

impl SandboxSpec {
    /// A spec with a read-write workspace, no run directory, no forwards and default limits.
    pub fn new(workspace: impl Into<PathBuf>, command: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            workspace: workspace.into(),
            workspace_access: Access::ReadWrite,
            run_dir: None,
            binds: Vec::new(),
            command: command.into_iter().map(Into::into).collect(),
            working_dir: None,
            env: BTreeMap::new(),
            forwards: Vec::new(),
            limits: Limits::default(),
        }
    }

    /// Every bind, the workspace and run directory among them, in the order of mounting.
    pub(crate) fn all_binds(&self) -> Vec<Bind> {
        let workspace =
            Bind { source: self.workspace.clone(), target: WORKSPACE.into(), access: self.workspace_access };
        let run_dir = self.run_dir.iter().map(|source| Bind {
            source: source.clone(),
            target: RUN_DIR.into(),
            access: Access::ReadOnly,
        });
        std::iter::once(workspace).chain(run_dir).chain(self.binds.iter().cloned()).collect()
    }

    /// # Errors
    /// [`SandboxError::Spec`] with the first thing that is wrong, [`SandboxError::Bind`] for a source
    /// that is not there.
    pub(crate) fn check(&self) -> Result<(), SandboxError> {
        let wrong = |reason: String| Err(SandboxError::Spec { reason });
        if self.command.first().is_none_or(String::is_empty) {
            return wrong("no program was given".into());
        }
        let texts = self.command.iter().chain(self.env.keys()).chain(self.env.values());
        if texts.into_iter().any(|text| text.contains('\0')) {
            return wrong("an argument or variable contains a zero byte".into());
        }
        if let Some(name) = self.env.keys().find(|name| name.is_empty() || name.contains('=')) {
            return wrong(format!("{name:?} is no variable name"));
        }
        if let Some(dir) = self.working_dir.as_deref().filter(|dir| !plain_absolute(dir)) {
            return wrong(format!("the working directory {} is not a plain absolute path", dir.display()));
        }
        for bind in self.all_binds() {
            if !plain_absolute(&bind.source) || !plain_absolute(&bind.target) {
                let (source, target) = (bind.source.display(), bind.target.display());
                return wrong(format!("{source} at {target} is not a pair of plain absolute paths"));
            }
            if RESERVED.iter().any(|reserved| bind.target == Path::new(reserved)) {
                return wrong(format!("{} belongs to the sandbox itself", bind.target.display()));
            }
            bind.source
                .symlink_metadata()
                .map_err(|source| SandboxError::Bind { path: bind.source.clone(), source })?;
        }
        if self.forwards.iter().any(|forward| forward.port == 0 || !forward.socket.starts_with(RUN_DIR)) {
            return wrong(format!("a forward needs a port and a socket below {RUN_DIR}"));
        }
        Ok(())
    }
}

/// Mount points that a bind may not replace (below them is fine, `/home/agent/.codex` for one).
const RESERVED: &[&str] = &["/", "/usr", "/proc", "/dev", "/etc", "/tmp", "/home", BRIDGE];

fn plain_absolute(path: &Path) -> bool {
    use std::path::Component::{Normal, RootDir};
    path.is_absolute() && path.components().all(|part| matches!(part, RootDir | Normal(_)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn spec() -> SandboxSpec {
        SandboxSpec::new("/tmp", ["/bin/true"])
    }

    #[test]
    fn a_plain_spec_is_fine() {
        spec().check().unwrap();
    }

    #[test]
    fn what_could_surprise_the_mounts_is_refused() {
        let refused = |change: &dyn Fn(&mut SandboxSpec)| {
            let mut spec = spec();
            change(&mut spec);
            assert!(spec.check().is_err());
        };
        refused(&|s| s.command.clear());
        refused(&|s| s.command.push("a\0b".into()));
        refused(&|s| drop(s.env.insert("A=B".into(), String::new())));
        refused(&|s| s.workspace = "relative".into());
        refused(&|s| s.workspace = "/no/such/directory/here".into());
        refused(&|s| s.working_dir = Some("/workspace/../etc".into()));
        let bind = |target: &str| Bind { source: "/tmp".into(), target: target.into(), access: Access::ReadOnly };
        refused(&|s| s.binds.push(bind("/proc")));
        refused(&|s| s.binds.push(bind("/workspace/../x")));
        refused(&|s| s.forwards.push(Forward { port: 80, socket: "/etc/x.sock".into() }));
    }
}
