//! A person's own ways in, and what the audit log tells of them.

use crate::members::{REMOVE, ROLE, id, join};
use crate::support::{App, PATIENCE, Socket, code};
use gateway::auth::Scope;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::{eventually, slack};

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let app = App::start().await;
    let (here, there) = (app.session().await, app.session().await);
    let list = "{ me { sessions { id current createdAt lastSeenAt userAgent } } }";
    let listed = here.gql(list, json!({})).await["data"]["me"]["sessions"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    let other = listed.as_array().unwrap().iter().find(|session| session["current"] == false).unwrap()["id"].clone();
    let mut live = Socket::connect(&app.base, &[("cookie", there.cookie()), ("origin", &app.base)]).await.unwrap();
    live.send(json!({ "type": "connection_init" })).await;
    assert_eq!(live.next().await.unwrap()["type"], "connection_ack");
    let revoke =
        "mutation($s: UUID!, $c: UUID!) { revokeSession(input: {commandId: $c, sessionId: $s}) { sessionId } }";
    let (_, stranger) = app.person("Stranger").await;
    assert_eq!(code(&app.gql_as(&stranger, revoke, json!({ "s": other, "c": id() })).await), "NOT_FOUND");
    let asked = Instant::now();
    let command = id();
    for _ in 0..2 {
        let ended = here.gql(revoke, json!({ "s": other, "c": command })).await;
        assert_eq!(ended["data"]["revokeSession"]["sessionId"], other, "{ended}");
    }
    assert_eq!(live.next().await.unwrap_err().0, 4401);
    assert!(asked.elapsed() < Duration::from_secs(1).mul_f64(slack()), "{:?}", asked.elapsed());
    assert_eq!(code(&there.gql(list, json!({})).await), "DENIED");
    assert_eq!(here.gql(list, json!({})).await["data"]["me"]["sessions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn tokens_are_made_listed_and_revoked() {
    let app = App::start().await;
    let owner = app.session().await;
    let create = "mutation($i: CreateTokenInput!) { createToken(input: $i) { secret token { id name role scopes expiresAt lastUsedAt } } }";
    let command = id();
    let input = json!({ "i": { "commandId": command, "name": " ci  script ", "role": "DEV", "scopes": ["READ", "READ", "TICKETS"] } });
    let lost = owner.gql(create, input.clone()).await["data"]["createToken"].clone();
    // The answer was lost: the same again gives a secret that works, and one token.
    let made = owner.gql(create, input.clone()).await["data"]["createToken"].clone();
    assert_eq!((&made["token"]["id"], &made["token"]["name"]), (&lost["token"]["id"], &json!("ci script")));
    assert_eq!(made["token"]["scopes"], json!(["READ", "TICKETS"]));
    assert_eq!(made["token"]["expiresAt"], lost["token"]["expiresAt"]);
    let (secret, lost) = (made["secret"].as_str().unwrap(), lost["secret"].as_str().unwrap());
    assert_eq!(code(&app.gql_as(lost, "{ me { user { id } } }", json!({})).await), "DENIED");
    assert!(app.gql_as(secret, "{ me { user { id } } }", json!({})).await["errors"].is_null());
    assert_eq!(code(&owner.gql(create, input).await), "INVALID", "one that was used keeps its secret");
    let list = "{ me { tokens { id name expired lastUsedAt } } }";
    let listed = owner.gql(list, json!({})).await["data"]["me"]["tokens"].clone();
    let mine = listed.as_array().unwrap().iter().find(|token| token["id"] == made["token"]["id"]).unwrap().clone();
    assert!(mine["lastUsedAt"].is_string() && mine["expired"] == false, "{mine}");
    // It makes nothing itself, and may not revoke.
    let revoke = "mutation($t: UUID!, $c: UUID!) { revokeToken(input: {commandId: $c, tokenId: $t}) { tokenId } }";
    let by_token = json!({ "i": { "commandId": id(), "name": "more" } });
    assert_eq!(code(&app.gql_as(secret, create, by_token).await), "DENIED");
    assert_eq!(code(&app.gql_as(secret, revoke, json!({ "t": mine["id"], "c": id() })).await), "DENIED");
    let (_, stranger) = app.person("Stranger").await;
    assert_eq!(code(&app.gql_as(&stranger, revoke, json!({ "t": mine["id"], "c": id() })).await), "NOT_FOUND");
    owner.gql(revoke, json!({ "t": mine["id"], "c": id() })).await;
    assert_eq!(code(&app.gql_as(secret, "{ me { user { id } } }", json!({})).await), "DENIED");
    for wrong in ["2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"] {
        let input = json!({ "i": { "commandId": id(), "name": "t", "expiresAt": wrong } });
        assert_eq!(code(&owner.gql(create, input).await), "INVALID");
    }
}

#[tokio::test]
async fn a_token_makes_no_token_that_could_do_more() {
    let app = App::start().await;
    let create = "mutation($i: CreateTokenInput!) { createToken(input: $i) { secret token { role scopes } } }";
    let make = async |by: &str, more: Value| {
        let mut input = json!({ "commandId": id(), "name": "child" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        app.gql_as(by, create, json!({ "i": input })).await
    };
    let qa = app.token(Some(domain::org::Role::Qa), &[Scope::Write]).await;
    assert_eq!(code(&make(&qa, json!({ "role": "ADMIN" })).await), "INVALID");
    let child = make(&qa, json!({})).await["data"]["createToken"]["token"].clone();
    assert_eq!((&child["role"], &child["scopes"]), (&json!("QA"), &json!(["WRITE"])));
    let reader = app.token(None, &[Scope::Read]).await;
    assert_eq!(code(&make(&reader, json!({})).await), "DENIED");
    let whole = make(&app.owner_token, json!({})).await;
    assert!(whole["errors"].is_null(), "{whole}");
}

#[tokio::test]
async fn the_audit_log_shows_every_way_in_and_every_role() {
    let app = App::start().await;
    let (dana, user) = join(&app, "Dana", "DEV").await;
    app.data(ROLE, json!({ "o": app.org, "u": user, "r": "PM", "c": id() })).await;
    let made = dana.gql("mutation($c: UUID!) { createToken(input: {commandId: $c, name: \"secret-name\", scopes: [READ]}) { token { id } } }", json!({ "c": id() })).await;
    let token = made["data"]["createToken"]["token"]["id"].clone();
    dana.gql(
        "mutation($t: UUID!, $c: UUID!) { revokeToken(input: {commandId: $c, tokenId: $t}) { tokenId } }",
        json!({ "t": token, "c": id() }),
    )
    .await;
    let (owner, other) = (app.session().await, app.session().await);
    let sessions = other.gql("{ me { sessions { id current } } }", json!({})).await["data"]["me"]["sessions"].clone();
    let current = sessions.as_array().unwrap().iter().find(|session| session["current"] == true).unwrap()["id"].clone();
    owner
        .gql(
            "mutation($s: UUID!, $c: UUID!) { revokeSession(input: {commandId: $c, sessionId: $s}) { sessionId } }",
            json!({ "s": current, "c": id() }),
        )
        .await;
    app.data(REMOVE, json!({ "o": app.org, "u": user, "c": id() })).await;
    let log = "query($o: UUID!) { auditLog(orgId: $o) { nodes { action payload actor { id } person { id name } } } }";
    let expected = [
        "MemberRemoved",
        "SessionRevoked",
        "MemberSignedIn",
        "MemberSignedIn",
        "TokenRevoked",
        "TokenCreated",
        "MemberRoleChanged",
        "MemberSignedIn",
        "MemberJoined",
        "MemberInvited",
        "MemberJoined",
        "OrgCreated",
    ];
    let nodes = eventually(PATIENCE, || async {
        let nodes = app.data(log, json!({ "o": app.org })).await["auditLog"]["nodes"].clone();
        (nodes.as_array().unwrap().len() >= expected.len()).then_some(nodes)
    })
    .await;
    let actions: Vec<&str> = nodes.as_array().unwrap().iter().map(|node| node["action"].as_str().unwrap()).collect();
    assert_eq!(actions, expected);
    assert_eq!(nodes[7]["payload"]["method"], "invitation");
    assert_eq!(nodes[5]["payload"]["scopes"], json!(["read"]));
    assert_eq!(nodes[0]["person"], json!({ "id": user, "name": "Dana" }), "who is gone has a name still");
    let payloads: Vec<String> = nodes.as_array().unwrap().iter().map(|node| node["payload"].to_string()).collect();
    assert!(!payloads.iter().any(|payload| payload.contains("secret-name") || payload.contains("Dana")));
}
