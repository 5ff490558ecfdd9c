//! The places of one run: the agent's work tree, what it may write besides, the host's own repository, the run's
//! sockets. Taken down when the run is over; only the host's repository stays.

use super::equipment::Equipment;
use super::execution::Broken;
use super::facts::Facts;
use super::transcript_writer::TranscriptWriter;
use crate::agents::RunEvent;
use crate::agents::protocol::LogSource;
use crate::sandbox::Sandbox;
use crate::workspace::{
    BaseRef, CommitId, Diff, DiffCaps, Git, HostRepository, Mirror, RefName, WorkspaceError, finish, remove_tree,
};
use domain::agent_run::{FailureReason, RunRepo, RunRequested};
use ring::digest::{SHA256, digest};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub(crate) struct Workshop {
    pub sandbox: Sandbox,
    /// The work tree, as the host sees it. After the agent has started nothing on the host runs git in it.
    pub workspace: PathBuf,
    /// The agent's own files.
    pub agent_home: PathBuf,
    /// Holds the run's sockets and nothing else; short, since a socket's path is.
    pub sockets: TempDir,
    out: PathBuf,
    dir: PathBuf,
    repository: Option<(HostRepository, RefName)>,
}

/// What crossed over from the agent.
pub(crate) struct Delivered {
    pub branch: RefName,
    pub head: CommitId,
    pub diff: Diff,
}

impl Workshop {
    pub(crate) async fn set_up(
        equipment: &Equipment,
        facts: &Facts,
        sandbox: &Sandbox,
        transcript: &mut TranscriptWriter,
    ) -> Result<Self, Broken> {
        let dir = equipment.work_dir.join("runs").join(format!("{}-{}", facts.run, facts.token));
        let made = Self::make(&dir, sandbox).map_err(|(path, problem)| {
            Broken::failed(FailureReason::Sandbox, format!("{} could not be made: {problem}.", path.display()))
        });
        let mut workshop = made?;
        match &facts.request.repo {
            Some(repo) => workshop.check_out(equipment, facts, repo, transcript).await?,
            None => {
                fs::create_dir(&workshop.workspace).map_err(|problem| {
                    Broken::failed(FailureReason::Sandbox, format!("The workspace could not be made: {problem}."))
                })?;
            }
        }
        for path in [&workshop.workspace, &workshop.out, &workshop.agent_home] {
            sandbox.hand_over(path).map_err(|problem| Broken::failed(FailureReason::Sandbox, format!("{problem}.")))?;
        }
        Ok(workshop)
    }

    fn make(dir: &Path, sandbox: &Sandbox) -> Result<Self, (PathBuf, std::io::Error)> {
        let at = |path: PathBuf| move |problem| (path, problem);
        fs::create_dir_all(dir).map_err(at(dir.to_path_buf()))?;
        // A slot's user passes through; what is inside is its own or closed.
        let passable = fs::Permissions::from_mode(0o711);
        fs::set_permissions(dir, passable.clone()).map_err(at(dir.to_path_buf()))?;
        let (out, agent_home) = (dir.join("out"), dir.join("agent-home"));
        for path in [&out, &agent_home] {
            fs::create_dir(path).map_err(at(path.clone()))?;
        }
        let sockets = tempfile::Builder::new().prefix("al-").tempdir().map_err(at(std::env::temp_dir()))?;
        fs::set_permissions(sockets.path(), passable).map_err(at(sockets.path().to_path_buf()))?;
        Ok(Self {
            sandbox: sandbox.clone(),
            workspace: dir.join("workspace"),
            agent_home,
            sockets,
            out,
            dir: dir.to_path_buf(),
            repository: None,
        })
    }

    async fn check_out(
        &mut self,
        equipment: &Equipment,
        facts: &Facts,
        repo: &RunRepo,
        transcript: &mut TranscriptWriter,
    ) -> Result<(), Broken> {
        let git = equipment.git.as_ref().map_err(|reason| Broken::failed(FailureReason::Clone, reason.clone()))?;
        transcript.write(RunEvent::log(LogSource::Lime, format!("Fetching {}.", repo.name))).await?;
        let cloned = self.cloned(equipment, facts, repo, git).await.map_err(|problem| in_words(&problem))?;
        let (repository, branch, base_name) = cloned;
        let text = format!("Checked out {} ({base_name}) at {} as {branch}.", repo.name, repository.base());
        transcript.write(RunEvent::told(text)).await?;
        self.repository = Some((repository, branch));
        Ok(())
    }

    async fn cloned(
        &self,
        equipment: &Equipment,
        facts: &Facts,
        repo: &RunRepo,
        git: &Git,
    ) -> Result<(HostRepository, RefName, String), WorkspaceError> {
        let remote = equipment.remotes.check(&repo.clone_url).await?;
        let base = BaseRef::parse(repo.base_ref.as_deref())?;
        let branch = match &facts.request.ticket {
            Some(ticket) => RefName::for_ticket(&ticket.key, &ticket.title)?,
            None => RefName::parse(&format!("al/run-{}", facts.run))?,
        };
        // One mirror for an org and an address: no org's objects can be reached from another's.
        let name = digest(&SHA256, format!("{}\n{}", facts.org, remote.url()).as_bytes());
        let mirrors = equipment.work_dir.join("mirrors");
        fs::create_dir_all(&mirrors).map_err(|source| WorkspaceError::File {
            what: "make",
            path: mirrors.clone(),
            source,
        })?;
        let mirror = Mirror::at(mirrors.join(hex::encode(name)));
        let base = mirror.fetch(git, &remote, &base, &equipment.fetch_caps, None).await?;
        let repository = HostRepository::create(git, self.dir.join("host.git"), &mirror, &base).await?;
        repository.clone_for_agent(&self.workspace, &branch, &equipment.author).await?;
        let base_name = base.name.map_or_else(|| "commit".to_owned(), |name| name.to_string());
        Ok((repository, branch, base_name))
    }

    pub(crate) fn branch(&self) -> Option<String> {
        self.repository.as_ref().map(|(_, branch)| branch.to_string())
    }

    pub(crate) fn base_commit(&self) -> Option<String> {
        self.repository.as_ref().map(|(repository, _)| repository.base().to_string())
    }

    /// Takes over the agent's commits. None when the run has no repository.
    pub(crate) async fn deliver(
        &self,
        equipment: &Equipment,
        request: &RunRequested,
    ) -> Result<Option<Delivered>, Broken> {
        let Some((repository, branch)) = &self.repository else { return Ok(None) };
        let message = match &request.ticket {
            Some(ticket) => format!("{}: {}", ticket.key, ticket.title),
            None => "Keep what was left uncommitted".to_owned(),
        };
        let base = repository.base();
        let delivered = async {
            let left = finish(&self.sandbox, &self.workspace, &self.out, base, &equipment.author, &message).await?;
            repository.import(&self.out, &left, branch, &equipment.import_caps).await?;
            let diff = repository.diff(&left.head, DiffCaps::default()).await?;
            Ok::<_, WorkspaceError>(Delivered { branch: branch.clone(), head: left.head, diff })
        };
        delivered.await.map(Some).map_err(|problem| in_words(&problem))
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        // What an agent wrote goes; the host's own repository stays for the pull request.
        for path in [&self.workspace, &self.out, &self.agent_home] {
            if let Err(problem) = remove_tree(path) {
                tracing::warn!(path = %path.display(), error = %problem, "a run's files could not be removed");
            }
        }
        if self.repository.is_none()
            && let Err(problem) = fs::remove_dir_all(&self.dir)
        {
            tracing::warn!(path = %self.dir.display(), error = %problem, "a run's directory could not be removed");
        }
    }
}

fn in_words(problem: &WorkspaceError) -> Broken {
    let reason = match problem {
        WorkspaceError::Bundle { .. } | WorkspaceError::TooLarge { .. } => FailureReason::Policy,
        WorkspaceError::Url { .. }
        | WorkspaceError::RefName { .. }
        | WorkspaceError::Clone { .. }
        | WorkspaceError::UnknownRef { .. }
        | WorkspaceError::Timeout { .. }
        | WorkspaceError::Git { .. }
        | WorkspaceError::File { .. } => FailureReason::Clone,
    };
    Broken::failed(reason, feed::chain(problem))
}
