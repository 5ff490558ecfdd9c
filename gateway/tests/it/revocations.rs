//! What was taken away is gone within a second, on every gateway, while others go on writing.

use crate::members::{REMOVE, id, join};
use crate::support::{App, Session, Socket, code};
use futures::future::join_all;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::{eventually, slack};

const CHANGED: &str = "subscription($p: UUID!) { boardChanged(projectId: $p) { live card { title } } }";
const REVOKE_SESSION: &str =
    "mutation($i: UUID!, $c: UUID!) { revokeSession(input: {commandId: $c, sessionId: $i}) { sessionId } }";
const REVOKE_TOKEN: &str =
    "mutation($i: UUID!, $c: UUID!) { revokeToken(input: {commandId: $c, tokenId: $i}) { tokenId } }";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Taken {
    Session,
    Token,
    Membership,
}

/// How a follower was ended.
#[derive(Debug, PartialEq)]
enum Ended {
    /// The socket itself, for good.
    Socket(u16),
    /// The subscription, with this code.
    Subscription(String),
}

async fn follower(base: &str, session: &Session<'_>, token: Option<&str>) -> Socket {
    let Some(token) = token else {
        let mut socket = Socket::connect(base, &[("cookie", session.cookie()), ("origin", base)]).await.unwrap();
        socket.send(json!({ "type": "connection_init" })).await;
        assert_eq!(socket.next().await.unwrap()["type"], "connection_ack");
        return socket;
    };
    Socket::open(base, token).await
}

/// Reads until the end. When the last item came, and how it ended.
async fn until_ended(socket: &mut Socket) -> (Instant, Ended) {
    let mut last = Instant::now();
    loop {
        match socket.next().await {
            Ok(message) if message["type"] == "next" && message["payload"]["errors"].is_null() => last = Instant::now(),
            Ok(message) => return (last, Ended::Subscription(code(&message["payload"]).to_owned())),
            Err((code, _)) => return (last, Ended::Socket(code)),
        }
    }
}

/// Nothing of the org comes on this socket any more, for longer than a follower looks away.
async fn stays_silent(app: &App, project: uuid::Uuid, socket: &mut Socket) {
    app.ticket(project, "after").await;
    let wait = tokio::time::timeout(Duration::from_millis(1_500), async {
        loop {
            match socket.next().await {
                Ok(message) if message["type"] == "complete" => {}
                other => return other,
            }
        }
    });
    assert!(matches!(wait.await, Err(_) | Ok(Err(_))), "something came after the end");
}

async fn ends_within_a_second(taken: Taken, elsewhere: bool) {
    let app = App::start().await;
    let project = app.project("RV").await;
    let (dana, user) = join(&app, "Dana", "DEV").await;
    let made = "mutation($c: UUID!) { createToken(input: {commandId: $c, name: \"t\"}) { secret token { id } } }";
    let made = dana.gql(made, json!({ "c": id() })).await["data"]["createToken"].clone();
    let session = dana.gql("{ me { sessionId } }", json!({})).await["data"]["me"]["sessionId"].clone();
    let token = (taken != Taken::Session).then(|| made["secret"].as_str().unwrap());
    let other;
    let base = if elsewhere {
        other = app.another_process().await;
        &other.base
    } else {
        &app.base
    };
    // A cookie is of one address: the other gateway knows the session all the same.
    let mut socket = follower(base, &dana, token).await;
    socket.subscribe("1", CHANGED, json!({ "p": project })).await;
    socket.until_live("boardChanged").await;
    app.ticket(project, "before").await;
    assert_eq!(socket.item("boardChanged").await["card"]["title"], "before");

    let writing = async {
        for _ in 0..100_000 {
            app.ticket(project, "meanwhile").await;
        }
    };
    let watching = async {
        let answer = match taken {
            Taken::Session => dana.gql(REVOKE_SESSION, json!({ "i": session, "c": id() })).await,
            Taken::Token => dana.gql(REVOKE_TOKEN, json!({ "i": made["token"]["id"], "c": id() })).await,
            Taken::Membership => app.gql(REMOVE, json!({ "o": app.org, "u": user, "c": id() })).await,
        };
        assert!(answer["errors"].is_null(), "{answer}");
        let revoked = Instant::now();
        let (last, ended) = until_ended(&mut socket).await;
        (ended, last.saturating_duration_since(revoked), revoked.elapsed())
    };
    let (ended, last, over) = tokio::select! {
        watched = watching => watched,
        () = writing => panic!("the follower outlived 100,000 tickets"),
    };
    let expected = match taken {
        Taken::Session | Taken::Token => Ended::Socket(4401),
        Taken::Membership => Ended::Subscription("NOT_FOUND".to_owned()),
    };
    assert_eq!(ended, expected, "{taken:?}");
    let bound = Duration::from_secs(1).mul_f64(slack());
    assert!(last <= bound && over <= bound, "{taken:?}: the last item {last:?} after, the end {over:?} after");
    stays_silent(&app, project, &mut socket).await;
}

#[tokio::test]
async fn a_revoked_session_follows_nothing() {
    ends_within_a_second(Taken::Session, false).await;
}

#[tokio::test]
async fn a_revoked_session_follows_nothing_on_another_gateway() {
    ends_within_a_second(Taken::Session, true).await;
}

#[tokio::test]
async fn a_revoked_token_follows_nothing() {
    ends_within_a_second(Taken::Token, false).await;
}

#[tokio::test]
async fn a_revoked_token_follows_nothing_on_another_gateway() {
    ends_within_a_second(Taken::Token, true).await;
}

#[tokio::test]
async fn who_was_removed_follows_nothing() {
    ends_within_a_second(Taken::Membership, false).await;
}

#[tokio::test]
async fn who_was_removed_follows_nothing_on_another_gateway() {
    ends_within_a_second(Taken::Membership, true).await;
}

#[tokio::test]
async fn a_session_that_is_revoked_from_many_sides_at_once_ends_once() {
    let app = App::start().await;
    let (owner, there) = (app.session().await, app.session().await);
    let session = there.gql("{ me { sessionId } }", json!({})).await["data"]["me"]["sessionId"].clone();
    let asked = async |by: &Session<'_>| by.gql(REVOKE_SESSION, json!({ "i": session, "c": id() })).await;
    let (answers, used, out) = tokio::join!(
        join_all((0..8).map(|_| asked(&owner))),
        join_all((0..20).map(|_| there.gql("{ me { user { id } } }", json!({})))),
        there.post("/auth/logout").send(),
    );
    for answer in answers {
        assert_eq!(answer["data"]["revokeSession"]["sessionId"], session, "{answer}");
    }
    // Used at the same moment it was still one or not any more, and never anything else.
    assert!(used.iter().all(|answer| answer["errors"].is_null() || code(answer) == "DENIED"), "{used:?}");
    assert_eq!(out.unwrap().status(), 204);
    // Replayed: here, on a socket, and on a gateway that has never seen it.
    let elsewhere = app.another_process().await;
    assert_eq!(code(&there.gql("{ me { user { id } } }", json!({})).await), "DENIED");
    for base in [&app.base, &elsewhere.base] {
        let mut socket = Socket::connect(base, &[("cookie", there.cookie()), ("origin", base)]).await.unwrap();
        socket.send(json!({ "type": "connection_init" })).await;
        assert_eq!(socket.next().await.unwrap_err().0, 4401);
    }
    let log = "query($o: UUID!) { auditLog(orgId: $o, filter: {action: \"SessionRevoked\"}) { nodes { payload } } }";
    let revoked = eventually(crate::support::PATIENCE, async || {
        let nodes = app.data(log, json!({ "o": app.org })).await["auditLog"]["nodes"].clone();
        nodes.as_array().filter(|nodes| !nodes.is_empty()).cloned()
    })
    .await;
    let named: Vec<&Value> = revoked.iter().map(|node| &node["payload"]["session"]).collect();
    assert_eq!(named, [&session]);
}
