//! What is on this machine: the sandbox, git, the agents' programs.
//!
//! Looked at when the worker starts, with each of its heartbeats and before each run: what is installed later is seen
//! without a restart. What was found is not tried out again; only whether it is still there, which is cheap.

use super::equipment::{Equipment, Program, ProviderSetup};
use crate::agents::programs::{CODEX_VERSION, SearchPlaces, find_codex};
use crate::sandbox::{Identity, SLOT_USERS_FROM, Sandbox, SandboxProbe};
use crate::workspace::Git;
use feed::worker_registry::{self, Found};
use std::path::Path;
use std::time::SystemTime;

/// The first look at everything that runs need.
#[derive(Debug)]
pub(crate) struct Surroundings {
    pub sandbox: Result<Sandbox, String>,
    pub git: Result<Git, String>,
    pub codex: Result<Program, String>,
}

impl Surroundings {
    pub(crate) async fn look(places: &SearchPlaces) -> Self {
        Self { sandbox: sandbox().await, git: git().await, codex: codex(places).await }
    }
}

/// The equipment as it would be put together now.
pub(crate) async fn look_again(known: &Equipment, places: &SearchPlaces) -> Equipment {
    let mut seen = known.clone();
    if !known.sandbox.as_ref().is_ok_and(|sandbox| sandbox.bubblewrap.is_file()) {
        seen.sandbox = sandbox().await;
    }
    if known.git.is_err() {
        seen.git = git().await;
    }
    for setup in &mut seen.providers {
        if !still_there(setup, places) {
            setup.program = codex(places).await;
        }
    }
    seen
}

/// What the worker's row says.
pub(crate) fn found(equipment: &Equipment) -> Found {
    let (sandbox, git) = (equipment.sandbox.as_ref().err(), equipment.git.as_ref().err());
    Found {
        programs: equipment.providers.iter().map(|setup| described(setup, sandbox, git)).collect(),
        sandbox_missing: sandbox.cloned(),
    }
}

fn still_there(setup: &ProviderSetup, places: &SearchPlaces) -> bool {
    let Ok(program) = &setup.program else { return false };
    places.codex_path().is_ok_and(|path| path == program.path) && stamp(&program.path) == program.stamp
}

async fn sandbox() -> Result<Sandbox, String> {
    let sandbox =
        Sandbox::of_this_program(Identity::for_slot(SLOT_USERS_FROM, 0)).map_err(|problem| feed::chain(&problem))?;
    match sandbox.probe().await {
        SandboxProbe::Available { .. } => Ok(sandbox),
        SandboxProbe::Unavailable { reason, remedy } => Err(format!("{reason}; {remedy}")),
    }
}

async fn git() -> Result<Git, String> {
    Git::find().await.map_err(|problem| feed::chain(&problem))
}

async fn codex(places: &SearchPlaces) -> Result<Program, String> {
    let found = find_codex(places).await.map_err(|problem| feed::chain(&problem))?;
    Ok(Program { stamp: stamp(&found.path), path: found.path, version: found.version })
}

fn stamp(program: &Path) -> Option<(SystemTime, u64)> {
    let file = program.metadata().ok()?;
    Some((file.modified().ok()?, file.len()))
}

/// What people read about a provider.
fn described(setup: &ProviderSetup, sandbox: Option<&String>, git: Option<&String>) -> worker_registry::Program {
    let health = match (&setup.program, sandbox, git) {
        (Err(reason), ..) => format!("Not installed: {reason}."),
        (_, Some(reason), _) => format!("No sandbox can be made: {reason}."),
        (.., Some(reason)) => format!("git is missing: {reason}."),
        (Ok(program), ..) if program.version != CODEX_VERSION => {
            format!("Ready. Version {} was not tested; {CODEX_VERSION} was.", program.version)
        }
        (Ok(_), ..) if setup.scripted => "Ready. A script answers in the model's place.".to_owned(),
        (Ok(_), ..) => "Ready.".to_owned(),
    };
    worker_registry::Program {
        provider: setup.driver.provider().to_owned(),
        name: setup.name.to_owned(),
        version: setup.program.as_ref().ok().map(|program| program.version.clone()),
        key_present: setup.instance_key.is_some(),
        models: Vec::new(),
        ready: setup.program.is_ok() && sandbox.is_none() && git.is_none(),
        health,
        scripted: setup.scripted,
    }
}
