//! What can go wrong with a run has a typed reason and a sentence, and nothing stays behind: the next run works.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::{Value, json};
use testkit::scripted_model::Script;
use testkit::{agent_programs, eventually};
use uuid::Uuid;

use crate::floor::{Floor, RUN, try_connect};

#[tokio::test(flavor = "multi_thread")]
async fn each_failure_has_its_reason_and_the_next_run_works() {
    let mut floor = Floor::start(Script::builtin().unwrap(), &[("LIME_SLOTS", "0")]).await;
    what_cannot_be_asked_for_is_refused(&floor).await;

    let agents = floor.place.path().join("agents");
    let places = [("LIME_CODEX_BIN", ""), ("LIME_AGENTS_DIR", agents.to_str().unwrap())];
    let mut worker = floor.worker(&places);
    an_agent_that_is_missing(&floor).await;
    // Installed while the worker runs.
    let package = agent_programs::require_codex().unwrap();
    let package = package.parent().and_then(|bin| bin.parent()).unwrap().to_path_buf();
    fs::create_dir(&agents).unwrap();
    symlink(package, agents.join(format!("codex-{}", agent_programs::CODEX_VERSION))).unwrap();
    floor.succeeded(floor.implement("Ship large orders for free.").await).await;
    eventually(RUN, || async { codex(&floor).await["available"] == true }).await;

    all_at_once(&floor).await;
    floor.succeeded(floor.implement("Ship large orders for free.").await).await;
    worker.stop();

    programs_that_are_none(&floor).await;
    let mut worker = floor.worker(&[("OPENAI_API_KEY", "")]);
    let (reason, message) = floor.failure(floor.implement("Go.").await).await;
    assert_eq!((reason.as_str(), message.contains("no key for Codex")), ("PROVIDER_AUTH", true), "{message}");
    worker.stop();
    assert_eq!(floor.up.stop(), Some(0));
}

async fn codex(floor: &Floor) -> Value {
    let providers = "query($org: UUID!) { providers(orgId: $org) { available health } }";
    floor.api.ask(providers, json!({ "org": floor.project.org })).await["providers"][0].clone()
}

async fn an_agent_that_is_missing(floor: &Floor) {
    let (reason, message) = floor.failure(floor.implement("Go.").await).await;
    assert_eq!(reason, "AGENT_MISSING");
    assert!(message.contains("not installed") && message.contains("scripts/install-agents"), "{message}");
    let shown = codex(floor).await;
    assert_eq!(shown["available"], false);
    assert!(shown["health"].as_str().unwrap().contains("scripts/install-agents"), "{shown}");
}

async fn what_cannot_be_asked_for_is_refused(floor: &Floor) {
    let code = |answer: &Value| answer["errors"][0]["extensions"].clone();
    let unknown = floor.try_start(json!({ "mode": "PLAN", "prompt": "Go.", "provider": "nobody" })).await;
    assert_eq!((&code(&unknown)["code"], &code(&unknown)["reason"]), (&json!("REJECTED"), &json!("UNKNOWN_PROVIDER")));
    let nowhere = floor.try_start(json!({ "mode": "IMPLEMENT", "prompt": "Go." })).await;
    assert_eq!(code(&nowhere)["reason"], "REPOSITORY_NEEDED", "{nowhere}");
    let nothing = floor.try_start(json!({ "mode": "PLAN", "prompt": "  " })).await;
    assert_eq!(code(&nothing)["reason"], "NOTHING_TO_DO", "{nothing}");
    let foreign = json!({ "mode": "IMPLEMENT", "prompt": "Go.", "repoConnectionId": Uuid::new_v4() });
    assert_eq!(code(&floor.try_start(foreign).await)["code"], "NOT_FOUND");
    let option =
        json!({ "mode": "IMPLEMENT", "prompt": "Go.", "repoConnectionId": floor.repository, "baseRef": "--all" });
    assert_eq!(code(&floor.try_start(option).await)["code"], "INVALID");
    for url in ["http://elsewhere.example/a.git", "file:///etc/passwd", "http://127.0.0.1:1/a.git"] {
        let refused = try_connect(&floor.api, floor.project, url).await;
        assert!(["INVALID", "REJECTED"].iter().any(|known| code(&refused)["code"] == *known), "{url}: {refused}");
    }
    let runs = "query($org: UUID!) { agentRuns(orgId: $org) { nodes { id } } }";
    let runs = floor.api.ask(runs, json!({ "org": floor.project.org })).await;
    assert_eq!(runs["agentRuns"]["nodes"], json!([]));
}

/// Four at a time on the worker's slots, so that one that is stuck would show on the others.
async fn all_at_once(floor: &Floor) {
    let missing = try_connect(&floor.api, floor.project, &floor.git.url("missing")).await;
    let missing = missing["data"]["connectRepository"]["repoConnection"]["id"].clone();
    let wanted = |prompt: &str, more: Value| {
        let mut input = json!({ "mode": "IMPLEMENT", "prompt": prompt, "repoConnectionId": floor.repository });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let bad = [
        ("TIME", "time of 4 s is used up", wanted("[hang]", json!({ "constraints": { "timeBudgetS": 4 } }))),
        ("AGENT_CRASHED", "ended in the middle", wanted("[crash]", json!({}))),
        ("PROVIDER_AUTH", "refused the key", wanted("[bad-key]", json!({}))),
        ("BUDGET", "budget", wanted("Go.", json!({ "constraints": { "maxCostUsdMicros": 1 } }))),
        ("CLONE", "", wanted("Go.", json!({ "repoConnectionId": missing }))),
        ("CLONE", "no-such-branch", wanted("Go.", json!({ "baseRef": "no-such-branch" }))),
        ("CHECKS_FAILED", "without leaving a change", wanted("[no-change]", json!({}))),
        ("CHECKS_FAILED", "not whole yet", json!({ "mode": "PLAN", "prompt": "[incomplete-plan]" })),
    ];
    let mut started = Vec::new();
    for (reason, words, input) in bad {
        started.push((reason, words, floor.start_run(input).await));
    }
    let flooded = floor.implement("[flood]").await;
    for (reason, words, run) in started {
        let (found, message) = floor.failure(run).await;
        assert_eq!(found, reason, "{message}");
        assert!(message.contains(words), "{reason}: {message}");
    }
    // 20 MB of a command's output are no failure, and are cut.
    let flooded = floor.succeeded(flooded).await;
    assert_eq!(flooded["diff"]["files"][0]["path"], "FLOOD.md");
    let size = Value::from(floor.transcript(flooded["id"].as_str().unwrap().parse().unwrap()).await).to_string().len();
    assert!(size < 1 << 20, "{size} bytes of transcript");
}

/// Programs in the agent's place that are no agent.
async fn programs_that_are_none(floor: &Floor) {
    let cases = [
        ("endless-line", "exec tr '\\0' x </dev/zero", "POLICY", "flooded its output"),
        ("other-protocol", "exec yes hello", "AGENT_CRASHED", "not its protocol"),
        ("dies", "echo 'no such library' >&2; exit 127", "AGENT_CRASHED", "no such library"),
    ];
    for (name, line, reason, words) in cases {
        let bin = floor.place.path().join(name).join("bin");
        fs::create_dir_all(&bin).unwrap();
        let program = bin.join("codex");
        let version = format!("[ \"$1\" = --version ] && echo 'codex-cli {}' && exit", agent_programs::CODEX_VERSION);
        fs::write(&program, format!("#!/bin/sh\n{version}\n{line}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let mut worker = floor.worker(&[("LIME_CODEX_BIN", program.to_str().unwrap())]);
        let (found, message) = floor.failure(floor.implement("Go.").await).await;
        assert_eq!((found.as_str(), message.contains(words)), (reason, true), "{name}: {message}");
        worker.stop();
    }
}
