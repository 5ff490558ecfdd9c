//! A run that stops before it is done: a person says so, or its worker is lost.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::scripted_model::Script;
use testkit::{GitFault, eventually, slack};
use uuid::Uuid;

use crate::floor::{Floor, RUN, gone_within_a_second};

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_ends_within_a_second_and_once() {
    let mut floor = Floor::start(Script::builtin().unwrap(), &[]).await;
    let run = floor.implement("[slow] Take your time.").await;
    let sandbox = floor.sandbox_of(floor.up.pid()).await;
    assert!(sandbox.len() >= 4, "bubblewrap, its first process, the agent, its command: {sandbox:?}");
    assert_eq!(floor.run(run).await["state"], "WORKING");

    let cancelled = cancel(&floor, run).await;
    assert!(cancelled.get("errors").is_none(), "{cancelled:#}");
    gone_within_a_second(&sandbox, Instant::now()).await;
    let ended = floor.ended(run).await;
    assert_eq!((&ended["state"], &ended["failure"]), (&json!("CANCELLED"), &json!(null)), "{ended:#}");

    // Once it is over, nothing more comes of asking again.
    assert!(cancel(&floor, run).await.get("errors").is_none());
    assert_eq!(floor.endings(run).await.len(), 1);
    assert_eq!(floor.endings(run).await[0]["outcome"]["result"], "cancelled");

    // The slot is free again.
    let next = floor.implement("Ship large orders for free.").await;
    floor.succeeded(next).await;
    assert_eq!(floor.up.stop(), Some(0));
}

async fn cancel(floor: &Floor, run: Uuid) -> serde_json::Value {
    let document = "mutation($input: RunRefInput!) { cancelRun(input: $input) { run { cancelRequested } } }";
    floor.api.answer(document, json!({ "input": { "commandId": Uuid::new_v4(), "runId": run } })).await.unwrap()
}

/// R6 of the promises: within the lease's time and 5 s. And R7: its sandbox is gone within a second.
const LEASE: Duration = Duration::from_millis(1_500);
const MOVES_ON: Duration = Duration::from_millis(1_500 + 5_000);

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_workers_runs_move_on() {
    // A machine that is busy delays heartbeats, too.
    let lease = LEASE.mul_f64(slack()).as_millis().to_string();
    let settings = [("LIME_RUN_LEASE_MS", lease.as_str())];
    let no_worker = [settings[0], ("LIME_SLOTS", "0")];
    let mut floor = Floor::start(Script::builtin().unwrap(), &no_worker).await;

    // One that nobody has taken needs no worker to end.
    let untaken = floor.implement("Go.").await;
    assert!(cancel(&floor, untaken).await.get("errors").is_none());
    assert_eq!(floor.ended(untaken).await["state"], "CANCELLED");
    assert_eq!(floor.endings(untaken).await.len(), 1);

    // One that works is lost with its worker; one that had not begun is given to the next.
    let mut first = floor.worker(&settings);
    let working = floor.implement("[slow] Take your time.").await;
    let sandbox = floor.sandbox_of(first.pid()).await;
    floor.git.set_fault(GitFault::Hang);
    let asked_before = floor.git.requests().len();
    let starting = floor.implement("Ship large orders for free.").await;
    eventually(RUN, || async { floor.git.requests().len() > asked_before }).await;
    assert_eq!(floor.run(starting).await["state"], "STARTING");

    first.kill();
    let killed = Instant::now();
    gone_within_a_second(&sandbox, killed).await;
    floor.git.set_fault(GitFault::None);
    eventually(MOVES_ON, || async { floor.run(working).await["state"] == "FAILED" }).await;
    println!("the lost run had ended {:?} after its worker", killed.elapsed());
    let (reason, message) = floor.failure(working).await;
    assert_eq!(reason, "WORKER_LOST");
    assert!(message.contains("start the run again"), "{message}");
    let database = floor.database().await;
    eventually(MOVES_ON, || async {
        let state: String = sqlx::query_scalar("select state::text from run_queue where run_id = $1")
            .bind(starting)
            .fetch_one(&database)
            .await
            .unwrap();
        if state == "queued" { Ok(()) } else { Err(state) }
    })
    .await;

    let mut second = floor.worker(&settings);
    floor.succeeded(starting).await;
    let names: Vec<String> = floor.events(starting).await.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.iter().filter(|name| *name == "RunLeased").count(), 2, "{names:?}");
    assert_eq!(names.iter().filter(|name| *name == "RunEnded").count(), 1, "{names:?}");
    assert_eq!(floor.endings(working).await[0]["transcript_count"], floor.transcript(working).await.len());

    // A worker that is told to stop says so of its run at once.
    let stopped = floor.implement("[slow] Take your time.").await;
    let sandbox = floor.sandbox_of(second.pid()).await;
    second.stop();
    gone_within_a_second(&sandbox, Instant::now()).await;
    let (reason, message) = floor.failure(stopped).await;
    assert_eq!(reason, "WORKER_LOST");
    assert!(message.starts_with("The worker was stopped"), "{message}");
    assert_eq!(floor.up.stop(), Some(0));
}
