//! Ids of another org are not found, as unknown ones are, by every command that takes an id.

use crate::runs::request;
use crate::world::{World, caller_in, new_org, not_found, ticket};
use commands::agent_run::*;
use commands::repo_connection::*;
use commands::ticket::*;
use domain::agent_run::{RunLeased, RunMode};
use domain::repo_connection::RepoProvider;
use domain::ticket::EditTicket as EditedFields;
use domain::{Actor, RepoConnectionId, RunId, UserId, WorkerId};
use uuid::Uuid;

#[tokio::test]
async fn nothing_of_another_org_is_found() {
    let world = World::new().await;
    let ours = world.new_ticket("secret").await;
    let run = crate::runs::requested(&world, RunMode::Plan).await;
    let connect = |project| ConnectRepository {
        project,
        provider: RepoProvider::Git,
        external_id: None,
        clone_url: Some("https://git.example/a/b.git".to_owned()),
    };
    let repo = connect_repository(&world.commands, &world.caller(), connect(world.project)).await.unwrap();
    let repo_connection = RepoConnectionId(repo.aggregate_id);
    let eve = UserId(Uuid::now_v7());
    let eves_org = new_org(&world.commands, eve).await;
    let eve = || caller_in(eves_org, Actor::User(eve));
    let eves_project = {
        let input = commands::project::CreateProject { key: "EVE".to_owned(), name: "Eve".to_owned() };
        let made = commands::project::create_project(&world.commands, &eve(), input).await.unwrap();
        domain::ProjectId(made.aggregate_id)
    };
    let mine = create_ticket(&world.commands, &eve(), ticket(eves_project, "mine")).await.unwrap();
    let mine = domain::TicketId(mine.aggregate_id);
    let events = world.count("select count(*) from events").await;
    let c = &world.commands;
    let (column, after, before) = ("todo".to_owned(), None, None);
    let column2 = column.clone();
    let changes = EditedFields { parent: Some(Some(ours)), ..EditedFields::default() };
    not_found(create_ticket(c, &eve(), ticket(world.project, "x")).await);
    not_found(create_ticket(c, &eve(), CreateTicket { parent: Some(ours), ..ticket(eves_project, "x") }).await);
    let board = Some(commands::project::default_board_of(world.project));
    not_found(create_ticket(c, &eve(), CreateTicket { board, ..ticket(eves_project, "x") }).await);
    not_found(edit_ticket(c, &eve(), EditTicket { ticket: ours, changes: EditedFields::default() }).await);
    not_found(edit_ticket(c, &eve(), EditTicket { ticket: mine, changes }).await);
    not_found(move_ticket(c, &eve(), MoveTicket { ticket: ours, column, after, before }).await);
    not_found(move_ticket(c, &eve(), MoveTicket { ticket: mine, column: column2, after: Some(ours), before }).await);
    not_found(assign_ticket(c, &eve(), AssignTicket { ticket: ours, assignee: None }).await);
    not_found(delegate_ticket(c, &eve(), DelegateTicket { ticket: ours, provider: None }).await);
    not_found(comment_on_ticket(c, &eve(), CommentOnTicket { ticket: ours, body_md: "x".to_owned() }).await);
    not_found(archive_ticket(c, &eve(), ArchiveTicket { ticket: ours }).await);
    not_found(restore_ticket(c, &eve(), RestoreTicket { ticket: ours }).await);
    not_found(connect_repository(c, &eve(), connect(world.project)).await);
    not_found(disconnect_repository(c, &eve(), DisconnectRepository { repo_connection }).await);
    not_found(request_run(c, &eve(), request(&world, RunMode::Plan)).await);
    let base = || RequestRun { project: eves_project, ..request(&world, RunMode::Plan) };
    not_found(request_run(c, &eve(), RequestRun { ticket: Some(ours), ..base() }).await);
    not_found(request_run(c, &eve(), RequestRun { repo_connection: Some(repo_connection), ..base() }).await);
    not_found(cancel_run(c, &eve(), CancelRun { run }).await);
    not_found(accept_plan(c, &eve(), AcceptPlan { run, items: None }).await);
    let lease = RunLeased { worker: WorkerId(Uuid::now_v7()), token: 1 };
    not_found(lease_run(c, &eve(), LeaseRun { run, lease: lease.clone() }).await);
    not_found(lease_run(c, &eve(), LeaseRun { run: RunId(Uuid::now_v7()), lease }).await);
    assert_eq!(world.count("select count(*) from events").await, events);
}
