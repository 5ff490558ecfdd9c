//! Real servers for tests: one PostgreSQL shared by all test processes, private ones for those that break them.

pub mod nats;
pub mod private_postgres;

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::sync::OnceCell;

use crate::{binaries, child};

/// Python's standard library has what this needs (locks, processes, accounts), and a test binary cannot start itself
/// as another program; `make` needs Python anyway to fetch the servers.
const KEEPER: &str = include_str!("servers/shared_postgres.py");
const IDLE_SECONDS: &str = "60";

/// Where a PostgreSQL server listens.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The directory of its Unix socket.
    pub socket_folder: PathBuf,
}

impl Endpoint {
    /// The address of `database` for `role`; every test server trusts who reaches its socket.
    pub fn url(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}@localhost/{database}?host={}", self.socket_folder.display())
    }
}

/// The shared test server: running when this returns, and for as long as this process lives.
pub async fn shared_postgres() -> anyhow::Result<Endpoint> {
    static SERVER: OnceCell<(Endpoint, File)> = OnceCell::const_new();
    let (endpoint, _user_lock) =
        SERVER.get_or_try_init(|| async { tokio::task::spawn_blocking(find_or_start).await? }).await?;
    Ok(endpoint.clone())
}

/// The folder of locks and sockets that this user's test processes meet in.
///
/// Short (a socket's path holds 107 bytes) and open to PostgreSQL's account, which no target directory need be.
fn meeting_folder(bin: &Path) -> anyhow::Result<PathBuf> {
    let uid = nix::unistd::geteuid().as_raw();
    let mark = ring::digest::digest(&ring::digest::SHA256, format!("{}\n{KEEPER}", bin.display()).as_bytes());
    let mark: String = hex::encode(mark).chars().take(8).collect();
    let folder = PathBuf::from(format!("/tmp/lime-test-{uid}"));
    for folder in [folder.clone(), folder.join(&mark)] {
        if let Err(error) = fs::create_dir(&folder)
            && error.kind() != std::io::ErrorKind::AlreadyExists
        {
            return Err(error).with_context(|| format!("failed to create {}", folder.display()));
        }
        let found = fs::symlink_metadata(&folder)?;
        if found.uid() != uid || !found.is_dir() {
            bail!("{} belongs to somebody else: remove it", folder.display());
        }
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o711))?;
    }
    Ok(folder.join(mark))
}

fn find_or_start() -> anyhow::Result<(Endpoint, File)> {
    let bin = binaries::postgres_bin()?;
    let folder = meeting_folder(&bin)?;
    let lock = File::options().create(true).truncate(false).write(true).open(folder.join("users.lock"))?;
    lock.lock_shared().context("failed to lock users.lock")?;
    for attempt in 0..600 {
        if let Some(endpoint) = running(&folder) {
            return Ok((endpoint, lock));
        }
        if attempt % 50 == 0 {
            start_keeper(&folder, &bin)?;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
    bail!("the shared test PostgreSQL did not start within 60 s; its log:\n{log}")
}

/// The server that `current` names, if it answers.
fn running(folder: &Path) -> Option<Endpoint> {
    let current = fs::read_to_string(folder.join("current")).ok()?;
    let socket_folder = PathBuf::from(current.lines().nth(1)?);
    UnixStream::connect(socket_folder.join(".s.PGSQL.5432")).ok()?;
    Some(Endpoint { socket_folder })
}

fn start_keeper(folder: &Path, bin: &Path) -> anyhow::Result<()> {
    let account = child::postgres_account()?.map(|user| user.name).unwrap_or_default();
    let log = File::options().create(true).append(true).open(folder.join("log"))?;
    // A session of its own: it outlives this process, and no terminal's or runner's signal reaches it.
    let keeper = Command::new("python3")
        .args(["-c", "import os,sys; os.setsid() if os.fork() == 0 else os._exit(0); exec(sys.argv.pop(1))", KEEPER])
        .args([folder.as_os_str(), bin.as_os_str(), account.as_ref(), IDLE_SECONDS.as_ref()])
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .status();
    keeper.context("failed to run python3, which keeps the shared test PostgreSQL")?;
    Ok(())
}
