//! Finds the agents' programs on this machine and asks them for their version.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::process::Command;

/// The version that the driver was written and tested against.
pub const CODEX_VERSION: &str = "0.169.0";

/// What installs it.
pub const CODEX_REMEDY: &str = "run scripts/install-agents, or name the program in LIME_CODEX_BIN";

/// Far above what it takes to print a line, also on a machine that is busy.
const VERSION_TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundProgram {
    /// Links resolved: it is bound into the sandbox under this name.
    pub path: PathBuf,
    /// As it says itself.
    pub version: String,
}

impl FoundProgram {
    /// Whether it is the version that the driver knows; another may work, and `lime doctor` says so.
    pub fn is_pinned(&self) -> bool {
        self.version == CODEX_VERSION
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    #[error("the Codex program is not installed: {CODEX_REMEDY}")]
    Missing,
    #[error("LIME_CODEX_BIN names {}, which is no file", .0.display())]
    NamedButMissing(PathBuf),
    #[error("failed to run {}", path.display())]
    Run {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{} did not tell its version: {said}", path.display())]
    NoVersion { path: PathBuf, said: String },
}

/// The variables that say where programs are, so that tests need not change the process's own.
#[derive(Debug, Clone, Default)]
pub struct SearchPlaces {
    pub lime_codex_bin: Option<OsString>,
    pub lime_agents_dir: Option<OsString>,
    pub xdg_cache_home: Option<OsString>,
    pub home: Option<OsString>,
    pub is_root: bool,
}

impl SearchPlaces {
    pub fn of_this_process() -> Self {
        let named = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Self {
            lime_codex_bin: named("LIME_CODEX_BIN"),
            lime_agents_dir: named("LIME_AGENTS_DIR"),
            xdg_cache_home: named("XDG_CACHE_HOME"),
            home: named("HOME"),
            is_root: nix::unistd::geteuid().is_root(),
        }
    }

    /// Where `scripts/install-agents` puts programs; the script holds the same rule.
    fn cache_dir(&self) -> Option<PathBuf> {
        if let Some(dir) = &self.lime_agents_dir {
            return Some(dir.into());
        }
        if self.is_root {
            // A sandbox's user cannot enter root's home.
            return Some("/var/cache/assembly-lime/agents".into());
        }
        let cache = self.xdg_cache_home.as_ref().map(PathBuf::from);
        let cache = cache.or_else(|| Some(Path::new(self.home.as_ref()?).join(".cache")))?;
        Some(cache.join("assembly-lime/agents"))
    }

    /// Where the Codex program is, unasked.
    ///
    /// # Errors
    /// [`ProgramError::NamedButMissing`] when `LIME_CODEX_BIN` names nothing: a wrong setting is never passed over.
    pub fn codex_path(&self) -> Result<PathBuf, ProgramError> {
        if let Some(named) = &self.lime_codex_bin {
            return resolved(Path::new(named)).ok_or_else(|| ProgramError::NamedButMissing(named.into()));
        }
        let cached = self.cache_dir().map(|dir| dir.join(format!("codex-{CODEX_VERSION}/bin/codex")));
        cached.as_deref().and_then(resolved).ok_or(ProgramError::Missing)
    }
}

/// The Codex program with its version.
pub async fn find_codex(places: &SearchPlaces) -> Result<FoundProgram, ProgramError> {
    let path = places.codex_path()?;
    let asked = Command::new(&path).arg("--version").env_clear().stdin(Stdio::null()).kill_on_drop(true).output();
    let output = match tokio::time::timeout(VERSION_TIMEOUT, asked).await {
        Ok(output) => output.map_err(|source| ProgramError::Run { path: path.clone(), source })?,
        Err(_) => return Err(ProgramError::NoVersion { path, said: format!("nothing within {VERSION_TIMEOUT:?}") }),
    };
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    match said.rsplit_once(' ').map(|(_, version)| version.to_owned()) {
        Some(version) if output.status.success() => Ok(FoundProgram { path, version }),
        _ => Err(ProgramError::NoVersion { path, said }),
    }
}

fn resolved(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok().filter(|p| p.is_file())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn installed_below(root: &Path) -> PathBuf {
        let program = root.join(format!("codex-{CODEX_VERSION}/bin/codex"));
        std::fs::create_dir_all(program.parent().unwrap()).unwrap();
        std::fs::write(&program, "").unwrap();
        program.canonicalize().unwrap()
    }

    #[test]
    fn the_named_program_comes_first_and_a_wrong_name_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let named = installed_below(&folder.path().join("named"));
        let cached = installed_below(&folder.path().join("cached"));
        let mut places = SearchPlaces {
            lime_codex_bin: Some(named.clone().into()),
            lime_agents_dir: Some(folder.path().join("cached").into()),
            ..SearchPlaces::default()
        };
        assert_eq!(places.codex_path().unwrap(), named);
        places.lime_codex_bin = Some("/nowhere/codex".into());
        assert!(matches!(places.codex_path(), Err(ProgramError::NamedButMissing(_))));
        places.lime_codex_bin = None;
        assert_eq!(places.codex_path().unwrap(), cached);
    }

    #[test]
    fn the_cache_of_an_ordinary_user_is_below_home_and_roots_is_where_others_can_enter() {
        let user = SearchPlaces { home: Some("/home/u".into()), ..SearchPlaces::default() };
        assert_eq!(user.cache_dir().unwrap(), Path::new("/home/u/.cache/assembly-lime/agents"));
        let moved = SearchPlaces { xdg_cache_home: Some("/c".into()), ..user.clone() };
        assert_eq!(moved.cache_dir().unwrap(), Path::new("/c/assembly-lime/agents"));
        let root = SearchPlaces { is_root: true, ..user };
        assert_eq!(root.cache_dir().unwrap(), Path::new("/var/cache/assembly-lime/agents"));
    }

    #[test]
    fn nothing_installed_says_what_to_do() {
        let error = SearchPlaces::default().codex_path().unwrap_err();
        assert!(error.to_string().contains("scripts/install-agents"), "{error}");
    }
}
