//! The private PostgreSQL: on a Unix socket only, with the settings that our promises rest on.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use schema::roles;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};

use super::starter::{Starter, bound_command};
use super::{Retry, Server};
use crate::account::{self, Account};
use crate::home::{Home, make_private_folder};
use crate::servers::Found;

const DATABASE: &str = "lime";
const SUPERUSER: &str = "postgres";

/// What a commit's promise rests on; [`check_durability`] refuses to go on without them.
const DURABILITY: [&str; 3] = ["fsync", "full_page_writes", "synchronous_commit"];

#[derive(Clone, Debug)]
pub(crate) struct Postgres {
    found: Found,
    data: PathBuf,
    run: PathBuf,
    log: PathBuf,
    account: Account,
    /// A live process that the stale `postmaster.pid` names and that is no server of this data directory.
    stranger: Option<u32>,
}

impl Postgres {
    pub(crate) fn new(home: &Home, found: Found, account: Account) -> anyhow::Result<Self> {
        let run = home.run_folder();
        make_private_folder(&run)?;
        account::give(&run, account.as_ref())?;
        let log = home.logs().join("postgres.log");
        Ok(Self { found, data: home.postgres_data(), run, log, account, stranger: None })
    }

    fn options(&self, role: &str, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass().socket(&self.run).username(role).database(database)
    }

    fn url(&self, role: &str) -> String {
        let socket: String = url::form_urlencoded::byte_serialize(self.run.as_os_str().as_encoded_bytes()).collect();
        format!("postgres://{role}@localhost/{DATABASE}?host={socket}")
    }

    /// The database's address as the application's role.
    pub(crate) fn application_url(&self) -> String {
        self.url(roles::APPLICATION)
    }

    /// The database's address as the owner of the tables.
    pub(crate) fn owner_url(&self) -> String {
        self.url(roles::OWNER)
    }

    /// Creates the roles and the database unless they are there; the migrations are the caller's.
    pub(crate) async fn create_database(&self) -> anyhow::Result<()> {
        let mut admin = PgConnection::connect_with(&self.options(SUPERUSER, "postgres")).await?;
        roles::create(&mut admin).await.context("failed to create the database roles")?;
        let exists: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
            .bind(DATABASE)
            .fetch_one(&mut admin)
            .await?;
        if !exists {
            let create = format!("create database {DATABASE} owner {}", roles::OWNER);
            sqlx::raw_sql(&create).execute(&mut admin).await.context("failed to create the database")?;
        }
        roles::grant_on_database(&mut admin, DATABASE).await.context("failed to grant on the database")?;
        admin.close().await?;
        let mut owner = PgConnection::connect_with(&self.options(roles::OWNER, DATABASE)).await?;
        roles::grant_in_database(&mut owner).await.context("failed to grant in the database")?;
        owner.close().await?;
        Ok(())
    }

    async fn create_data(&self, starter: &Starter) -> anyhow::Result<()> {
        // Made beside and renamed when whole: a start that is broken off leaves nothing that looks finished.
        let making = self.data.with_extension("new");
        if making.exists() {
            fs::remove_dir_all(&making)?;
        }
        make_private_folder(&making)?;
        account::give(&making, self.account.as_ref())?;
        let mut command = bound_command(&self.found.path.join("initdb"), self.account.as_ref(), "KILL");
        command.arg("-D").arg(&making).current_dir(&making);
        // Who reaches the socket owns the files as well: its directory is 0700.
        command.args(["-U", SUPERUSER, "--auth=trust", "--no-instructions", "--encoding=UTF8"]);
        // The same sort order on every machine: read models are compared byte by byte.
        command.args(["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]);
        // Syncing each file takes 1.5 s; one sync of the file system after it does the same.
        command.arg("--no-sync");
        let mut initdb = starter.start(command, &self.log).await?;
        let status =
            timeout(Duration::from_mins(2), initdb.wait()).await.context("initdb did not end within 2 min")??;
        if !status.success() {
            bail!("initdb failed ({status}):\n{}", super::last_lines(&super::log_tail(&self.log)));
        }
        let data = self.data.clone();
        tokio::task::spawn_blocking(move || {
            sync_file_system(&making)?;
            fs::rename(&making, &data)?;
            // The rename itself.
            fs::File::open(data.parent().unwrap_or(Path::new("/")))?.sync_all()
        })
        .await??;
        Ok(())
    }

    fn check_version(&self) -> anyhow::Result<()> {
        let of_data = fs::read_to_string(self.data.join("PG_VERSION")).context("failed to read PG_VERSION")?;
        let (major, _) = self.found.version;
        if of_data.trim() != major.to_string() {
            bail!(
                "the data in {} is of PostgreSQL {}, the program in {} is {major}; nothing was changed. \
                 Set LIME_PG_BIN to the programs of PostgreSQL {}",
                self.data.display(),
                of_data.trim(),
                self.found.path.display(),
                of_data.trim()
            );
        }
        Ok(())
    }

    /// What a `postmaster.pid` of a killed server means: a server of ours that still lives is stopped (we hold the
    /// home's lock, so nobody else watches it); another live process only happens to have the number.
    async fn settle_predecessor(&mut self) -> anyhow::Result<()> {
        self.stranger = None;
        let Ok(text) = fs::read_to_string(self.data.join("postmaster.pid")) else { return Ok(()) };
        let Some(pid) = text.lines().next().and_then(|line| line.trim().parse::<i32>().ok()) else { return Ok(()) };
        let is_alive = || kill(Pid::from_raw(pid), None).is_ok();
        if !is_alive() {
            return Ok(());
        }
        if !serves(pid, &self.data) {
            self.stranger = u32::try_from(pid).ok();
            return Ok(());
        }
        tracing::warn!(pid, "stopping a private PostgreSQL that outlived its supervisor");
        let deadline = Instant::now() + Duration::from_secs(20);
        kill(Pid::from_raw(pid), Signal::SIGINT)?;
        while is_alive() {
            if Instant::now() > deadline {
                bail!("an earlier PostgreSQL (process {pid}) does not stop; end it and start again");
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

impl Server for Postgres {
    fn name(&self) -> &'static str {
        "PostgreSQL"
    }

    fn log(&self) -> &Path {
        &self.log
    }

    async fn prepare(&mut self, starter: &Starter) -> anyhow::Result<()> {
        if !self.data.join("PG_VERSION").exists() {
            if self.data.exists() {
                bail!("{} is not a data directory of PostgreSQL; move it away", self.data.display());
            }
            self.create_data(starter).await?;
        }
        self.check_version()?;
        self.settle_predecessor().await
    }

    fn command(&self) -> anyhow::Result<Command> {
        // SIGQUIT: the postmaster takes its backends along at once; killed, it would leave them to notice.
        let mut command = bound_command(&self.found.path.join("postgres"), self.account.as_ref(), "QUIT");
        command.arg("-D").arg(&self.data).arg("-k").arg(&self.run).current_dir(&self.data);
        for setting in [
            "listen_addresses=",
            "unix_socket_permissions=0700",
            "max_connections=200",
            "fsync=on",
            "full_page_writes=on",
            "synchronous_commit=on",
            // A gap in the log ripens by looking at locks; a transaction prepared by a stranger would hold it for ever.
            "max_prepared_transactions=0",
            "timezone=UTC",
            "log_line_prefix=%m [%p] %q%u@%d ",
        ] {
            command.args(["-c", setting]);
        }
        if let Some(pid) = self.stranger {
            command.env("PG_GRANDPARENT_PID", pid.to_string());
        }
        Ok(command)
    }

    async fn is_ready(&mut self, _pid: u32) -> bool {
        let options = self.options(SUPERUSER, "postgres");
        let connecting = PgConnection::connect_with(&options);
        match timeout(Duration::from_secs(2), connecting).await {
            Ok(Ok(connection)) => connection.close().await.is_ok(),
            Ok(Err(_)) | Err(_) => false,
        }
    }

    fn stop_signal(&self) -> Signal {
        // A fast shutdown: transactions are rolled back, everything is flushed.
        Signal::SIGINT
    }

    fn after_exit(&mut self, was_ready: bool, log: &str) -> anyhow::Result<Retry> {
        // After a kill the old shared memory can be in use for a second.
        let is_waiting_for_memory = !was_ready && log.contains("pre-existing shared memory block");
        Ok(if is_waiting_for_memory { Retry::Expected } else { Retry::Counted })
    }

    fn hint(&self, log: &str) -> String {
        if log.contains("No space left on device") {
            "The disk is full. Nothing that was acknowledged is lost: make room, then start lime again".into()
        } else {
            format!("The whole log is {}. The data in {} was not touched", self.log.display(), self.data.display())
        }
    }
}

/// Refuses a private server, and warns about another's, whose commits would not survive a power loss.
pub(crate) async fn check_durability(connection: &mut PgConnection, is_private: bool) -> anyhow::Result<()> {
    for setting in DURABILITY {
        let value: String =
            sqlx::query_scalar("select current_setting($1)").bind(setting).fetch_one(&mut *connection).await?;
        // `local`, `remote_write`, `remote_apply` all wait for our own disk.
        if value != "off" {
            continue;
        }
        if is_private {
            bail!(
                "PostgreSQL runs with {setting} = off: acknowledged work could be lost. Remove it from postgresql.conf"
            );
        }
        tracing::warn!(setting, "the database's commits do not survive a power loss: acknowledged work can be lost");
    }
    Ok(())
}

/// Whether the process is a PostgreSQL of this data directory: a postmaster's working directory is its data.
fn serves(pid: i32, data: &Path) -> bool {
    let folder = fs::read_link(format!("/proc/{pid}/cwd"));
    folder.is_ok_and(|folder| fs::canonicalize(data).is_ok_and(|data| data == folder))
}

#[cfg(target_os = "linux")]
fn sync_file_system(path: &Path) -> std::io::Result<()> {
    nix::unistd::syncfs(fs::File::open(path)?).map_err(std::io::Error::from)
}

#[cfg(not(target_os = "linux"))]
#[allow(clippy::unnecessary_wraps, reason = "the same shape as on Linux")]
fn sync_file_system(_path: &Path) -> std::io::Result<()> {
    nix::unistd::sync();
    Ok(())
}
