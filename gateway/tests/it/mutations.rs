//! Each mutation: done, and every way in which it is not.

use crate::support::{App, code};
use serde_json::{Value, json};
use uuid::Uuid;

const TICKET: &str = "ticket { id key version title descriptionMd kind columnKey priority labels estimate dueOn archived assignee { name } delegate { provider } parent { key } children { key } createdBy { kind name user { id } } comments { bodyMd author { name } } activity { action actor { name } } cursor costUsdMicros } version position";

fn mutation(name: &str, input: &str, answer: &str) -> String {
    format!("mutation($input: {input}!) {{ {name}(input: $input) {{ {answer} }} }}")
}

async fn ticket(app: &App, name: &str, input: &str, mut fields: Value) -> Value {
    if fields["commandId"].is_null() {
        fields["commandId"] = json!(Uuid::now_v7());
    }
    let answer = app.gql(&mutation(name, input, TICKET), json!({ "input": fields })).await;
    if answer["errors"].is_null() { answer["data"][name].clone() } else { answer }
}

#[tokio::test]
async fn a_ticket_through_its_life() {
    let app = App::start().await;
    let project = app.project("LF").await;
    let epic = app.ticket(project, "The epic").await;
    let made = ticket(&app, "createTicket", "CreateTicketInput", json!({
        "projectId": project, "title": "Limit the rate", "kind": "STORY", "descriptionMd": "why", "columnKey": "todo",
        "parentId": epic, "labels": ["api", "limits"], "priority": "HIGH", "assigneeId": app.owner.as_uuid(), "estimate": 5,
    }))
    .await;
    let id = made["ticket"]["id"].clone();
    assert_eq!(made["version"], 1, "{made}");
    assert_eq!(made["ticket"]["key"], "LF-2");
    assert_eq!(made["ticket"]["kind"], "STORY");
    assert_eq!(made["ticket"]["assignee"]["name"], "Owner");
    assert_eq!(made["ticket"]["parent"]["key"], "LF-1");
    assert_eq!(made["ticket"]["createdBy"]["kind"], "USER");
    assert_eq!(made["ticket"]["createdBy"]["user"]["id"], json!(app.owner.as_uuid()));
    assert_eq!(made["ticket"]["labels"], json!(["api", "limits"]));

    let edited = ticket(&app, "editTicket", "EditTicketInput", json!({
        "ticketId": id, "title": "Limit the rate of calls", "priority": null, "estimate": null, "dueOn": "2026-12-24T00:00:00Z",
    }))
    .await;
    assert_eq!(edited["ticket"]["title"], "Limit the rate of calls");
    assert!(edited["ticket"]["priority"].is_null() && edited["ticket"]["estimate"].is_null(), "null clears: {edited}");
    assert_eq!(edited["ticket"]["descriptionMd"], "why", "what is not given stays");
    assert_eq!(edited["ticket"]["parent"]["key"], "LF-1");
    assert!(edited["ticket"]["dueOn"].as_str().unwrap().starts_with("2026-12-24T00:00:00"));

    let moved = ticket(&app, "moveTicket", "MoveTicketInput", json!({ "ticketId": id, "columnKey": "qa" })).await;
    assert_eq!(moved["ticket"]["columnKey"], "qa");
    let assigned = ticket(&app, "assignTicket", "AssignTicketInput", json!({ "ticketId": id, "userId": null })).await;
    assert!(assigned["ticket"]["assignee"].is_null());
    let delegated =
        ticket(&app, "delegateTicket", "DelegateTicketInput", json!({ "ticketId": id, "provider": "codex" })).await;
    assert_eq!(delegated["ticket"]["delegate"]["provider"], "codex");
    let commented =
        ticket(&app, "commentOnTicket", "CommentInput", json!({ "ticketId": id, "bodyMd": "**done?**" })).await;
    assert_eq!(commented["ticket"]["comments"], json!([{ "bodyMd": "**done?**", "author": { "name": "Owner" } }]));
    let archived = ticket(&app, "archiveTicket", "TicketRefInput", json!({ "ticketId": id })).await;
    assert_eq!(archived["ticket"]["archived"], true);
    let restored = ticket(&app, "restoreTicket", "TicketRefInput", json!({ "ticketId": id })).await;
    assert_eq!(restored["ticket"]["archived"], false);
    let actions: Vec<&str> = restored["ticket"]["activity"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions.first(), Some(&"TicketRestored"), "newest first");
    assert_eq!(actions.last(), Some(&"TicketCreated"));

    let by_key = "query($o: UUID!) { ticketByKey(orgId: $o, key: \"LF-2\") { id version } }";
    let found = app.data(by_key, json!({ "o": app.org })).await;
    assert_eq!(found["ticketByKey"], json!({ "id": id, "version": restored["version"] }));
}

#[tokio::test]
async fn the_same_command_gets_the_same_answer() {
    let app = App::start().await;
    let project = app.project("ID").await;
    let fields = json!({ "commandId": Uuid::now_v7(), "projectId": project, "title": "Once" });
    let first = ticket(&app, "createTicket", "CreateTicketInput", fields.clone()).await;
    let again = ticket(&app, "createTicket", "CreateTicketInput", fields.clone()).await;
    assert_eq!(first["ticket"]["id"], again["ticket"]["id"]);
    assert_eq!(first["version"], again["version"]);
    let mut other = fields;
    other["title"] = json!("Twice");
    let refused = ticket(&app, "createTicket", "CreateTicketInput", other).await;
    assert_eq!(code(&refused), "INVALID", "{refused}");
    assert_eq!(refused["errors"][0]["extensions"]["field"], "commandId");
}

#[tokio::test]
async fn rules_that_say_no_name_themselves() {
    let app = App::start().await;
    let project = app.project("NO").await;
    let id = app.ticket(project, "t").await;
    let unknown =
        ticket(&app, "moveTicket", "MoveTicketInput", json!({ "ticketId": id, "columnKey": "nowhere" })).await;
    assert_eq!(code(&unknown), "REJECTED", "{unknown}");
    assert_eq!(unknown["errors"][0]["extensions"]["reason"], "UNKNOWN_COLUMN");
    ticket(&app, "archiveTicket", "TicketRefInput", json!({ "ticketId": id })).await;
    let archived = ticket(&app, "moveTicket", "MoveTicketInput", json!({ "ticketId": id, "columnKey": "todo" })).await;
    assert_eq!(archived["errors"][0]["extensions"]["reason"], "ARCHIVED", "{archived}");
    let taken = json!({ "input": { "commandId": Uuid::now_v7(), "orgId": app.org, "key": "NO", "name": "Again" } });
    let taken = app.gql(&mutation("createProject", "CreateProjectInput", "version"), taken).await;
    assert_eq!(taken["errors"][0]["extensions"]["reason"], "KEY_TAKEN", "{taken}");
}

#[tokio::test]
async fn a_lost_race_says_who_won_it() {
    let app = App::start().await;
    let project = app.project("RC").await;
    let id = app.ticket(project, "t").await;
    ticket(&app, "moveTicket", "MoveTicketInput", json!({ "ticketId": id, "expectedVersion": 1, "columnKey": "todo" }))
        .await;
    let comment =
        ticket(&app, "commentOnTicket", "CommentInput", json!({ "ticketId": id, "bodyMd": "in between" })).await;
    assert_eq!(comment["version"], 3);
    let late = ticket(
        &app,
        "moveTicket",
        "MoveTicketInput",
        json!({ "ticketId": id, "expectedVersion": 1, "columnKey": "qa" }),
    )
    .await;
    assert_eq!(code(&late), "STALE", "{late}");
    let extensions = &late["errors"][0]["extensions"];
    assert_eq!(extensions["by"], json!({ "id": format!("user:{}", app.owner), "name": "Owner" }));
    assert_eq!(extensions["version"], 2);
    assert!(chrono::DateTime::parse_from_rfc3339(extensions["at"].as_str().unwrap()).is_ok());
    assert_eq!(late["errors"][0]["message"].as_str().unwrap().split(' ').next(), Some("Owner"));
    // A comment never makes a drag stale.
    let drag = ticket(
        &app,
        "moveTicket",
        "MoveTicketInput",
        json!({ "ticketId": id, "expectedVersion": 2, "columnKey": "qa" }),
    )
    .await;
    assert_eq!(drag["ticket"]["columnKey"], "qa", "{drag}");
}

#[tokio::test]
async fn input_that_does_not_do_is_named() {
    let app = App::start().await;
    let project = app.project("IV").await;
    for (title, reason) in
        [("", "TITLE_EMPTY"), (&*"x".repeat(301), "TITLE_TOO_LONG"), ("pay\u{202e}evil", "TITLE_BIDI")]
    {
        let input = json!({ "projectId": project, "title": title });
        let refused = ticket(&app, "createTicket", "CreateTicketInput", input).await;
        assert_eq!(code(&refused), "REJECTED", "{refused}");
        assert_eq!(refused["errors"][0]["extensions"]["reason"], reason);
    }
    let wrong = app.gql("{ ticket(id: \"not-a-uuid\") { id } }", json!({})).await;
    assert_eq!(code(&wrong), "INVALID", "{wrong}");
    let connect = json!({ "input": { "commandId": Uuid::now_v7(), "projectId": project, "provider": "GIT", "cloneUrl": "https://internal.example/a/b" } });
    let refused = app.gql(&mutation("connectRepository", "ConnectRepositoryInput", "version"), connect).await;
    assert!(matches!(code(&refused), "INVALID" | "REJECTED"), "{refused}");
}

#[tokio::test]
async fn repositories_come_and_go() {
    let app = App::start().await;
    let project = app.project("RP").await;
    let connect = json!({ "input": { "commandId": Uuid::now_v7(), "projectId": project, "provider": "GIT", "cloneUrl": "https://github.com/northwind/gateway" } });
    let answer = "repoConnection { id name cloneUrl provider disconnectedAt } version position";
    let made = app.data(&mutation("connectRepository", "ConnectRepositoryInput", answer), connect).await;
    let made = &made["connectRepository"]["repoConnection"];
    assert_eq!((&made["name"], &made["provider"]), (&json!("northwind/gateway"), &json!("GIT")));
    let gone = json!({ "input": { "commandId": Uuid::now_v7(), "repoConnectionId": made["id"] } });
    let gone = app.data(&mutation("disconnectRepository", "RepoRefInput", answer), gone).await;
    assert!(gone["disconnectRepository"]["repoConnection"]["disconnectedAt"].is_string());
    let list = "query($p: UUID!) { repoConnections(projectId: $p) { id } project(id: $p) { repositories { id } boards { name } } }";
    let list = app.data(list, json!({ "p": project })).await;
    assert_eq!(list["repoConnections"], json!([{ "id": made["id"] }]));
    assert_eq!(list["project"]["repositories"], list["repoConnections"]);
    assert_eq!(list["project"]["boards"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_page_after_a_page() {
    let app = App::start().await;
    let project = app.project("PG").await;
    let id = app.ticket(project, "t").await;
    for column in ["todo", "qa", "done", "todo"] {
        ticket(&app, "moveTicket", "MoveTicketInput", json!({ "ticketId": id, "columnKey": column })).await;
    }
    let history = "query($t: UUID!, $a: String) { history(ticketId: $t, first: 2, after: $a) { nodes { action position } pageInfo { hasNextPage endCursor } } }";
    let audit = "query($o: UUID!, $a: String) { auditLog(orgId: $o, first: 2, after: $a) { nodes { action position orgPosition actor { name } targetType targetKey hash commandId } pageInfo { hasNextPage endCursor } } }";
    for (name, query, variables) in
        [("history", history, json!({ "t": id })), ("auditLog", audit, json!({ "o": app.org }))]
    {
        let mut positions = Vec::new();
        let mut variables = variables;
        loop {
            let page = app.data(query, variables.clone()).await[name].clone();
            let nodes = page["nodes"].as_array().unwrap().clone();
            assert!(nodes.len() <= 2);
            positions.extend(nodes.iter().map(|node| node["position"].as_u64().unwrap()));
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            variables["a"] = page["pageInfo"]["endCursor"].clone();
        }
        assert!(positions.len() >= 5, "{name}: {positions:?}");
        assert!(positions.is_sorted_by(|a, b| a > b), "{name}: newest first, none twice: {positions:?}");
    }
    let too_many = app
        .gql("query($t: UUID!) { history(ticketId: $t, first: 101) { nodes { action } } }", json!({ "t": id }))
        .await;
    assert_eq!(code(&too_many), "INVALID", "{too_many}");
    let only_moves =
        "query($o: UUID!) { auditLog(orgId: $o, filter: {action: \"TicketMoved\"}) { nodes { action targetKey } } }";
    let moves = app.data(only_moves, json!({ "o": app.org })).await;
    let moves = moves["auditLog"]["nodes"].as_array().unwrap();
    assert_eq!(moves.len(), 4);
    assert!(moves.iter().all(|entry| entry["targetKey"] == "PG-1"), "{moves:?}");
}

#[tokio::test]
async fn a_query_waits_for_what_its_caller_did() {
    let app = App::start().await;
    let project = app.project("WT").await;
    let id = app.ticket(project, "t").await;
    let change = "mutation($i: MoveTicketInput!) { moveTicket(input: $i) { version } }";
    let board =
        "query($p: UUID!, $c: UUID) { board(projectId: $p, afterCommand: $c) { columns { key cards { ticketId } } } }";
    for column in ["todo", "qa", "done", "backlog", "todo", "qa"] {
        let command = Uuid::now_v7();
        app.data(change, json!({ "i": { "commandId": command, "ticketId": id, "columnKey": column } })).await;
        let seen = app.data(board, json!({ "p": project, "c": command })).await;
        let columns = seen["board"]["columns"].as_array().unwrap();
        let holder = columns.iter().find(|column| !column["cards"].as_array().unwrap().is_empty()).unwrap();
        assert_eq!(holder["key"], column);
    }
}
