//! The socket's own rules: who may open it, how it speaks, how it ends.

use crate::support::{App, PATIENCE, Socket};
use futures::SinkExt;
use serde_json::json;
use std::time::{Duration, Instant};
use testkit::eventually;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};

const ME: &str = "{ me { user { name } } }";

fn status(refused: Result<Socket, tungstenite::Error>) -> u16 {
    match refused {
        Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it opened"),
    }
}

#[tokio::test]
async fn only_pages_of_ours_open_one_and_only_in_the_one_protocol() {
    let app = App::start().await;
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
        assert_eq!(status(Socket::connect(&app.base, &[("origin", origin)]).await), 403, "{origin}");
    }
    assert_eq!(status(Socket::connect(&app.base, &[("sec-fetch-site", "cross-site")]).await), 403);
    assert!(Socket::connect(&app.base, &[("origin", &app.base)]).await.is_ok());
    for protocol in ["", "graphql-ws", "graphql-transport-ws-2"] {
        let mut request = format!("{}/graphql/ws", app.base.replacen("http", "ws", 1)).into_client_request().unwrap();
        if !protocol.is_empty() {
            request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
        }
        match tokio_tungstenite::connect_async(request).await {
            Err(tungstenite::Error::Http(response)) => assert_eq!(response.status().as_u16(), 400, "{protocol}"),
            other => panic!("{protocol}: {:?}", other.map(|_| ())),
        }
    }
}

#[tokio::test]
async fn a_cookie_signs_a_page_in_and_no_program() {
    let app = App::start().await;
    let session = app.session().await;
    let mut page = Socket::connect(&app.base, &[("origin", &app.base), ("cookie", session.cookie())]).await.unwrap();
    page.send(json!({ "type": "connection_init" })).await;
    assert_eq!(page.next().await.unwrap()["type"], "connection_ack");
    let mut program = Socket::connect(&app.base, &[("cookie", session.cookie())]).await.unwrap();
    program.send(json!({ "type": "connection_init" })).await;
    assert_eq!(program.next().await.unwrap_err().0, 4401);
}

#[tokio::test]
async fn wrong_moves_have_their_codes() {
    let app = App::start().await;
    let connect = async || Socket::connect(&app.base, &[]).await.unwrap();

    let mut eager = connect().await;
    eager.subscribe("1", ME, json!({})).await;
    assert_eq!(eager.next().await.unwrap_err().0, 4401);

    let mut nobody = connect().await;
    nobody.send(json!({ "type": "connection_init" })).await;
    assert_eq!(nobody.next().await.unwrap_err().0, 4401);

    let mut liar = connect().await;
    liar.send(json!({ "type": "connection_init", "payload": { "authorization": "Bearer lime_pat_x_y" } })).await;
    assert_eq!(liar.next().await.unwrap_err().0, 4401);

    let mut twice = app.socket().await;
    twice.send(json!({ "type": "connection_init" })).await;
    assert_eq!(twice.next().await.unwrap_err().0, 4429);

    for nonsense in ["", "{", "[]", r#"{"type":"start"}"#, r#"{"type":"subscribe","id":"1"}"#] {
        let mut socket = app.socket().await;
        socket.stream.send(Message::text(nonsense)).await.unwrap();
        assert_eq!(socket.next().await.unwrap_err().0, 4400, "{nonsense}");
    }
    let mut binary = app.socket().await;
    binary.stream.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(binary.next().await.unwrap_err().0, 4400);

    let project = app.project("WS").await;
    let runs = "subscription($p: UUID!) { runsChanged(projectId: $p) { live } }";
    let mut same = app.socket().await;
    same.subscribe("1", runs, json!({ "p": project })).await;
    same.until_live("runsChanged").await;
    same.subscribe("1", runs, json!({ "p": project })).await;
    assert_eq!(same.next().await.unwrap_err().0, 4409);
}

#[tokio::test]
async fn a_socket_that_never_says_who_it_is_is_closed() {
    let app = App::start_with(|settings| settings.init_timeout = Duration::from_millis(200)).await;
    let mut silent = Socket::connect(&app.base, &[]).await.unwrap();
    assert_eq!(silent.next().await.unwrap_err().0, 4408);
}

#[tokio::test]
async fn a_message_of_a_megabyte_ends_the_socket() {
    let app = App::start().await;
    let mut socket = app.socket().await;
    let large = json!({ "type": "ping", "payload": { "x": "y".repeat(1_000_000) } }).to_string();
    // It may be cut before all of it is sent.
    let _ = socket.stream.send(Message::text(large)).await;
    assert!(socket.next().await.is_err());
}

#[tokio::test]
async fn pings_are_answered_and_operations_of_all_kinds_run() {
    let app = App::start().await;
    let project = app.project("OP").await;
    let mut socket = app.socket().await;
    socket.send(json!({ "type": "ping", "payload": { "at": 1 } })).await;
    assert_eq!(socket.next().await.unwrap(), json!({ "type": "pong" }));
    socket.subscribe("q", ME, json!({})).await;
    let next = socket.next().await.unwrap();
    assert_eq!(next["payload"]["data"]["me"]["user"]["name"], "Owner", "{next}");
    assert_eq!(socket.next().await.unwrap(), json!({ "type": "complete", "id": "q" }));
    let create = "mutation($p: UUID!, $c: UUID!) { createTicket(input: {projectId: $p, commandId: $c, title: \"t\"}) { version } }";
    socket.subscribe("m", create, json!({ "p": project, "c": uuid::Uuid::now_v7() })).await;
    assert_eq!(socket.next().await.unwrap()["payload"]["data"]["createTicket"]["version"], 1);
    assert_eq!(socket.next().await.unwrap()["type"], "complete");
    // Bounds hold here as they do over HTTP.
    let wide = format!("{{ {} }}", (0..21).map(|i| format!("a{i}: me {{ user {{ id }} }} ")).collect::<String>());
    socket.subscribe("w", &wide, json!({})).await;
    let refused = socket.next().await.unwrap();
    assert_eq!(refused["payload"]["errors"][0]["extensions"]["code"], "INVALID", "{refused}");
}

#[tokio::test]
async fn a_refused_subscription_says_why_and_the_socket_lives() {
    let app = App::start().await;
    let mut socket = app.socket().await;
    let board = "subscription($p: UUID!, $a: Cursor) { boardChanged(projectId: $p, after: $a) { live } }";
    socket.subscribe("1", board, json!({ "p": uuid::Uuid::now_v7() })).await;
    let refused = socket.next().await.unwrap();
    assert_eq!((&refused["type"], &refused["id"]), (&json!("error"), &json!("1")));
    assert_eq!(refused["payload"][0]["extensions"]["code"], "NOT_FOUND", "{refused}");
    let project = app.project("RF").await;
    socket.subscribe("2", board, json!({ "p": project, "a": "made up" })).await;
    assert_eq!(socket.next().await.unwrap()["payload"][0]["extensions"]["code"], "INVALID");
    socket.subscribe("3", "subscription { nothing }", json!({})).await;
    assert_eq!(socket.next().await.unwrap()["payload"][0]["extensions"]["code"], "INVALID");
    socket.subscribe("4", board, json!({ "p": project })).await;
    assert_eq!(socket.until_live("boardChanged").await.len(), 1);
}

#[tokio::test]
async fn complete_ends_a_subscription() {
    let app = App::start().await;
    let project = app.project("CO").await;
    let mut socket = app.socket().await;
    let board = "subscription($p: UUID!) { boardChanged(projectId: $p) { live } }";
    socket.subscribe("1", board, json!({ "p": project })).await;
    socket.until_live("boardChanged").await;
    let open = async || {
        let text = app.http.get(app.url("/metrics")).send().await.unwrap().text().await.unwrap();
        text.lines().find_map(|line| line.strip_prefix("lime_live_subscribers ")).map(str::to_owned)
    };
    assert_eq!(open().await.as_deref(), Some("1"));
    socket.send(json!({ "type": "complete", "id": "1" })).await;
    eventually(PATIENCE, || async { open().await.as_deref() == Some("0") }).await;
    socket.subscribe("1", board, json!({ "p": project })).await;
    socket.until_live("boardChanged").await;
}

#[tokio::test]
async fn after_a_revocation_nothing_comes_past_a_second() {
    let app = App::start().await;
    let project = app.project("RV").await;
    let session = app.session().await;
    let mut socket = Socket::connect(&app.base, &[("origin", &app.base), ("cookie", session.cookie())]).await.unwrap();
    socket.send(json!({ "type": "connection_init" })).await;
    socket.next().await.unwrap();
    let board = "subscription($p: UUID!) { boardChanged(projectId: $p) { live position } }";
    socket.subscribe("1", board, json!({ "p": project })).await;
    socket.until_live("boardChanged").await;
    // Somebody else goes on working all the while.
    let writing = async {
        for _ in 0..100_000 {
            app.ticket(project, "more").await;
        }
    };
    let watching = async {
        assert_eq!(session.post("/auth/logout").send().await.unwrap().status(), 204);
        let revoked = Instant::now();
        let mut last = revoked;
        let closed = loop {
            match socket.next().await {
                Ok(_) => last = Instant::now(),
                Err((code, _)) => break code,
            }
        };
        (closed, last - revoked)
    };
    let (code, after) = tokio::select! {
        ended = watching => ended,
        () = writing => panic!("the socket outlived 100,000 tickets"),
    };
    assert_eq!(code, 4401);
    assert!(after.as_secs_f64() <= testkit::slack(), "an item {after:?} after the revocation");
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_closed_with_its_cursor() {
    let app = App::start_with(|settings| settings.slow_client_after = Duration::from_millis(500)).await;
    let project = app.project("SW").await;
    let ticket = app.ticket(project, "large").await;
    let mut socket = app.socket().await;
    let subscription = "subscription($t: UUID!, $a: Cursor) { ticketChanged(ticketId: $t, after: $a) { cursor live ticket { descriptionMd } entry { payload } } }";
    let from = "query($t: UUID!) { ticket(id: $t) { cursor } }";
    let cursor = app.data(from, json!({ "t": ticket })).await["ticket"]["cursor"].clone();
    let edit = "mutation($c: UUID!, $t: UUID!, $d: String!) { editTicket(input: {commandId: $c, ticketId: $t, descriptionMd: $d}) { version } }";
    for index in 0..300 {
        let text = format!("{index} {}", "x".repeat(90_000));
        app.data(edit, json!({ "c": uuid::Uuid::now_v7(), "t": ticket, "d": text })).await;
    }
    socket.subscribe("1", subscription, json!({ "t": ticket, "a": cursor })).await;
    // 300 changes of 180 kB each fit into no buffer: the gateway gives up on this client while it looks away.
    let slow = async || {
        let text = app.http.get(app.url("/metrics")).send().await.unwrap().text().await.unwrap();
        text.lines().any(|line| line == "lime_slow_clients_total 1")
    };
    eventually(PATIENCE * 3, slow).await;
    let mut last = String::new();
    let (code, reason) = loop {
        match socket.next().await {
            Ok(message) => {
                message["payload"]["data"]["ticketChanged"]["cursor"].as_str().unwrap().clone_into(&mut last)
            }
            Err(closed) => break closed,
        }
    };
    // The frame itself reaches only a client that begins to read again soon enough.
    if code != 0 {
        assert_eq!(code, 1013, "{reason}");
        assert!(reason.contains("after "), "{reason}");
    }
    let mut again = app.socket().await;
    again
        .subscribe("1", subscription, json!({ "t": ticket, "a": if last.is_empty() { cursor } else { json!(last) } }))
        .await;
    assert!(again.item("ticketChanged").await["cursor"].is_string(), "it goes on from there");
}

#[tokio::test]
async fn a_gateway_that_stops_sends_its_clients_elsewhere() {
    let app = App::start().await;
    let mut socket = app.socket().await;
    app.stop.cancel();
    assert_eq!(socket.next().await.unwrap_err().0, 1012);
}
