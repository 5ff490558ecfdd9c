//! A run outside of any sandbox: a work tree, an agent's home, a host that remembers what it was asked.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use domain::agent_run::{FailureReason, RunMode};
use tempfile::TempDir;
use testkit::{
    agent_programs, sample_repo,
    scripted_model::{Script, ScriptedModel},
};
use tokio::{
    process::{Child, Command},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;
use workers::agents::{
    AgentDriver, AgentEnd, AgentStdio, CodexDriver, Finding, LaunchPaths, LaunchPlan, PlanItem, PromptPart, Provenance,
    Question, RunEvent, RunLimits, RunSpec, ToolDesk, ToolHost, ToolRefusal,
};

/// Longer than any run here takes, also on a machine that is busy.
pub(crate) const DEADLINE: Duration = Duration::from_mins(2);
pub(crate) const RUN_TOKEN: &str = "lime_run_canary_0123456789abcdef";
pub(crate) const COLUMNS: [&str; 6] = ["backlog", "todo", "in_progress", "code_review", "qa", "done"];

/// Remembers what it was asked, and answers questions with a fixed word, or never.
#[derive(Default)]
pub(crate) struct Host {
    pub(crate) items: Mutex<Vec<PlanItem>>,
    pub(crate) comments: Mutex<Vec<String>>,
    pub(crate) questions: Mutex<Vec<Question>>,
    pub(crate) answer: Option<String>,
}

#[async_trait]
impl ToolHost for Host {
    async fn create_ticket(&self, item: &PlanItem) -> Result<(), ToolRefusal> {
        self.items.lock().unwrap().push(item.clone());
        Ok(())
    }

    async fn add_comment(&self, body_md: &str) -> Result<(), ToolRefusal> {
        self.comments.lock().unwrap().push(body_md.to_owned());
        Ok(())
    }

    async fn finding(&self, _: &Finding) -> Result<(), ToolRefusal> {
        Err(ToolRefusal("no findings here".into()))
    }

    async fn ask_person(&self, question: &Question) -> Result<String, ToolRefusal> {
        self.questions.lock().unwrap().push(question.clone());
        match &self.answer {
            Some(answer) => Ok(answer.clone()),
            None => std::future::pending().await,
        }
    }
}

pub(crate) fn desk(mode: RunMode, host: &Arc<Host>) -> Arc<ToolDesk> {
    let host: Arc<dyn ToolHost> = Arc::<Host>::clone(host);
    Arc::new(ToolDesk::new(mode, &[], COLUMNS.map(String::from).to_vec(), host))
}

pub(crate) fn spec(mode: RunMode, request: &str, cwd: &Path, model_base_url: String) -> RunSpec {
    RunSpec {
        mode,
        boundary: "b0undary".into(),
        prompt: vec![PromptPart { provenance: Provenance::Member, what: "request".into(), text: request.into() }],
        cwd: cwd.to_owned(),
        model_base_url,
        model: None,
        run_token: RUN_TOKEN.to_owned().into(),
        secrets: vec![],
        limits: RunLimits::default(),
    }
}

/// A run's folders: a repository to work in and a home for the agent.
pub(crate) struct Workspace {
    root: TempDir,
}

impl Workspace {
    pub(crate) async fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        sample_repo::create(&root.path().join("work")).await.unwrap();
        std::fs::create_dir(root.path().join("home")).unwrap();
        Self { root }
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.root.path().join("work").canonicalize().unwrap()
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }
}

/// A process of a launch plan, in a group of its own that ends with this value.
pub(crate) struct Launched {
    _child: Child,
    group: nix::unistd::Pid,
}

impl Launched {
    pub(crate) fn start(plan: &LaunchPlan, workspace: &Workspace) -> (Self, AgentStdio) {
        for file in &plan.home_files {
            std::fs::write(workspace.home().join(&file.path), &file.contents).unwrap();
        }
        let mut child = Command::new(&plan.program)
            .args(&plan.arguments)
            .env_clear()
            .envs(plan.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(workspace.work())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let group = nix::unistd::Pid::from_raw(child.id().unwrap().try_into().unwrap());
        let stdio =
            AgentStdio::new(child.stdin.take().unwrap(), child.stdout.take().unwrap(), child.stderr.take().unwrap());
        (Self { _child: child, group }, stdio)
    }
}

impl Drop for Launched {
    fn drop(&mut self) {
        let _ = nix::sys::signal::killpg(self.group, nix::sys::signal::Signal::SIGKILL);
    }
}

/// A run of the real Codex program.
pub(crate) struct CodexRun {
    pub(crate) workspace: Workspace,
    pub(crate) host: Arc<Host>,
    pub(crate) mode: RunMode,
    pub(crate) request: String,
    pub(crate) limits: RunLimits,
    pub(crate) stop: CancellationToken,
}

/// What a run left.
pub(crate) struct Outcome {
    pub(crate) end: AgentEnd,
    pub(crate) events: Vec<RunEvent>,
    pub(crate) desk: Arc<ToolDesk>,
}

impl CodexRun {
    pub(crate) async fn new(mode: RunMode, request: &str) -> Self {
        Self {
            workspace: Workspace::new().await,
            host: Arc::default(),
            mode,
            request: request.into(),
            limits: RunLimits { time_budget: DEADLINE, ..RunLimits::default() },
            stop: CancellationToken::new(),
        }
    }

    /// Against the scripts that stand ready.
    pub(crate) async fn play(&self) -> (Outcome, ScriptedModel) {
        let model = ScriptedModel::start(Script::builtin().unwrap()).await.unwrap();
        let outcome = self.against(&model.base_url()).await;
        (outcome, model)
    }

    pub(crate) async fn against(&self, base_url: &str) -> Outcome {
        let program = agent_programs::require_codex().unwrap();
        let mut spec = spec(self.mode, &self.request, &self.workspace.work(), base_url.to_owned());
        spec.limits = self.limits.clone();
        let driver = CodexDriver::new();
        let plan = driver.launch_plan(&spec, &LaunchPaths { program, agent_home: self.workspace.home() });
        let (_launched, stdio) = Launched::start(&plan, &self.workspace);
        let desk = desk(self.mode, &self.host);
        let (end, events) = drive(&driver, &spec, stdio, Arc::clone(&desk), self.stop.clone()).await;
        Outcome { end, events, desk }
    }
}

/// Drives to the end and gathers the events.
pub(crate) async fn drive(
    driver: &CodexDriver,
    spec: &RunSpec,
    stdio: AgentStdio,
    desk: Arc<ToolDesk>,
    stop: CancellationToken,
) -> (AgentEnd, Vec<RunEvent>) {
    let (sender, mut receiver) = mpsc::channel(64);
    let gather = async {
        let mut events = Vec::new();
        while let Some(event) = receiver.recv().await {
            events.push(event);
        }
        events
    };
    let run = async { tokio::join!(driver.drive(spec, stdio, desk, sender, stop), gather) };
    tokio::time::timeout(DEADLINE * 2, run).await.expect("the run ends")
}

impl Outcome {
    pub(crate) fn summary(&self) -> &str {
        match &self.end {
            AgentEnd::Completed { summary } => summary,
            other => panic!("{other:?}, after {:#?}", self.events),
        }
    }

    /// The failure's words; its reason must be the expected one, and an error must have been told with it.
    pub(crate) fn failure(&self, reason: FailureReason) -> &str {
        let AgentEnd::Failed(failure) = &self.end else { panic!("{:?}, after {:#?}", self.end, self.events) };
        assert_eq!(failure.reason, reason, "{failure:?}");
        assert_eq!(self.events.last(), Some(&RunEvent::error(reason, failure.message.clone())));
        &failure.message
    }

    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        self.events.iter().map(RunEvent::kind).collect()
    }

    pub(crate) fn json(&self) -> String {
        serde_json::to_string(&self.events).unwrap()
    }
}
