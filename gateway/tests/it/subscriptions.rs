//! What subscriptions deliver: what was missed, the live marker, what comes; each once and in order.

use crate::support::App;
use serde_json::{Value, json};
use uuid::Uuid;

const BOARD: &str = "query($p: UUID!, $c: UUID) { board(projectId: $p, afterCommand: $c) { id cursor position columns { key count cards { ticketId key version title columnKey } } } }";
const CHANGED: &str = "subscription($p: UUID!, $a: Cursor) { boardChanged(projectId: $p, after: $a) { cursor live resync position commandId removedTicketId card { ticketId version columnKey title assignee { name } } board { id } } }";
const MOVE: &str = "mutation($c: UUID!, $t: UUID!, $k: String!) { moveTicket(input: {commandId: $c, ticketId: $t, columnKey: $k}) { version position } }";

fn cursor(item: &Value) -> Value {
    item["cursor"].clone()
}

async fn moved(app: &App, ticket: Uuid, column: &str) -> Uuid {
    let command = Uuid::now_v7();
    app.data(MOVE, json!({ "c": command, "t": ticket, "k": column })).await;
    command
}

#[tokio::test]
async fn a_board_opens_live_and_shows_what_comes() {
    let app = App::start().await;
    let project = app.project("LV").await;
    let ticket = app.ticket(project, "first").await;
    let board = app.data(BOARD, json!({ "p": project })).await["board"].clone();
    assert_eq!(board["columns"][0]["cards"][0]["ticketId"], json!(ticket));

    let mut socket = app.socket().await;
    socket.subscribe("1", CHANGED, json!({ "p": project, "a": cursor(&board) })).await;
    assert_eq!(socket.until_live("boardChanged").await.len(), 1, "nothing was missed");

    let command = moved(&app, ticket, "todo").await;
    let item = socket.item("boardChanged").await;
    assert_eq!(item["commandId"], json!(command));
    assert_eq!((&item["live"], &item["resync"]), (&json!(false), &json!(false)));
    assert_eq!(item["card"]["columnKey"], "todo");
    assert_eq!(item["card"]["version"], 2);
    assert!(item["position"].as_u64().unwrap() > board["position"].as_u64().unwrap());

    let archive = "mutation($c: UUID!, $t: UUID!) { archiveTicket(input: {commandId: $c, ticketId: $t}) { version } }";
    app.data(archive, json!({ "c": Uuid::now_v7(), "t": ticket })).await;
    let item = socket.item("boardChanged").await;
    assert_eq!(item["removedTicketId"], json!(ticket));
    assert!(item["card"].is_null());
}

#[tokio::test]
async fn what_was_missed_comes_first_then_the_marker() {
    let app = App::start().await;
    let project = app.project("MS").await;
    let ticket = app.ticket(project, "first").await;
    let before = cursor(&app.data(BOARD, json!({ "p": project })).await["board"]);
    let mut commands = Vec::new();
    for column in ["todo", "in_progress", "code_review"] {
        commands.push(json!(moved(&app, ticket, column).await));
    }
    app.data(BOARD, json!({ "p": project, "c": commands[2] })).await;

    let mut socket = app.socket().await;
    socket.subscribe("1", CHANGED, json!({ "p": project, "a": before })).await;
    let items = socket.until_live("boardChanged").await;
    let seen: Vec<Value> =
        items.iter().filter(|item| item["live"] == false).map(|item| item["commandId"].clone()).collect();
    assert_eq!(seen, commands);
    // From the middle.
    let mut again = app.socket().await;
    again.subscribe("1", CHANGED, json!({ "p": project, "a": cursor(&items[1]) })).await;
    let rest = again.until_live("boardChanged").await;
    assert_eq!(rest.len(), 2);
    assert_eq!(rest[0]["commandId"], commands[2]);
    // From the marker: nothing.
    let mut end = app.socket().await;
    end.subscribe("1", CHANGED, json!({ "p": project, "a": cursor(items.last().unwrap()) })).await;
    assert_eq!(end.until_live("boardChanged").await.len(), 1);
}

#[tokio::test]
async fn changes_that_are_not_kept_any_more_ask_for_a_new_look() {
    let app = App::start().await;
    let project = app.project("RS").await;
    let ticket = app.ticket(project, "first").await;
    let before = cursor(&app.data(BOARD, json!({ "p": project })).await["board"]);
    let last = moved(&app, ticket, "todo").await;
    app.data(BOARD, json!({ "p": project, "c": last })).await;
    forget_changes(&app).await;

    let mut socket = app.socket().await;
    socket.subscribe("1", CHANGED, json!({ "p": project, "a": before })).await;
    let first = socket.item("boardChanged").await;
    assert_eq!(first["resync"], true, "{first}");
    assert!(first["card"].is_null());
    assert_eq!(socket.item("boardChanged").await["live"], true);
    let command = moved(&app, ticket, "done").await;
    assert_eq!(socket.item("boardChanged").await["commandId"], json!(command), "and it goes on");
}

/// Prunes the board's changes as age would: everything up to now, and the place up to which they are gone.
async fn forget_changes(app: &App) {
    let owner = app.owner_pool().await;
    let schema: String = sqlx::query_scalar(
        "select pg_schema from projection_generations where projection = 'board' and state = 'live'",
    )
    .fetch_one(&owner)
    .await
    .unwrap();
    let pruned = format!(
        "with gone as (delete from \"{schema}\".board_changes returning position)
        update \"{schema}\".boards set changes_floor = (select max(position) from gone)"
    );
    sqlx::query(&pruned).execute(&owner).await.unwrap();
}

#[tokio::test]
async fn a_follower_from_now_on_misses_nothing_that_comes() {
    let app = App::start().await;
    let project = app.project("NW").await;
    let ticket = app.ticket(project, "first").await;
    let mut socket = app.socket().await;
    socket.subscribe("1", CHANGED, json!({ "p": project })).await;
    let opened = socket.until_live("boardChanged").await;
    assert_eq!(opened.len(), 1, "from now on, not from the beginning");
    let command = moved(&app, ticket, "todo").await;
    assert_eq!(socket.item("boardChanged").await["commandId"], json!(command));
}

#[tokio::test]
async fn lost_hints_cost_a_second_and_nothing_else() {
    let app = App::start().await;
    let project = app.project("HN").await;
    let ticket = app.ticket(project, "first").await;
    let mut socket = app.socket().await;
    socket.subscribe("1", CHANGED, json!({ "p": project })).await;
    socket.until_live("boardChanged").await;
    // The gateway hears of 10,000 other boards at once and loses hints on the way.
    for _ in 0..10_000 {
        app.hints.reached("board", Uuid::now_v7(), 1);
    }
    let command = moved(&app, ticket, "todo").await;
    assert_eq!(socket.item("boardChanged").await["commandId"], json!(command));
}

#[tokio::test]
async fn equal_documents_get_equal_payloads() {
    let app = App::start().await;
    let project = app.project("EQ").await;
    let ticket = app.ticket(project, "first").await;
    let mut sockets = Vec::new();
    for _ in 0..5 {
        let mut socket = app.socket().await;
        socket.subscribe("1", CHANGED, json!({ "p": project })).await;
        socket.until_live("boardChanged").await;
        sockets.push(socket);
    }
    let other = "subscription($p: UUID!) { boardChanged(projectId: $p) { live cursor card { key } } }";
    let mut different = app.socket().await;
    different.subscribe("1", other, json!({ "p": project })).await;
    different.until_live("boardChanged").await;
    let assign = "mutation($c: UUID!, $t: UUID!, $u: UUID) { assignTicket(input: {commandId: $c, ticketId: $t, userId: $u}) { version } }";
    app.data(assign, json!({ "c": Uuid::now_v7(), "t": ticket, "u": app.owner.as_uuid() })).await;
    let first = sockets[0].item("boardChanged").await;
    assert_eq!(first["card"]["assignee"]["name"], "Owner");
    for socket in &mut sockets[1..] {
        assert_eq!(socket.item("boardChanged").await, first);
    }
    let item = different.item("boardChanged").await;
    assert_eq!(item["card"], json!({ "key": "EQ-1" }), "another document gets its own");
}

#[tokio::test]
async fn a_ticket_tells_its_changes_with_their_history() {
    let app = App::start().await;
    let project = app.project("TC").await;
    let ticket = app.ticket(project, "first").await;
    let ask = "query($t: UUID!) { ticket(id: $t) { cursor version } }";
    let from = app.data(ask, json!({ "t": ticket })).await["ticket"]["cursor"].clone();
    let changed = "subscription($t: UUID!, $a: Cursor) { ticketChanged(ticketId: $t, after: $a) { cursor live resync position commandId ticket { version comments { bodyMd author { name kind } } } entry { action actor { name } payload } } }";
    let mut socket = app.socket().await;
    socket.subscribe("1", changed, json!({ "t": ticket, "a": from })).await;
    socket.until_live("ticketChanged").await;
    let comment = "mutation($c: UUID!, $t: UUID!) { commentOnTicket(input: {commandId: $c, ticketId: $t, bodyMd: \"hello\"}) { version } }";
    let command = Uuid::now_v7();
    app.data(comment, json!({ "c": command, "t": ticket })).await;
    let item = socket.item("ticketChanged").await;
    assert_eq!(item["commandId"], json!(command));
    assert_eq!(item["entry"]["action"], "TicketCommented");
    assert_eq!(item["entry"]["actor"]["name"], "Owner");
    assert_eq!(item["ticket"]["comments"][0]["bodyMd"], "hello");
    // A cursor of the board stands for the same place in the log.
    let board = cursor(&app.data(BOARD, json!({ "p": project })).await["board"]);
    let mut other = app.socket().await;
    other.subscribe("2", changed, json!({ "t": ticket, "a": board })).await;
    assert_eq!(other.until_live("ticketChanged").await.len(), 1);
}
