//! A run from its request to its end.

use crate::world::{World, caller_in, invalid, not_found, rejected};
use commands::agent_run::*;
use commands::repo_connection::{ConnectRepository, DisconnectRepository, connect_repository, disconnect_repository};
use commands::ticket::{ArchiveTicket, archive_ticket};
use domain::agent_run::*;
use domain::repo_connection::RepoProvider;
use domain::{Actor, RepoConnectionId, RunId, TicketId, WorkerId};
use uuid::Uuid;

pub(crate) fn request(world: &World, mode: RunMode) -> commands::agent_run::RequestRun {
    commands::agent_run::RequestRun {
        project: world.project,
        mode,
        provider: "codex".to_owned(),
        model: None,
        prompt: "A rate limiter".to_owned(),
        ticket: None,
        repo_connection: None,
        base_ref: None,
        conversation: None,
        constraints: RunConstraints::default(),
    }
}

pub(crate) async fn requested(world: &World, mode: RunMode) -> RunId {
    RunId(request_run(&world.commands, &world.caller(), request(world, mode)).await.unwrap().aggregate_id)
}

pub(crate) async fn leased(world: &World, run: RunId, token: u64) {
    let lease = RunLeased { worker: WorkerId(Uuid::now_v7()), token };
    lease_run(&world.commands, &worker(world), LeaseRun { run, lease }).await.unwrap();
}

pub(crate) fn worker(world: &World) -> commands::Caller {
    caller_in(world.org, Actor::system("worker"))
}

async fn repository(world: &World) -> RepoConnectionId {
    let input = ConnectRepository {
        project: world.project,
        provider: RepoProvider::Git,
        external_id: None,
        clone_url: Some("https://git.example/northwind/gateway.git".to_owned()),
    };
    RepoConnectionId(connect_repository(&world.commands, &world.caller(), input).await.unwrap().aggregate_id)
}

#[tokio::test]
async fn a_request_keeps_what_the_agent_is_told() {
    let world = World::new().await;
    let (ticket, repo) = (world.new_ticket("Rate limit").await, repository(&world).await);
    let input = commands::agent_run::RequestRun {
        ticket: Some(ticket),
        repo_connection: Some(repo),
        base_ref: Some("main".to_owned()),
        prompt: String::new(),
        ..request(&world, RunMode::Implement)
    };
    let made = request_run(&world.commands, &world.caller(), input.clone()).await.unwrap();
    let (_, event) = world.events_of(made.aggregate_id).await.remove(0);
    assert_eq!((&event["ticket"]["key"], &event["ticket"]["title"]), (&"AL-1".into(), &"Rate limit".into()));
    assert_eq!((&event["repo"]["name"], &event["repo"]["base_ref"]), (&"northwind/gateway".into(), &"main".into()));
    assert!(event["conversation"].is_string());
    let gone = DisconnectRepository { repo_connection: repo };
    disconnect_repository(&world.commands, &world.caller(), gone).await.unwrap();
    rejected(request_run(&world.commands, &world.caller(), input.clone()).await, "REPOSITORY_DISCONNECTED");
    archive_ticket(&world.commands, &world.caller(), ArchiveTicket { ticket }).await.unwrap();
    rejected(request_run(&world.commands, &world.caller(), input).await, "ARCHIVED");
}

#[tokio::test]
async fn a_request_that_makes_no_sense_is_refused() {
    let world = World::new().await;
    let ask = async |change: fn(&mut commands::agent_run::RequestRun)| {
        let mut input = request(&world, RunMode::Plan);
        change(&mut input);
        request_run(&world.commands, &world.caller(), input).await
    };
    rejected(ask(|input| input.provider = "hal".to_owned()).await, "UNKNOWN_PROVIDER");
    rejected(ask(|input| input.mode = RunMode::Ask).await, "UNKNOWN_MODE");
    rejected(ask(|input| input.mode = RunMode::Implement).await, "REPOSITORY_NEEDED");
    rejected(ask(|input| input.prompt = " ".to_owned()).await, "NOTHING_TO_DO");
    invalid(ask(|input| input.base_ref = Some("--upload-pack=x".to_owned())).await, "baseRef");
    invalid(ask(|input| input.model = Some("x; rm".to_owned())).await, "model");
    invalid(ask(|input| input.constraints.time_budget_s = Some(0)).await, "constraints");
    not_found(ask(|input| input.ticket = Some(TicketId(Uuid::now_v7()))).await);
    not_found(ask(|input| input.repo_connection = Some(RepoConnectionId(Uuid::now_v7()))).await);
}

#[tokio::test]
async fn a_worker_leads_it_to_its_end_and_a_stale_one_is_refused() {
    let world = World::new().await;
    let run = requested(&world, RunMode::Plan).await;
    leased(&world, run, 1).await;
    leased(&world, run, 2).await;
    let commands = &world.commands;
    let started = |token| StartWork {
        run,
        work: RunWorkStarted { token, program: "codex".to_owned(), scripted: true, branch: None, base_commit: None },
    };
    rejected(start_work(commands, &worker(&world), started(1)).await, "LEASE_LOST");
    start_work(commands, &worker(&world), started(2)).await.unwrap();
    let digest = commands.objects().put(bytes::Bytes::from_static(b"diff")).await.unwrap().to_string();
    let artifact = RunArtifactProduced {
        token: 2,
        artifact: domain::ArtifactId(Uuid::now_v7()),
        name: "diff".to_owned(),
        mime: "text/x-diff".to_owned(),
        size_bytes: 4,
        digest,
    };
    produce_artifact(commands, &worker(&world), ProduceArtifact { run, artifact }).await.unwrap();
    let usage = TokenUsage { input_tokens: 10, cached_input_tokens: 0, output_tokens: 1 };
    let cost = RunCostReached { token: 2, usage, cost_usd_micros: 300 };
    reach_cost(commands, &worker(&world), ReachCost { run, cost }).await.unwrap();
    let cancelled = cancel_run(commands, &world.caller(), CancelRun { run }).await.unwrap();
    assert_eq!(cancelled.event_ids.len(), 1, "its worker ends it");
    let end = RunEnded {
        token: 2,
        outcome: RunOutcome::Cancelled,
        summary: "stopped".to_owned(),
        work: None,
        usage,
        cost_usd_micros: 300,
        transcript_count: 3,
        transcript_digest: "00".repeat(32),
    };
    let (caller, input) = (worker(&world), EndRun { run, end });
    end_run(commands, &caller, input.clone()).await.unwrap();
    assert!(end_run(commands, &caller, input.clone()).await.unwrap().repeated);
    rejected(end_run(commands, &worker(&world), input).await, "RUN_ENDED");
    let lost = commands::agent_run::AbandonRun {
        run,
        token: 1,
        reason: FailureReason::WorkerLost,
        message: "no heartbeat".to_owned(),
        transcript_count: 0,
        transcript_digest: String::new(),
    };
    rejected(abandon_run(commands, &worker(&world), lost).await, "LEASE_LOST");
    let ends = world.events_of(run).await.into_iter().filter(|(event, _)| event == "RunEnded").count();
    assert_eq!(ends, 1);
}

#[tokio::test]
async fn a_queued_run_is_cancelled_at_once() {
    let world = World::new().await;
    let run = requested(&world, RunMode::Plan).await;
    let cancelled = cancel_run(&world.commands, &world.caller(), CancelRun { run }).await.unwrap();
    assert_eq!(cancelled.event_ids.len(), 2);
    let lease = RunLeased { worker: WorkerId(Uuid::now_v7()), token: 1 };
    rejected(lease_run(&world.commands, &worker(&world), LeaseRun { run, lease }).await, "RUN_ENDED");
}
