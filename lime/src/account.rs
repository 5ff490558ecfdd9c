//! The account that the private servers run as: our own, or for root (whom PostgreSQL refuses) a named one.
//!
//! A bare uid without an account would fail `initdb`; so one is made where that can be.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use nix::unistd::{User, chown, geteuid};

const NAME: &str = "lime-postgres";

/// None: our own.
pub(crate) type Account = Option<User>;

/// The account for a home; the one that owns its data already, wherever the home came from.
pub(crate) fn choose(data: &Path) -> anyhow::Result<Account> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    if let Ok(found) = fs::metadata(data)
        && found.uid() != 0
        && let Some(owner) = User::from_uid(found.uid().into())?
    {
        return Ok(Some(owner));
    }
    if User::from_name(NAME)?.is_none() {
        create();
    }
    for name in [NAME, "postgres", "nobody"] {
        if let Some(user) = User::from_name(name)? {
            return Ok(Some(user));
        }
    }
    bail!(
        "PostgreSQL refuses to run as root, and the account {NAME} could not be made. \
         Make it (useradd --system {NAME}), or start lime as an ordinary user"
    )
}

fn create() {
    let made = Command::new("useradd")
        .args(["--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", NAME])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !made.is_ok_and(|status| status.success()) {
        tracing::info!(account = NAME, "the account could not be made; looking for another");
    }
}

/// Gives a path to the account.
pub(crate) fn give(path: &Path, account: Option<&User>) -> anyhow::Result<()> {
    let Some(user) = account else { return Ok(()) };
    chown(path, Some(user.uid), Some(user.gid))
        .with_context(|| format!("failed to give {} to {}", path.display(), user.name))
}

/// Whether every directory on the way to `path` lets others through: a private server's account is an other.
pub(crate) fn is_open_to_others(path: &Path) -> bool {
    path.ancestors()
        .filter_map(|folder| fs::metadata(folder).ok())
        .all(|found| !found.is_dir() || found.mode() & 0o001 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_private_directory_on_the_way_is_seen() {
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(!is_open_to_others(&inner));
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
        assert!(is_open_to_others(&inner));
        assert!(is_open_to_others(&inner.join("not-there-yet")));
    }
}
