//! The rules of a run, said by example.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use crate::decider::{Decider, Rejection};
use crate::given::{Given, uuid};
use crate::org::Role;
use crate::ticket::TicketKind;
use crate::{ArtifactId, PlanItemId, ProjectId, RepoConnectionId, TicketId, WorkerId};

fn given(events: impl IntoIterator<Item = AgentRunEvent>) -> Given<AgentRun> {
    crate::given::given(events)
}

fn new(mode: RunMode) -> RequestRun {
    RequestRun {
        project: ProjectId(uuid(10)),
        mode,
        provider: "codex".to_owned(),
        known_providers: vec!["codex".to_owned()],
        known_modes: vec![RunMode::Plan, RunMode::Implement],
        model: None,
        prompt: "A rate limiter".to_owned(),
        ticket: None,
        ticket_archived: false,
        repo: Some(RunRepo {
            connection: RepoConnectionId(uuid(12)),
            name: "northwind/gateway".to_owned(),
            clone_url: "https://git.example/northwind/gateway.git".to_owned(),
            base_ref: None,
        }),
        repo_disconnected: false,
        conversation: None,
        constraints: RunConstraints::default(),
    }
}

fn request(mode: RunMode, change: impl FnOnce(&mut RequestRun)) -> AgentRunCommand {
    let mut command = new(mode);
    change(&mut command);
    AgentRunCommand::Request(Box::new(command))
}

fn requested(mode: RunMode) -> AgentRunEvent {
    AgentRun::default().decide(&request(mode, |_| {}), &crate::given::context()).unwrap()[0].clone()
}

fn lease(token: u64) -> RunLeased {
    RunLeased { worker: WorkerId(uuid(u128::from(token) + 100)), token }
}

fn planning() -> Given<AgentRun> {
    given([requested(RunMode::Plan), lease(1).into()])
}

fn item(n: u128, parent: Option<u128>, kind: TicketKind) -> RunPlanItemProposed {
    RunPlanItemProposed {
        token: 1,
        item: PlanItemId(uuid(n)),
        parent: parent.map(|n| PlanItemId(uuid(n))),
        kind,
        title: format!("Item {n}"),
        description_md: "Why".to_owned(),
        acceptance_criteria: vec!["It works".to_owned()],
        owner_role: Role::Dev,
        column: "todo".to_owned(),
    }
}

fn propose(item: RunPlanItemProposed) -> AgentRunCommand {
    AgentRunCommand::ProposePlanItem(item)
}

fn ended(token: u64, outcome: RunOutcome) -> RunEnded {
    RunEnded {
        token,
        outcome,
        summary: String::new(),
        work: None,
        usage: TokenUsage::default(),
        cost_usd_micros: 0,
        transcript_count: 0,
        transcript_digest: String::new(),
    }
}

fn end(token: u64) -> AgentRunCommand {
    AgentRunCommand::End(Box::new(ended(token, RunOutcome::Succeeded)))
}

#[test]
fn it_is_requested_only_when_somebody_can_do_it() {
    let refused = |mode, change: fn(&mut RequestRun), rejection| {
        given([]).when(request(mode, change)).then_rejected(rejection);
    };
    let unknown = AgentRunRejection::UnknownProvider { provider: "hal".to_owned() };
    assert_eq!(unknown.reason(), "UNKNOWN_PROVIDER");
    refused(RunMode::Plan, |c| c.provider = "hal".to_owned(), unknown);
    refused(RunMode::Qa, |_| {}, AgentRunRejection::UnknownMode);
    refused(RunMode::Plan, |c| c.prompt = " \n".to_owned(), AgentRunRejection::NothingToDo);
    refused(RunMode::Plan, |c| c.prompt = "x".repeat(100_001), AgentRunRejection::PromptTooLong);
    refused(RunMode::Implement, |c| c.repo = None, AgentRunRejection::RepositoryNeeded);
    refused(RunMode::Implement, |c| c.repo_disconnected = true, AgentRunRejection::RepositoryDisconnected);
    refused(RunMode::Implement, |c| c.ticket_archived = true, AgentRunRejection::TicketArchived);
    given([]).when(request(RunMode::Plan, |c| c.repo = None)).then_exactly_one();
}

#[test]
fn a_larger_token_takes_it_over_and_the_older_one_is_refused() {
    let run = planning().when(AgentRunCommand::Lease(lease(1))).then_nothing();
    let run = run.when(AgentRunCommand::Lease(lease(2))).then_once();
    for late in [
        AgentRunCommand::Lease(lease(1)),
        AgentRunCommand::StartWork(started(1)),
        propose(item(1, None, TicketKind::Epic)),
        AgentRunCommand::ReachCost(cost(1, 5)),
        AgentRunCommand::ProduceArtifact(artifact(1)),
        end(1),
        abandon(1),
    ] {
        Given::from(&run).when(late).then_rejected(AgentRunRejection::LeaseLost);
    }
    let over = run.when(end(2)).then([ended(2, RunOutcome::Succeeded).into()]);
    Given::from(&over).when(end(1)).then_rejected(AgentRunRejection::LeaseLost);
    Given::from(&over).when(AgentRunCommand::Lease(lease(3))).then_rejected(AgentRunRejection::RunEnded);
    over.when(end(2)).then_rejected(AgentRunRejection::RunEnded);
}

#[test]
fn work_starts_once_a_lease() {
    let run = planning().when(AgentRunCommand::StartWork(started(1))).then_once();
    let run = run.when(AgentRunCommand::Lease(lease(2))).then_once();
    run.when(AgentRunCommand::StartWork(started(2))).then_once();
}

#[test]
fn a_plan_grows_from_its_epic_down() {
    let run = planning().when(propose(item(1, None, TicketKind::Epic))).then_once();
    let run = run.when(propose(item(2, Some(1), TicketKind::Story))).then_once();
    let run = run.when(propose(item(3, Some(2), TicketKind::Task))).then_once();
    let refused = |item, rejection| Given::from(&run).when(propose(item)).then_rejected(rejection);
    refused(item(4, Some(3), TicketKind::Story), AgentRunRejection::ParentUnfit);
    refused(item(4, Some(1), TicketKind::Epic), AgentRunRejection::ParentUnfit);
    refused(item(4, Some(99), TicketKind::Task), AgentRunRejection::UnknownItem);
    refused(item(3, Some(1), TicketKind::Task), AgentRunRejection::ItemExists);
    let untitled = RunPlanItemProposed { title: String::new(), ..item(4, None, TicketKind::Task) };
    refused(untitled, AgentRunRejection::Title(crate::text::LineProblem::Empty));
}

#[test]
fn a_plan_has_an_end() {
    let many = (0..60).map(|n| item(n, None, TicketKind::Task).into());
    let run = given([requested(RunMode::Plan), lease(1).into()].into_iter().chain(many));
    run.when(propose(item(60, None, TicketKind::Task))).then_rejected(AgentRunRejection::PlanTooLarge);
}

#[test]
fn only_a_plan_has_items() {
    let run = given([requested(RunMode::Implement), lease(1).into()]);
    run.when(propose(item(1, None, TicketKind::Epic))).then_rejected(AgentRunRejection::NotAPlan);
    let accept = AgentRunCommand::AcceptPlan(AcceptPlan { tickets: vec![] });
    given([requested(RunMode::Implement)]).when(accept).then_rejected(AgentRunRejection::NotAPlan);
}

#[test]
fn a_plan_is_accepted_in_parts_and_each_item_once() {
    let accept = |items: &[u128]| {
        let each = |n: &u128| AcceptedItem { item: PlanItemId(uuid(*n)), ticket: TicketId(uuid(n + 1_000)) };
        AgentRunCommand::AcceptPlan(AcceptPlan { tickets: items.iter().map(each).collect() })
    };
    let run = planning().when(propose(item(1, None, TicketKind::Epic))).then_once();
    let run = run.when(propose(item(2, Some(1), TicketKind::Story))).then_once();
    let run = run.when(end(1)).then([ended(1, RunOutcome::Succeeded).into()]);
    let run = run.when(accept(&[1])).then_once();
    let second = AcceptedItem { item: PlanItemId(uuid(2)), ticket: TicketId(uuid(1_002)) };
    let run = run.when(accept(&[1, 2])).then([RunPlanAccepted { tickets: vec![second] }.into()]);
    run.when(accept(&[3])).then_rejected(AgentRunRejection::UnknownItem);
}

#[test]
fn cost_only_grows() {
    let run = planning().when(AgentRunCommand::ReachCost(cost(1, 500))).then_once();
    Given::from(&run).when(AgentRunCommand::ReachCost(cost(1, 400))).then_nothing();
    run.when(AgentRunCommand::ReachCost(cost(1, 600))).then_once();
}

#[test]
fn an_artifact_has_a_digest_and_comes_once() {
    let run = planning().when(AgentRunCommand::ProduceArtifact(artifact(1))).then_once();
    let odd = RunArtifactProduced { digest: "../../etc".to_owned(), ..artifact(1) };
    run.when(AgentRunCommand::ProduceArtifact(odd)).then_rejected(AgentRunRejection::ArtifactMalformed);
}

#[test]
fn a_queued_run_is_cancelled_at_once() {
    let run = given([requested(RunMode::Plan)]).when(AgentRunCommand::Cancel);
    let run = run.then([RunCancelRequested {}.into(), ended(0, RunOutcome::Cancelled).into()]);
    run.when(AgentRunCommand::Cancel).then_nothing();
}

#[test]
fn a_running_run_is_asked_to_stop_and_says_when_it_has() {
    let run = planning().when(AgentRunCommand::Cancel).then([RunCancelRequested {}.into()]);
    let run = run.when(AgentRunCommand::Cancel).then_nothing();
    run.when(abandon(1)).then([ended(1, RunOutcome::Cancelled).into()]);
    let over = planning().when(end(1)).then([ended(1, RunOutcome::Succeeded).into()]);
    over.when(AgentRunCommand::Cancel).then_rejected(AgentRunRejection::RunEnded);
}

#[test]
fn a_lost_worker_is_the_reason() {
    let failed = RunOutcome::Failed { reason: FailureReason::WorkerLost, message: "no heartbeat".to_owned() };
    planning().when(abandon(1)).then([ended(1, failed.clone()).into()]);
    // Lost before it said that it had the run.
    given([requested(RunMode::Plan)]).when(abandon(3)).then([ended(3, failed).into()]);
}

#[test]
fn an_end_is_never_refused_for_its_length() {
    let mut long = ended(1, RunOutcome::Failed { reason: FailureReason::Clone, message: "ä".repeat(30_000) });
    long.summary = "ä".repeat(30_000);
    let file = ChangedFile { path: "a".to_owned(), status: "added".to_owned(), additions: 1, deletions: 0 };
    long.work = Some(RunWork {
        branch: "al/x".to_owned(),
        head_commit: "0".repeat(40),
        additions: 1_000,
        deletions: 0,
        files: vec![file; 1_000],
        diff: ArtifactId(uuid(40)),
    });
    let events = planning().state.decide(&AgentRunCommand::End(Box::new(long)), &crate::given::context()).unwrap();
    let payload = crate::DomainEvent::from(events[0].clone()).to_payload().unwrap();
    assert!(payload.len() < crate::limits::EVENT_MAX_BYTES, "{}", payload.len());
}

fn started(token: u64) -> RunWorkStarted {
    RunWorkStarted { token, program: "codex 0.169.0".to_owned(), scripted: true, branch: None, base_commit: None }
}

fn cost(token: u64, cost_usd_micros: u64) -> RunCostReached {
    let usage = TokenUsage { input_tokens: cost_usd_micros, cached_input_tokens: 0, output_tokens: 1 };
    RunCostReached { token, usage, cost_usd_micros }
}

fn artifact(token: u64) -> RunArtifactProduced {
    RunArtifactProduced {
        token,
        artifact: ArtifactId(uuid(40)),
        name: "diff".to_owned(),
        mime: "text/x-diff".to_owned(),
        size_bytes: 5,
        digest: "ab".repeat(32),
    }
}

fn abandon(token: u64) -> AgentRunCommand {
    let message = "no heartbeat".to_owned();
    AgentRunCommand::Abandon(AbandonRun {
        token,
        reason: FailureReason::WorkerLost,
        message,
        transcript_count: 0,
        transcript_digest: String::new(),
    })
}
