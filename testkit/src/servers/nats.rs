//! A nats-server with JetStream of the test's own: it starts in a tenth of a second.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::signal::Signal;
use serde::Deserialize;
use tempfile::TempDir;

use crate::binaries;
use crate::child::{self, Server};

/// A running (or killed, paused, stopped) nats-server; its port stays the same over restarts.
#[derive(Debug)]
pub struct TestNats {
    server: Option<Server>,
    port: Option<u16>,
    store: PathBuf,
    folder: TempDir,
}

impl TestNats {
    /// A new server with an empty store.
    pub async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("lime-nats-").tempdir()?;
        let store = folder.path().join("store");
        Self::start_in(folder, store).await
    }

    /// A new server on the store of an earlier one, or an empty one at that place.
    pub async fn start_with_store(store: &Path) -> anyhow::Result<Self> {
        Self::start_in(tempfile::Builder::new().prefix("lime-nats-").tempdir()?, store.to_path_buf()).await
    }

    async fn start_in(folder: TempDir, store: PathBuf) -> anyhow::Result<Self> {
        let mut nats = Self { server: None, port: None, store, folder };
        nats.restart().await?;
        Ok(nats)
    }

    /// `nats://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port.unwrap_or_default())
    }

    /// A new connection.
    pub async fn client(&self) -> anyhow::Result<async_nats::Client> {
        async_nats::connect(self.url()).await.with_context(|| format!("failed to connect to {}", self.url()))
    }

    /// The directory with JetStream's files: remove it while the server is down to wipe it.
    pub fn store(&self) -> &Path {
        &self.store
    }

    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Server::pid)
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        // Dropping the handle kills and reaps.
        self.server = None;
    }

    /// A clean stop, as the supervisor does it.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        let Some(mut server) = self.server.take() else { return Ok(()) };
        server.signal(Signal::SIGTERM)?;
        tokio::task::spawn_blocking(move || server.wait(Duration::from_secs(30))).await?
    }

    pub fn pause(&self) -> anyhow::Result<()> {
        self.server.as_ref().context("NATS is down")?.signal(Signal::SIGSTOP)
    }

    pub fn resume(&self) -> anyhow::Result<()> {
        self.server.as_ref().context("NATS is down")?.signal(Signal::SIGCONT)
    }

    /// Kills it when it runs, removes its store, and starts it again.
    pub async fn wipe(&mut self) -> anyhow::Result<()> {
        self.kill();
        fs::remove_dir_all(&self.store).with_context(|| format!("failed to remove {}", self.store.display()))?;
        self.restart().await
    }

    /// Starts it (after killing it when it runs) and returns when it accepts connections.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.kill();
        let config = self.folder.path().join("nats.conf");
        let ports = self.folder.path().join("ports");
        fs::create_dir_all(&ports)?;
        // The same durability as in production: every promise about NATS is judged with it.
        let text = serde_json::json!({
            "host": "127.0.0.1",
            "port": self.port.map_or(-1, i32::from),
            "ports_file_dir": ports,
            "max_payload": 8 << 20,
            "jetstream": {
                "store_dir": self.store,
                "sync_interval": "always",
                "max_memory_store": 256 << 20,
                "max_file_store": 4_u64 << 30,
            },
        });
        fs::write(&config, text.to_string())?;
        let mut command = child::bound_command(&binaries::nats_bin()?, None);
        command.arg("-c").arg(&config).current_dir(self.folder.path());
        self.server = Some(Server::start(command, &self.folder.path().join("nats.log"))?);
        self.await_ready(&ports).await
    }

    async fn await_ready(&mut self, ports: &Path) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            let server = self.server.as_mut().context("NATS is down")?;
            if server.has_ended() {
                bail!("nats-server ended: {}", server.log_tail());
            }
            if let Some(port) =
                self.port.or_else(|| port_in(&ports.join(format!("nats-server_{}.ports", server.pid()))))
                && TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).is_ok()
            {
                self.port = Some(port);
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        bail!(
            "nats-server did not start within 30 s: {}",
            self.server.as_ref().map(Server::log_tail).unwrap_or_default()
        )
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
