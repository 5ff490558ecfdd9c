//! One test for each attack that was measured to work on stock handlers, and their kin.

use crate::support::App;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};

const CREATE: &str = r#"{"query":"mutation { createOrg(input: {commandId: \"018f5a3e-0000-7000-8000-000000000001\", name: \"Stolen\"}) { version } }"}"#;

async fn org_count(app: &App) -> i64 {
    let statement = "select count(*) from events where event_type = 'OrgCreated' and payload->>'name' = 'Stolen'";
    sqlx::query_scalar(statement).fetch_one(&app.pool).await.unwrap()
}

#[tokio::test]
async fn a_mutation_runs_only_as_application_json() {
    let app = App::start().await;
    let session = app.session().await;
    let multipart = "--x\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{}\r\n--x--\r\n";
    for (kind, body) in [
        ("text/plain", CREATE),
        ("text/plain;application/json", CREATE),
        ("application/x-www-form-urlencoded", CREATE),
        ("multipart/form-data; boundary=x", multipart),
        ("application/graphql", CREATE),
        ("application/json5", CREATE),
        ("application/json; charset=utf-16", CREATE),
        ("application/json, text/plain", CREATE),
    ] {
        let sent = session.post("/graphql").header(CONTENT_TYPE, kind).body(body).send().await.unwrap();
        assert_eq!(sent.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
    }
    let bare = session.post("/graphql").body(CREATE).send().await.unwrap();
    assert_eq!(bare.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(org_count(&app).await, 0);
    for kind in ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=\"UTF-8\""] {
        let sent = session.post("/graphql").header(CONTENT_TYPE, kind).body(CREATE).send().await.unwrap();
        assert_eq!(sent.status(), StatusCode::OK, "{kind}");
    }
    assert_eq!(org_count(&app).await, 1, "the same command id is one org");
}

#[tokio::test]
async fn a_cookie_alone_is_not_enough() {
    let app = App::start().await;
    let session = app.session().await;
    let sent =
        session.plain_post("/graphql").header(CONTENT_TYPE, "application/json").body(CREATE).send().await.unwrap();
    assert_eq!(sent.status(), StatusCode::FORBIDDEN);
    let body: Value = sent.json().await.unwrap();
    assert_eq!(body["errors"][0]["extensions"]["code"], "DENIED");
    assert_eq!(org_count(&app).await, 0);
}

#[tokio::test]
async fn pages_of_other_sites_stay_out() {
    let app = App::start().await;
    let session = app.session().await;
    let foreign = [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1:1"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ];
    for (name, value) in foreign {
        let request = session.post("/graphql").header(CONTENT_TYPE, "application/json").header(name, value);
        let sent = request.body(CREATE).send().await.unwrap();
        assert_eq!(sent.status(), StatusCode::FORBIDDEN, "{name}: {value}");
        let out = session.post("/auth/logout").header(name, value).send().await.unwrap();
        assert_eq!(out.status(), StatusCode::FORBIDDEN, "{name}: {value}");
    }
    assert_eq!(org_count(&app).await, 0);
    let ours = session.post("/graphql").header(CONTENT_TYPE, "application/json").header("origin", &app.base);
    assert_eq!(ours.body(CREATE).send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn neither_get_nor_batches() {
    let app = App::start().await;
    let session = app.session().await;
    let get = session.get("/graphql?query=%7Bme%7Buser%7Bid%7D%7D%7D").send().await.unwrap();
    assert_eq!(get.status(), StatusCode::METHOD_NOT_ALLOWED);
    for batch in [format!("[{CREATE}]"), format!("  [{CREATE},{CREATE}]"), "[]".to_owned()] {
        let sent = session.json_body("/graphql", batch.clone()).await;
        assert_eq!(sent.status(), StatusCode::BAD_REQUEST, "{batch}");
    }
    assert_eq!(org_count(&app).await, 0);
}

#[tokio::test]
async fn a_body_that_is_no_request_gets_a_clear_refusal() {
    let app = App::start().await;
    let session = app.session().await;
    for body in ["", "{", "null", "7", "\"x\"", "{}", r#"{"query":7}"#, r#"{"query":"{a}","variables":[]}"#, "\u{0}"] {
        let sent = session.json_body("/graphql", body.to_owned()).await;
        assert_eq!(sent.status(), StatusCode::BAD_REQUEST, "{body:?}");
        let answer: Value = sent.json().await.unwrap();
        assert_eq!(answer["errors"][0]["extensions"]["code"], "INVALID", "{body:?}");
    }
    let webhook = app.http.post(app.url("/github/webhook")).header(CONTENT_TYPE, "application/json").body("{").send();
    assert_eq!(webhook.await.unwrap().status(), StatusCode::NOT_FOUND);
}

/// A server that stops listening may be gone before the client has heard why.
fn is_turned_away(sent: Result<reqwest::Response, reqwest::Error>) -> bool {
    sent.map_or(true, |answer| answer.status() == StatusCode::PAYLOAD_TOO_LARGE)
}

#[tokio::test]
async fn three_megabytes_are_too_many() {
    let app = App::start().await;
    let session = app.session().await;
    let mut large: Value = serde_json::from_str(CREATE).unwrap();
    large["variables"] = json!({ "x": "y".repeat(3_000_000) });
    let large = large.to_string();
    let post = || session.post("/graphql").header(CONTENT_TYPE, "application/json");
    assert!(is_turned_away(post().body(large.clone()).send().await));
    // Without a declared length too.
    let chunks: Vec<_> =
        large.into_bytes().chunks(65_536).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())).collect();
    let body = reqwest::Body::wrap_stream(futures::stream::iter(chunks));
    assert!(is_turned_away(post().body(body).send().await));
    assert_eq!(org_count(&app).await, 0);
    // Just above the bound there is room to hear why.
    let above = format!("{CREATE}{}", " ".repeat(256 * 1024));
    assert_eq!(post().body(above).send().await.unwrap().status(), StatusCode::PAYLOAD_TOO_LARGE);
    let below = format!("{CREATE}{}", " ".repeat(200 * 1024));
    assert_eq!(post().body(below).send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn complaints_about_a_document_are_short_and_say_nothing_of_us() {
    let app = App::start().await;
    let session = app.session().await;
    let documents = [
        format!("{{ me {{ {} }}", "x".repeat(100_000)),
        format!("{{ {} }}", "y".repeat(100_000)),
        format!("query Q($a: {}) {{ me {{ user {{ id }} }} }}", "Z".repeat(100_000)),
        format!("{{ ticket(id: \"{}\") {{ id }} }}", "not-a-uuid ".repeat(1_000)),
        "{ meee { user { id } } }".to_owned(),
        "{ me }".to_owned(),
        String::new(),
        "subscription { runsChanged(projectId: \"018f5a3e-0000-7000-8000-000000000001\") { live } }".to_owned(),
    ];
    for document in documents {
        let answer = session.gql(&document, json!({})).await;
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "INVALID", "{answer}");
        let message = error["message"].as_str().unwrap();
        assert!(message.chars().count() <= 200, "{message}");
        assert!(!message.contains("Did you mean"), "{message}");
    }
}

#[tokio::test]
async fn documents_have_bounds() {
    let app = App::start().await;
    let session = app.session().await;
    let deep =
        format!("{{ me {{ orgs {{ org {{ {} }} }} }} }}", "projects { repositories { ".repeat(9) + &"} }".repeat(9));
    let wide = format!("{{ {} }}", (0..21).map(|i| format!("a{i}: me {{ user {{ id }} }} ")).collect::<String>());
    let fields = format!("{{ me {{ user {{ {} }} }} }}", "id ".repeat(6_000));
    let mut bomb = String::from("{ me { user { ...F0 } } }");
    for level in 0..40 {
        bomb.push_str(&format!(" fragment F{level} on User {{ ...F{0} ...F{0} }}", level + 1));
    }
    bomb.push_str(" fragment F40 on User { id }");
    let brackets = "{a".repeat(50_000);
    let directives = format!("{{ me {} {{ user {{ id }} }} }}", "@include(if: true) ".repeat(11));
    let cycle = "{ me { user { ...A } } } fragment A on User { ...B } fragment B on User { ...A }".to_owned();
    let complex = "query($p: UUID!) { conversations(projectId: $p, first: 100) { nodes { runs(first: 100) { id } } } }";
    let mixed = "{ __schema { types { name } } me { user { id } } }".to_owned();
    let project = json!({ "p": "018f5a3e-0000-7000-8000-000000000001" });
    for document in [deep, wide, fields, bomb, brackets, directives, cycle, complex.to_owned(), mixed] {
        let started = std::time::Instant::now();
        let answer = session.gql(&document, project.clone()).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "INVALID", "{}", &document[..60.min(document.len())]);
        assert!(answer["data"].is_null());
        assert!(started.elapsed().as_secs_f64() < 5.0 * testkit::slack(), "{}", &document[..60]);
    }
}

#[tokio::test]
async fn a_signed_in_caller_may_introspect_and_nobody_else() {
    let app = App::start().await;
    let session = app.session().await;
    let customary = "query { __schema { queryType { name } types { ...T } directives { name args { type { ...R } } } } }
        fragment T on __Type { kind name fields(includeDeprecated: true) { name args { name type { ...R } } type { ...R } } inputFields { type { ...R } } }
        fragment R on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }";
    let answer = session.gql(customary, json!({})).await;
    assert_eq!(answer["data"]["__schema"]["queryType"]["name"], "Query", "{answer}");
    let anonymous = app.http.post(app.url("/graphql")).json(&json!({ "query": customary })).send().await.unwrap();
    assert_eq!(anonymous.status(), StatusCode::UNAUTHORIZED);
    let body: Value = anonymous.json().await.unwrap();
    assert_eq!(body["errors"][0]["extensions"]["code"], "DENIED");
    assert!(body["data"].is_null());
}

#[tokio::test]
async fn no_answer_shows_what_broke() {
    let app = App::start().await;
    let session = app.session().await;
    // Breaks every look at who is asked for, from below.
    sqlx::query("alter table users rename column name to nom").execute(&app.owner_pool().await).await.unwrap();
    let sent = session.json_body("/graphql", json!({ "query": "{ me { user { name } } }" }).to_string()).await;
    let trace = sent.headers()["traceparent"].to_str().unwrap().to_owned();
    let text = sent.text().await.unwrap();
    let answer: Value = serde_json::from_str(&text).unwrap();
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["code"], "INTERNAL", "{answer}");
    assert!(trace.contains(error["extensions"]["traceId"].as_str().unwrap()));
    let told = format!("{}{}", error["message"], error["extensions"]);
    for leak in ["column", "select", "users", "sqlx", ".rs", "does not exist"] {
        assert!(!told.contains(leak), "{leak} in {text}");
    }
}

#[tokio::test]
async fn every_answer_carries_its_ids_and_guards() {
    let app = App::start().await;
    let answer = app
        .http
        .get(app.url("/"))
        .header("accept", "text/html")
        .header("x-correlation-id", "018f5a3e-0000-7000-8000-00000000abcd")
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        .send()
        .await
        .unwrap();
    let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(header("x-correlation-id").unwrap(), "018f5a3e-0000-7000-8000-00000000abcd");
    assert!(header("traceparent").unwrap().starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
    assert!(uuid::Uuid::parse_str(&header("x-request-id").unwrap()).is_ok());
    assert_eq!(answer.headers()["x-content-type-options"], HeaderValue::from_static("nosniff"));
    let policy = header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("require-trusted-types-for 'script'"), "{policy}");
    assert!(policy.contains("script-src 'self';"), "{policy}");
    assert_eq!(header("cross-origin-opener-policy").unwrap(), "same-origin");
    assert_eq!(header("referrer-policy").unwrap(), "no-referrer");
}
