//! A session gets another secret when its person's role changes, and the one before opens nothing any more.

use crate::members::{ROLE, id, join};
use crate::support::{App, Session, Socket, code};
use futures::future::join_all;
use reqwest::StatusCode;
use reqwest::header::SET_COOKIE;
use serde_json::{Value, json};
use testkit::eventually;

const ME: &str = "{ me { sessionId sessions { id current } } }";

/// Asks who is signed in; the new cookie, when one came along.
async fn ask<'a>(app: &'a App, session: &Session<'_>) -> (Option<Session<'a>>, Value) {
    let answer = session.json_body("/graphql", json!({ "query": ME }).to_string()).await;
    let fresh = answer.headers().get(SET_COOKIE).map(|cookie| Session::new(app, cookie.to_str().unwrap()));
    (fresh, answer.json().await.unwrap())
}

/// The moment passes in which the secret before is good.
async fn later(app: &App) {
    let past = "update sessions set previous_until = now() - interval '1 second' where previous_until is not null";
    sqlx::query(past).execute(&app.pool).await.unwrap();
}

async fn live(app: &App, session: &Session<'_>) -> Socket {
    let headers = [("cookie", session.cookie()), ("origin", app.base.as_str())];
    let mut socket = Socket::connect(&app.base, &headers).await.unwrap();
    socket.send(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.next().await.unwrap()["type"], "connection_ack");
    socket
}

#[tokio::test]
async fn a_new_role_ends_the_old_secret_and_not_the_session() {
    let app = App::start().await;
    let project = app.project("ROT").await;
    let (dana, user) = join(&app, "Dana", "DEV").await;
    let (nothing, before) = ask(&app, &dana).await;
    assert!(nothing.is_none(), "nothing has changed yet");
    let mut socket = live(&app, &dana).await;
    app.data(ROLE, json!({ "o": app.org, "u": user, "r": "ADMIN", "c": id() })).await;
    let (fresh, _) = eventually(crate::support::PATIENCE, async || {
        let (fresh, answer) = ask(&app, &dana).await;
        fresh.map(|fresh| (fresh, answer))
    })
    .await;
    assert_ne!(fresh.cookie(), dana.cookie());
    let (again, after) = ask(&app, &fresh).await;
    assert!(again.is_none(), "once for each change");
    assert_eq!(after["data"]["me"], before["data"]["me"], "the session is the same one");
    // What was on its way passes, and gets no secret out of it.
    let (none, answer) = ask(&app, &dana).await;
    assert!(none.is_none() && answer["errors"].is_null(), "{answer}");
    later(&app).await;
    let dead = async || ask(&app, &dana).await.1["errors"][0]["extensions"]["code"] == "DENIED";
    eventually(crate::support::PATIENCE, dead).await;
    // The socket that came in with it comes again with the new one; whoever has only the old one does not.
    gateway::auth::revoke_everywhere(&app.pool).await.unwrap();
    assert_eq!(socket.next().await.unwrap_err().0, 1012, "not final: the browser has the new cookie");
    let mut again = live(&app, &fresh).await;
    let board = "subscription($p: UUID!) { boardChanged(projectId: $p) { live } }";
    again.subscribe("1", board, json!({ "p": project })).await;
    again.until_live("boardChanged").await;
    let headers = [("cookie", dana.cookie()), ("origin", app.base.as_str())];
    let mut old = Socket::connect(&app.base, &headers).await.unwrap();
    old.send(json!({ "type": "connection_init" })).await;
    assert_eq!(old.next().await.unwrap_err().0, 4401);
    // A role in one project counts too.
    app.data(ROLE, json!({ "o": app.org, "u": user, "r": "QA", "p": project, "c": id() })).await;
    eventually(crate::support::PATIENCE, async || ask(&app, &fresh).await.0.is_some()).await;
}

#[tokio::test]
async fn of_many_at_once_one_brings_the_new_secret_and_a_lost_one_is_replaced() {
    let app = App::start().await;
    let (dana, user) = join(&app, "Dana", "DEV").await;
    app.data(ROLE, json!({ "o": app.org, "u": user, "r": "QA", "c": id() })).await;
    let answers = eventually(crate::support::PATIENCE, async || {
        let answers = join_all((0..10).map(|_| ask(&app, &dana))).await;
        answers.iter().any(|(fresh, _)| fresh.is_some()).then_some(answers)
    })
    .await;
    assert!(answers.iter().all(|(_, answer)| answer["errors"].is_null()));
    let mut fresh: Vec<_> = answers.into_iter().filter_map(|(fresh, _)| fresh).collect();
    assert_eq!(fresh.len(), 1);
    let lost = fresh.remove(0);
    let unused = "update sessions set next_at = next_at - interval '31 seconds' where next_at is not null";
    sqlx::query(unused).execute(&app.pool).await.unwrap();
    let (second, _) = ask(&app, &dana).await;
    let second = second.expect("the first did not arrive, it seems");
    assert_eq!(code(&ask(&app, &lost).await.1), "DENIED");
    assert!(ask(&app, &second).await.1["errors"].is_null());
}

#[tokio::test]
async fn signing_out_with_any_of_its_secrets_ends_the_session() {
    let app = App::start().await;
    for uses_old in [true, false] {
        let (dana, user) = join(&app, "Dana", "DEV").await;
        app.data(ROLE, json!({ "o": app.org, "u": user, "r": "PM", "c": id() })).await;
        let fresh = eventually(crate::support::PATIENCE, async || ask(&app, &dana).await.0).await;
        let (leaving, other) = if uses_old { (&dana, &fresh) } else { (&fresh, &dana) };
        let out = leaving.post("/auth/logout").send().await.unwrap();
        assert_eq!(out.status(), StatusCode::NO_CONTENT);
        for replayed in [leaving, other] {
            assert_eq!(code(&ask(&app, replayed).await.1), "DENIED");
        }
    }
}
