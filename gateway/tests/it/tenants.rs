//! Two orgs: nothing of one is ever seen from the other.

use crate::support::{App, Socket, code};
use async_graphql::parser::parse_query;
use async_graphql::parser::types::Selection;
use domain::UserId;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// In every text of the other org.
const CANARY: &str = "canary-7f3a";

/// What there is of org B to be asked for.
struct Other {
    user: UserId,
    token: String,
    org: Uuid,
    invitation: Value,
    project: Uuid,
    board: Value,
    ticket: Uuid,
    repo: Value,
    run: Value,
}

async fn other(app: &App) -> Other {
    let (user, token) = app.person(&format!("Bob {CANARY}")).await;
    let org = app.new_org(&token, &format!("Org {CANARY}")).await;
    let project = app.project_as(&token, org, "CNRY").await;
    let input = |fields: Value| {
        let mut fields = fields;
        fields["commandId"] = json!(Uuid::now_v7());
        json!({ "i": fields })
    };
    let send = async |query: &str, fields: Value| {
        let answer = app.gql_as(&token, query, input(fields)).await;
        assert!(answer["errors"].is_null(), "{answer}");
        answer["data"].clone()
    };
    let ticket = send(
        "mutation($i: CreateTicketInput!) { createTicket(input: $i) { ticket { id } } }",
        json!({ "projectId": project, "title": CANARY, "descriptionMd": CANARY, "labels": [CANARY] }),
    )
    .await["createTicket"]["ticket"]["id"]
        .clone();
    send(
        "mutation($i: CommentInput!) { commentOnTicket(input: $i) { version } }",
        json!({ "ticketId": ticket, "bodyMd": CANARY }),
    )
    .await;
    let repo = send(
        "mutation($i: ConnectRepositoryInput!) { connectRepository(input: $i) { repoConnection { id } } }",
        json!({ "projectId": project, "provider": "GIT", "cloneUrl": format!("https://github.com/{CANARY}/x") }),
    )
    .await["connectRepository"]["repoConnection"]["id"]
        .clone();
    let run = send(
        "mutation($i: StartRunInput!) { startRun(input: $i) { run { id } } }",
        json!({ "projectId": project, "mode": "PLAN", "provider": "codex", "prompt": CANARY }),
    )
    .await["startRun"]["run"]["id"]
        .clone();
    let board = app.gql_as(&token, "query($p: UUID!) { board(projectId: $p) { id } }", json!({ "p": project })).await;
    let board = board["data"]["board"]["id"].clone();
    let invited =
        app.gql_as(&token, crate::members::INVITE, json!({ "o": org, "r": "DEV", "c": Uuid::now_v7() })).await;
    let invitation = invited["data"]["inviteMember"]["invitation"]["id"].clone();
    assert!(invitation.is_string(), "{invited}");
    Other { user, token, org, invitation, project, board, ticket: ticket.as_str().unwrap().parse().unwrap(), repo, run }
}

/// The field at the root that a document asks for.
fn asked_field(document: &str) -> String {
    let parsed = parse_query(document).unwrap();
    let (_, operation) = parsed.operations.iter().next().unwrap();
    match &operation.node.selection_set.node.items[0].node {
        Selection::Field(field) => field.node.name.node.to_string(),
        Selection::FragmentSpread(_) | Selection::InlineFragment(_) => panic!("not a field: {document}"),
    }
}

#[tokio::test]
async fn every_id_of_another_org_is_as_unknown() {
    let app = App::start().await;
    let b = other(&app).await;
    let mine = app.project("MINE").await;
    let my_ticket = app.ticket(mine, "mine").await;
    let c = || Uuid::now_v7();
    let (org, project, ticket, board, repo, run) = (b.org, b.project, b.ticket, &b.board, &b.repo, &b.run);
    let unknown = Uuid::now_v7();

    let theirs = b.user.as_uuid();
    let (their_token, their_session) = (Uuid::now_v7(), Uuid::now_v7());
    sqlx::query("insert into api_tokens (id, token_hash, user_id, name) values ($1, 'x', $2, 'canary-7f3a')")
        .bind(their_token)
        .bind(theirs)
        .execute(&app.pool)
        .await
        .unwrap();
    sqlx::query("insert into sessions (id_hash, public_id, user_id, expires_at) values ('y', $1, $2, 'infinity')")
        .bind(their_session)
        .bind(theirs)
        .execute(&app.pool)
        .await
        .unwrap();
    let documents: Vec<(&str, String, Value)> = vec![
        ("inviteMember", "mutation($x: UUID!, $c: UUID!) { inviteMember(input: {commandId: $c, orgId: $x, role: ADMIN}) { invitationLink } }".into(), json!({ "x": org, "c": c() })),
        ("revokeInvitation", "mutation($x: UUID!, $i: UUID!, $c: UUID!) { revokeInvitation(input: {commandId: $c, orgId: $x, invitationId: $i}) { version } }".into(), json!({ "x": org, "i": b.invitation, "c": c() })),
        ("foreign invitation", "mutation($o: UUID!, $x: UUID!, $c: UUID!) { revokeInvitation(input: {commandId: $c, orgId: $o, invitationId: $x}) { version } }".into(), json!({ "o": app.org, "x": b.invitation, "c": c() })),
        ("changeRole", "mutation($x: UUID!, $u: UUID!, $c: UUID!) { changeRole(input: {commandId: $c, orgId: $x, userId: $u, role: QA}) { version } }".into(), json!({ "x": org, "u": theirs, "c": c() })),
        ("my own role there", "mutation($x: UUID!, $u: UUID!, $c: UUID!) { changeRole(input: {commandId: $c, orgId: $x, userId: $u, role: ADMIN}) { version } }".into(), json!({ "x": org, "u": app.owner, "c": c() })),
        ("foreign member", "mutation($o: UUID!, $x: UUID!, $c: UUID!) { changeRole(input: {commandId: $c, orgId: $o, userId: $x, role: QA}) { version } }".into(), json!({ "o": app.org, "x": theirs, "c": c() })),
        ("foreign project", "mutation($o: UUID!, $u: UUID!, $x: UUID!, $c: UUID!) { changeRole(input: {commandId: $c, orgId: $o, userId: $u, role: QA, projectId: $x}) { version } }".into(), json!({ "o": app.org, "u": app.owner, "x": project, "c": c() })),
        ("removeMember", "mutation($x: UUID!, $u: UUID!, $c: UUID!) { removeMember(input: {commandId: $c, orgId: $x, userId: $u}) { version } }".into(), json!({ "x": org, "u": theirs, "c": c() })),
        ("remove foreign member", "mutation($o: UUID!, $x: UUID!, $c: UUID!) { removeMember(input: {commandId: $c, orgId: $o, userId: $x}) { version } }".into(), json!({ "o": app.org, "x": theirs, "c": c() })),
        ("leave", "mutation($x: UUID!, $u: UUID!, $c: UUID!) { removeMember(input: {commandId: $c, orgId: $x, userId: $u}) { version } }".into(), json!({ "x": org, "u": app.owner, "c": c() })),
        ("setProviderKey", "mutation($x: UUID!, $c: UUID!) { setProviderKey(input: {commandId: $c, orgId: $x, provider: \"codex\", key: \"sk-0123456789abcdef\"}) { version } }".into(), json!({ "x": org, "c": c() })),
        ("removeProviderKey", "mutation($x: UUID!, $c: UUID!) { removeProviderKey(input: {commandId: $c, orgId: $x, provider: \"codex\"}) { version } }".into(), json!({ "x": org, "c": c() })),
        ("checkProviderKey", "mutation($x: UUID!) { checkProviderKey(input: {orgId: $x, provider: \"codex\"}) { providerKey { lastFour } } }".into(), json!({ "x": org })),
        ("setBudget", "mutation($x: UUID!, $c: UUID!) { setBudget(input: {commandId: $c, orgId: $x, scope: ORG, limitUsdMicros: 1}) { version } }".into(), json!({ "x": org, "c": c() })),
        ("budget of a foreign project", "mutation($o: UUID!, $x: UUID!, $c: UUID!) { setBudget(input: {commandId: $c, orgId: $o, scope: PROJECT, projectId: $x, limitUsdMicros: 1}) { version } }".into(), json!({ "o": app.org, "x": project, "c": c() })),
        ("budget of a foreign ticket", "mutation($o: UUID!, $x: UUID!, $c: UUID!) { setBudget(input: {commandId: $c, orgId: $o, scope: TICKET, ticketId: $x, limitUsdMicros: 1}) { version } }".into(), json!({ "o": app.org, "x": ticket, "c": c() })),
        ("setTimeZone", "mutation($x: UUID!, $c: UUID!) { setTimeZone(input: {commandId: $c, orgId: $x, timeZone: \"UTC\"}) { version } }".into(), json!({ "x": org, "c": c() })),
        ("revokeToken", "mutation($x: UUID!, $c: UUID!) { revokeToken(input: {commandId: $c, tokenId: $x}) { tokenId } }".into(), json!({ "x": their_token, "c": c() })),
        ("revokeSession", "mutation($x: UUID!, $c: UUID!) { revokeSession(input: {commandId: $c, sessionId: $x}) { sessionId } }".into(), json!({ "x": their_session, "c": c() })),
        ("org", "query($x: UUID!) { org(id: $x) { name projects { name } members { user { name } } budgets { limitUsdMicros } budgetToday { limitUsdMicros } providerKeys { lastFour } } }".into(), json!({ "x": org })),
        ("project", "query($x: UUID!) { project(id: $x) { name boards { name } repositories { name } } }".into(), json!({ "x": project })),
        ("board", "query($x: UUID!) { board(projectId: $x) { name columns { cards { title } } } }".into(), json!({ "x": project })),
        ("board of mine", "query($x: UUID!, $m: UUID!) { board(projectId: $m, boardId: $x) { name } }".into(), json!({ "x": board, "m": mine })),
        ("ticket", "query($x: UUID!) { ticket(id: $x) { title comments { bodyMd } activity { payload } runs { prompt } } }".into(), json!({ "x": ticket })),
        ("ticketByKey", "query($x: UUID!) { ticketByKey(orgId: $x, key: \"CNRY-1\") { title } }".into(), json!({ "x": org })),
        ("key in mine", "query($x: UUID!) { ticketByKey(orgId: $x, key: \"CNRY-1\") { title } }".into(), json!({ "x": app.org })),
        ("providers", "query($x: UUID!) { providers(orgId: $x) { id } }".into(), json!({ "x": org })),
        ("agentRuns", "query($x: UUID!) { agentRuns(orgId: $x) { nodes { prompt } } }".into(), json!({ "x": org })),
        ("agentRun", "query($x: UUID!) { agentRun(id: $x) { prompt artifacts { name } plan { title } } }".into(), json!({ "x": run })),
        ("runEvents", "query($x: UUID!) { runEvents(runId: $x) { events { text } } }".into(), json!({ "x": run })),
        ("conversations", "query($x: UUID!) { conversations(projectId: $x) { nodes { title } } }".into(), json!({ "x": project })),
        ("repoConnections", "query($x: UUID!) { repoConnections(projectId: $x) { name } }".into(), json!({ "x": project })),
        ("auditLog", "query($x: UUID!) { auditLog(orgId: $x) { nodes { payload } } }".into(), json!({ "x": org })),
        ("history", "query($x: UUID!) { history(ticketId: $x) { nodes { payload } } }".into(), json!({ "x": ticket })),
        ("createProject", "mutation($x: UUID!, $c: UUID!) { createProject(input: {commandId: $c, orgId: $x, key: \"EV\", name: \"e\"}) { version } }".into(), json!({ "x": org, "c": c() })),
        ("createTicket", "mutation($x: UUID!, $c: UUID!) { createTicket(input: {commandId: $c, projectId: $x, title: \"e\"}) { version } }".into(), json!({ "x": project, "c": c() })),
        ("foreign board", "mutation($m: UUID!, $x: UUID!, $c: UUID!) { createTicket(input: {commandId: $c, projectId: $m, boardId: $x, title: \"e\"}) { version } }".into(), json!({ "m": mine, "x": board, "c": c() })),
        ("foreign parent", "mutation($m: UUID!, $x: UUID!, $c: UUID!) { createTicket(input: {commandId: $c, projectId: $m, parentId: $x, title: \"e\"}) { version } }".into(), json!({ "m": mine, "x": ticket, "c": c() })),
        ("editTicket", "mutation($x: UUID!, $c: UUID!) { editTicket(input: {commandId: $c, ticketId: $x, title: \"e\"}) { version } }".into(), json!({ "x": ticket, "c": c() })),
        ("reparent", "mutation($t: UUID!, $x: UUID!, $c: UUID!) { editTicket(input: {commandId: $c, ticketId: $t, parentId: $x}) { version } }".into(), json!({ "t": my_ticket, "x": ticket, "c": c() })),
        ("moveTicket", "mutation($x: UUID!, $c: UUID!) { moveTicket(input: {commandId: $c, ticketId: $x, columnKey: \"done\"}) { version } }".into(), json!({ "x": ticket, "c": c() })),
        ("neighbour", "mutation($t: UUID!, $x: UUID!, $c: UUID!) { moveTicket(input: {commandId: $c, ticketId: $t, columnKey: \"todo\", afterId: $x}) { version } }".into(), json!({ "t": my_ticket, "x": ticket, "c": c() })),
        ("assignTicket", "mutation($x: UUID!, $c: UUID!) { assignTicket(input: {commandId: $c, ticketId: $x}) { version } }".into(), json!({ "x": ticket, "c": c() })),
        ("delegateTicket", "mutation($x: UUID!, $c: UUID!) { delegateTicket(input: {commandId: $c, ticketId: $x, provider: \"codex\"}) { version } }".into(), json!({ "x": ticket, "c": c() })),
        ("commentOnTicket", "mutation($x: UUID!, $c: UUID!) { commentOnTicket(input: {commandId: $c, ticketId: $x, bodyMd: \"e\"}) { version } }".into(), json!({ "x": ticket, "c": c() })),
        ("archiveTicket", "mutation($x: UUID!, $c: UUID!) { archiveTicket(input: {commandId: $c, ticketId: $x}) { version } }".into(), json!({ "x": ticket, "c": c() })),
        ("restoreTicket", "mutation($x: UUID!, $c: UUID!) { restoreTicket(input: {commandId: $c, ticketId: $x}) { version } }".into(), json!({ "x": ticket, "c": c() })),
        ("connectRepository", "mutation($x: UUID!, $c: UUID!) { connectRepository(input: {commandId: $c, projectId: $x, provider: GIT, cloneUrl: \"https://github.com/a/b\"}) { version } }".into(), json!({ "x": project, "c": c() })),
        ("disconnectRepository", "mutation($x: UUID!, $c: UUID!) { disconnectRepository(input: {commandId: $c, repoConnectionId: $x}) { version } }".into(), json!({ "x": repo, "c": c() })),
        ("startRun", "mutation($x: UUID!, $c: UUID!) { startRun(input: {commandId: $c, projectId: $x, mode: PLAN, provider: \"codex\", prompt: \"e\"}) { version } }".into(), json!({ "x": project, "c": c() })),
        ("foreign ticket", "mutation($m: UUID!, $x: UUID!, $c: UUID!) { startRun(input: {commandId: $c, projectId: $m, mode: PLAN, provider: \"codex\", prompt: \"e\", ticketId: $x}) { version } }".into(), json!({ "m": mine, "x": ticket, "c": c() })),
        ("foreign repository", "mutation($m: UUID!, $x: UUID!, $c: UUID!) { startRun(input: {commandId: $c, projectId: $m, mode: PLAN, provider: \"codex\", prompt: \"e\", repoConnectionId: $x}) { version } }".into(), json!({ "m": mine, "x": repo, "c": c() })),
        ("cancelRun", "mutation($x: UUID!, $c: UUID!) { cancelRun(input: {commandId: $c, runId: $x}) { version } }".into(), json!({ "x": run, "c": c() })),
        ("acceptPlan", "mutation($x: UUID!, $c: UUID!) { acceptPlan(input: {commandId: $c, runId: $x}) { version } }".into(), json!({ "x": run, "c": c() })),
    ];
    // These take no id of an org's: who asks is all they go by, or a token that is a secret itself.
    let mut tried: BTreeSet<String> =
        ["me", "createOrg", "acceptInvitation", "createToken"].map(str::to_owned).into_iter().collect();
    tried.extend(documents.iter().map(|(_, document, _)| asked_field(document)));
    for root in ["Query", "Mutation"] {
        for field in crate::contract::root_fields(root) {
            assert!(tried.contains(&field), "{root}.{field} is not tried with ids of another org: add it above");
        }
    }
    for (name, document, variables) in documents {
        let foreign = app.gql(&document, variables.clone()).await;
        assert_eq!(code(&foreign), "NOT_FOUND", "{name}: {foreign}");
        assert!(!foreign.to_string().contains(CANARY), "{name}: {foreign}");
        let mut nobodys = variables;
        if name != "key in mine" {
            nobodys["x"] = json!(unknown);
        }
        let nobodys = app.gql(&document, nobodys).await;
        assert_eq!(nobodys, foreign, "{name}: unknown and foreign answer alike");
    }
    // Filters of mine with ids of theirs find nothing.
    let filtered = "query($o: UUID!, $p: UUID!, $t: UUID!) {
        a: agentRuns(orgId: $o, filter: {projectId: $p}) { nodes { id } }
        b: agentRuns(orgId: $o, filter: {ticketId: $t}) { nodes { id } }
        c: auditLog(orgId: $o, filter: {targetId: $t}) { nodes { eventId } } }";
    let found = app.data(filtered, json!({ "o": app.org, "p": project, "t": ticket })).await;
    for name in ["a", "b", "c"] {
        assert_eq!(found[name]["nodes"], json!([]), "{name}");
    }
    // Their own eyes see it all.
    let own = app.gql_as(&b.token, "query($x: UUID!) { ticket(id: $x) { title } }", json!({ "x": ticket })).await;
    assert_eq!(own["data"]["ticket"]["title"], CANARY);
}

#[tokio::test]
async fn sockets_keep_the_wall_too() {
    let app = App::start().await;
    let b = other(&app).await;
    let mine = app.project("MINE").await;
    let mut socket = app.socket().await;
    let tries = [
        ("subscription($x: UUID!) { boardChanged(projectId: $x) { live card { title } } }", json!({ "x": b.project })),
        (
            "subscription($x: UUID!, $m: UUID!) { boardChanged(projectId: $m, boardId: $x) { live } }",
            json!({ "x": b.board, "m": mine }),
        ),
        ("subscription($x: UUID!) { ticketChanged(ticketId: $x) { live ticket { title } } }", json!({ "x": b.ticket })),
        ("subscription($x: UUID!) { runEvents(runId: $x) { live event { text } } }", json!({ "x": b.run })),
        ("subscription($x: UUID!) { runsChanged(projectId: $x) { live run { prompt } } }", json!({ "x": b.project })),
    ];
    let tried: BTreeSet<String> = tries.iter().map(|(document, _)| asked_field(document)).collect();
    for field in crate::contract::root_fields("Subscription") {
        assert!(tried.contains(&field), "Subscription.{field} is not tried with ids of another org: add it above");
    }
    for (index, (document, variables)) in tries.into_iter().enumerate() {
        socket.subscribe(&index.to_string(), document, variables).await;
        let refused = socket.next().await.unwrap();
        assert_eq!(refused["type"], "error", "{document}: {refused}");
        assert_eq!(refused["payload"][0]["extensions"]["code"], "NOT_FOUND", "{document}: {refused}");
    }
}

#[tokio::test]
async fn one_followed_board_shows_nothing_of_another() {
    let app = App::start().await;
    let b = other(&app).await;
    let mine = app.project("MINE").await;
    let document = "subscription($p: UUID!) { boardChanged(projectId: $p) { live card { title } } }";
    let mut a_socket = app.socket().await;
    a_socket.subscribe("1", document, json!({ "p": mine })).await;
    a_socket.until_live("boardChanged").await;
    let mut b_socket = Socket::open(&app.base, &b.token).await;
    b_socket.subscribe("1", document, json!({ "p": b.project })).await;
    b_socket.until_live("boardChanged").await;
    let create = "mutation($p: UUID!, $c: UUID!) { createTicket(input: {commandId: $c, projectId: $p, title: \"more canary-7f3a\"}) { version } }";
    app.gql_as(&b.token, create, json!({ "p": b.project, "c": Uuid::now_v7() })).await;
    assert_eq!(b_socket.item("boardChanged").await["card"]["title"], "more canary-7f3a");
    app.ticket(mine, "mine").await;
    assert_eq!(a_socket.item("boardChanged").await["card"]["title"], "mine", "the first thing that comes is my own");
}

#[tokio::test]
async fn a_role_bounds_what_a_member_does() {
    let app = App::start().await;
    let project = app.project("RL").await;
    // Joined by the log itself: invitations come with another part of the product.
    let (user, token) = app.person("Quinn").await;
    app.join(user, "qa").await;
    let see = app.gql_as(&token, "query($p: UUID!) { project(id: $p) { key } }", json!({ "p": project })).await;
    assert_eq!(see["data"]["project"]["key"], "RL", "{see}");
    let create = "mutation($o: UUID!, $c: UUID!) { createProject(input: {commandId: $c, orgId: $o, key: \"QQ\", name: \"q\"}) { version } }";
    let refused = app.gql_as(&token, create, json!({ "o": app.org, "c": Uuid::now_v7() })).await;
    assert_eq!(code(&refused), "DENIED", "{refused}");
}
