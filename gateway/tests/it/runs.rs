//! Runs as people see them: asked for, followed, planned, ended, downloaded. A worker's part is played by its commands.

use crate::support::{App, PATIENCE, code};
use bytes::Bytes;
use chrono::{TimeZone, Utc};
use commands::agent_run::{
    EndRun, LeaseRun, ProduceArtifact, ProposePlanItem, ReachCost, StartWork, end_run, lease_run, produce_artifact,
    propose_plan_item, reach_cost, start_work,
};
use commands::{Accepted, Caller};
use domain::Actor;
use domain::agent_run::{
    ChangedFile, RunArtifactProduced, RunCostReached, RunEnded, RunLeased, RunOutcome, RunPlanItemProposed, RunWork,
    RunWorkStarted, TokenUsage,
};
use domain::ids::{ArtifactId, CommandId, OrgId, PlanItemId, RunId, WorkerId};
use domain::org::Role;
use domain::ticket::TicketKind;
use feed::transcript::{self, TranscriptEvent};
use serde_json::{Value, json};
use testkit::eventually;
use uuid::Uuid;

const RUN: &str = "id state mode provider prompt version failure { reason message } requestedBy { name } branch headCommit summary
    diff { unified truncated additions deletions files { path status } } artifacts { id name digest sizeBytes }
    plan { id parentId kind title acceptanceCriteria ownerRole columnKey acceptedTicket { key title } }
    usage { inputTokens outputTokens } costUsdMicros maxCostUsdMicros timeBudgetS stationsReached cancelRequested lastSeq scripted cursor";
const TOKEN: u64 = 1;

/// A worker that holds the lease of a run.
pub struct Worker<'a> {
    pub app: &'a App,
    pub run: RunId,
}

impl<'a> Worker<'a> {
    pub async fn take(app: &'a App, run: Uuid) -> Self {
        let worker = Self { app, run: RunId(run) };
        let lease = RunLeased { worker: WorkerId(Uuid::now_v7()), token: TOKEN };
        lease_run(&app.commands, &worker.caller(), LeaseRun { run: worker.run, lease }).await.unwrap();
        sqlx::query("insert into run_leases (run_id, org, worker_id, token, expires_at) values ($1, $2, $3, $4, now() + interval '1 hour')")
            .bind(run)
            .bind(app.org)
            .bind(Uuid::now_v7())
            .bind(TOKEN.cast_signed())
            .execute(&app.pool)
            .await
            .unwrap();
        let work = RunWorkStarted {
            token: TOKEN,
            program: "codex 0.169.0".into(),
            scripted: true,
            branch: Some("al/WK-1-work".into()),
            base_commit: Some("a".repeat(40)),
        };
        start_work(&app.commands, &worker.caller(), StartWork { run: worker.run, work }).await.unwrap();
        worker
    }

    pub fn caller(&self) -> Caller {
        Caller::new(OrgId(self.app.org), Actor::Run(self.run), CommandId(Uuid::now_v7()))
    }

    pub async fn keep(&self, name: &str, content: &[u8]) -> (ArtifactId, String) {
        let digest = self.app.objects.put(Bytes::copy_from_slice(content)).await.unwrap();
        let artifact = RunArtifactProduced {
            token: TOKEN,
            artifact: ArtifactId(Uuid::now_v7()),
            name: name.into(),
            mime: "text/x-diff".into(),
            size_bytes: content.len() as u64,
            digest: digest.to_string(),
        };
        let id = artifact.artifact;
        produce_artifact(&self.app.commands, &self.caller(), ProduceArtifact { run: self.run, artifact })
            .await
            .unwrap();
        (id, digest.to_string())
    }

    pub async fn say(&self, from: u64, to: u64) {
        let events: Vec<TranscriptEvent> = (from..=to)
            .map(|seq| TranscriptEvent {
                seq,
                at: Utc.timestamp_micros(1_700_000_000_000_000 + seq.cast_signed()).unwrap(),
                kind: "log".into(),
                payload: json!({ "text": format!("line {seq}"), "data": { "n": seq } }).to_string(),
            })
            .collect();
        transcript::append(&self.app.pool, OrgId(self.app.org), self.run, TOKEN, &events).await.unwrap();
        self.app.hints.reached(transcript::HINT, self.run.as_uuid(), to);
    }

    pub async fn end(&self, work: Option<RunWork>) -> Accepted {
        let end = RunEnded {
            token: TOKEN,
            outcome: RunOutcome::Succeeded,
            summary: "Did it.".into(),
            work,
            usage: TokenUsage { input_tokens: 10, cached_input_tokens: 2, output_tokens: 3 },
            cost_usd_micros: 1_500,
            transcript_count: 0,
            transcript_digest: String::new(),
        };
        end_run(&self.app.commands, &self.caller(), EndRun { run: self.run, end }).await.unwrap()
    }
}

pub async fn start(app: &App, project: Uuid, mode: &str) -> Uuid {
    let repository = if mode == "IMPLEMENT" { connected(app, project).await } else { Value::Null };
    let input = json!({ "commandId": Uuid::now_v7(), "projectId": project, "mode": mode, "provider": "codex", "prompt": "Do it",
        "repoConnectionId": repository, "constraints": { "maxCostUsdMicros": 5_000_000, "timeBudgetS": 600 } });
    let started = app
        .data(
            "mutation($i: StartRunInput!) { startRun(input: $i) { run { id state } version } }",
            json!({ "i": input }),
        )
        .await;
    assert_eq!(started["startRun"]["run"]["state"], "QUEUED");
    started["startRun"]["run"]["id"].as_str().unwrap().parse().unwrap()
}

async fn connected(app: &App, project: Uuid) -> Value {
    let input = json!({ "commandId": Uuid::now_v7(), "projectId": project, "provider": "GIT",
        "cloneUrl": "https://github.com/northwind/gateway.git" });
    let connect = "mutation($i: ConnectRepositoryInput!) { connectRepository(input: $i) { repoConnection { id } } }";
    let answer = app.data(connect, json!({ "i": input })).await;
    answer["connectRepository"]["repoConnection"]["id"].clone()
}

async fn read(app: &App, run: Uuid) -> Value {
    app.data(&format!("query($r: UUID!) {{ agentRun(id: $r) {{ {RUN} }} }}"), json!({ "r": run })).await["agentRun"]
        .clone()
}

#[tokio::test]
async fn a_plan_becomes_tickets() {
    let app = App::start().await;
    let project = app.project("PL").await;
    let run = start(&app, project, "PLAN").await;
    let worker = Worker::take(&app, run).await;
    let mut items: Vec<PlanItemId> = Vec::new();
    for (kind, title) in [(TicketKind::Epic, "The epic"), (TicketKind::Story, "A story"), (TicketKind::Task, "A task")]
    {
        let item = RunPlanItemProposed {
            token: TOKEN,
            item: PlanItemId(Uuid::now_v7()),
            parent: items.last().copied(),
            kind,
            title: title.into(),
            description_md: "why".into(),
            acceptance_criteria: vec!["it works".into()],
            owner_role: Role::Dev,
            column: "backlog".into(),
        };
        items.push(item.item);
        propose_plan_item(&app.commands, &worker.caller(), ProposePlanItem { run: worker.run, item }).await.unwrap();
    }
    worker.end(None).await;
    let planned = eventually(PATIENCE, || async {
        let planned = read(&app, run).await;
        (planned["state"] == "SUCCEEDED").then_some(planned)
    })
    .await;
    assert_eq!(planned["plan"].as_array().unwrap().len(), 3);
    assert_eq!(planned["plan"][1]["parentId"], planned["plan"][0]["id"]);
    assert_eq!(planned["plan"][2]["ownerRole"], "DEV");
    assert_eq!(planned["scripted"], true);
    assert_eq!(planned["maxCostUsdMicros"], 5_000_000);

    let accept = "mutation($i: AcceptPlanInput!) { acceptPlan(input: $i) { tickets { key title kind } run { plan { acceptedTicket { key } } } version position } }";
    let accepted =
        app.data(accept, json!({ "i": { "commandId": Uuid::now_v7(), "runId": run } })).await["acceptPlan"].clone();
    let kinds: Vec<&str> =
        accepted["tickets"].as_array().unwrap().iter().map(|ticket| ticket["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["EPIC", "STORY", "TASK"], "{accepted}");
    assert!(
        accepted["run"]["plan"].as_array().unwrap().iter().all(|item| item["acceptedTicket"]["key"].is_string()),
        "{accepted}"
    );
}

#[tokio::test]
async fn work_shows_its_diff_cost_and_files() {
    let app = App::start().await;
    let project = app.project("WK").await;
    let run = start(&app, project, "IMPLEMENT").await;
    let worker = Worker::take(&app, run).await;
    let usage = TokenUsage { input_tokens: 7, cached_input_tokens: 0, output_tokens: 1 };
    let cost = RunCostReached { token: TOKEN, usage, cost_usd_micros: 900 };
    reach_cost(&app.commands, &worker.caller(), ReachCost { run: worker.run, cost }).await.unwrap();
    let diff = format!("--- a/x\n+++ b/x\n{}", "+a line of the diff\n".repeat(60_000));
    let (artifact, digest) = worker.keep("diff", diff.as_bytes()).await;
    let work = RunWork {
        branch: "al/WK-1-work".into(),
        head_commit: "b".repeat(40),
        additions: 60_000,
        deletions: 0,
        files: vec![ChangedFile { path: "x".into(), status: "modified".into(), additions: 60_000, deletions: 0 }],
        diff: artifact,
    };
    worker.end(Some(work)).await;
    let done = eventually(PATIENCE, || async {
        let done = read(&app, run).await;
        (done["state"] == "SUCCEEDED").then_some(done)
    })
    .await;
    assert_eq!((&done["headCommit"], &done["summary"]), (&json!("b".repeat(40)), &json!("Did it.")));
    assert_eq!(done["costUsdMicros"], 1_500);
    assert_eq!(done["usage"], json!({ "inputTokens": 10, "outputTokens": 3 }));
    assert_eq!(done["diff"]["truncated"], true);
    let unified = done["diff"]["unified"].as_str().unwrap();
    assert!(unified.len() <= 1024 * 1024 && unified.ends_with('\n') && diff.starts_with(unified));
    assert_eq!(done["diff"]["files"], json!([{ "path": "x", "status": "modified" }]));
    assert_eq!(done["artifacts"][0]["digest"], json!(digest));

    let list = "query($o: UUID!, $p: UUID!) { agentRuns(orgId: $o, filter: {projectId: $p, state: SUCCEEDED, mode: IMPLEMENT, provider: \"codex\"}) { nodes { id } pageInfo { hasNextPage } } conversations(projectId: $p) { nodes { title runs { id } } } }";
    let list = app.data(list, json!({ "o": app.org, "p": project })).await;
    assert_eq!(list["agentRuns"], json!({ "nodes": [{ "id": run }], "pageInfo": { "hasNextPage": false } }));
    assert_eq!(list["conversations"]["nodes"], json!([{ "title": "Do it", "runs": [{ "id": run }] }]));
}

#[tokio::test]
async fn a_run_can_be_cancelled_and_an_ended_one_cannot() {
    let app = App::start().await;
    let project = app.project("CN").await;
    let run = start(&app, project, "PLAN").await;
    let cancel = "mutation($i: RunRefInput!) { cancelRun(input: $i) { run { state cancelRequested } version } }";
    let cancelled = app.data(cancel, json!({ "i": { "commandId": Uuid::now_v7(), "runId": run } })).await;
    assert_eq!(cancelled["cancelRun"]["run"]["cancelRequested"], true, "{cancelled}");
    let unknown = json!({ "i": { "commandId": Uuid::now_v7(), "projectId": project, "mode": "PLAN", "provider": "nobody", "prompt": "x" } });
    let refused = app.gql("mutation($i: StartRunInput!) { startRun(input: $i) { version } }", unknown).await;
    assert!(matches!(code(&refused), "REJECTED" | "INVALID"), "{refused}");
}

#[tokio::test]
async fn a_transcript_is_paged_and_followed() {
    let app = App::start().await;
    let project = app.project("TR").await;
    let run = start(&app, project, "PLAN").await;
    let worker = Worker::take(&app, run).await;
    worker.say(1, 450).await;
    let page = "query($r: UUID!, $a: Cursor, $s: Int, $f: Int!) { runEvents(runId: $r, after: $a, aroundSeq: $s, first: $f) { events { seq type text data at } cursor hasMore } agentRun(id: $r) { lastSeq } }";
    let first = app.data(page, json!({ "r": run, "f": 200 })).await;
    assert_eq!(first["agentRun"]["lastSeq"], 450);
    let first = &first["runEvents"];
    assert_eq!((first["events"].as_array().unwrap().len(), &first["hasMore"]), (200, &json!(true)));
    assert_eq!(first["events"][0]["text"], "line 1");
    assert_eq!(first["events"][0]["data"], json!({ "n": 1 }));
    let rest = app.data(page, json!({ "r": run, "a": first["cursor"], "f": 2000 })).await["runEvents"].clone();
    assert_eq!((rest["events"].as_array().unwrap().len(), &rest["hasMore"]), (250, &json!(false)));
    let around = app.data(page, json!({ "r": run, "s": 300, "f": 11 })).await["runEvents"].clone();
    let seqs: Vec<u64> =
        around["events"].as_array().unwrap().iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (295..=305).collect::<Vec<u64>>());
    let too_many = app.gql(page, json!({ "r": run, "f": 2001 })).await;
    assert_eq!(code(&too_many), "INVALID");

    let follow =
        "subscription($r: UUID!, $a: Cursor) { runEvents(runId: $r, after: $a) { cursor live event { seq text } } }";
    let mut socket = app.socket().await;
    socket.subscribe("1", follow, json!({ "r": run, "a": rest["cursor"] })).await;
    assert_eq!(socket.until_live("runEvents").await.len(), 1);
    worker.say(451, 520).await;
    for seq in 451..=520 {
        assert_eq!(socket.item("runEvents").await["event"]["seq"], seq);
    }
    let mut again = app.socket().await;
    again.subscribe("1", follow, json!({ "r": run, "a": first["cursor"] })).await;
    let all = again.until_live("runEvents").await;
    let seqs: Vec<u64> = all.iter().filter_map(|item| item["event"]["seq"].as_u64()).collect();
    assert_eq!(seqs, (201..=520).collect::<Vec<u64>>());
}

#[tokio::test]
async fn the_runs_of_a_project_are_followed() {
    let app = App::start().await;
    let project = app.project("FW").await;
    let mut socket = app.socket().await;
    let document = "subscription($p: UUID!) { runsChanged(projectId: $p) { cursor live run { id state } } }";
    socket.subscribe("1", document, json!({ "p": project })).await;
    socket.until_live("runsChanged").await;
    let run = start(&app, project, "PLAN").await;
    assert_eq!(socket.item("runsChanged").await["run"]["id"], json!(run));
    let worker = Worker::take(&app, run).await;
    worker.end(None).await;
    loop {
        let item = socket.item("runsChanged").await;
        if item["run"]["state"] == "SUCCEEDED" {
            break;
        }
    }
}

#[tokio::test]
async fn providers_say_what_is_missing() {
    let app = App::start().await;
    let ask = "query($o: UUID!) { providers(orgId: $o) { id name available keyPresent health version } }";
    let nobody = app.data(ask, json!({ "o": app.org })).await;
    assert_eq!(nobody["providers"][0]["health"], "No worker is running.");
    assert_eq!(nobody["providers"][0]["available"], false);
    let found = feed::worker_registry::Found {
        programs: vec![feed::worker_registry::Program {
            provider: "codex".to_owned(),
            name: "Codex".to_owned(),
            version: Some("0.169.0".to_owned()),
            key_present: true,
            models: Vec::new(),
            ready: true,
            health: "Ready.".to_owned(),
            scripted: false,
        }],
        sandbox_missing: None,
    };
    feed::worker_registry::heartbeat(&app.pool, Uuid::now_v7().into(), "h", "0", &found, 1).await.unwrap();
    // The instance's key serves no org but those that were named; the org has one of its own soon.
    let keyless = app.data(ask, json!({ "o": app.org })).await;
    assert_eq!(
        (&keyless["providers"][0]["available"], &keyless["providers"][0]["keyPresent"]),
        (&json!(false), &json!(false))
    );
    assert!(keyless["providers"][0]["health"].as_str().unwrap().contains("an admin sets one"), "{keyless}");
    let set = "mutation($o: UUID!, $c: UUID!) { setProviderKey(input: {commandId: $c, orgId: $o, provider: \"codex\", key: \"sk-0123456789abcdef\"}) { version } }";
    app.data(set, json!({ "o": app.org, "c": Uuid::now_v7() })).await;
    let ready = app.data(ask, json!({ "o": app.org })).await;
    assert_eq!(
        ready["providers"][0],
        json!({ "id": "codex", "name": "Codex", "available": true, "keyPresent": true, "health": "Ready.", "version": "0.169.0" })
    );
}
