//! The whole product without any key: the built `lime` on a home of its own, a sample repository over HTTP, a real agent
//! program, and a model that plays a script. `make demo` shows it, the browser tests run against it.
//!
//! Everything of it is gone with the value, also when this process is killed.

#![allow(clippy::indexing_slicing, reason = "a field that a JSON value does not have is null")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use nix::sys::signal::Signal;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::child::{Server, bound_command};
use crate::scripted_model::{ModelSettings, Script, ScriptedModel};
use crate::{GitServer, agent_programs, sample_repo};

/// A machine that builds at the same time is slow.
const START: Duration = Duration::from_mins(2);
const STOP: Duration = Duration::from_secs(30);
const RUN: Duration = Duration::from_mins(3);

/// What `lime` is told of the environment: where programs are, and nothing that could lead to another installation.
const PASSED_ON: &[&str] = &[
    "HOME",
    "LANG",
    "LIME_AGENTS_DIR",
    "LIME_CACHE",
    "LIME_CODEX_BIN",
    "LIME_NATS_BIN",
    "LIME_PG_BIN",
    "PATH",
    "RUST_LOG",
    "SSH_CONNECTION",
    "USER",
    "XDG_CACHE_HOME",
];

/// Kind, column, title and description of what is on the board from the start.
const TICKETS: &[[&str; 4]] = &[
    [
        "STORY",
        "todo",
        "Ship orders of 50.00 and more for free",
        "Customers who order for 50.00 or more pay no shipping.\n\n- [ ] The threshold is one constant in `rates.py`\n\
         - [ ] Both sides of it are tested",
    ],
    ["TASK", "backlog", "Name the zones in the README", "A reader wants to know what `home`, `near` and `far` are."],
    ["BUG", "backlog", "A weight of nothing has a price", "`price_cents(0, \"home\")` should say that it is wrong."],
    ["TASK", "in_progress", "Say how prices are rounded", "Parcels are charged by the full kilogram."],
];

#[derive(Debug)]
pub struct DemoSettings {
    /// The built product.
    pub lime: PathBuf,
    /// None: 127.0.0.1:5463 or the next free port.
    pub listen: Option<String>,
    /// Waited before each of the model's turns, so that a person can watch.
    pub pace: Duration,
}

/// It runs as long as this value lives.
#[derive(Debug)]
pub struct Demo {
    /// Without a slash at its end.
    pub url: String,
    /// Signs in once.
    pub owner_link: String,
    /// The sample repository's clone address.
    pub repository: String,
    project: Uuid,
    tickets: Vec<Uuid>,
    connection: Uuid,
    api: Api,
    // In this order: the product ends before what it stands on.
    lime: Server,
    _git: GitServer,
    _model: ScriptedModel,
    folder: tempfile::TempDir,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ready {
    url: String,
    owner_link: String,
}

impl Demo {
    /// Returns once all of it is ready, with a project that has a repository and some tickets.
    ///
    /// # Errors
    /// Names the program that is missing, or gives the last lines of the product's log.
    pub async fn start(settings: DemoSettings) -> anyhow::Result<Self> {
        agent_programs::require_codex()?;
        ensure!(settings.lime.is_file(), "{} is not there: build it with `make up`", settings.lime.display());
        let git = GitServer::start().await?;
        sample_repo::create_bare(&git.path("sample")).await?;
        let pace = ModelSettings { pace: settings.pace, ..ModelSettings::default() };
        let model = ScriptedModel::start_on_port(Script::builtin()?, 0, pace).await?;
        let folder = tempfile::Builder::new().prefix("lime-demo-").tempdir_in("/tmp")?;
        // Open to the account that PostgreSQL runs as when we are root.
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711))?;

        let mut command = bound_command(&settings.lime, None);
        command.args(["up", "--home", "home", "--ready-file", "ready.json"]);
        if let Some(listen) = &settings.listen {
            command.args(["--listen", listen]);
        }
        at_home(&mut command, folder.path());
        command.env("OPENAI_BASE_URL", model.base_url()).env("OPENAI_API_KEY", "a-script-needs-no-key");
        command.env("LIME_MODEL_SCRIPTED", "true").env("LIME_CLONE_HOSTS", git.host());
        command.env("LIME_ORG_NAME", "Demo");
        let mut lime = Server::start(command, &folder.path().join("lime.log"))?;
        let ready = ready(&mut lime, &folder.path().join("ready.json")).await?;
        let api = Api::sign_in(&settings.lime, folder.path(), &ready.url)?;
        let repository = git.url("sample");
        let (project, connection, tickets) = api.set_up(&repository).await?;
        let url = ready.url.trim_end_matches('/').to_owned();
        let owner_link = ready.owner_link;
        Ok(Self {
            url,
            owner_link,
            repository,
            project,
            tickets,
            connection,
            api,
            lime,
            _git: git,
            _model: model,
            folder,
        })
    }

    /// Where the product writes what happens.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("lime.log")
    }

    /// Returns when the product has ended although nobody asked it to.
    pub async fn ended_by_itself(&mut self) -> String {
        while !self.lime.has_ended() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        self.lime.log_tail()
    }

    /// Lets one plan and one ticket's work go through and says how they ended.
    ///
    /// # Errors
    /// A run that did not succeed, with its reason.
    pub async fn check(&self) -> anyhow::Result<String> {
        let prompt = "Large orders should ship for free.";
        let plan = json!({ "mode": "PLAN", "prompt": prompt, "repoConnectionId": self.connection });
        let work =
            json!({ "mode": "IMPLEMENT", "ticketId": self.tickets.first(), "repoConnectionId": self.connection });
        let plan = self.api.run(self.project, plan).await?;
        let work = self.api.run(self.project, work).await?;
        let items = plan["plan"].as_array().map_or(0, Vec::len);
        ensure!(items == 13, "the plan has {items} items");
        ensure!(plan["scripted"] == true && work["scripted"] == true, "a run is not labelled as scripted");
        Ok(format!(
            "a plan of {items} tickets; branch {} with {} lines added",
            work["branch"], work["diff"]["additions"]
        ))
    }

    /// Stops the product in good order.
    ///
    /// # Errors
    /// When it does not end; it is killed then.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.lime.signal(Signal::SIGTERM)?;
        tokio::task::spawn_blocking(move || self.lime.wait(STOP)).await?
    }
}

async fn ready(lime: &mut Server, file: &Path) -> anyhow::Result<Ready> {
    let deadline = Instant::now() + START;
    loop {
        if let Ok(text) = std::fs::read(file) {
            return Ok(serde_json::from_slice(&text)?);
        }
        if lime.has_ended() || Instant::now() > deadline {
            bail!("lime did not get ready; its log ends:\n{}", lime.log_tail());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// In the demonstration's folder, where no settings file lies, with the few variables that say where programs are.
fn at_home(command: &mut Command, folder: &Path) {
    command.current_dir(folder).env_clear().stdin(Stdio::null());
    for name in PASSED_ON {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
}

/// The product's API, as any program calls it.
#[derive(Debug)]
struct Api {
    endpoint: String,
    token: String,
    client: reqwest::Client,
}

impl Api {
    fn sign_in(lime: &Path, folder: &Path, url: &str) -> anyhow::Result<Self> {
        let mut command = Command::new(lime);
        command.args(["token", "create", "--home", "home", "--name", "demo"]);
        at_home(&mut command, folder);
        let made = command.output().context("running lime")?;
        ensure!(made.status.success(), "no token was made: {}", String::from_utf8_lossy(&made.stderr).trim());
        let token = String::from_utf8(made.stdout)?.trim().to_owned();
        let endpoint = format!("{}/graphql", url.trim_end_matches('/'));
        Ok(Self { endpoint, token, client: reqwest::Client::builder().no_proxy().build()? })
    }

    /// The first field of the answer's data.
    async fn ask(&self, document: &str, variables: Value) -> anyhow::Result<Value> {
        let request = self.client.post(&self.endpoint).bearer_auth(&self.token);
        let body = json!({ "query": document, "variables": variables });
        let answer: Value = request.json(&body).send().await?.json().await?;
        let field = answer["data"].as_object().and_then(|data| data.values().next()).filter(|field| !field.is_null());
        field.cloned().with_context(|| format!("{document}: {answer}"))
    }

    /// What `found` makes of the answer, as an id.
    async fn id(&self, document: &str, input: Value, path: &str) -> anyhow::Result<Uuid> {
        let answer = self.ask(document, json!({ "input": input })).await?;
        let id = answer.pointer(path).and_then(Value::as_str).with_context(|| format!("no id in {answer}"))?;
        Ok(id.parse()?)
    }

    /// A project with a repository and tickets: its id, the connection's and the tickets'.
    async fn set_up(&self, repository: &str) -> anyhow::Result<(Uuid, Uuid, Vec<Uuid>)> {
        let viewer = self.ask("{ me { orgs { org { id } } } }", json!({})).await?;
        let create_project =
            "mutation($input: CreateProjectInput!) { createProject(input: $input) { project { id } } }";
        let input = json!({
            "commandId": Uuid::new_v4(), "orgId": viewer["orgs"][0]["org"]["id"], "key": "SHOP", "name": "Parcel shop",
        });
        let project = self.id(create_project, input, "/project/id").await?;
        let connect = "mutation($input: ConnectRepositoryInput!) \
                       { connectRepository(input: $input) { repoConnection { id } } }";
        let input =
            json!({ "commandId": Uuid::new_v4(), "projectId": project, "provider": "GIT", "cloneUrl": repository });
        let connection = self.id(connect, input, "/repoConnection/id").await?;
        let create_ticket = "mutation($input: CreateTicketInput!) { createTicket(input: $input) { ticket { id } } }";
        let mut tickets = Vec::new();
        for [kind, column, title, description] in TICKETS {
            let input = json!({
                "commandId": Uuid::new_v4(), "projectId": project, "kind": kind, "columnKey": column, "title": title,
                "descriptionMd": description,
            });
            tickets.push(self.id(create_ticket, input, "/ticket/id").await?);
        }
        Ok((project, connection, tickets))
    }

    /// Starts a run and waits for its success.
    async fn run(&self, project: Uuid, mut input: Value) -> anyhow::Result<Value> {
        let start = "mutation($input: StartRunInput!) { startRun(input: $input) { run { id } } }";
        if let Some(fields) = input.as_object_mut() {
            let fixed =
                [("commandId", json!(Uuid::new_v4())), ("projectId", json!(project)), ("provider", json!("codex"))];
            fields.extend(fixed.map(|(name, value)| (name.to_owned(), value)));
        }
        let id = self.id(start, input, "/run/id").await?;
        let document = "query($id: UUID!) { agentRun(id: $id) { state scripted branch failure { reason message } \
                        plan { id } diff { additions } } }";
        let deadline = Instant::now() + RUN;
        loop {
            let run = self.ask(document, json!({ "id": id })).await?;
            match run["state"].as_str() {
                Some("SUCCEEDED") => return Ok(run),
                Some("FAILED" | "CANCELLED") => bail!("the run ended as {run}"),
                _ => ensure!(Instant::now() < deadline, "the run does not end: {run}"),
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}
