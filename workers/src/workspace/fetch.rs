//! From a remote address to a base commit in a mirror of ours.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use secrecy::SecretString;

use super::error::WorkspaceError;
use super::git::{Call, Failed, Git, last_words};
use super::names::{BaseRef, CommitId, RefName};
use super::remote::Remote;

/// Bounds on a fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchCaps {
    pub time_limit: Duration,
    /// The mirror's size on disk.
    pub bytes: u64,
}

impl Default for FetchCaps {
    /// Ten minutes and 4 GiB.
    fn default() -> Self {
        Self { time_limit: Duration::from_mins(10), bytes: 4 << 30 }
    }
}

/// Where a run starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// The branch's or tag's name; `None` when a commit was asked for.
    pub name: Option<RefName>,
    pub commit: CommitId,
}

/// A bare repository of the worker's own, one for a remote address. Runs of the same repository share it,
/// so a second clone takes only what is new. No agent's object ever comes in here.
#[derive(Debug, Clone)]
pub struct Mirror {
    dir: PathBuf,
}

impl Mirror {
    /// `dir` is made when needed, and for this address alone.
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Fetches the base, with its history.
    ///
    /// # Errors
    /// [`WorkspaceError::Clone`] says in words what the remote's answer means;
    /// [`WorkspaceError::UnknownRef`], [`WorkspaceError::Timeout`] and [`WorkspaceError::TooLarge`] speak
    /// for themselves. After each of them the mirror is as it was.
    pub async fn fetch(
        &self,
        git: &Git,
        remote: &Remote,
        base: &BaseRef,
        caps: &FetchCaps,
        credential: Option<&SecretString>,
    ) -> Result<Base, WorkspaceError> {
        let started = Instant::now();
        let timeout = || {
            let limit_ms = caps.time_limit.as_millis().try_into().unwrap_or(u64::MAX);
            WorkspaceError::Timeout { what: "fetch the repository", limit_ms }
        };
        let left = || caps.time_limit.checked_sub(started.elapsed()).ok_or_else(timeout);
        self.create(git).await?;
        let _lock = self.lock(started, caps.time_limit).await?.ok_or_else(timeout)?;
        let call = |what, args: Vec<String>, time_limit| {
            let mut call = Call::new(what, args).within(&self.dir);
            call.protocols = if remote.url.scheme() == "http" { "http" } else { "https" };
            call.config = remote.pinned.iter().map(|pin| ("http.curloptResolve".to_owned(), pin.clone())).collect();
            call.credential = credential;
            call.time_limit = time_limit;
            call
        };
        let url = remote.url.to_string();
        let base = match base {
            BaseRef::Commit(commit) => Wanted { name: None, source: commit.to_string(), commit: commit.clone() },
            BaseRef::DefaultBranch | BaseRef::Named(_) => {
                let mut args: Vec<String> = ["ls-remote", "--symref", "--", &url].map(str::to_owned).into();
                args.extend(asked_refs(base));
                let mut call = call("ask the repository for its branches", args, left()?);
                call.output_bytes = 1 << 20;
                let done = git.run(call).await.map_err(|failed| in_words(failed, remote))?;
                pick(&String::from_utf8_lossy(&done.output), base)?
            }
        };
        let target = format!("+{}:refs/fetched/{}", base.source, base.commit);
        let args =
            ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--", &url, &target];
        let mut call = call("fetch the repository", args.map(str::to_owned).into(), left()?);
        call.disk = Some((self.dir.clone(), caps.bytes));
        let fetched = git.run(call).await;
        let missing = |said: &str| said.contains("not our ref") || said.contains("couldn't find remote ref");
        match fetched {
            Ok(_) => {}
            Err(Failed::Refused { said, .. }) if missing(&said) => {
                return Err(WorkspaceError::UnknownRef { name: base.source });
            }
            Err(failed) => return Err(in_words(failed, remote)),
        }
        // The branch may have moved between the two questions; what was fetched counts.
        let args = ["rev-parse".to_owned(), "--verify".into(), format!("refs/fetched/{}^{{commit}}", base.commit)];
        let done = git.run(Call::new("find the fetched commit", args).within(&self.dir)).await;
        let commit = done.ok().and_then(|done| CommitId::parse(String::from_utf8_lossy(&done.output).trim()));
        let commit = commit.ok_or(WorkspaceError::UnknownRef { name: base.source })?;
        Ok(Base { name: base.name, commit })
    }

    async fn create(&self, git: &Git) -> Result<(), WorkspaceError> {
        std::fs::create_dir_all(&self.dir).map_err(WorkspaceError::file("make", &self.dir))?;
        if self.dir.join("HEAD").exists() {
            return Ok(());
        }
        let init = ["init", "--quiet", "--bare", "--template=", "--object-format=sha1"];
        git.run(Call::new("make a repository", init).within(&self.dir)).await?;
        Ok(())
    }

    /// One fetch into a mirror at a time, across processes. `None` when the time is up.
    async fn lock(&self, started: Instant, limit: Duration) -> Result<Option<std::fs::File>, WorkspaceError> {
        let path = self.dir.join("lime.lock");
        let opened = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = opened.map_err(WorkspaceError::file("open", &path))?;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Some(file)),
                Err(rustix::io::Errno::WOULDBLOCK) if started.elapsed() < limit => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
                Err(error) => return Err(WorkspaceError::file("lock", &path)(error.into())),
            }
        }
    }
}

struct Wanted {
    name: Option<RefName>,
    source: String,
    commit: CommitId,
}

fn asked_refs(base: &BaseRef) -> Vec<String> {
    match base {
        BaseRef::Named(name) => {
            // With the peeled form of an annotated tag.
            vec![format!("refs/heads/{name}"), format!("refs/tags/{name}"), format!("refs/tags/{name}^{{}}")]
        }
        BaseRef::DefaultBranch | BaseRef::Commit(_) => vec!["HEAD".to_owned()],
    }
}

/// Reads what `ls-remote --symref` says: `ref: refs/heads/main\tHEAD`, then `<commit>\t<ref>`.
fn pick(said: &str, base: &BaseRef) -> Result<Wanted, WorkspaceError> {
    let lines = || said.lines().filter_map(|line| line.split_once('\t'));
    let at = |name: &str| lines().find(|(_, found)| *found == name).and_then(|(commit, _)| CommitId::parse(commit));
    match base {
        BaseRef::Named(name) => {
            let unknown = || WorkspaceError::UnknownRef { name: name.to_string() };
            let (branch, tag) = (format!("refs/heads/{name}"), format!("refs/tags/{name}"));
            let found = at(&branch).map(|commit| (branch, commit));
            let found = found.or_else(|| at(&tag).map(|commit| (tag, commit)));
            let (source, commit) = found.ok_or_else(unknown)?;
            Ok(Wanted { name: Some(name.clone()), source, commit })
        }
        BaseRef::DefaultBranch | BaseRef::Commit(_) => {
            let branch =
                lines().find_map(|(target, of)| target.strip_prefix("ref: refs/heads/").filter(|_| of == "HEAD"));
            let commit = lines().filter(|(_, of)| *of == "HEAD").find_map(|(commit, _)| CommitId::parse(commit));
            match (branch.map(RefName::parse).transpose()?, commit) {
                (name, Some(commit)) => Ok(Wanted { name, source: "HEAD".to_owned(), commit }),
                (_, None) => {
                    Err(WorkspaceError::Clone { reason: "it has no commit yet, or is no git repository".into() })
                }
            }
        }
    }
}

/// What git's words mean to the person who asked for the run.
fn in_words(failed: Failed, remote: &Remote) -> WorkspaceError {
    let said = match failed {
        Failed::Refused { said, .. } => said,
        Failed::Other(error) => return error,
    };
    let host = remote.url.host_str().unwrap_or("the host");
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let reason = if says(&["Could not resolve host"]) {
        format!("the host {host} cannot be found")
    } else if says(&[
        "Failed to connect",
        "Connection refused",
        "Could not connect",
        "Connection timed out",
        "Couldn't connect",
    ]) {
        format!("{host} does not answer")
    } else if says(&[
        "Authentication failed",
        "could not read Username",
        "could not read Password",
        "error: 401",
        "error: 403",
    ]) {
        format!("{host} refuses access: the repository is private and not connected, or the connection has expired")
    } else if says(&["error: 404", "not found", "Repository not found"]) {
        format!("there is no repository {}", remote.url)
    } else if says(&["SSL", "certificate"]) {
        format!("the certificate of {host} is not valid")
    } else if says(&["is this a git repository", "protocol error", "invalid server response", "not valid: "]) {
        // Most web pages, though, look to git like a server without any branch.
        format!("{} is not a git repository", remote.url)
    } else if says(&["error: 5", "HTTP 5"]) {
        format!("{host} is out of order: {}", last_words(&said))
    } else {
        last_words(&said)
    };
    WorkspaceError::Clone { reason }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    #[test]
    fn the_default_branch_is_what_head_names() {
        let picked = pick(&format!("ref: refs/heads/trunk\tHEAD\n{A}\tHEAD\n"), &BaseRef::DefaultBranch).unwrap();
        assert_eq!(picked.name.unwrap().as_str(), "trunk");
        assert_eq!(picked.commit.as_str(), A);
        assert!(matches!(pick("", &BaseRef::DefaultBranch), Err(WorkspaceError::Clone { .. })));
    }

    #[test]
    fn a_branch_comes_before_a_tag_of_the_same_name() {
        let base = BaseRef::parse(Some("v1")).unwrap();
        let both = format!("{A}\trefs/tags/v1\n{B}\trefs/heads/v1\n");
        assert_eq!(pick(&both, &base).unwrap().commit.as_str(), B);
        assert_eq!(pick(&format!("{A}\trefs/tags/v1\n"), &base).unwrap().source, "refs/tags/v1");
        assert!(matches!(pick(&format!("{A}\trefs/heads/other/v1\n"), &base), Err(WorkspaceError::UnknownRef { .. })));
    }
}
