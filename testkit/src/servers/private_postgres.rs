//! A PostgreSQL of the test's own, durable as in production, to be killed, paused and restarted.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, chown};
use sqlx::{Connection, PgConnection, PgPool};
use tempfile::TempDir;

use super::Endpoint;
use crate::child::{self, Server};
use crate::{binaries, database};

const DATABASE: &str = "lime";

/// A migrated database on a server of its own: fsync, full-page writes and synchronous commits are on.
///
/// The addresses stay the same over restarts. Everything is gone when it is dropped.
#[derive(Debug)]
pub struct PrivatePostgres {
    server: Option<Server>,
    endpoint: Endpoint,
    bin: PathBuf,
    account: Option<User>,
    folder: TempDir,
}

impl PrivatePostgres {
    /// A new server with a migrated database, the application's role and its owner; about 2 s.
    pub async fn start() -> anyhow::Result<Self> {
        let mut postgres = Self::start_empty().await?;
        let mut admin = PgConnection::connect(&postgres.endpoint.url("postgres", "postgres")).await?;
        database::create_migrated(&mut admin, &postgres.endpoint, DATABASE).await?;
        admin.close().await?;
        postgres.await_ready().await?;
        Ok(postgres)
    }

    /// The same without roles or database: only `admin_url` works.
    pub async fn start_empty() -> anyhow::Result<Self> {
        let bin = binaries::postgres_bin()?;
        let account = child::postgres_account()?;
        // Short on purpose: a socket's path holds 107 bytes, and TMPDIR may be long or closed to the account.
        let folder = tempfile::Builder::new().prefix("lime-pg-").tempdir_in("/tmp")?;
        if let Some(user) = &account {
            chown(folder.path(), Some(user.uid), Some(user.gid))?;
        }
        let endpoint = Endpoint { socket_folder: folder.path().to_path_buf() };
        let mut postgres = Self { server: None, endpoint, bin, account, folder };
        postgres.initialise().await?;
        postgres.restart().await?;
        Ok(postgres)
    }

    async fn initialise(&self) -> anyhow::Result<()> {
        let mut command = child::bound_command(&self.bin.join("initdb"), self.account.as_ref());
        command.arg("-D").arg(self.data_folder()).current_dir(self.folder.path());
        command.args(["-U", "postgres", "--auth=trust", "--no-sync", "--no-instructions", "--encoding=UTF8"]);
        command.args(["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]);
        let log = self.folder.path().join("initdb.log");
        let mut initdb = Server::start(command, &log)?;
        let ended =
            tokio::task::spawn_blocking(move || initdb.wait(Duration::from_mins(1)).map(|()| initdb.log_tail()));
        let said = ended.await??;
        if !self.data_folder().join("PG_VERSION").is_file() {
            bail!("initdb failed: {said}");
        }
        Ok(())
    }

    fn data_folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The address as the application's role.
    pub fn url(&self) -> String {
        self.endpoint.url(schema::roles::APPLICATION, DATABASE)
    }

    /// The address as the owner of the tables.
    pub fn owner_url(&self) -> String {
        self.endpoint.url(schema::roles::OWNER, DATABASE)
    }

    /// The address of the maintenance database as superuser.
    pub fn admin_url(&self) -> String {
        self.endpoint.url("postgres", "postgres")
    }

    /// A new pool as the application's role.
    pub async fn pool(&self) -> anyhow::Result<PgPool> {
        database::pool(&self.url()).await
    }

    /// The postmaster's process id; none while it is down.
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Server::pid)
    }

    /// SIGKILL to the postmaster; its children end by themselves.
    pub fn kill(&mut self) {
        // Dropping the handle kills and reaps.
        self.server = None;
    }

    /// A fast shutdown, as the supervisor does it.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        let Some(mut server) = self.server.take() else { return Ok(()) };
        server.signal(Signal::SIGINT)?;
        tokio::task::spawn_blocking(move || server.wait(Duration::from_mins(1))).await?
    }

    /// SIGSTOP to the postmaster and every backend: each is a process group of its own.
    pub fn pause(&self) -> anyhow::Result<()> {
        self.signal_all(Signal::SIGSTOP)
    }

    /// SIGCONT to all that [`Self::pause`] stopped.
    pub fn resume(&self) -> anyhow::Result<()> {
        self.signal_all(Signal::SIGCONT)
    }

    fn signal_all(&self, signal: Signal) -> anyhow::Result<()> {
        let server = self.server.as_ref().context("PostgreSQL is down")?;
        server.signal(signal)?;
        for pid in child::children_of(server.pid()) {
            // A backend that ended meanwhile needs no signal.
            let _ = kill(Pid::from_raw(i32::try_from(pid)?), signal);
        }
        Ok(())
    }

    /// Starts it (after killing it when it runs) and returns when it answers.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.kill();
        let deadline = Instant::now() + Duration::from_mins(1);
        // After a kill the old shared memory can be in use for a moment: PostgreSQL then refuses and ends.
        while Instant::now() < deadline {
            let mut command = child::bound_command(&self.bin.join("postgres"), self.account.as_ref());
            command.arg("-D").arg(self.data_folder()).arg("-k").arg(&self.endpoint.socket_folder);
            command.args(["-c", "listen_addresses=", "-c", "max_connections=200"]).current_dir(self.folder.path());
            self.server = Some(Server::start(command, &self.folder.path().join("postgres.log"))?);
            if self.await_ready().await? {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("PostgreSQL did not start within 60 s: {}", fs::read_to_string(self.folder.path().join("postgres.log"))?)
    }

    /// True when it answers, false when it ended instead.
    async fn await_ready(&mut self) -> anyhow::Result<bool> {
        loop {
            let server = self.server.as_mut().context("PostgreSQL is down")?;
            if server.has_ended() {
                return Ok(false);
            }
            if UnixStream::connect(self.endpoint.socket_folder.join(".s.PGSQL.5432")).is_ok()
                && let Ok(connection) = PgConnection::connect(&self.admin_url()).await
            {
                connection.close().await?;
                return Ok(true);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        // An immediate shutdown lets the postmaster take its backends and shared memory with it.
        if let Some(mut server) = self.server.take() {
            let _ = server.signal(Signal::SIGCONT);
            let _ = server.signal(Signal::SIGQUIT);
            let _ = server.wait(Duration::from_secs(5));
        }
    }
}
