//! One role in a process of its own, on the addresses that are set, or beside a running `lime up`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::cli;
use crate::connected::Addresses;
use crate::database;
use crate::exit::Exit;
use crate::home::{Home, write_whole};
use crate::master_key;
use crate::platform::{Platform, Role};
use crate::screen::say;
use crate::settings::Settings;
use crate::up;

const DRAIN: Duration = Duration::from_secs(12);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ledger,
    Projector,
    Reactor,
    Work,
}

/// Runs one role until SIGINT or SIGTERM.
pub(crate) async fn run(settings: Settings, kind: Kind) -> anyhow::Result<()> {
    if kind == Kind::Work && settings.slots == Some(0) {
        return Err(Exit::Usage.because("LIME_SLOTS is 0: a worker needs at least 1"));
    }
    let stop = up::asked_to_stop()?;
    let (home, is_home_asked) = (settings.home.clone(), settings.is_home_asked);
    let platform = connect(settings, kind == Kind::Work).await?;
    let role = match kind {
        Kind::Ledger => platform.ledger(stop.clone())?,
        Kind::Projector => platform.projector(stop.clone())?,
        Kind::Reactor => platform.reactor(stop.clone())?,
        // Only this role needs a place of its own, which a sandbox's user can enter.
        Kind::Work => platform.work(Home::open(&home, is_home_asked)?.work(), stop.clone())?,
    };
    until_stopped(role, &stop).await;
    Ok(())
}

/// Serves until SIGINT or SIGTERM.
pub(crate) async fn gateway(settings: Settings, options: cli::Gateway) -> anyhow::Result<()> {
    let stop = up::asked_to_stop()?;
    let listener = up::listen(settings.listen).await?;
    let address = listener.local_addr()?;
    let url = up::public_url(&settings, address)?;
    let platform = connect(settings, true).await?;
    let role = platform.gateway(listener, &url, stop.clone())?;
    tokio::select! {
        serving = up::until_it_serves(address) => serving?,
        () = stop.cancelled() => {}
    }
    if let Some(file) = &options.ready_file {
        write_ready_file(file, url.as_str())?;
    }
    say(format!("The gateway is at {url}"));
    until_stopped(role, &stop).await;
    Ok(())
}

fn write_ready_file(file: &Path, url: &str) -> anyhow::Result<()> {
    write_whole(file, serde_json::json!({ "url": url }).to_string().as_bytes())
}

async fn connect(settings: Settings, needs_vault: bool) -> anyhow::Result<Platform> {
    let addresses = Addresses::find(&settings)?;
    database::migrate(&addresses.owner_database_url).await?;
    // Before the role starts: without the key, or with a wrong one, it must not.
    let vault = if needs_vault { Some(master_key::vault(&settings, addresses.pool()?).await?) } else { None };
    let objects = settings.objects.clone().unwrap_or_else(|| settings.home.join("objects"));
    Platform::connect(&addresses, objects, Arc::new(settings), None, vault).await
}

async fn until_stopped(role: Role, stop: &CancellationToken) {
    stop.cancelled().await;
    role.ended(DRAIN).await;
}
