//! The real Codex program against the scripted model: what goes wrong, and under which reason it is told.

use std::time::{Duration, Instant};

use domain::agent_run::{FailureReason, RunMode};
use testkit::{
    eventually,
    scripted_model::{ErrorTurn, Script, ScriptedModel, Turn},
    slack,
};
use workers::agents::{AgentEnd, RunEvent, codex::BUDGET_REFUSAL_CODE};

use crate::harness::CodexRun;

async fn implement(request: &str) -> CodexRun {
    CodexRun::new(RunMode::Implement, request).await
}

#[tokio::test]
async fn an_interrupt_ends_a_running_command_in_time() {
    let run = implement("[slow] Take your time.").await;
    let pid_file = run.workspace.work().join("slow.pid");
    let stop = run.stop.clone();
    let canceller = tokio::spawn(async move {
        let read = || std::fs::read_to_string(&pid_file).ok()?.trim().parse::<i32>().ok();
        let pid = eventually(Duration::from_secs(30), async || read()).await;
        stop.cancel();
        (Instant::now(), pid)
    });
    let (outcome, _model) = run.play().await;
    let (cancelled_at, pid) = canceller.await.unwrap();
    assert!(cancelled_at.elapsed() < Duration::from_secs(1).mul_f64(slack()), "{:?}", cancelled_at.elapsed());
    assert_eq!(outcome.end, AgentEnd::Interrupted);
    let alive = || nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None).is_ok();
    eventually(Duration::from_secs(5), async || !alive()).await;
}

#[tokio::test]
async fn an_interrupt_reaches_an_agent_that_waits_for_a_person() {
    let run = implement("[ask] Nobody answers.").await;
    let stop = run.stop.clone();
    let host = std::sync::Arc::clone(&run.host);
    let canceller = tokio::spawn(async move {
        eventually(Duration::from_secs(30), async || !host.questions.lock().unwrap().is_empty()).await;
        stop.cancel();
    });
    let (outcome, _model) = run.play().await;
    canceller.await.unwrap();
    assert_eq!(outcome.end, AgentEnd::Interrupted);
}

#[tokio::test]
async fn a_cancelled_plan_keeps_what_it_had() {
    let run = CodexRun::new(RunMode::Plan, "Plan.").await;
    let mut script = Script::named("plan").unwrap();
    script.turn_mut("plan", 2).hang = true;
    let model = ScriptedModel::start(script).await.unwrap();
    let stop = run.stop.clone();
    let base_url = model.base_url();
    let outcome = tokio::join!(run.against(&base_url), async {
        model.wait_for_calls(3, Duration::from_mins(1)).await.unwrap();
        stop.cancel();
    })
    .0;
    assert_eq!(outcome.end, AgentEnd::Interrupted);
    assert_eq!(outcome.desk.plan_items().len(), 4);
    assert_eq!(outcome.kinds().last(), Some(&"artifact"));
}

#[tokio::test]
async fn a_plan_that_stays_incomplete_is_sent_back_twice_and_then_fails() {
    let run = CodexRun::new(RunMode::Plan, "[incomplete-plan] Plan.").await;
    let (outcome, model) = run.play().await;
    let message = outcome.failure(FailureReason::ChecksFailed);
    assert!(message.contains("the epic has 1 stories, it needs 3 to 7"), "{message}");
    assert_eq!(outcome.desk.plan_items().len(), 2, "what was planned is kept");
    let sent_back =
        model.calls().last().unwrap().body["input"].to_string().matches("The plan is not whole yet").count();
    assert_eq!(sent_back, 2);
}

#[tokio::test]
async fn an_agent_that_is_killed_has_crashed() {
    let (outcome, _model) = implement("[crash] Go.").await.play().await;
    let message = outcome.failure(FailureReason::AgentCrashed);
    assert!(message.starts_with("The agent's program ended in the middle of its work."), "{message}");
}

#[tokio::test]
async fn a_model_that_hangs_ends_with_the_run_s_time() {
    let mut run = implement("[hang] Go.").await;
    run.limits.time_budget = Duration::from_secs(4);
    let (outcome, _model) = run.play().await;
    assert_eq!(outcome.failure(FailureReason::Time), "The run's time of 4 s is used up.");
}

#[tokio::test]
async fn a_refused_key_is_told_as_such() {
    let (outcome, _model) = implement("[bad-key] Go.").await.play().await;
    assert!(outcome.failure(FailureReason::ProviderAuth).contains("The key is not valid."));
}

#[tokio::test]
async fn an_overloaded_model_is_told_as_such_after_retries() {
    let (outcome, model) = implement("[overloaded] Go.").await.play().await;
    outcome.failure(FailureReason::ProviderOverloaded);
    assert!(model.calls().len() > 1);
}

#[tokio::test]
async fn a_model_that_breaks_off_is_told_as_overloaded() {
    let (outcome, _model) = implement("[cut] Go.").await.play().await;
    outcome.failure(FailureReason::ProviderOverloaded);
}

#[tokio::test]
async fn a_model_that_cannot_be_reached_is_told_as_overloaded() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    let outcome = implement("Go.").await.against(&format!("http://{closed}/v1")).await;
    outcome.failure(FailureReason::ProviderOverloaded);
}

#[tokio::test]
async fn a_model_that_stumbles_is_asked_again() {
    let (outcome, _model) = implement("[flaky] Go.").await.play().await;
    assert_eq!(outcome.summary(), "Recovered.");
}

#[tokio::test]
async fn the_proxy_s_refusal_is_the_budget_and_is_not_retried() {
    let refusal = ErrorTurn {
        status: 400,
        kind: BUDGET_REFUSAL_CODE.into(),
        message: "The run's budget of $0.50 is used up.".into(),
        times: None,
    };
    let turn = Turn { error: Some(refusal), ..Turn::default() };
    let model = ScriptedModel::start(Script::of_turns(vec![turn])).await.unwrap();
    let outcome = implement("Go.").await.against(&model.base_url()).await;
    assert_eq!(outcome.failure(FailureReason::Budget), "The run's budget of $0.50 is used up.");
    assert_eq!(model.calls().len(), 1);
}

#[tokio::test]
async fn a_flood_of_output_is_bounded_and_the_run_goes_on() {
    let (outcome, _model) = implement("[flood] Go.").await.play().await;
    assert!(outcome.summary().contains("the note is committed"));
    assert!(outcome.json().len() < 1024 * 1024, "{}", outcome.json().len());
}

#[tokio::test]
async fn no_event_is_larger_than_it_may_be() {
    let long = Turn::saying(&"A long word with \"quotes\" and \u{1} in it.\n".repeat(5_000));
    let model = ScriptedModel::start(Script::of_turns(vec![long])).await.unwrap();
    let outcome = implement("Go.").await.against(&model.base_url()).await;
    let sizes = outcome.events.iter().map(|e| serde_json::to_vec(e).unwrap().len());
    assert!(sizes.max().unwrap() <= domain::limits::RUN_EVENT_MAX_BYTES);
    let cut = outcome.events.iter().any(|e| matches!(e, RunEvent::Message(m) if m.content.omitted_bytes > 0));
    assert!(cut);
}
