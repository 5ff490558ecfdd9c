//! What a run needs: the product, a model that plays a script, a repository; and how a test asks and waits.

use std::fs::File;
use std::process::{Child, Command};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::scripted_model::{Script, ScriptedModel};
use testkit::{GitServer, agent_programs, eventually, sample_repo};
use uuid::Uuid;

use crate::product::api::{Api, Project};
use crate::product::{Place, Up, is_alive, signal_process, tree};

/// A run of the real program takes a few seconds; several at once on a busy machine take longer.
pub(crate) const RUN: Duration = Duration::from_secs(60);

pub(crate) const KEY: &str = "sk-scripted-key-0123456789";

const RUN_FIELDS: &str = "id state mode scripted failure { reason message } branch headCommit summary lastSeq ticketId \
    cancelRequested costUsdMicros usage { inputTokens outputTokens } \
    diff { unified truncated additions deletions files { path additions deletions status } } \
    artifacts { name mime sizeBytes digest } \
    plan { id parentId kind title columnKey acceptedTicket { id } }";

/// The product with everything around it. Gone with the value.
pub(crate) struct Floor {
    pub(crate) place: Place,
    pub(crate) up: Up,
    pub(crate) api: Api,
    pub(crate) model: ScriptedModel,
    pub(crate) git: GitServer,
    pub(crate) project: Project,
    /// The connection of the sample repository.
    pub(crate) repository: Uuid,
}

impl Floor {
    /// `lime up` with `script` as its model. `settings` win over those that are always set.
    pub(crate) async fn start(script: Script, settings: &[(&str, &str)]) -> Self {
        let model = ScriptedModel::start(script).await.unwrap();
        let git = GitServer::start().await.unwrap();
        sample_repo::create_bare(&git.path("sample")).await.unwrap();
        let place = Place::new();
        let mut command =
            place.lime(&["up", "--home", "home", "--listen", "127.0.0.1:0", "--ready-file", "ready.json"]);
        set(&mut command, &model, &git, settings);
        let up = place.up_with(command);
        let api = Api::sign_in(&place, &up);
        let project = api.create_project("RU").await;
        let repository = connect(&api, project, &git.url("sample")).await;
        Self { place, up, api, model, git, project, repository }
    }

    /// `lime work` beside the product, as a process of its own.
    pub(crate) fn worker(&self, settings: &[(&str, &str)]) -> Worker {
        let mut command = self.place.lime(&["work", "--home", "home"]);
        set(&mut command, &self.model, &self.git, &[&[("LIME_SLOTS", "4")][..], settings].concat());
        let log = self.place.path().join(format!("work-{}.log", Uuid::new_v4().simple()));
        let out = File::create(log).unwrap();
        let child = command.stdout(out.try_clone().unwrap()).stderr(out).spawn().unwrap();
        Worker { child }
    }

    /// Starts a run; `input` is what it has beside project and provider.
    pub(crate) async fn start_run(&self, input: Value) -> Uuid {
        let answer = self.try_start(input).await;
        assert!(answer.get("errors").is_none(), "{answer:#}");
        answer["data"]["startRun"]["run"]["id"].as_str().unwrap().parse().unwrap()
    }

    pub(crate) async fn try_start(&self, input: Value) -> Value {
        let document = "mutation($input: StartRunInput!) { startRun(input: $input) { run { id } } }";
        let mut whole = json!({ "commandId": Uuid::new_v4(), "projectId": self.project.id, "provider": "codex" });
        whole.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
        self.api.answer(document, json!({ "input": whole })).await.unwrap()
    }

    /// What most runs are: a ticket's work on the sample repository.
    pub(crate) async fn implement(&self, prompt: &str) -> Uuid {
        let wanted = json!({ "mode": "IMPLEMENT", "prompt": prompt, "repoConnectionId": self.repository });
        self.start_run(wanted).await
    }

    pub(crate) async fn run(&self, id: Uuid) -> Value {
        let document = format!("query($id: UUID!) {{ agentRun(id: $id) {{ {RUN_FIELDS} }} }}");
        self.api.ask(&document, json!({ "id": id })).await["agentRun"].clone()
    }

    /// The run once it has ended.
    pub(crate) async fn ended(&self, id: Uuid) -> Value {
        eventually(RUN, || async {
            let run = self.run(id).await;
            let over = ["SUCCEEDED", "FAILED", "CANCELLED"].iter().any(|state| run["state"] == *state);
            if over { Ok(run) } else { Err(format!("{run:#}")) }
        })
        .await
    }

    /// The run once it has succeeded; another end fails the test with the log of the product.
    pub(crate) async fn succeeded(&self, id: Uuid) -> Value {
        let run = self.ended(id).await;
        assert_eq!(run["state"], "SUCCEEDED", "{run:#}\n{}", self.up.log());
        run
    }

    /// Reason and message of a run that must have failed, once, with its error in the transcript.
    pub(crate) async fn failure(&self, id: Uuid) -> (String, String) {
        let run = self.ended(id).await;
        assert_eq!(run["state"], "FAILED", "{run:#}\n{}", self.up.log());
        let text = |field: &str| run["failure"][field].as_str().unwrap().to_owned();
        let (reason, message) = (text("reason"), text("message"));
        assert!(message.ends_with(['.', '!', '?']) && message.contains(' '), "no sentence: {message:?}");
        assert_eq!(self.endings(id).await.len(), 1);
        let errors: Vec<Value> =
            self.transcript(id).await.into_iter().filter(|event| event["type"] == "ERROR").collect();
        assert_eq!(errors.last().unwrap()["data"]["reason"], reason.to_lowercase(), "{errors:#?}");
        (reason, message)
    }

    /// The whole transcript as the API gives it.
    pub(crate) async fn transcript(&self, id: Uuid) -> Vec<Value> {
        let document =
            "query($id: UUID!) { runEvents(runId: $id, first: 2000) { hasMore events { seq type text data } } }";
        let page = self.api.ask(document, json!({ "id": id })).await["runEvents"].clone();
        assert_eq!(page["hasMore"], false);
        page["events"].as_array().unwrap().clone()
    }

    /// The payloads of the run's ending events in the log: there is to be one.
    pub(crate) async fn endings(&self, id: Uuid) -> Vec<Value> {
        self.events(id).await.into_iter().filter(|(name, _)| name == "RunEnded").map(|(_, payload)| payload).collect()
    }

    /// Names and payloads of the run's own events in the log.
    pub(crate) async fn events(&self, id: Uuid) -> Vec<(String, Value)> {
        let all = "select event_type, payload::text from events where aggregate_id = $1 order by sequence";
        let rows: Vec<(String, String)> =
            sqlx::query_as(all).bind(id.to_string()).fetch_all(&self.database().await).await.unwrap();
        rows.into_iter().map(|(name, payload)| (name, serde_json::from_str(&payload).unwrap())).collect()
    }

    /// The product's own database, as its owner.
    pub(crate) async fn database(&self) -> PgPool {
        PgPool::connect(&self.database_url("ownerDatabaseUrl")).await.unwrap()
    }

    /// `ownerDatabaseUrl`, the role that owns the tables, or `databaseUrl`, which the product works as and which owns the
    /// read models.
    pub(crate) fn database_url(&self, role: &str) -> String {
        let text = std::fs::read_to_string(self.place.home().join("runtime.json")).unwrap();
        let runtime: Value = serde_json::from_str(&text).unwrap();
        runtime[role].as_str().unwrap().to_owned()
    }

    /// The process that the slow script's command runs, once it does, with the whole sandbox around it.
    pub(crate) async fn sandbox_of(&self, worker: u32) -> Vec<u32> {
        eventually(RUN, || async {
            let servers = ["postgres", "nats-server"].map(|name| self.up.child_named(name));
            let servers: Vec<u32> =
                servers.into_iter().flatten().flat_map(|pid| [vec![pid], tree(pid)].concat()).collect();
            let sandbox: Vec<u32> = tree(worker).into_iter().filter(|pid| !servers.contains(pid)).collect();
            let sleeps =
                |pid: &u32| std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line == b"sleep\x00300\x00");
            if sandbox.iter().any(sleeps) { Some(sandbox) } else { None }
        })
        .await
    }
}

async fn connect(api: &Api, project: Project, url: &str) -> Uuid {
    let answer = try_connect(api, project, url).await;
    assert!(answer.get("errors").is_none(), "{answer:#}");
    answer["data"]["connectRepository"]["repoConnection"]["id"].as_str().unwrap().parse().unwrap()
}

pub(crate) async fn try_connect(api: &Api, project: Project, url: &str) -> Value {
    let document = "mutation($input: ConnectRepositoryInput!) \
                    { connectRepository(input: $input) { repoConnection { id } } }";
    let input = json!({ "commandId": Uuid::new_v4(), "projectId": project.id, "provider": "GIT", "cloneUrl": url });
    api.answer(document, json!({ "input": input })).await.unwrap()
}

fn set(command: &mut Command, model: &ScriptedModel, git: &GitServer, settings: &[(&str, &str)]) {
    let codex = agent_programs::require_codex().unwrap();
    command.env("LIME_CODEX_BIN", codex).env("LIME_CLONE_HOSTS", git.host());
    command.env("OPENAI_BASE_URL", model.base_url()).env("OPENAI_API_KEY", KEY).env("LIME_MODEL_SCRIPTED", "true");
    for (name, value) in settings {
        // Set to nothing counts as not set.
        command.env(name, value);
    }
}

/// A running `lime work`; killed when dropped.
pub(crate) struct Worker {
    child: Child,
}

impl Worker {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and its end.
    pub(crate) fn stop(&mut self) {
        signal_process(self.pid(), Signal::SIGTERM);
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asserts that every one of the processes is gone within a second from `since`.
pub(crate) async fn gone_within_a_second(processes: &[u32], since: std::time::Instant) {
    let limit = Duration::from_secs(1).mul_f64(testkit::slack());
    while processes.iter().any(|pid| is_alive(*pid)) {
        assert!(since.elapsed() < limit, "of {processes:?} some live after {:?}", since.elapsed());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    println!("{} processes were gone after {:?}", processes.len(), since.elapsed());
}
