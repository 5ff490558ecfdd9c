//! Whoever comes with a way in that does not hold any more is refused, and the org's audit log says so once.

use crate::members::{REMOVE, id, invited, join, post};
use crate::support::{App, PATIENCE, code};
use chrono::{Duration, Utc};
use gateway::auth::{NewToken, create_token};
use serde_json::{Value, json};
use testkit::eventually;

const ME: &str = "{ me { user { id } } }";
const LOG: &str =
    "query($o: UUID!) { auditLog(orgId: $o, filter: {action: \"SignInRefused\"}) { nodes { payload actor { id } } } }";

/// The refusals in the org's log once there are so many, oldest first.
async fn refusals(app: &App, token: &str, org: uuid::Uuid, count: usize) -> Vec<Value> {
    eventually(PATIENCE, async || {
        let answer = app.gql_as(token, LOG, json!({ "o": org })).await;
        let nodes = answer["data"]["auditLog"]["nodes"].as_array()?.clone();
        (nodes.len() >= count).then(|| nodes.into_iter().rev().collect::<Vec<_>>())
    })
    .await
}

#[tokio::test]
async fn dead_tokens_and_removed_members_are_in_the_log_of_their_org_alone() {
    let app = App::start().await;
    let (dana, user) = join(&app, "Dana", "DEV").await;
    let (eve, eves_token) = app.person("Eve").await;
    let eves_org = app.new_org(&eves_token, "Eve's own").await;
    let person = domain::UserId(user.parse().unwrap());
    let new = |hours| NewToken {
        name: "t".into(),
        role: None,
        scopes: vec![],
        expires_at: Some(Utc::now() + Duration::hours(hours)),
    };
    let (expired, secret) = create_token(&app.pool, person, new(-1)).await.unwrap();
    for _ in 0..3 {
        assert_eq!(code(&app.gql_as(&secret, ME, json!({})).await), "DENIED");
    }
    let nodes = refusals(&app, &app.owner_token, app.org, 1).await;
    assert_eq!(nodes[0]["actor"]["id"], "system:sign-in");
    let payload = &nodes[0]["payload"];
    assert_eq!((&payload["reason"], &payload["user"]), (&json!("token_expired"), &json!(user)));
    assert_eq!(payload["token"], json!(expired.as_uuid()));

    let (revoked, secret) = create_token(&app.pool, person, new(1)).await.unwrap();
    let revoke = "mutation($t: UUID!, $c: UUID!) { revokeToken(input: {commandId: $c, tokenId: $t}) { tokenId } }";
    dana.gql(revoke, json!({ "t": revoked.as_uuid(), "c": id() })).await;
    assert_eq!(code(&app.gql_as(&secret, ME, json!({})).await), "DENIED");
    let nodes = refusals(&app, &app.owner_token, app.org, 2).await;
    assert_eq!(nodes[1]["payload"]["reason"], "token_revoked");

    let (standing, secret) = create_token(&app.pool, person, new(1)).await.unwrap();
    app.data(REMOVE, json!({ "o": app.org, "u": user, "c": id() })).await;
    for token in [&secret, &secret, &eves_token] {
        assert_eq!(code(&app.gql_as(token, LOG, json!({ "o": app.org })).await), "NOT_FOUND");
    }
    let nodes = refusals(&app, &app.owner_token, app.org, 3).await;
    assert_eq!(nodes[2]["payload"]["reason"], "no_member");
    assert_eq!(nodes[2]["payload"]["token"], json!(standing.as_uuid()));
    // A guess and a stranger are nobody's: the one who never was a member has left no trace here, nor these there.
    app.gql_as("lime_pat_guess", ME, json!({})).await;
    let eves = new(-1);
    let (_, secret) = create_token(&app.pool, eve, eves).await.unwrap();
    assert_eq!(code(&app.gql_as(&secret, ME, json!({})).await), "DENIED");
    assert_eq!(refusals(&app, &eves_token, eves_org, 1).await.len(), 1);
    assert_eq!(refusals(&app, &app.owner_token, app.org, 3).await.len(), 3);
}

#[tokio::test]
async fn links_that_do_not_hold_any_more_are_in_the_log_once() {
    let app = App::start().await;
    let used = invited(&app, "DEV").await;
    assert!(post(&app, "/auth/join", &json!({ "token": used, "name": "Dana" })).await.status().is_success());
    for path in ["/auth/invitation", "/auth/join", "/auth/join"] {
        assert_eq!(post(&app, path, &json!({ "token": used, "name": "Late" })).await.status(), 410);
    }
    let nodes = refusals(&app, &app.owner_token, app.org, 1).await;
    assert_eq!(nodes[0]["payload"]["reason"], "invitation_used");
    assert!(nodes[0]["payload"]["user"].is_null() && nodes[0]["payload"]["invitation"].is_string(), "{nodes:?}");

    let taken_back = invited(&app, "QA").await;
    let open = app.data("query($o: UUID!) { org(id: $o) { invitations { id } } }", json!({ "o": app.org })).await;
    let open = open["org"]["invitations"][0]["id"].clone();
    let revoke = "mutation($o: UUID!, $i: UUID!, $c: UUID!) { revokeInvitation(input: {commandId: $c, orgId: $o, invitationId: $i}) { version } }";
    app.data(revoke, json!({ "o": app.org, "i": open, "c": id() })).await;
    let (_, eve) = app.person("Eve").await;
    let accept = "mutation($t: String!, $c: UUID!) { acceptInvitation(input: {commandId: $c, token: $t}) { version } }";
    let refused = app.gql_as(&eve, accept, json!({ "t": taken_back, "c": id() })).await;
    assert_eq!(refused["errors"][0]["extensions"]["reason"], "INVITATION_REVOKED", "{refused}");
    assert_eq!(post(&app, "/auth/invitation", &json!({ "token": taken_back })).await.status(), 410);
    let nodes = refusals(&app, &app.owner_token, app.org, 2).await;
    assert_eq!(nodes[1]["payload"]["reason"], "invitation_revoked");
    assert_eq!(nodes.len(), 2);
}
