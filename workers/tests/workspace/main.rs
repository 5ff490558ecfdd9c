//! From a git server to an agent's diff, with real git and real sandboxes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::wildcard_enum_match_arm
)]

mod clone;
mod escapes;
mod import;
mod journey;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use testkit::GitServer;
use workers::sandbox::{Ended, Identity, Sandbox, SandboxProbe, SandboxSpec};
use workers::workspace::{
    Author, Base, BaseRef, CommitId, Delivery, FetchCaps, Git, HostRepository, Mirror, RefName, RemotePolicy,
    WorkspaceError, finish,
};

/// A directory of the test's own, with a mirror to fetch into.
pub(crate) struct Place {
    pub dir: tempfile::TempDir,
    pub git: Git,
    pub mirror: Mirror,
}

impl Place {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { git: Git::find().await.unwrap(), mirror: Mirror::at(dir.path().join("mirror")), dir }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) async fn fetch(
        &self,
        server: &GitServer,
        url: &str,
        base: Option<&str>,
    ) -> Result<Base, WorkspaceError> {
        let caps = FetchCaps { time_limit: Duration::from_mins(1), ..FetchCaps::default() };
        self.fetch_with(server, url, base, &caps).await
    }

    pub(crate) async fn fetch_with(
        &self,
        server: &GitServer,
        url: &str,
        base: Option<&str>,
        caps: &FetchCaps,
    ) -> Result<Base, WorkspaceError> {
        let remote = policy(server).check(url).await?;
        self.mirror.fetch(&self.git, &remote, &BaseRef::parse(base)?, caps, None).await
    }

    /// The run's repository, from the default branch of `demo`.
    pub(crate) async fn host(&self, server: &GitServer) -> HostRepository {
        let base = self.fetch(server, &server.url("demo"), None).await.unwrap();
        HostRepository::create(&self.git, self.path("host.git"), &self.mirror, &base).await.unwrap()
    }
}

pub(crate) fn policy(server: &GitServer) -> RemotePolicy {
    RemotePolicy { allowed_hosts: vec![server.host()], plain_http_on_loopback: true, private_addresses: false }
}

pub(crate) fn author() -> Author {
    Author { name: "Assembly Lime".into(), email: "agent@lime.test".into() }
}

pub(crate) fn branch() -> RefName {
    RefName::for_ticket("AL-12", "Rate limit").unwrap()
}

/// A run's places: the workspace handed over to a sandbox, and the directory for what it hands in.
pub(crate) struct Run {
    pub place: Place,
    /// Serves as long as the run.
    pub _server: GitServer,
    pub host: HostRepository,
    pub sandbox: Sandbox,
    pub workspace: PathBuf,
    pub out: PathBuf,
}

/// `None`, said aloud, where no sandbox can be made; `LIME_REQUIRE_SANDBOX=1` makes that a failure.
pub(crate) async fn run(slot: u32, files: &[(&str, &str)]) -> Option<Run> {
    let sandbox = sandbox(slot).await?;
    let server = GitServer::start().await.unwrap();
    server.create("demo", files).unwrap();
    let place = Place::new().await;
    let host = place.host(&server).await;
    let (workspace, out) = (place.path("workspace"), place.path("out"));
    host.clone_for_agent(&workspace, &branch(), &author()).await.unwrap();
    std::fs::create_dir(&out).unwrap();
    sandbox.hand_over(&workspace).unwrap();
    sandbox.hand_over(&out).unwrap();
    Some(Run { place, _server: server, host, sandbox, workspace, out })
}

async fn sandbox(slot: u32) -> Option<Sandbox> {
    let made = Sandbox::of_this_program(Identity::for_slot(60_900, slot))
        .map(|sandbox| Sandbox { bridge: PathBuf::from(env!("CARGO_BIN_EXE_sandbox-bridge")), ..sandbox });
    let why = match made {
        Ok(sandbox) => match sandbox.probe().await {
            SandboxProbe::Available { .. } => return Some(sandbox),
            SandboxProbe::Unavailable { reason, remedy } => format!("{reason} ({remedy})"),
        },
        Err(error) => error.to_string(),
    };
    assert!(std::env::var_os("LIME_REQUIRE_SANDBOX").is_none(), "no sandbox: {why}");
    eprintln!("SKIPPED: no sandbox can be made here: {why}");
    None
}

impl Run {
    /// The agent: a shell script in the sandbox.
    pub(crate) async fn agent(&self, script: &str) -> Ended {
        let spec = SandboxSpec::new(&self.workspace, ["/bin/sh", "-c", script]);
        let mut process = self.sandbox.spawn(&spec).await.unwrap();
        let (stdout, stderr) = (process.stdout.take().unwrap().tail(50), process.stderr.take().unwrap().tail(50));
        let (stdout, stderr) = tokio::join!(stdout, stderr);
        let ended = process.wait().await;
        assert!(ended.success(), "{ended:?}\n{}\n{}", stdout.join("\n"), stderr.join("\n"));
        ended
    }

    pub(crate) async fn finish(&self) -> Result<Delivery, WorkspaceError> {
        let base = self.host.base();
        finish(&self.sandbox, &self.workspace, &self.out, base, &author(), "Work on AL-12").await
    }
}

/// Git as a test's own tool, in a directory that the test made.
pub(crate) fn git_in(dir: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(args).current_dir(dir).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "T").env(format!("GIT_{role}_EMAIL"), "t@example.test");
    }
    let done = command.output().unwrap();
    assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}

pub(crate) fn commit_id(text: &str) -> CommitId {
    CommitId::parse(text).unwrap_or_else(|| panic!("{text:?}"))
}
