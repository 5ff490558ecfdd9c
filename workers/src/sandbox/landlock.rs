//! The second layer: should a mount of the first be wrong, the program still may write only where it should.
//!
//! TCP ports are not handled here: the network namespace is empty, and a project's tests do talk to
//! servers of their own on loopback. Best effort by design, since a kernel without Landlock still has
//! the first layer; the worker is told how much holds.

use std::path::PathBuf;

use landlock::{
    ABI, Access, AccessFs, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
    path_beneath_rules,
};

/// The newest set of file rights that this list was judged for (`IoctlDev`; Linux 6.10).
const FILES: ABI = ABI::V5;
/// Signals and abstract sockets end at the domain's border (Linux 6.12).
const SCOPES: ABI = ABI::V6;

const READABLE: &[&str] =
    &["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/proc", "/run"];
const WRITABLE: &[&str] = &["/tmp", "/home", "/dev"];

/// Restricts this thread and whatever it starts; says in a word how much the kernel enforces.
pub(crate) fn restrict_this_thread(readable: &[PathBuf], writable: &[PathBuf]) -> Result<String, RulesetError> {
    let restricted = Ruleset::default()
        .handle_access(AccessFs::from_all(FILES))?
        .scope(Scope::from_all(SCOPES))?
        .create()?
        .add_rules(path_beneath_rules(READABLE, AccessFs::from_read(FILES)))?
        .add_rules(path_beneath_rules(WRITABLE, AccessFs::from_all(FILES)))?
        .add_rules(path_beneath_rules(readable, AccessFs::from_read(FILES)))?
        .add_rules(path_beneath_rules(writable, AccessFs::from_all(FILES)))?
        .restrict_self()?;
    let word = match restricted.ruleset {
        RulesetStatus::FullyEnforced => "full",
        RulesetStatus::PartiallyEnforced => "partial",
        RulesetStatus::NotEnforced => "none",
    };
    Ok(word.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::print_stderr)]
    use super::*;

    #[test]
    fn a_restricted_thread_writes_only_where_it_may() {
        // Not below /tmp, which is writable to everybody inside.
        let allowed = tempfile::tempdir_in("/var/tmp").unwrap();
        let other = tempfile::tempdir_in("/var/tmp").unwrap();
        let (may, may_not) = (allowed.path().to_path_buf(), other.path().to_path_buf());
        let tried = std::thread::spawn(move || {
            let enforced = restrict_this_thread(&[], std::slice::from_ref(&may)).unwrap();
            let write = |dir: PathBuf| std::fs::write(dir.join("file"), "x").is_ok();
            (enforced, write(may), write(may_not.clone()), may_not.read_dir().is_ok())
        });
        let (enforced, may, may_not, may_list) = tried.join().unwrap();
        if enforced == "none" {
            eprintln!("SKIPPED: this kernel has no Landlock");
            return;
        }
        assert_eq!((may, may_not, may_list), (true, false, false));
        assert!(std::fs::write(other.path().join("file"), "x").is_ok(), "other threads are not restricted");
    }
}
