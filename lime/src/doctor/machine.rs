//! Programs and room on this machine.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;
use workers::agents::programs::{SearchPlaces, find_codex};
use workers::sandbox::{Identity, Sandbox, SandboxProbe};

use super::Finding;
use crate::servers;
use crate::settings::Settings;
use crate::storage::Room;

/// Where the workers' range of slot users begins.
const SLOT_USERS_FROM: u32 = 60_800;
const OLDEST_GIT: servers::Version = (2, 39);

pub(super) async fn look(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    if settings.database_url.is_none() {
        let found = servers::find_postgres(settings);
        let said = found.map(|found| format!("PostgreSQL {} in {}", found.shown_version(), found.path.display()));
        findings.push(Finding::of(said, "lime servers fetch"));
    }
    if settings.nats_url.is_none() {
        let found = servers::find_nats(settings);
        let said = found.map(|found| format!("NATS {} at {}", found.shown_version(), found.path.display()));
        findings.push(Finding::of(said, "lime servers fetch"));
    }
    findings.push(git().await);
    findings.push(sandbox().await);
    findings.push(codex(settings).await);
    findings.push(match settings.openai_api_key {
        Some(_) => Finding::good("the instance has a key for the Codex agent's model"),
        None => Finding::note(
            "the instance has no key for the Codex agent's model",
            "fine where organisations have keys of their own (Settings, Providers & budgets); else set OPENAI_API_KEY",
        ),
    });
    findings.push(room(&settings.home));
    findings
}

async fn git() -> Finding {
    const REMEDY: &str = "install git 2.39 or newer: workers clone with it";
    let said = Command::new("git").arg("--version").stdin(Stdio::null()).output().await;
    let Ok(said) = said else { return Finding::bad("git is not installed", REMEDY) };
    match servers::version_in(&String::from_utf8_lossy(&said.stdout)) {
        Some(version) if version >= OLDEST_GIT => Finding::good(format!("git {}.{}", version.0, version.1)),
        Some((major, minor)) => Finding::bad(format!("git {major}.{minor} is too old"), REMEDY),
        None => Finding::bad("git does not tell its version", REMEDY),
    }
}

async fn sandbox() -> Finding {
    let sandbox = match Sandbox::of_this_program(Identity::for_slot(SLOT_USERS_FROM, 0)) {
        Ok(sandbox) => sandbox,
        Err(error) => {
            let error = anyhow::Error::new(error);
            return Finding::bad(format!("no agent can run here: {error:#}"), "make sandbox");
        }
    };
    match sandbox.probe().await {
        SandboxProbe::Available { version, landlock, start_ms } => {
            Finding::good(format!("agents can be sandboxed: bubblewrap {version}, Landlock {landlock}, {start_ms} ms"))
        }
        SandboxProbe::Unavailable { reason, remedy } => {
            Finding::bad(format!("no agent can run here: {reason}"), remedy)
        }
    }
}

async fn codex(settings: &Settings) -> Finding {
    let mut places = SearchPlaces::of_this_process();
    places.lime_codex_bin = settings.codex_bin.as_ref().map(Into::into);
    places.lime_agents_dir = settings.agents_dir.as_ref().map(Into::into);
    match find_codex(&places).await {
        Ok(found) if found.is_pinned() => Finding::good(format!("Codex {} at {}", found.version, found.path.display())),
        Ok(found) => Finding::note(
            format!("Codex {} at {} is not the version that was tested", found.version, found.path.display()),
            "make agents",
        ),
        Err(error) => Finding::note(format!("{:#}", anyhow::Error::new(error)), "make agents"),
    }
}

fn room(home: &Path) -> Finding {
    let home = home.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    match Room::of(home) {
        Ok(room) => {
            let said = format!("{} MiB free for {}", room.free >> 20, home.display());
            if room.is_low() {
                Finding::bad(said, "make room: commands are refused until there is")
            } else {
                Finding::good(said)
            }
        }
        Err(error) => Finding::bad(format!("{error:#}"), "look at its mount"),
    }
}
