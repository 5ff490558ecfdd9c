//! `lime up`: everything in one process, on a private home.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use projections::Reads;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::cli;
use crate::connected::Addresses;
use crate::embedded::Servers;
use crate::exit::Exit;
use crate::home::{Home, Runtime, make_private_folder, write_whole};
use crate::master_key;
use crate::owner;
use crate::platform::{Platform, Role};
use crate::screen::say;
use crate::settings::Settings;
use crate::storage;

const FIRST_PORT: u16 = 5463;
const LAST_PORT: u16 = 5563;

/// How long roles may take to finish what they have begun.
const DRAIN: Duration = Duration::from_secs(12);

/// Runs until SIGINT or SIGTERM.
pub(crate) async fn run(settings: Settings, options: cli::Up) -> anyhow::Result<()> {
    let settings = Arc::new(settings);
    let home = Home::open(&settings.home, settings.is_home_asked)?;
    let _lock = home.lock(Duration::from_secs(5))?;
    home.remove_runtime();
    if let Some(file) = &options.ready_file {
        // One of an earlier start says nothing about this one.
        let _ = fs::remove_file(file);
    }
    let listener = listen(settings.listen).await?;
    let url = public_url(&settings, listener.local_addr()?)?;
    let asked_to_stop = asked_to_stop()?;
    say(format!("Starting on {}", home.path().display()));
    let servers = tokio::select! {
        started = Servers::start(&home, &settings) => started?,
        // Dropping what was started kills it; a data directory that is half made is made anew.
        () = asked_to_stop.cancelled() => return Ok(()),
    };
    let stop = CancellationToken::new();
    let mut roles = Vec::new();
    let installation = Installation { home: &home, settings, options: &options, addresses: servers.addresses(), url };
    let outcome = tokio::select! {
        started = installation.start(listener, &stop, &mut roles) => match started {
            Ok(()) => {
                asked_to_stop.cancelled().await;
                Ok(())
            }
            Err(error) => Err(error),
        },
        () = asked_to_stop.cancelled() => Ok(()),
    };
    home.remove_runtime();
    stop.cancel();
    futures::future::join_all(roles.into_iter().map(|role| role.ended(DRAIN))).await;
    servers.stop().await;
    outcome
}

struct Installation<'a> {
    home: &'a Home,
    settings: Arc<Settings>,
    options: &'a cli::Up,
    addresses: Addresses,
    url: Url,
}

impl Installation<'_> {
    /// Starts every role, makes the owner at the first start, and says where to go.
    async fn start(self, listener: TcpListener, stop: &CancellationToken, roles: &mut Vec<Role>) -> anyhow::Result<()> {
        let address = listener.local_addr()?;
        // Before any role starts: with a wrong key nothing may be sealed.
        let vault = master_key::vault(&self.settings, self.addresses.pool()?).await?;
        let objects = match self.settings.objects.clone() {
            Some(asked) => asked,
            None => {
                let own = self.home.objects();
                make_private_folder(&own)?;
                own
            }
        };
        let low = storage::watch(self.home.path());
        let platform =
            Platform::connect(&self.addresses, objects, Arc::clone(&self.settings), Some(low), Some(vault)).await?;
        roles.push(platform.ledger(stop.clone())?);
        roles.push(platform.projector(stop.clone())?);
        roles.push(platform.gateway(listener, &self.url, stop.clone())?);
        roles.push(platform.reactor(stop.clone())?);
        if self.settings.slots != Some(0) {
            roles.push(platform.work(self.home.work(), stop.clone())?);
        }
        let pool = self.addresses.pool()?;
        let (owner, org) = owner::ensure(&pool, &platform.commands(pool.clone()), &self.settings).await?;
        owner::is_known(&Reads::new(pool.clone()), owner, org).await;
        until_it_serves(address).await?;
        self.home.write_runtime(&Runtime {
            pid: std::process::id(),
            url: self.url.to_string(),
            database_url: self.addresses.database_url.clone(),
            owner_database_url: self.addresses.owner_database_url.clone(),
            nats_url: self.addresses.nats_url.clone(),
        })?;
        let link = owner::link(&pool, owner, self.url.as_str()).await?;
        if let Some(file) = &self.options.ready_file {
            write_ready_file(file, self.home, &self.url, &link)?;
        }
        say(format!("\nAssembly Lime is at {}", self.url));
        say(format!("Sign in (once, within 15 minutes; `lime owner-link` prints another):\n  {link}"));
        if let Some(line) = ssh_line(std::env::var("SSH_CONNECTION").ok().as_deref(), address) {
            say(format!("From your own machine, first open the way to it:\n  {line}"));
        }
        say("Ctrl-C stops it.");
        Ok(())
    }
}

/// Asks over the network, as a browser would.
pub(crate) async fn until_it_serves(address: SocketAddr) -> anyhow::Result<()> {
    let host = loopback_for(address);
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build()?;
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match client.get(format!("http://{host}/readyz")).send().await {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(_) | Err(_) if Instant::now() < deadline => sleep(Duration::from_millis(10)).await,
            Ok(answer) => bail!("the gateway does not get ready: {}", answer.text().await?),
            Err(error) => return Err(error).context("the gateway does not answer"),
        }
    }
}

fn write_ready_file(file: &Path, home: &Home, url: &Url, owner_link: &str) -> anyhow::Result<()> {
    let ready = serde_json::json!({ "url": url.as_str(), "ownerLink": owner_link, "home": home.path() });
    write_whole(file, ready.to_string().as_bytes())
}

/// Cancelled at the first SIGINT or SIGTERM. A second one ends the process at once; the children follow.
pub(crate) fn asked_to_stop() -> anyhow::Result<CancellationToken> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let asked = CancellationToken::new();
    let told = asked.clone();
    tokio::spawn(async move {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        say("Stopping; nothing that was acknowledged is lost");
        told.cancel();
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        std::process::exit(130);
    });
    Ok(asked)
}

/// The asked-for address, which must be free; or the next free port from 5463 on.
pub(crate) async fn listen(asked: Option<SocketAddr>) -> anyhow::Result<TcpListener> {
    if let Some(address) = asked {
        return TcpListener::bind(address).await.map_err(|error| {
            if error.kind() == std::io::ErrorKind::AddrInUse {
                return Exit::AddressInUse.because(format!(
                    "{address} is taken by another program. Ask for another with --listen, or for none to take the next free one"
                ));
            }
            anyhow::Error::new(error).context(format!("failed to listen on {address}"))
        });
    }
    for port in FIRST_PORT..=LAST_PORT {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(error).context("failed to listen on the loopback"),
        }
    }
    Err(Exit::AddressInUse
        .because(format!("the ports {FIRST_PORT} to {LAST_PORT} are all taken; name one with --listen")))
}

pub(crate) fn public_url(settings: &Settings, address: SocketAddr) -> anyhow::Result<Url> {
    match &settings.public_url {
        Some(url) => Ok(url.clone()),
        None => Ok(Url::parse(&format!("http://{}/", loopback_for(address)))?),
    }
}

/// Where this machine itself reaches what listens on `address`.
fn loopback_for(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() { SocketAddr::from((Ipv4Addr::LOCALHOST, address.port())) } else { address }
}

/// The line that reaches a loopback address of this machine from the one that is signed in over ssh.
///
/// `connection` is what ssh sets: client address, client port, server address, server port.
fn ssh_line(connection: Option<&str>, address: SocketAddr) -> Option<String> {
    let mut parts = connection?.split_whitespace().skip(2);
    let (server, server_port) = (parts.next()?, parts.next()?);
    if !address.ip().is_loopback() {
        return None;
    }
    let user = std::env::var("USER").ok().filter(|user| !user.is_empty()).map_or_else(String::new, |user| user + "@");
    let port = if server_port == "22" { String::new() } else { format!(" -p {server_port}") };
    Some(format!("ssh{port} -L {0}:{address} {user}{server}", address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ssh_line_reaches_the_loopback_of_the_server() {
        let address = "127.0.0.1:5470".parse().unwrap();
        let line = ssh_line(Some("198.51.100.7 50000 203.0.113.9 2222"), address).unwrap();
        assert!(line.starts_with("ssh -p 2222 -L 5470:127.0.0.1:5470 "), "{line}");
        assert!(line.ends_with("203.0.113.9"), "{line}");
        assert_eq!(ssh_line(None, address), None);
        assert_eq!(ssh_line(Some("a 1 b 22"), "192.0.2.1:80".parse().unwrap()), None);
    }

    #[tokio::test]
    async fn the_next_free_port_is_taken_and_a_taken_one_that_was_asked_for_is_refused() {
        let first = listen(None).await.unwrap();
        let second = listen(None).await.unwrap();
        assert_ne!(first.local_addr().unwrap().port(), second.local_addr().unwrap().port());
        let refused = listen(Some(first.local_addr().unwrap())).await.unwrap_err();
        assert_eq!(Exit::of(&refused), Exit::AddressInUse);
    }
}
