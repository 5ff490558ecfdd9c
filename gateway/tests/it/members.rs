//! People come by invitation, get roles, and go; what they held opens nothing any more.

use crate::support::{App, Session, Socket, code};
use reqwest::StatusCode;
use reqwest::header::SET_COOKIE;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::slack;
use uuid::Uuid;

pub const INVITE: &str = "mutation($o: UUID!, $r: Role!, $c: UUID!) { inviteMember(input: {commandId: $c, orgId: $o, role: $r}) { invitationLink invitation { id role expired invitedBy { name } } version } }";
pub const ROLE: &str = "mutation($o: UUID!, $u: UUID!, $r: Role, $p: UUID, $c: UUID!) { changeRole(input: {commandId: $c, orgId: $o, userId: $u, role: $r, projectId: $p}) { org { members { role user { id } projectRoles { projectId role } } } } }";
pub const REMOVE: &str = "mutation($o: UUID!, $u: UUID!, $c: UUID!) { removeMember(input: {commandId: $c, orgId: $o, userId: $u}) { org { id } } }";
const ACCEPT: &str =
    "mutation($t: String!, $c: UUID!) { acceptInvitation(input: {commandId: $c, token: $t}) { org { id name } } }";
const MEMBERS: &str = "query($o: UUID!) { org(id: $o) { members { role user { id name } } } }";

pub fn id() -> Uuid {
    Uuid::now_v7()
}

/// A link's token, as the page takes it from the address.
pub async fn invited(app: &App, role: &str) -> String {
    let made = app.data(INVITE, json!({ "o": app.org, "r": role, "c": id() })).await;
    let link = made["inviteMember"]["invitationLink"].as_str().unwrap();
    link.strip_prefix(&app.url("/join#")).expect("a link of this gateway").to_owned()
}

pub async fn post(app: &App, path: &str, body: &Value) -> reqwest::Response {
    post_to(&app.base, path, body).await
}

/// As a page of ours sends it.
async fn post_to(base: &str, path: &str, body: &Value) -> reqwest::Response {
    reqwest::Client::new().post(format!("{base}{path}")).header("x-lime-csrf", "1").json(body).send().await.unwrap()
}

async fn reason(answer: reqwest::Response, status: StatusCode) -> String {
    assert_eq!(answer.status(), status);
    let body: Value = answer.json().await.unwrap();
    assert!(body["message"].as_str().unwrap().ends_with('.'), "{body}");
    body["reason"].as_str().unwrap().to_owned()
}

/// Joins as a new person, as the link's page does.
pub async fn join<'a>(app: &'a App, name: &str, role: &str) -> (Session<'a>, String) {
    let token = invited(app, role).await;
    let joined = post(app, "/auth/join", &json!({ "token": token, "name": name })).await;
    assert_eq!(joined.status(), StatusCode::NO_CONTENT);
    let session = Session::new(app, joined.headers()[SET_COOKIE].to_str().unwrap());
    let me = session.gql("{ me { user { id } } }", json!({})).await;
    (session, me["data"]["me"]["user"]["id"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_link_lets_one_new_person_in() {
    let app = App::start().await;
    let token = invited(&app, "DEV").await;
    let look = post(&app, "/auth/invitation", &json!({ "token": token })).await;
    let look: Value = look.json().await.unwrap();
    assert_eq!(
        (&look["orgName"], &look["role"], &look["needsProvider"]),
        (&json!("Northwind"), &json!("dev"), &json!(false))
    );
    // A name is needed, a page of ours too.
    let join = json!({ "token": token, "name": "Dana" });
    let unnamed = post(&app, "/auth/join", &json!({ "token": token, "name": " \u{202e}" })).await;
    assert_eq!(reason(unnamed, StatusCode::BAD_REQUEST).await, "INVALID");
    let bare = app.http.post(app.url("/auth/join")).json(&join);
    assert_eq!(reason(bare.send().await.unwrap(), StatusCode::FORBIDDEN).await, "DENIED");
    let foreign =
        app.http.post(app.url("/auth/join")).header("x-lime-csrf", "1").header("origin", "https://evil.example");
    assert_eq!(reason(foreign.json(&join).send().await.unwrap(), StatusCode::FORBIDDEN).await, "DENIED");

    let joined = post(&app, "/auth/join", &join).await;
    assert_eq!(joined.status(), StatusCode::NO_CONTENT);
    let session = Session::new(&app, joined.headers()[SET_COOKIE].to_str().unwrap());
    let me = session.gql("{ me { user { name } orgs { role org { id name } } } }", json!({})).await;
    assert_eq!(me["data"]["me"]["user"]["name"], "Dana");
    assert_eq!(me["data"]["me"]["orgs"][0]["role"], "DEV", "{me}");
    assert_eq!(me["data"]["me"]["orgs"][0]["org"]["id"], json!(app.org));
    // Used up, for strangers and for members; a guess is as unknown as anything.
    let again = post(&app, "/auth/join", &json!({ "token": token, "name": "Eve" })).await;
    assert_eq!(reason(again, StatusCode::GONE).await, "INVITATION_USED");
    let guess = post(&app, "/auth/join", &json!({ "token": "0".repeat(64), "name": "Eve" })).await;
    assert_eq!(reason(guess, StatusCode::NOT_FOUND).await, "NOT_FOUND");
    let names: Vec<String> =
        sqlx::query_scalar("select name from users order by id").fetch_all(&app.pool).await.unwrap();
    assert_eq!(names, ["Owner", "Dana"], "nobody is left of those who did not come in");
    // The token is stored nowhere as it is.
    let stored: i64 = sqlx::query_scalar("select count(*) from invitation_links l where l::text like '%' || $1 || '%'")
        .bind(&token)
        .fetch_one(&app.pool)
        .await
        .unwrap();
    let in_events: i64 = sqlx::query_scalar(
        "select count(*) from events where payload::text like '%' || $1 || '%' or payload::text like '%Dana%'",
    )
    .bind(&token)
    .fetch_one(&app.pool)
    .await
    .unwrap();
    assert_eq!((stored, in_events), (0, 0));
}

#[tokio::test]
async fn who_is_signed_in_joins_as_who_they_are() {
    let app = App::start().await;
    let (user, bob) = app.person("Bob").await;
    app.new_org(&bob, "Bob's own").await;
    let token = invited(&app, "PM").await;
    let command = id();
    for _ in 0..2 {
        let joined = app.gql_as(&bob, ACCEPT, json!({ "t": token, "c": command })).await;
        assert_eq!(joined["data"]["acceptInvitation"]["org"]["name"], "Northwind", "{joined}");
    }
    let me = app.gql_as(&bob, "{ me { orgs { role org { name } } } }", json!({})).await;
    let orgs = json!([
        { "role": "ADMIN", "org": { "name": "Bob's own" } },
        { "role": "PM", "org": { "name": "Northwind" } },
    ]);
    assert_eq!(me["data"]["me"]["orgs"], orgs);
    let (_, eve) = app.person("Eve").await;
    let late = app.gql_as(&eve, ACCEPT, json!({ "t": token, "c": id() })).await;
    assert_eq!(late["errors"][0]["extensions"]["reason"], "INVITATION_USED", "{late}");
    let more = invited(&app, "QA").await;
    let twice = app.gql_as(&bob, ACCEPT, json!({ "t": more, "c": id() })).await;
    assert_eq!(twice["errors"][0]["extensions"]["reason"], "ALREADY_MEMBER");
    let unknown = app.gql_as(&bob, ACCEPT, json!({ "t": "nonsense", "c": id() })).await;
    assert_eq!(code(&unknown), "NOT_FOUND");
    let members = app.data(MEMBERS, json!({ "o": app.org })).await;
    assert_eq!(members["org"]["members"][1]["user"]["id"], json!(user));
}

#[tokio::test]
async fn links_that_do_not_hold_say_why() {
    let app = App::start().await;
    let list = "query($o: UUID!) { org(id: $o) { invitations { id role expired invitedBy { name } } } }";
    let token = invited(&app, "DEV").await;
    let open = app.data(list, json!({ "o": app.org })).await["org"]["invitations"].clone();
    assert_eq!(
        (&open[0]["role"], &open[0]["expired"], &open[0]["invitedBy"]["name"]),
        (&json!("DEV"), &json!(false), &json!("Owner"))
    );
    let revoke = "mutation($o: UUID!, $i: UUID!, $c: UUID!) { revokeInvitation(input: {commandId: $c, orgId: $o, invitationId: $i}) { org { invitations { id } } } }";
    let revoked = app.data(revoke, json!({ "o": app.org, "i": open[0]["id"], "c": id() })).await;
    assert_eq!(revoked["revokeInvitation"]["org"]["invitations"], json!([]));
    let look = post(&app, "/auth/invitation", &json!({ "token": token })).await;
    assert_eq!(reason(look, StatusCode::GONE).await, "INVITATION_REVOKED");
    let join = post(&app, "/auth/join", &json!({ "token": token, "name": "Late" })).await;
    assert_eq!(reason(join, StatusCode::GONE).await, "INVITATION_REVOKED");

    // Too old: as time would make it, on the write side's own record.
    let old = invited(&app, "DEV").await;
    let aged = "update events set payload = (payload::jsonb || '{\"expires_at\": \"2020-01-01T00:00:00Z\"}')::json
                where event_type = 'MemberInvited'";
    sqlx::query(aged).execute(&app.owner_pool().await).await.unwrap();
    let elsewhere = app.another_process().await;
    let late = post_to(&elsewhere.base, "/auth/join", &json!({ "token": old, "name": "Late" })).await;
    assert_eq!(reason(late, StatusCode::GONE).await, "INVITATION_EXPIRED");
    // Sent again under its command id, an invitation gets another link and the first is nobody's.
    let command = id();
    let mut links = Vec::new();
    for _ in 0..2 {
        let made = app.data(INVITE, json!({ "o": app.org, "r": "QA", "c": command })).await;
        links.push(made["inviteMember"]["invitationLink"].as_str().unwrap().rsplit('#').next().unwrap().to_owned());
    }
    let first = post(&app, "/auth/invitation", &json!({ "token": links[0] })).await;
    assert_eq!(reason(first, StatusCode::NOT_FOUND).await, "NOT_FOUND");
    assert_eq!(post(&app, "/auth/invitation", &json!({ "token": links[1] })).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn only_admins_manage_members_and_one_of_them_stays() {
    let app = App::start().await;
    let (dana, user) = join(&app, "Dana", "DEV").await;
    for (document, variables) in [
        (INVITE, json!({ "o": app.org, "r": "ADMIN", "c": id() })),
        (ROLE, json!({ "o": app.org, "u": user, "r": "ADMIN", "c": id() })),
        (REMOVE, json!({ "o": app.org, "u": app.owner, "c": id() })),
        ("query($o: UUID!) { org(id: $o) { invitations { id } } }", json!({ "o": app.org })),
    ] {
        assert_eq!(code(&dana.gql(document, variables).await), "DENIED", "{document}");
    }
    let last = |answer: Value| assert_eq!(answer["errors"][0]["extensions"]["reason"], "LAST_ADMIN", "{answer}");
    last(app.gql(ROLE, json!({ "o": app.org, "u": app.owner, "r": "DEV", "c": id() })).await);
    last(app.gql(REMOVE, json!({ "o": app.org, "u": app.owner, "c": id() })).await);

    // A new role counts at the next request.
    app.data(ROLE, json!({ "o": app.org, "u": user, "r": "ADMIN", "c": id() })).await;
    let invites = dana.gql(INVITE, json!({ "o": app.org, "r": "QA", "c": id() })).await;
    assert!(invites["errors"].is_null(), "{invites}");
    let demoted = dana.gql(ROLE, json!({ "o": app.org, "u": app.owner, "r": "QA", "c": id() })).await;
    assert!(demoted["errors"].is_null(), "{demoted}");
    assert_eq!(code(&app.gql(INVITE, json!({ "o": app.org, "r": "QA", "c": id() })).await), "DENIED");
    // Anybody may leave.
    app.data(REMOVE, json!({ "o": app.org, "u": app.owner, "c": id() })).await;
    assert_eq!(code(&app.gql(MEMBERS, json!({ "o": app.org })).await), "NOT_FOUND");
    last(dana.gql(REMOVE, json!({ "o": app.org, "u": user, "c": id() })).await);
}

#[tokio::test]
async fn who_is_removed_sees_nothing_more_within_a_second() {
    let app = App::start().await;
    let project = app.project("RM").await;
    let (dana, user) = join(&app, "Dana", "DEV").await;
    let made = dana
        .gql(
            "mutation($c: UUID!) { createToken(input: {commandId: $c, name: \"script\"}) { secret } }",
            json!({ "c": id() }),
        )
        .await;
    let token = made["data"]["createToken"]["secret"].as_str().unwrap().to_owned();
    let changed = "subscription($p: UUID!) { boardChanged(projectId: $p) { live card { title } } }";
    let mut theirs = Socket::open(&app.base, &token).await;
    theirs.subscribe("1", changed, json!({ "p": project })).await;
    theirs.until_live("boardChanged").await;
    let mut mine = app.socket().await;
    mine.subscribe("1", changed, json!({ "p": project })).await;
    mine.until_live("boardChanged").await;
    app.ticket(project, "before").await;
    assert_eq!(theirs.item("boardChanged").await["card"]["title"], "before");
    assert_eq!(mine.item("boardChanged").await["card"]["title"], "before");

    let asked = Instant::now();
    app.data(REMOVE, json!({ "o": app.org, "u": user, "c": id() })).await;
    let ended = theirs.next().await.unwrap();
    assert!(asked.elapsed() < Duration::from_secs(1).mul_f64(slack()), "{:?}", asked.elapsed());
    assert_eq!(ended["payload"]["errors"][0]["extensions"]["code"], "NOT_FOUND", "{ended}");
    assert_eq!(theirs.next().await.unwrap()["type"], "complete");
    app.ticket(project, "after").await;
    assert_eq!(mine.item("boardChanged").await["card"]["title"], "after", "others go on");
    // The socket is the person's own and stays; what it asks for is not found any more, as nothing of the org is.
    theirs.subscribe("2", changed, json!({ "p": project })).await;
    let refused = theirs.next().await.unwrap();
    assert_eq!(
        (&refused["type"], &refused["payload"][0]["extensions"]["code"]),
        (&json!("error"), &json!("NOT_FOUND"))
    );
    for answer in [
        app.gql_as(&token, MEMBERS, json!({ "o": app.org })).await,
        dana.gql(MEMBERS, json!({ "o": app.org })).await,
        dana.gql("query($p: UUID!) { board(projectId: $p) { id } }", json!({ "p": project })).await,
    ] {
        assert_eq!(code(&answer), "NOT_FOUND", "{answer}");
    }
    // Their name stays on what they did.
    let audit = app
        .data("query($o: UUID!) { auditLog(orgId: $o) { nodes { action actor { name } } } }", json!({ "o": app.org }))
        .await;
    let by_dana = json!({ "action": "MemberJoined", "actor": { "name": "Dana" } });
    assert!(audit["auditLog"]["nodes"].as_array().unwrap().contains(&by_dana), "{audit}");
}

#[tokio::test]
async fn a_role_may_be_another_one_in_a_project() {
    let app = App::start().await;
    let (one, two) = (app.project("ONE").await, app.project("TWO").await);
    let (quinn, user) = join(&app, "Quinn", "QA").await;
    let set = app.data(ROLE, json!({ "o": app.org, "u": user, "r": "DEV", "p": one, "c": id() })).await;
    let roles = json!([{ "projectId": one, "role": "DEV" }]);
    assert_eq!(set["changeRole"]["org"]["members"][1]["projectRoles"], roles);
    assert_eq!(set["changeRole"]["org"]["members"][1]["role"], "QA");
    let connect = "mutation($p: UUID!, $c: UUID!) { connectRepository(input: {commandId: $c, projectId: $p, provider: GIT, cloneUrl: \"https://github.com/a/b\"}) { repoConnection { id } } }";
    let connected = quinn.gql(connect, json!({ "p": one, "c": id() })).await;
    assert!(connected["errors"].is_null(), "{connected}");
    assert_eq!(code(&quinn.gql(connect, json!({ "p": two, "c": id() })).await), "DENIED");
    app.data(ROLE, json!({ "o": app.org, "u": user, "r": null, "p": one, "c": id() })).await;
    let disconnect = "mutation($r: UUID!, $c: UUID!) { disconnectRepository(input: {commandId: $c, repoConnectionId: $r}) { version } }";
    let repo = &connected["data"]["connectRepository"]["repoConnection"]["id"];
    assert_eq!(code(&quinn.gql(disconnect, json!({ "r": repo, "c": id() })).await), "DENIED");
    let nothing = app.gql(ROLE, json!({ "o": app.org, "u": user, "r": null, "c": id() })).await;
    assert_eq!(code(&nothing), "INVALID");
}
