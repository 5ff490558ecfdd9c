//! What a worker that runs as root does before bubblewrap: `lime sandbox-stage CONFIG -- ARGS`.
//!
//! The sandbox runs as the slot's own user, so that its limits count for it alone and its files are
//! nobody else's. That user cannot reach `/root/...`, where workspace and programs may well be. So the
//! sources are bound, in a mount namespace of this process, below a tmpfs at `/tmp` that the user can
//! reach; then root is given up for good, and bubblewrap takes this process's place.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::libc;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::unistd::{Gid, Uid, getppid, setgroups, setresgid, setresuid};
use serde::{Deserialize, Serialize};

/// The command of the `lime` binary that is [`run`].
pub(crate) const COMMAND: &str = "sandbox-stage";

/// Where the sources appear: `/tmp/0`, `/tmp/1`, …
const STAGE: &str = "/tmp";

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StageConfig {
    /// The worker's process id: if it is no longer our parent, nothing is started.
    pub parent: i32,
    pub uid: u32,
    pub gid: u32,
    /// Staged after the sources: it may be out of the user's reach as well.
    pub bubblewrap: PathBuf,
    /// Bound in this order, see [`staged`].
    pub sources: Vec<PathBuf>,
}

/// The path at which the source with this index can be found after staging.
pub(crate) fn staged(index: usize) -> PathBuf {
    Path::new(STAGE).join(index.to_string())
}

/// Replaces this process; returns only when something failed.
pub(crate) fn run(config: &StageConfig, bubblewrap_args: &[OsString]) -> io::Error {
    match prepare(config) {
        Ok(()) => Command::new(staged(config.sources.len())).args(bubblewrap_args).env_clear().exec(),
        Err(error) => error,
    }
}

fn prepare(config: &StageConfig) -> io::Result<()> {
    let none = None::<&str>;
    unshare(CloneFlags::CLONE_NEWNS)?;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    // Opened before the tmpfs hides what may lie below /tmp. O_PATH: a socket or unreadable file will do.
    let path_only = |source: &PathBuf| OpenOptions::new().read(true).custom_flags(libc::O_PATH).open(source);
    let with_bubblewrap = config.sources.iter().chain([&config.bubblewrap]);
    let sources = with_bubblewrap.map(path_only).collect::<io::Result<Vec<File>>>()?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("sandbox-stage"), STAGE, Some("tmpfs"), flags, Some("mode=0755,size=64k"))?;
    for (index, source) in sources.iter().enumerate() {
        let target = staged(index);
        if source.metadata()?.is_dir() {
            DirBuilder::new().mode(0o755).create(&target)?;
        } else {
            OpenOptions::new().write(true).create_new(true).mode(0o644).open(&target)?;
        }
        let source = format!("/proc/self/fd/{}", source.as_raw_fd());
        mount(Some(source.as_str()), &target, none, MsFlags::MS_BIND | MsFlags::MS_REC, none)?;
    }
    drop(sources);
    setgroups(&[])?;
    let (uid, gid) = (Uid::from_raw(config.uid), Gid::from_raw(config.gid));
    setresgid(gid, gid, gid)?;
    setresuid(uid, uid, uid)?;
    // Changing the user cleared the parent-death signal.
    prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
    if getppid().as_raw() != config.parent {
        return Err(io::Error::other("the worker that started this sandbox is gone"));
    }
    Ok(())
}
