//! Finds the agent programs that tests run.
//!
//! They are looked up as the workers look them up: `LIME_CODEX_BIN`, then the cache that `scripts/install-agents` fills.

use std::path::PathBuf;

use anyhow::bail;

/// The version that the recordings and tests are of.
pub const CODEX_VERSION: &str = "0.169.0";

/// The exact line that installs what is missing.
pub const INSTALL_LINE: &str = "scripts/install-agents";

/// The Codex program, or nothing when it is not installed.
pub fn codex() -> Option<PathBuf> {
    let named = std::env::var_os("LIME_CODEX_BIN").filter(|v| !v.is_empty()).map(PathBuf::from);
    let path = named.or_else(|| Some(cache_dir()?.join(format!("codex-{CODEX_VERSION}/bin/codex"))))?;
    path.is_file().then_some(path)
}

/// The Codex program, or an error that says how to get it.
///
/// A test that needs it fails with that line: a test that passes without having run would tell a lie.
pub fn require_codex() -> anyhow::Result<PathBuf> {
    match codex() {
        Some(path) => Ok(path),
        None => bail!(
            "Codex {CODEX_VERSION} is not installed; run `{INSTALL_LINE}` (about 160 MB), or name it in LIME_CODEX_BIN"
        ),
    }
}

fn cache_dir() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("LIME_AGENTS_DIR").filter(|v| !v.is_empty()) {
        return Some(named.into());
    }
    if nix::unistd::geteuid().is_root() {
        return Some("/var/cache/assembly-lime/agents".into());
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").filter(|v| !v.is_empty()).map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
    Some(cache.join("assembly-lime/agents"))
}
