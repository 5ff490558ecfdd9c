//! The model's keys: they work, and are nowhere that an agent, a reader of the product or a thief of its files looks.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use testkit::eventually;
use testkit::scripted_model::{Scenario, Script, Turn};
use uuid::Uuid;

use crate::floor::{Floor, RUN};
use crate::socket::Listener;

/// A key with the signs that encoders change, around a core that all but base64 and hexadecimal leave alone.
struct Canary {
    core: String,
    key: String,
}

impl Canary {
    fn new() -> Self {
        let core = format!("canary{}", Uuid::new_v4().simple());
        Self { key: format!("sk-/+\"{core}\\~=%"), core }
    }

    /// What would be found of it, however it was encoded. Base64 at each of the three offsets at which it may begin.
    fn traces(&self) -> Vec<String> {
        let mut traces = vec![self.core.clone(), hex::encode(&self.core), hex::encode_upper(&self.core)];
        for offset in 0..3 {
            let bytes = [vec![0; offset], self.key.clone().into_bytes()].concat();
            for text in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
                traces.push(text[(offset * 8).div_ceil(6)..bytes.len() * 8 / 6].to_owned());
            }
        }
        traces
    }

    fn assert_not_in(&self, what: &str, text: &str) {
        for trace in self.traces() {
            assert!(!text.contains(&trace), "{trace} of {} is in {what}", self.key);
        }
    }

    fn assert_not_below(&self, folder: &Path) {
        let mut grep = Command::new("grep");
        grep.args(["-rlaF", "-D", "skip"]);
        for trace in self.traces() {
            grep.arg("-e").arg(trace);
        }
        let found = grep.arg(folder).output().unwrap();
        assert_eq!(found.status.code(), Some(1), "found in {}", String::from_utf8_lossy(&found.stdout));
    }
}

/// Looks for the key wherever an agent can: without naming it, so that the question is no trace of it.
const LOOK: [&str; 3] = [
    "env | sort; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'; ls -la / /run /home /tmp",
    "grep -raohE -D skip '[c]anary[0-9a-f]{32}|[d]ecoy[0-9a-f]{32}' \
     $(ls -d /* | grep -vE '^/(proc|sys|usr|s?bin|lib.*)$') 2>/dev/null; \
     echo looked",
    "bash -c 'exec 3<>/dev/tcp/127.0.0.1/4100; printf \"GET /v1/models HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n\" >&3; \
     timeout 5 cat <&3'",
];

fn scenario(name: &str, turns: Vec<Turn>) -> Scenario {
    let when = Some(format!("[{name}]"));
    Scenario { name: name.into(), when, when_tool: None, turns, after: None, side: None }
}

fn command(line: &str) -> Turn {
    Turn::default().calling("exec_command", json!({ "cmd": line, "yield_time_ms": 30_000 }))
}

/// A script whose model hands the key to the agent in every form, which a real one would only do if it were hostile.
fn script(canary: &Canary) -> Script {
    let commit = command("echo looked > LOOKED.md; git add -A; git commit -q -m 'docs: Look around'");
    let looking = LOOK.iter().map(|line| command(line)).chain([commit, Turn::saying("Looked around.")]);
    let key = &canary.key;
    let url: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
    let forms = [
        key.clone(),
        serde_json::to_string(key).unwrap(),
        serde_json::to_string(&json!({ "a": key })).unwrap(),
        STANDARD.encode(key),
        STANDARD.encode(format!("Authorization: Bearer {key}")),
        URL_SAFE_NO_PAD.encode(format!("a{key}")),
        url,
        hex::encode(key),
    ];
    let said = forms.join("\n");
    let printed =
        format!("cat > leak.txt <<'END'\n{said}\nEND\ncat leak.txt; git add -A; git commit -q -m 'docs: Leak'");
    let telling = vec![
        Turn::saying(&said).calling("exec_command", json!({ "cmd": printed, "yield_time_ms": 30_000 })),
        Turn::default().calling("add_comment", json!({ "body": said })),
        Turn { thinking: said.clone(), ..Turn::saying(&format!("These are all:\n{said}")) },
    ];
    Script::new(vec![scenario("look", looking.collect()), scenario("tell", telling)])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_works_and_is_nowhere() {
    // The org's own key, in the vault; and the instance's, in the environment of the worker.
    let (canary, instance) = (Canary::new(), Canary::new());
    let mut floor = Floor::start(script(&canary), &[("OPENAI_API_KEY", &instance.key), ("RUST_LOG", "debug")]).await;
    the_org_sets_its_key(&floor, &canary).await;
    let decoy = format!("decoy{}", Uuid::new_v4().simple());
    floor.git.commit("sample", "main", "docs: Add a decoy", &[("decoy.txt", &decoy)]).unwrap();
    let heard = Listener::to(
        &floor.api,
        "subscription($id: UUID!) { runsChanged(projectId: $id) { run { id summary failure { message } } } }",
        json!({ "id": floor.project.id }),
    )
    .await;

    an_agent_that_looks_for_it_finds_nothing(&floor, &canary, &decoy).await;
    let ticket = an_agent_that_tells_it_is_not_heard(&floor, &canary).await;

    canary.assert_not_in("what the socket delivered", &heard.raw());
    assert!(heard.raw().contains("[redacted]"));
    let dump = the_dump(&floor, &ticket);
    for key in [&canary, &instance] {
        key.assert_not_in("the database", &dump);
    }
    assert!(
        dump.contains("COPY public.vault_secrets ") && dump.contains("provider_key/codex/"),
        "it is sealed in there"
    );
    // Both NATS and the transcript's table have what was said: the search would find it.
    holds(&floor.place.home().join("nats"), &ticket);
    assert_eq!(floor.up.stop(), Some(0));
    for key in [canary, instance] {
        key.assert_not_in("the log", &floor.up.log());
        // Home with the files of PostgreSQL, NATS, objects and repositories; all logs.
        key.assert_not_below(floor.place.path());
    }
}

/// What the API answers about a key, and what it shows of it ever after, is four characters.
async fn the_org_sets_its_key(floor: &Floor, canary: &Canary) {
    let set = "mutation($input: ProviderKeyInput!) { setProviderKey(input: $input) { org { providerKeys { lastFour health } } } }";
    let org = floor.project.org;
    let input = json!({ "commandId": Uuid::new_v4(), "orgId": org, "provider": "codex", "key": canary.key });
    let answer = floor.api.ask(set, json!({ "input": input })).await;
    canary.assert_not_in("the answer", &answer.to_string());
    assert_eq!(answer["setProviderKey"]["org"]["providerKeys"][0]["lastFour"], "\\~=%", "{answer}");
    let log = "query($org: UUID!) { auditLog(orgId: $org) { nodes { action payload } } }";
    let log = floor.api.ask(log, json!({ "org": org })).await.to_string();
    assert!(log.contains("ProviderKeySet"), "{log}");
    canary.assert_not_in("the audit log", &log);
}

async fn an_agent_that_looks_for_it_finds_nothing(floor: &Floor, canary: &Canary, decoy: &str) {
    let run = floor.implement("[look] around").await;
    floor.succeeded(run).await;
    let calls = floor.model.calls();
    assert!(calls.len() >= 5);
    let bearer = format!("Bearer {}", canary.key);
    assert!(calls.iter().all(|call| call.credential.as_ref() == Some(&bearer)), "the key reaches the model");
    let asked = calls.iter().map(|call| call.body.to_string()).collect::<Vec<_>>().join("\n");
    canary.assert_not_in("what the agent found", &asked);
    // The tools that looked do find things.
    let input = calls.last().unwrap().body["input"].clone();
    let outputs = input.as_array().unwrap().iter().filter_map(|item| item["output"].as_str());
    let outputs = outputs.collect::<Vec<_>>().join("\n");
    for found in [decoy, "PATH=", "looked", "HTTP/1.1 4"] {
        assert!(outputs.contains(found), "no {found} in {outputs}");
    }
    assert!(Value::from(floor.transcript(run).await).to_string().contains(decoy));
}

/// Returns the title of a ticket, which is kept everywhere.
async fn an_agent_that_tells_it_is_not_heard(floor: &Floor, canary: &Canary) -> String {
    let title = format!("marker{}", Uuid::new_v4().simple());
    let ticket = floor.api.create_ticket(floor.project, &title).await;
    let wanted = json!({
        "mode": "IMPLEMENT", "prompt": "[tell] all", "ticketId": ticket, "repoConnectionId": floor.repository,
    });
    let run = floor.start_run(wanted).await;
    let subscription = "subscription($id: UUID!) { runEvents(runId: $id) { event { seq type text data } } }";
    let heard = Listener::to(&floor.api, subscription, json!({ "id": run })).await;
    let told = floor.succeeded(run).await;
    let last = told["lastSeq"].as_u64();
    eventually(RUN, || async {
        heard.items("runEvents").last().is_some_and(|item| item["event"]["seq"].as_u64() == last)
    })
    .await;
    canary.assert_not_in("what the socket delivered", &heard.raw());
    canary.assert_not_in("the run", &told.to_string());
    canary.assert_not_in("the transcript", &Value::from(floor.transcript(run).await).to_string());
    let diff = floor.api.file(told["artifacts"][0]["digest"].as_str().unwrap()).await;
    canary.assert_not_in("the diff", &diff);
    let comments = "query($id: UUID!) { ticket(id: $id) { comments { bodyMd } } }";
    let comments = floor.api.ask(comments, json!({ "id": ticket })).await.to_string();
    canary.assert_not_in("the comment", &comments);
    for (what, text) in
        [("run", told["summary"].to_string()), ("diff", diff), ("comments", comments), ("socket", heard.raw())]
    {
        assert!(text.matches("[redacted]").count() >= 8, "not told at all in {what}: {text}");
    }
    title
}

/// Every table as text: those of the log and of runs, and those of the read models.
fn the_dump(floor: &Floor, marker: &str) -> String {
    let program = testkit::binaries::postgres_bin().unwrap().join("pg_dump");
    let dump = |role: &str, schemas: &str| {
        let url = format!("--dbname={}", floor.database_url(role));
        let dump = Command::new(&program).args([&url, schemas]).output().unwrap();
        assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
        String::from_utf8(dump.stdout).unwrap()
    };
    let (log, models) = (dump("ownerDatabaseUrl", "--schema=public"), dump("databaseUrl", "--exclude-schema=public"));
    for (text, table) in [(&log, "COPY public.run_transcript "), (&models, "COPY lime_ticket_")] {
        assert!(text.contains(marker) && text.contains("[redacted]") && text.contains(table), "no {table}");
    }
    log + &models
}

fn holds(folder: &Path, marker: &str) {
    let found = Command::new("grep").args(["-rlaF", marker]).arg(folder).status().unwrap();
    assert!(found.success(), "{} does not hold {marker}", folder.display());
}
