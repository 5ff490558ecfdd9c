//! The home: the private servers' data, files and keys of one installation, guarded by one lock.
//!
//! ```text
//! lock            held by the one `lime up` of this home
//! runtime.json    how to reach what runs, 0600, there while it runs
//! postgres/       the data directory          nats/   JetStream's store
//! run/            sockets and ports files     objects/   files
//! master.key      seals the secrets in the database, 0600: back it up beside it, never with it
//! work/           repositories and workspaces of runs
//! logs/           what the private servers wrote   ballast   room that is given back when the disk is full
//! ```
//! As root the private servers run as another user, who cannot enter a private directory: then the home lies below
//! `/var/lib/lime` and the asked-for path is a link to it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::unistd::geteuid;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::account::is_open_to_others;
use crate::exit::Exit;

const ROOTS_HOMES: &str = "/var/lib/lime/homes";
/// A Unix socket's path holds 107 bytes on Linux and 103 on macOS.
const LONGEST_SOCKET_PATH: usize = 103;
const SOCKET_NAME: &str = ".s.PGSQL.5432";

#[derive(Clone, Debug)]
pub(crate) struct Home {
    path: PathBuf,
}

/// How to reach what runs; written by `lime up`, read by the commands beside it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Runtime {
    pub(crate) pid: u32,
    pub(crate) url: String,
    pub(crate) database_url: String,
    pub(crate) owner_database_url: String,
    pub(crate) nats_url: String,
}

/// Held as long as this value lives; the system lets go when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct HomeLock {
    _file: File,
}

impl Home {
    /// The home at `asked`, made when it is not there.
    ///
    /// `is_asked`: somebody named it. A home of our own choice lies below `/var/lib/lime` for root in any case.
    pub(crate) fn open(asked: &Path, is_asked: bool) -> anyhow::Result<Self> {
        let asked = std::path::absolute(asked).context("the home's path is not usable")?;
        if geteuid().is_root() && !asked.exists() && !(is_asked && is_open_to_others(&asked)) {
            link_below_var(&asked)?;
        }
        make_private_folder(&asked)?;
        let path = asked.canonicalize().with_context(|| format!("failed to find {}", asked.display()))?;
        if geteuid().is_root() && !is_open_to_others(path.parent().unwrap_or(Path::new("/"))) {
            bail!(
                "{} lies in a directory that only root may enter, and PostgreSQL runs as another user. Move it, \
                 or remove it to have it made below {ROOTS_HOMES} and linked",
                path.display()
            );
        }
        if geteuid().is_root() {
            // The servers' account must pass; every directory inside says for itself who may enter.
            fs::set_permissions(&path, fs::Permissions::from_mode(0o711))?;
        }
        let home = Self { path };
        make_private_folder(&home.logs())?;
        Ok(home)
    }

    /// The home at `asked`, which must be there.
    pub(crate) fn find(asked: &Path) -> anyhow::Result<Self> {
        let path = asked.canonicalize();
        let path =
            path.with_context(|| format!("there is no home at {}: start one with `lime up`", asked.display()))?;
        Ok(Self { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn postgres_data(&self) -> PathBuf {
        self.path.join("postgres")
    }

    pub(crate) fn nats(&self) -> PathBuf {
        self.path.join("nats")
    }

    pub(crate) fn objects(&self) -> PathBuf {
        self.path.join("objects")
    }

    /// Repositories and workspaces of agent runs.
    pub(crate) fn work(&self) -> PathBuf {
        self.path.join("work")
    }

    pub(crate) fn master_key(&self) -> PathBuf {
        self.path.join("master.key")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.path.join("logs")
    }

    /// Where the private servers' sockets lie: in the home, or in a short place when its path is long.
    pub(crate) fn run_folder(&self) -> PathBuf {
        let inside = self.path.join("run");
        if inside.join(SOCKET_NAME).as_os_str().len() <= LONGEST_SOCKET_PATH {
            return inside;
        }
        PathBuf::from(format!("/tmp/lime-{}-{}", geteuid(), mark(&self.path)))
    }

    /// Takes the home for this process.
    ///
    /// Waits up to `patience` for a predecessor that is ending; then fails with [`Exit::HomeInUse`].
    pub(crate) fn lock(&self, patience: Duration) -> anyhow::Result<HomeLock> {
        let path = self.path.join("lock");
        let mut file =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(&path)?;
        let deadline = Instant::now() + patience;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                Err(TryLockError::WouldBlock) => {
                    let mut holder = String::new();
                    file.read_to_string(&mut holder)?;
                    return Err(Exit::HomeInUse.because(format!(
                        "another lime (process {}) runs on {}. Stop it, or use another home with --home",
                        holder.trim(),
                        self.path.display()
                    )));
                }
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("failed to lock {}", path.display()));
                }
            }
        }
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())?;
        Ok(HomeLock { _file: file })
    }

    pub(crate) fn write_runtime(&self, runtime: &Runtime) -> anyhow::Result<()> {
        write_whole(&self.runtime_file(), &serde_json::to_vec_pretty(runtime)?)
    }

    pub(crate) fn remove_runtime(&self) {
        // Not there is as good.
        let _ = fs::remove_file(self.runtime_file());
    }

    /// How to reach the `lime up` that runs on this home.
    pub(crate) fn runtime(&self) -> anyhow::Result<Runtime> {
        let lock = File::open(self.path.join("lock"));
        let is_running = lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)));
        let text = fs::read(self.runtime_file()).ok().filter(|_| is_running);
        let Some(text) = text else {
            bail!("lime does not run on {}: start it with `lime up`", self.path.display());
        };
        serde_json::from_slice(&text).with_context(|| format!("failed to read {}", self.runtime_file().display()))
    }

    fn runtime_file(&self) -> PathBuf {
        self.path.join("runtime.json")
    }
}

/// Writes a file that only we may read, in one step: nobody sees half of it.
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)
        .with_context(|| format!("failed to write into {}", folder.display()))?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).with_context(|| format!("failed to write {}", path.display()))?;
    Ok(())
}

/// Makes a directory (and those above it) that only we may enter; fails when it is somebody else's.
pub(crate) fn make_private_folder(path: &Path) -> anyhow::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| format!("failed to create {}", parent.display()))?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(error).with_context(|| format!("failed to create {}", path.display()));
        }
        Ok(()) | Err(_) => {}
    }
    let found = fs::metadata(path).with_context(|| format!("failed to look at {}", path.display()))?;
    let uid = geteuid();
    if !found.is_dir() || (found.uid() != uid.as_raw() && !uid.is_root()) {
        bail!("{} is not a directory of ours", path.display());
    }
    Ok(())
}

fn link_below_var(asked: &Path) -> anyhow::Result<()> {
    let name = asked.parent().and_then(Path::file_name).map_or_else(String::new, |name| name.to_string_lossy().into());
    let real = Path::new(ROOTS_HOMES).join(format!("{name}-{}", mark(asked)));
    make_private_folder(&real)?;
    if let Some(parent) = asked.parent() {
        fs::create_dir_all(parent).with_context(|| format!("failed to create {}", parent.display()))?;
    }
    // A link whose target is gone counts as not there.
    if asked.is_symlink() {
        fs::remove_file(asked)?;
    }
    symlink(&real, asked).with_context(|| format!("failed to link {} to {}", asked.display(), real.display()))
}

/// Eight digits that name a path.
fn mark(path: &Path) -> String {
    hex::encode(digest(&SHA256, path.as_os_str().as_encoded_bytes())).chars().take(8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home_in(folder: &Path) -> Home {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o711)).unwrap();
        Home::open(&folder.join("home"), true).unwrap()
    }

    #[test]
    fn a_home_is_for_one_process() {
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        let home = home_in(folder.path());
        let lock = home.lock(Duration::ZERO).unwrap();
        let refused = home.lock(Duration::from_millis(60)).unwrap_err();
        assert!(refused.to_string().contains(&format!("process {}", std::process::id())), "{refused}");
        assert_eq!(Exit::of(&refused), Exit::HomeInUse);
        drop(lock);
        home.lock(Duration::ZERO).unwrap();
    }

    #[test]
    fn the_runtime_is_only_believed_while_the_home_is_locked() {
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        let home = home_in(folder.path());
        let lock = home.lock(Duration::ZERO).unwrap();
        let runtime = Runtime {
            pid: 1,
            url: "http://127.0.0.1:1".into(),
            database_url: "d".into(),
            owner_database_url: "o".into(),
            nats_url: "n".into(),
        };
        home.write_runtime(&runtime).unwrap();
        assert_eq!(home.runtime().unwrap().url, runtime.url);
        let mode = fs::metadata(home.path().join("runtime.json")).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(lock);
        assert!(home.runtime().unwrap_err().to_string().contains("lime up"));
    }

    #[test]
    fn sockets_of_a_deep_home_lie_in_a_short_place() {
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let near = home_in(folder.path());
        assert_eq!(near.run_folder(), near.path().join("run"));
        let deep = Home { path: folder.path().join("d".repeat(120)) };
        assert!(deep.run_folder().join(SOCKET_NAME).as_os_str().len() <= LONGEST_SOCKET_PATH);
    }
}
