//! A plan's way onto the board.

use crate::runs::{leased, requested, worker};
use crate::world::{World, rejected};
use commands::agent_run::*;
use domain::agent_run::{RunMode, RunPlanItemProposed};
use domain::org::Role;
use domain::ticket::TicketKind;
use domain::{PlanItemId, RunId};
use uuid::Uuid;

async fn propose(world: &World, run: RunId, parent: Option<PlanItemId>, kind: TicketKind, column: &str) -> PlanItemId {
    let item = RunPlanItemProposed {
        token: 1,
        item: PlanItemId(Uuid::now_v7()),
        parent,
        kind,
        title: format!("{kind:?}"),
        description_md: "Why".to_owned(),
        acceptance_criteria: vec!["It works".to_owned()],
        owner_role: Role::Dev,
        column: column.to_owned(),
    };
    let id = item.item;
    propose_plan_item(&world.commands, &worker(world), ProposePlanItem { run, item }).await.unwrap();
    id
}

/// A run with an epic, two stories, and a task below each.
async fn plan(world: &World) -> (RunId, [PlanItemId; 5]) {
    let run = requested(world, RunMode::Plan).await;
    leased(world, run, 1).await;
    let epic = propose(world, run, None, TicketKind::Epic, "backlog").await;
    let first = propose(world, run, Some(epic), TicketKind::Story, "todo").await;
    let task = propose(world, run, Some(first), TicketKind::Task, "todo").await;
    let second = propose(world, run, Some(epic), TicketKind::Story, "gone").await;
    let other = propose(world, run, Some(second), TicketKind::Task, "todo").await;
    (run, [epic, first, task, second, other])
}

#[tokio::test]
async fn a_whole_plan_becomes_tickets_under_each_other() {
    let world = World::new().await;
    let (run, items) = plan(&world).await;
    let caller = world.caller();
    let accepted = accept_plan(&world.commands, &caller, AcceptPlan { run, items: None }).await.unwrap();
    let mut created = Vec::new();
    for item in items {
        created.push(world.events_of(ticket_of_plan_item(run, item)).await.remove(0).1);
    }
    let numbers: Vec<u64> = created.iter().map(|event| event["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 4, 3, 5], "epic, stories, tasks");
    let parent = |of: usize, is: usize| {
        assert_eq!(created[of]["parent"], ticket_of_plan_item(run, items[is]).to_string());
    };
    parent(1, 0);
    parent(2, 1);
    parent(3, 0);
    parent(4, 3);
    assert_eq!((&created[1]["column"], &created[3]["column"]), (&"todo".into(), &"backlog".into()));
    assert_eq!(created[0]["description_md"], "Why\n\n## Acceptance criteria\n\n- [ ] It works");
    assert_eq!(created[0]["planned_by"]["run"], run.to_string());
    let again = accept_plan(&world.commands, &caller, AcceptPlan { run, items: None }).await.unwrap();
    assert!(again.repeated && again.version == accepted.version);
    let afresh = accept_plan(&world.commands, &world.caller(), AcceptPlan { run, items: None }).await.unwrap();
    assert!(afresh.event_ids.is_empty());
    assert_eq!(world.count("select count(*) from events where event_type = 'TicketCreated'").await, 5);
}

#[tokio::test]
async fn a_plan_is_accepted_in_parts() {
    let world = World::new().await;
    let (run, [epic, first, task, ..]) = plan(&world).await;
    // Without its story: the task stands alone.
    let part = AcceptPlan { run, items: Some(vec![task]) };
    accept_plan(&world.commands, &world.caller(), part).await.unwrap();
    assert!(world.events_of(ticket_of_plan_item(run, task)).await[0].1.get("parent").is_none());
    let part = AcceptPlan { run, items: Some(vec![first, epic, task]) };
    accept_plan(&world.commands, &world.caller(), part).await.unwrap();
    let (last, event) = world.events_of(run).await.pop().unwrap();
    assert_eq!((last.as_str(), event["tickets"].as_array().unwrap().len()), ("RunPlanAccepted", 2));
    let unknown = AcceptPlan { run, items: Some(vec![PlanItemId(Uuid::now_v7())]) };
    rejected(accept_plan(&world.commands, &world.caller(), unknown).await, "UNKNOWN_ITEM");
}

#[tokio::test]
async fn an_acceptance_that_broke_off_goes_on_where_it_was() {
    let world = World::new().await;
    let (run, items) = plan(&world).await;
    // As a crash leaves it: two tickets made, the run not told.
    let part = AcceptPlan { run, items: Some(vec![items[0], items[1]]) };
    accept_plan(&world.commands, &world.caller(), part).await.unwrap();
    let admin = world.database.owner_pool().await.unwrap();
    let deleted = sqlx::query("delete from events where event_type = 'RunPlanAccepted'").execute(&admin).await.unwrap();
    assert_eq!(deleted.rows_affected(), 1);
    let fresh = world.other_process();
    accept_plan(&fresh, &world.caller(), AcceptPlan { run, items: None }).await.unwrap();
    assert_eq!(world.count("select count(*) from events where event_type = 'TicketCreated'").await, 5);
    let (_, event) = world.events_of(run).await.pop().unwrap();
    assert_eq!(event["tickets"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn an_empty_plan_is_accepted_by_doing_nothing() {
    let world = World::new().await;
    let ticket = world.new_ticket("x").await;
    let input = commands::agent_run::RequestRun { ticket: Some(ticket), ..crate::runs::request(&world, RunMode::Plan) };
    let run = RunId(request_run(&world.commands, &world.caller(), input).await.unwrap().aggregate_id);
    let nothing = accept_plan(&world.commands, &world.caller(), AcceptPlan { run, items: None }).await.unwrap();
    assert!(nothing.event_ids.is_empty());
    let unknown = AcceptPlan { run: RunId(Uuid::now_v7()), items: None };
    crate::world::not_found(accept_plan(&world.commands, &world.caller(), unknown).await);
}
