//! The last step inside: what the agent left uncommitted is committed, and its commits become a bundle.
//!
//! It runs in a sandbox like the agent's own, without network and sockets, because it runs git in the
//! agent's tree: hooks, filters and the rest may do there what they like.

use std::path::Path;
use std::time::Duration;

use super::error::WorkspaceError;
use super::host::Author;
use super::names::CommitId;
use super::read::read_beneath;
use crate::sandbox::{Access, Bind, Limits, Sandbox, SandboxSpec, StopCause};

const OUT: &str = "/out";
/// File names in the output directory.
const HEAD: &str = "head";
pub(crate) const BUNDLE: &str = "commits.bundle";

/// In POSIX shell. `git` without hooks, signatures and helpers: not for safety (the tree may turn
/// anything on again), but so that an honest repository's hook does not spoil the run.
const SCRIPT: &str = r#"
set -eu
g() { git -c core.hooksPath=/dev/null -c core.fsmonitor=false -c commit.gpgSign=false -c gc.auto=0 "$@"; }
rm -f .git/index.lock .git/HEAD.lock
if [ -n "$(g status --porcelain --untracked-files=normal --ignore-submodules=dirty)" ]; then
    g add --all
    g commit --quiet --no-verify --allow-empty-message --message="$AL_MESSAGE" || [ -z "$(g diff --cached --name-only)" ]
fi
head=$(g rev-parse --verify 'HEAD^{commit}')
if [ -n "$(g rev-list --max-count=1 "$head" "^$AL_BASE")" ]; then
    g bundle create --quiet /out/commits.bundle HEAD "^$AL_BASE"
fi
printf %s "$head" > /out/head
"#;

/// What a workspace was left with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The agent's last commit, by its own word: to be checked by `HostRepository::import`.
    pub head: CommitId,
    /// There are commits that the base does not have.
    pub has_commits: bool,
}

/// Commits what is left and writes the bundle into `out` (an empty directory, handed over to the sandbox's
/// user). `message` is for the commit of what the agent left uncommitted.
///
/// # Errors
/// [`WorkspaceError::Bundle`] with git's words for a tree that the agent has broken,
/// [`WorkspaceError::Timeout`] after two minutes, [`WorkspaceError::TooLarge`].
pub async fn finish(
    sandbox: &Sandbox,
    workspace: &Path,
    out: &Path,
    base: &CommitId,
    author: &Author,
    message: &str,
) -> Result<Delivery, WorkspaceError> {
    let mut spec = SandboxSpec::new(workspace, ["/bin/sh", "-c", SCRIPT]);
    spec.binds.push(Bind { source: out.to_path_buf(), target: OUT.into(), access: Access::ReadWrite });
    let time_limit = Duration::from_mins(2);
    spec.limits = Limits { wall_clock: time_limit, output_bytes: 1 << 20, line_bytes: 64 << 10, ..Limits::default() };
    let name = if author.name.is_empty() { "agent" } else { &author.name };
    for (variable, value) in [
        ("AL_BASE", base.as_str()),
        ("AL_MESSAGE", message),
        ("GIT_AUTHOR_NAME", name),
        ("GIT_AUTHOR_EMAIL", &author.email),
        ("GIT_COMMITTER_NAME", name),
        ("GIT_COMMITTER_EMAIL", &author.email),
        ("GIT_TERMINAL_PROMPT", "0"),
    ] {
        spec.env.insert(variable.to_owned(), value.replace('\0', ""));
    }
    let broken = |reason: String| WorkspaceError::Bundle { reason };
    let started = sandbox.spawn(&spec).await;
    let mut process = started.map_err(|error| broken(format!("the sandbox for it did not start: {error}")))?;
    drop(process.stdin.take());
    let (stdout, stderr) = (process.stdout.take(), process.stderr.take());
    let quiet = async {
        if let Some(stdout) = stdout {
            stdout.tail(1).await;
        }
    };
    let said = async {
        match stderr {
            Some(stderr) => stderr.tail(3).await.join("; "),
            None => String::new(),
        }
    };
    let (ended, said, ()) = tokio::join!(process.wait(), said, quiet);
    match ended.stopped_by {
        Some(StopCause::WallClock) => {
            return Err(WorkspaceError::Timeout { what: "collect the agent's commits", limit_ms: 120_000 });
        }
        Some(StopCause::Disk) => {
            return Err(WorkspaceError::TooLarge { what: "the workspace in bytes", limit: spec.limits.disk_bytes });
        }
        Some(cause) => return Err(broken(format!("git in the workspace was stopped ({cause:?})"))),
        None => {}
    }
    if ended.exit_code != Some(0) {
        return Err(broken(format!("git in the workspace said: {said}")));
    }
    let head = read_beneath(out, Path::new(HEAD), 100).ok();
    let head = head.and_then(|head| CommitId::parse(std::str::from_utf8(&head).ok()?));
    let head = head.ok_or_else(|| broken("the workspace has no commit".into()))?;
    Ok(Delivery { has_commits: out.join(BUNDLE).symlink_metadata().is_ok(), head })
}
