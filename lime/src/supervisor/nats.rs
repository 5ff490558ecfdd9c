//! The private NATS: on the loopback, with a password that lives as long as this process.
//!
//! Its store holds nothing that PostgreSQL does not have: one that is broken is moved aside and filled again.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::timeout;

use super::starter::{Starter, bound_command};
use super::{Retry, Server};
use crate::account::{self, Account};
use crate::home::{Home, make_private_folder, write_whole};
use crate::servers::Found;

const USER: &str = "lime";

#[derive(Debug)]
pub(crate) struct Nats {
    found: Found,
    folder: PathBuf,
    run: PathBuf,
    log: PathBuf,
    account: Account,
    password: String,
    port: Option<u16>,
    url: watch::Sender<Option<String>>,
    failed_starts: u32,
}

impl Nats {
    pub(crate) fn new(home: &Home, found: Found, account: Account) -> anyhow::Result<Self> {
        let folder = home.nats();
        let run = home.run_folder();
        for path in [&folder, &run] {
            make_private_folder(path)?;
            account::give(path, account.as_ref())?;
        }
        let password = hex::encode(rand::random::<[u8; 24]>());
        let log = home.logs().join("nats.log");
        let url = watch::Sender::new(None);
        Ok(Self { found, folder, run, log, account, password, port: None, url, failed_starts: 0 })
    }

    /// The address with user and password; known when the server is ready for the first time, the same after that.
    pub(crate) fn url(&self) -> watch::Receiver<Option<String>> {
        self.url.subscribe()
    }

    fn store(&self) -> PathBuf {
        self.folder.join("store")
    }

    fn settings_file(&self) -> PathBuf {
        self.run.join("nats.json")
    }

    /// A killed server leaves its file, and process ids come again.
    fn remove_old_ports_files(&self) -> anyhow::Result<()> {
        for entry in fs::read_dir(&self.run)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "ports") {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// Keeps a broken store for whoever wants to look at it; the relay fills the new one from PostgreSQL.
    fn set_store_aside(&self) -> anyhow::Result<()> {
        let now = chrono::Utc::now().format("%Y%m%dT%H%M%SZ");
        let aside = self.folder.join(format!("store.broken-{now}"));
        fs::rename(self.store(), &aside)?;
        tracing::warn!(
            moved_to = %aside.display(),
            "NATS could not start from its store; it was moved aside and is filled again from PostgreSQL. Nothing is lost"
        );
        Ok(())
    }
}

impl Server for Nats {
    fn name(&self) -> &'static str {
        "NATS"
    }

    fn log(&self) -> &Path {
        &self.log
    }

    async fn prepare(&mut self, _starter: &Starter) -> anyhow::Result<()> {
        self.remove_old_ports_files()?;
        let settings = serde_json::json!({
            "server_name": "lime",
            "host": Ipv4Addr::LOCALHOST,
            // The port of the first start is kept: clients find the server again where it was.
            "port": self.port.map_or(-1, i32::from),
            "ports_file_dir": self.run,
            "authorization": { "user": USER, "password": self.password },
            "max_payload": 8 << 20,
            // With `always`, 0 messages of 8,000 were lost at a power loss; with the default, all of them.
            "jetstream": { "store_dir": self.store(), "sync_interval": "always", "max_memory_store": 64 << 20 },
        });
        write_whole(&self.settings_file(), settings.to_string().as_bytes())?;
        fs::set_permissions(self.settings_file(), fs::Permissions::from_mode(0o600))?;
        account::give(&self.settings_file(), self.account.as_ref())
    }

    fn command(&self) -> anyhow::Result<Command> {
        let mut command = bound_command(&self.found.path, self.account.as_ref(), "KILL");
        command.arg("-c").arg(self.settings_file()).current_dir(&self.folder);
        Ok(command)
    }

    async fn is_ready(&mut self, pid: u32) -> bool {
        let Some(port) = port_in(&self.run.join(format!("nats-server_{pid}.ports"))) else { return false };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if !matches!(timeout(Duration::from_secs(2), TcpStream::connect(address)).await, Ok(Ok(_))) {
            return false;
        }
        self.port = Some(port);
        self.failed_starts = 0;
        self.url.send_replace(Some(format!("nats://{USER}:{}@{address}", self.password)));
        true
    }

    fn stop_signal(&self) -> Signal {
        Signal::SIGTERM
    }

    fn after_exit(&mut self, was_ready: bool, log: &str) -> anyhow::Result<Retry> {
        if was_ready {
            return Ok(Retry::Counted);
        }
        self.failed_starts += 1;
        // Another process may hold the port for a moment; a store that fails twice is broken.
        let is_about_the_port = log.lines().rev().take(5).any(|line| line.contains("address already in use"));
        if self.failed_starts >= 2 && !is_about_the_port && self.store().exists() {
            self.set_store_aside()?;
            self.failed_starts = 0;
        }
        Ok(Retry::Counted)
    }

    fn hint(&self, _log: &str) -> String {
        format!("The whole log is {}. Nothing is lost: everything is in PostgreSQL", self.log.display())
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        // The password in it is worth nothing once the server is gone.
        let _ = fs::remove_file(self.settings_file());
    }
}

/// What nats-server writes once it listens: `{"nats": ["nats://127.0.0.1:4321"]}`.
#[derive(Deserialize)]
struct PortsFile {
    nats: Vec<url::Url>,
}

fn port_in(file: &Path) -> Option<u16> {
    let ports: PortsFile = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    ports.nats.first()?.port()
}
