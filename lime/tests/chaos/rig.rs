//! The product as one process a role, on servers of its own: each can be killed, stopped, and started again.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rand::Rng;
use rand::rngs::StdRng;
use sqlx::PgPool;
use testkit::child::{self, Server};
use testkit::scripted_model::{Script, ScriptedModel};
use testkit::{GitServer, PrivatePostgres, TestNats, agent_programs, sample_repo};

use crate::canary;

pub(crate) const GATEWAYS: [&str; 2] = ["gateway-a", "gateway-b"];
/// Started with the rig. `ledger-standby` is for the fault that wants it.
const ROLES: [&str; 7] = ["ledger", "projector", "reactor", "worker", "canary", GATEWAYS[0], GATEWAYS[1]];
pub(crate) const RUN_LEASE: Duration = Duration::from_millis(1_500);

#[derive(Debug)]
pub(crate) struct Rig {
    /// Before the folder, so that they are gone when it is removed.
    processes: BTreeMap<&'static str, Server>,
    pub(crate) postgres: PrivatePostgres,
    pub(crate) nats: TestNats,
    pub(crate) git: GitServer,
    model: ScriptedModel,
    ports: [u16; 2],
    folder: PathBuf,
    _folder: tempfile::TempDir,
    began: Instant,
    faults: Vec<String>,
}

impl Rig {
    pub(crate) async fn start(random: &mut StdRng) -> Self {
        let kept = tempfile::Builder::new().prefix("lime-chaos-").tempdir_in("/tmp").unwrap();
        // PostgreSQL's account and a sandbox's user pass through.
        fs::set_permissions(kept.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let (postgres, nats) = tokio::try_join!(PrivatePostgres::start(), TestNats::start()).unwrap();
        let git = GitServer::start().await.unwrap();
        sample_repo::create_bare(&git.path("sample")).await.unwrap();
        let mut rig = Self {
            processes: BTreeMap::new(),
            postgres,
            nats,
            git,
            model: ScriptedModel::start(Script::builtin().unwrap()).await.unwrap(),
            ports: [free_port(random), free_port(random)],
            folder: kept.path().to_path_buf(),
            _folder: kept,
            began: Instant::now(),
            faults: Vec::new(),
        };
        for role in ROLES {
            rig.start_role(role);
        }
        rig
    }

    /// What happened, with the time since the beginning: for the report of a failure.
    pub(crate) fn note(&mut self, what: impl AsRef<str>) {
        self.faults.push(format!("{:7.2} s  {}", self.began.elapsed().as_secs_f64(), what.as_ref()));
    }

    pub(crate) fn fault_log(&self) -> String {
        self.faults.join("\n")
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        self.ports.iter().map(|port| format!("http://127.0.0.1:{port}")).collect()
    }

    pub(crate) async fn pool(&self) -> PgPool {
        self.postgres.pool().await.unwrap()
    }

    /// Starts a role that does not run.
    pub(crate) fn start_role(&mut self, role: &'static str) {
        let arguments: Vec<String> = match role {
            "gateway-a" => vec!["gateway".into(), "--listen".into(), format!("127.0.0.1:{}", self.ports[0])],
            "gateway-b" => vec!["gateway".into(), "--listen".into(), format!("127.0.0.1:{}", self.ports[1])],
            "ledger-standby" => vec!["ledger".into()],
            "worker" => vec!["work".into()],
            other => vec![other.into()],
        };
        let mut command = if role == "canary" {
            let mut command = child::bound_command(&std::env::current_exe().unwrap(), None);
            command.args(canary::ARGUMENTS);
            self.settings(&mut command);
            command
        } else {
            let mut command = child::bound_command(Path::new(env!("CARGO_BIN_EXE_lime")), None);
            command.args(arguments).arg("--home").arg(self.folder.join("home"));
            self.settings(&mut command);
            command
        };
        command.current_dir(&self.folder);
        self.processes.insert(role, Server::start(command, &self.log_file(role)).unwrap());
    }

    fn settings(&self, command: &mut Command) {
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", &self.folder);
        command.env("RUST_LOG", "info").env("LIME_LOG", "json");
        command.env("DATABASE_URL", self.postgres.url()).env("NATS_URL", self.nats.url());
        command.env("LIME_OBJECTS", format!("file:{}", self.folder.join("objects").display()));
        command.env("LIME_CLONE_HOSTS", self.git.host()).env("LIME_SLOTS", "4");
        command.env("LIME_RUN_LEASE_MS", RUN_LEASE.as_millis().to_string());
        command.env("LIME_CODEX_BIN", agent_programs::require_codex().unwrap());
        command.env("OPENAI_BASE_URL", self.model.base_url()).env("OPENAI_API_KEY", "sk-chaos");
        command.env("LIME_MODEL_SCRIPTED", "true").env("LIME_INSTANCE_KEY_ORGS", "*");
        // Of these tests alone.
        command.env("ENCRYPTION_MASTER_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
        // One token's load is that of many people, and what is counted is what was acknowledged.
        command.env("LIME_RATE_LIMIT", "0");
    }

    /// A token of the owner's, which also makes the owner.
    pub(crate) fn create_token(&self) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lime"));
        command.args(["token", "create", "--name", "chaos"]).current_dir(&self.folder);
        self.settings(&mut command);
        let made = command.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    }

    fn log_file(&self, role: &str) -> PathBuf {
        self.folder.join(format!("{role}.log"))
    }

    pub(crate) fn pid(&self, role: &str) -> u32 {
        self.processes[role].pid()
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self, role: &str) {
        // Dropping the handle kills and reaps.
        self.processes.remove(role);
    }

    pub(crate) fn pause(&self, role: &str) {
        self.processes[role].signal(Signal::SIGSTOP).unwrap();
    }

    pub(crate) fn resume(&self, role: &str) {
        self.processes[role].signal(Signal::SIGCONT).unwrap();
    }

    /// Roles whose process ended although nobody killed it, with the end of what each wrote.
    pub(crate) fn ended_by_themselves(&mut self) -> Vec<String> {
        let ended = self.processes.iter_mut().filter_map(|(role, process)| {
            process.has_ended().then(|| format!("{role} ended by itself: {}", process.log_tail()))
        });
        ended.collect()
    }

    /// The ends of all logs, where a failure is looked into.
    pub(crate) fn log_ends(&self) -> String {
        let ends = self.processes.iter().map(|(role, process)| format!("--- {role}\n{}", process.log_tail()));
        ends.collect::<Vec<_>>().join("\n")
    }
}

/// Outside of the range that the system takes ports of outgoing connections from: nobody takes it while a gateway is
/// down.
fn free_port(random: &mut StdRng) -> u16 {
    loop {
        let port = random.random_range(20_000..32_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
