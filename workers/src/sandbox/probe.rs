//! Can this machine make a sandbox? Asked by making one. Without one nothing is run.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use super::error::SandboxError;
use super::launch::Sandbox;
use super::spec::{Access, SandboxSpec};

/// The oldest bubblewrap that has `--disable-userns`.
const OLDEST: (u32, u32) = (0, 8);
const INSTALL: &str = "install bubblewrap 0.8 or newer (package `bubblewrap`)";

/// What a worker found; it is written to the worker's row and shown by `lime doctor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SandboxProbe {
    Available {
        /// Of bubblewrap, such as `0.8.0`.
        version: String,
        /// How much of the second layer the kernel enforces: `full`, `partial` or `none`.
        landlock: String,
        /// The first sandbox's time from request to end.
        start_ms: u64,
    },
    /// No run may be started here.
    Unavailable {
        reason: String,
        /// What an operator can do, in words.
        remedy: String,
    },
}

impl Sandbox {
    /// Makes a sandbox, runs the system's `true` in it, and says how that went. Takes some 50 ms.
    pub async fn probe(&self) -> SandboxProbe {
        match self.try_out().await {
            Ok(available) => available,
            Err(SandboxError::Unavailable { reason, remedy }) => SandboxProbe::Unavailable { reason, remedy },
            Err(error) => {
                let reason = feed::chain(&error);
                SandboxProbe::Unavailable { remedy: remedy(&reason).to_owned(), reason }
            }
        }
    }

    async fn try_out(&self) -> Result<SandboxProbe, SandboxError> {
        let version = version(&self.bubblewrap).await?;
        let workspace =
            tempfile::tempdir().map_err(|source| SandboxError::Prepare { what: "temporary directory", source })?;
        self.hand_over(workspace.path())?;
        let mut spec = SandboxSpec::new(workspace.path(), ["/usr/bin/env", "true"]);
        spec.workspace_access = Access::ReadOnly;
        spec.limits.wall_clock = Duration::from_secs(10);
        let process = self.spawn(&spec).await?;
        let landlock = process.landlock.clone();
        let ended = process.wait().await;
        if !ended.success() {
            let reason = format!("a program that does nothing ended with {:?}", ended.exit_code);
            return Err(SandboxError::Start { reason });
        }
        let start_ms = ended.ran_for.as_millis().try_into().unwrap_or(u64::MAX);
        Ok(SandboxProbe::Available { version, landlock, start_ms })
    }
}

/// Looks in PATH.
pub(crate) fn find_bubblewrap() -> Result<PathBuf, SandboxError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join("bwrap")).find(|program| program.is_file());
    found.ok_or_else(|| SandboxError::Unavailable {
        reason: "the program bwrap is not in PATH".into(),
        remedy: INSTALL.into(),
    })
}

async fn version(bubblewrap: &Path) -> Result<String, SandboxError> {
    let asked =
        tokio::process::Command::new(bubblewrap).arg("--version").env_clear().stdin(Stdio::null()).output().await;
    let said = asked.map_err(|source| SandboxError::Spawn { program: bubblewrap.to_path_buf(), source })?;
    let text = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    let version = text.strip_prefix("bubblewrap ").unwrap_or(&text).to_owned();
    if numbers(&version).is_none_or(|version| version < OLDEST) {
        return Err(SandboxError::Unavailable {
            reason: format!("bubblewrap calls itself {text:?}"),
            remedy: INSTALL.into(),
        });
    }
    Ok(version)
}

fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The causes that were met in practice.
fn remedy(reason: &str) -> &'static str {
    let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    if says(&["user namespace", "uid map", "setting up uid", "No permissions to create", "max_user_namespaces"]) {
        "allow unprivileged user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, \
         or an AppArmor profile for bwrap); in a container use the pod as the sandbox"
    } else if says(&["Operation not permitted", "Permission denied"]) {
        "a container or security module forbids it: give the worker a profile that allows user namespaces and \
         mounts, or run it on a machine of its own"
    } else if says(&["seccomp", "prctl"]) {
        "the kernel needs CONFIG_SECCOMP_FILTER"
    } else {
        "run `lime doctor` for the details; a sandbox needs Linux 5.11 or newer, bubblewrap 0.8 or newer and \
         user namespaces"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert_eq!(numbers("0.8.0"), Some((0, 8)));
        assert!(numbers("0.11.0") > Some(OLDEST));
        assert!(numbers("0.6.2") < Some(OLDEST));
        assert_eq!(numbers("unknown"), None);
    }
}
