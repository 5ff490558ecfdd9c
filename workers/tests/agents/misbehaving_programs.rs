//! Programs that are no Codex: whatever they do, the run ends, and says why.

use std::{path::PathBuf, sync::Arc, time::Duration};

use domain::agent_run::{FailureReason, RunMode};
use tokio_util::sync::CancellationToken;
use workers::agents::{AgentEnd, CodexDriver, LaunchPlan, RunLimits};

use crate::harness::{Host, Launched, Outcome, Workspace, desk, drive, spec};

async fn run(script: &str, limits: RunLimits) -> Outcome {
    let workspace = Workspace::new().await;
    let plan = LaunchPlan {
        program: PathBuf::from("/bin/sh"),
        arguments: vec!["-c".into(), script.into()],
        environment: vec![("PATH".into(), "/usr/bin:/bin".into())],
        home_files: vec![],
        read_only: vec![],
    };
    let (_launched, stdio) = Launched::start(&plan, &workspace);
    let host = Arc::new(Host::default());
    let mut spec = spec(RunMode::Implement, "Go.", &workspace.work(), "http://unused/v1".into());
    spec.limits = limits;
    let desk = desk(RunMode::Implement, &host);
    let (end, events) = drive(&CodexDriver::new(), &spec, stdio, Arc::clone(&desk), CancellationToken::new()).await;
    Outcome { end, events, desk }
}

/// Answers like Codex until the turn runs, then does what `then` says.
fn started_then(then: &str) -> String {
    format!(
        r#"read l; echo '{{"id":1,"result":{{}}}}'
        read l; read l; echo '{{"id":2,"result":{{"thread":{{"id":"t"}}}}}}'
        read l; echo '{{"id":3,"result":{{"turn":{{"id":"u"}}}}}}'
        {then}"#
    )
}

#[tokio::test]
async fn one_that_exits_at_once_is_told_with_its_last_words() {
    let outcome = run("echo 'error while loading shared libraries' >&2; exit 127", RunLimits::default()).await;
    let message = outcome.failure(FailureReason::AgentCrashed);
    assert!(message.contains("error while loading shared libraries"), "{message}");
}

#[tokio::test]
async fn one_that_never_answers_is_given_up() {
    let limits = RunLimits { start_timeout: Duration::from_millis(300), ..RunLimits::default() };
    let outcome = run("sleep 1000", limits).await;
    assert_eq!(outcome.failure(FailureReason::AgentCrashed), "The agent's program did not answer within 300 ms.");
}

#[tokio::test]
async fn a_flood_of_malformed_lines_is_given_up_and_hardly_logged() {
    let outcome = run("yes '{\"method\": \"item/started\", '", RunLimits::default()).await;
    let message = outcome.failure(FailureReason::AgentCrashed);
    assert!(message.contains("lines that are not its protocol"), "{message}");
    assert!(outcome.events.len() < 20, "{}", outcome.events.len());
}

#[tokio::test]
async fn a_flood_of_unknown_messages_ends_with_the_time() {
    let limits = RunLimits { time_budget: Duration::from_secs(1), ..RunLimits::default() };
    let outcome = run(&started_then("yes '{\"method\":\"of/tomorrow\",\"params\":{}}'"), limits).await;
    outcome.failure(FailureReason::Time);
    assert!(outcome.events.len() < 100, "{}", outcome.events.len());
}

#[tokio::test]
async fn a_line_without_end_takes_no_memory_and_no_forever() {
    let limits = RunLimits { time_budget: Duration::from_secs(2), ..RunLimits::default() };
    let outcome = run("exec cat /dev/zero", limits).await;
    outcome.failure(FailureReason::Time);
}

#[tokio::test]
async fn complaints_without_end_are_bounded() {
    let limits = RunLimits { time_budget: Duration::from_secs(1), ..RunLimits::default() };
    let outcome = run(&started_then("yes complaint >&2"), limits).await;
    outcome.failure(FailureReason::Time);
    assert!(outcome.events.len() < 300, "{}", outcome.events.len());
}

#[tokio::test]
async fn a_turn_that_ends_without_a_reason_has_crashed() {
    let failed = r#"echo '{"method":"turn/completed","params":{"turn":{"id":"u","status":"failed"}}}'"#;
    run(&started_then(failed), RunLimits::default()).await.failure(FailureReason::AgentCrashed);
    let stopped = r#"echo '{"method":"turn/completed","params":{"turn":{"id":"u","status":"interrupted"}}}'"#;
    run(&started_then(stopped), RunLimits::default()).await.failure(FailureReason::AgentCrashed);
}

#[tokio::test]
async fn requests_that_nobody_knows_are_refused_and_the_run_goes_on() {
    let asks = r#"echo '{"method":"of/tomorrow","id":"x","params":{}}'; read l
        case "$l" in *-32601*) ;; *) exit 1 ;; esac
        echo '{"method":"item/commandExecution/requestApproval","id":7,"params":{"itemId":"c","command":"rm -rf /"}}'; read l
        case "$l" in *decline*) ;; *) exit 1 ;; esac
        echo '{"method":"turn/completed","params":{"turn":{"id":"u","status":"completed"}}}'"#;
    let outcome = run(&started_then(asks), RunLimits::default()).await;
    assert_eq!(outcome.end, AgentEnd::Completed { summary: String::new() });
    assert_eq!(outcome.kinds(), ["log", "approval"]);
}
