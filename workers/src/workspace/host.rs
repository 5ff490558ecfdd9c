//! The host-private repository of one run: where its base comes from, its commits go to, and every diff
//! and push is made. No agent can reach it.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::error::WorkspaceError;
use super::fetch::{Base, Mirror};
use super::git::{Call, Git};
use super::names::{CommitId, RefName};

/// Who commits what an agent leaves uncommitted, and the default for its own commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    pub name: String,
    pub email: String,
}

/// Where the base is kept, under a name of its own so that a branch of the agent's cannot be in its way.
const BASE_REF: &str = "refs/al/base";

/// A bare repository that borrows the mirror's objects and holds those of the run.
#[derive(Debug, Clone)]
pub struct HostRepository {
    pub(crate) dir: PathBuf,
    pub(crate) git: Git,
    pub(crate) base: CommitId,
}

impl HostRepository {
    /// Makes it in `dir`, which must not exist yet.
    ///
    /// # Errors
    /// [`WorkspaceError::File`] and [`WorkspaceError::Git`], both of our own making.
    pub async fn create(
        git: &Git,
        dir: impl Into<PathBuf>,
        mirror: &Mirror,
        base: &Base,
    ) -> Result<Self, WorkspaceError> {
        let dir = dir.into();
        std::fs::create_dir(&dir).map_err(WorkspaceError::file("make", &dir))?;
        let init = ["init", "--quiet", "--bare", "--template=", "--object-format=sha1"];
        git.run(Call::new("make a repository", init).within(&dir)).await?;
        let objects = mirror.dir().join("objects");
        let objects = objects.canonicalize().map_err(WorkspaceError::file("find", &objects))?;
        let alternates = dir.join("objects/info/alternates");
        let info = dir.join("objects/info");
        std::fs::create_dir_all(&info).map_err(WorkspaceError::file("make", &info))?;
        let line = [objects.as_os_str().as_bytes(), b"\n"].concat();
        std::fs::write(&alternates, line).map_err(WorkspaceError::file("write", &alternates))?;
        let this = Self { dir, git: git.clone(), base: base.commit.clone() };
        this.set_ref(BASE_REF, &base.commit).await?;
        Ok(this)
    }

    /// The same repository again, after a restart of the worker.
    pub fn reopen(git: &Git, dir: impl Into<PathBuf>, base: CommitId) -> Self {
        Self { dir: dir.into(), git: git.clone(), base }
    }

    /// The commit that the run started from.
    pub fn base(&self) -> &CommitId {
        &self.base
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes the work tree for the agent in `workspace` (which must not exist yet): a plain clone that
    /// shares no file with anything else, checked out on the run's branch, without any remote. Hand it
    /// over to the sandbox's user afterwards, and never run git on the host in it again.
    ///
    /// # Errors
    /// [`WorkspaceError::File`] and [`WorkspaceError::Git`].
    pub async fn clone_for_agent(
        &self,
        workspace: &Path,
        branch: &RefName,
        author: &Author,
    ) -> Result<(), WorkspaceError> {
        std::fs::create_dir(workspace).map_err(WorkspaceError::file("make", workspace))?;
        let git_dir = workspace.join(".git");
        let at = |what, args: Vec<String>| {
            let mut call = Call::new(what, args).within(&git_dir);
            call.env = vec![("GIT_WORK_TREE", workspace.as_os_str().to_owned())];
            call.time_limit = std::time::Duration::from_mins(5);
            call
        };
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let init = words(&["init", "--quiet", "--template=", "--object-format=sha1"]);
        self.git.run(at("make the workspace", init)).await?;
        let source = format!("file://{}", self.dir.display());
        let target = format!("{BASE_REF}:refs/heads/{branch}");
        let fetch = words(&["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", &source, &target]);
        let mut fetch = at("fill the workspace", fetch);
        fetch.protocols = "file";
        self.git.run(fetch).await?;
        let head = words(&["symbolic-ref", "HEAD", &format!("refs/heads/{branch}")]);
        self.git.run(at("name the branch", head)).await?;
        self.git.run(at("check out the workspace", words(&["reset", "--quiet", "--hard", "HEAD", "--"]))).await?;
        for (name, value) in [("user.name", &author.name), ("user.email", &author.email)] {
            let set = words(&["config", "--local", "--", name, value]);
            self.git.run(at("configure the workspace", set)).await?;
        }
        Ok(())
    }

    pub(crate) async fn set_ref(&self, name: &str, commit: &CommitId) -> Result<(), WorkspaceError> {
        let args = ["update-ref", "--no-deref", name, commit.as_str()];
        self.git.run(Call::new("write a ref", args).within(&self.dir)).await?;
        Ok(())
    }
}
