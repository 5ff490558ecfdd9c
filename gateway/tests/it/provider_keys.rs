//! Keys of model providers: kept, tried, removed, and shown to nobody.

use crate::members::{id, join};
use crate::support::{App, code};
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use url::Url;

const SET: &str = "mutation($o: UUID!, $k: String!, $c: UUID!) { setProviderKey(input: {commandId: $c, orgId: $o, provider: \"codex\", key: $k}) { version org { providerKeys { provider name lastFour health state setBy { name } } } } }";
const REMOVE: &str = "mutation($o: UUID!, $c: UUID!) { removeProviderKey(input: {commandId: $c, orgId: $o, provider: \"codex\"}) { org { providerKeys { provider } } } }";
const CHECK: &str = "mutation($o: UUID!) { checkProviderKey(input: {orgId: $o, provider: \"codex\"}) { providerKey { health state } } }";
const KEYS: &str = "query($o: UUID!) { org(id: $o) { providerKeys { lastFour health state } } }";

const GOOD: &str = "sk-good-canary-key-abcd";
const BAD: &str = "sk-bad-canary-key-wxyz";

/// A provider that knows one key, and what it was asked.
async fn provider() -> (Url, Arc<Mutex<Vec<String>>>) {
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&asked);
    let models = move |headers: HeaderMap| async move {
        let sent = headers["authorization"].to_str().unwrap().to_owned();
        let known = sent == format!("Bearer {GOOD}");
        seen.lock().unwrap().push(sent);
        // A redirect would carry the key away.
        if known { StatusCode::OK } else { StatusCode::UNAUTHORIZED }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/v1", listener.local_addr().unwrap())).unwrap();
    let away = || async { (StatusCode::TEMPORARY_REDIRECT, [("location", "/v1/models")]) };
    let app = Router::new().route("/v1/models", get(models)).route("/away/v1/models", get(away));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, asked)
}

async fn app_at(url: Url) -> App {
    App::start_with(|settings| settings.providers[0].base_url = url).await
}

#[tokio::test]
async fn a_key_is_kept_tried_and_never_shown_again() {
    let (url, asked) = provider().await;
    let app = app_at(url).await;
    let set = app.data(SET, json!({ "o": app.org, "k": format!(" {GOOD}\n"), "c": id() })).await;
    let key = &set["setProviderKey"]["org"]["providerKeys"][0];
    assert_eq!((&key["lastFour"], &key["name"]), (&json!("abcd"), &json!("Codex")));
    assert_eq!((&key["state"], &key["health"]), (&json!("ACCEPTED"), &json!("Accepted a moment ago.")));
    assert_eq!(*asked.lock().unwrap(), [format!("Bearer {GOOD}")]);

    let set = app.data(SET, json!({ "o": app.org, "k": BAD, "c": id() })).await;
    let key = set["setProviderKey"]["org"]["providerKeys"][0].clone();
    assert_eq!((&key["lastFour"], &key["state"]), (&json!("wxyz"), &json!("REFUSED")));
    let words = "Refused a moment ago: the provider answered 401. Set a key that it knows.";
    assert_eq!(key["health"], words);
    let again = app.data(CHECK, json!({ "o": app.org })).await;
    assert_eq!(again["checkProviderKey"]["providerKey"], json!({ "health": words, "state": "REFUSED" }));

    let removed = app.data(REMOVE, json!({ "o": app.org, "c": id() })).await;
    assert_eq!(removed["removeProviderKey"]["org"]["providerKeys"], json!([]));
    assert_eq!(code(&app.gql(CHECK, json!({ "o": app.org })).await), "NOT_FOUND");
    // The log tells of each step, by the last four characters; nothing anywhere holds more.
    let kept: Vec<(String, Value)> = sqlx::query_as(
        "select event_type, payload::jsonb from events where org = $1 and event_type like 'ProviderKey%' order by sequence",
    )
    .bind(app.org)
    .fetch_all(&app.pool)
    .await
    .unwrap();
    let names: Vec<&str> = kept.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["ProviderKeySet", "ProviderKeySet", "ProviderKeyRemoved"]);
    assert_eq!((&kept[0].1["last_four"], &kept[1].1["last_four"]), (&json!("abcd"), &json!("wxyz")));
    assert!(!json!(kept).to_string().contains("canary"));
    let sealed: i64 = sqlx::query_scalar("select count(*) from vault_secrets where name like 'provider_key/%'")
        .fetch_one(&app.pool)
        .await
        .unwrap();
    assert_eq!(sealed, 0, "what was replaced and removed is gone from the vault");
}

#[tokio::test]
async fn a_provider_that_cannot_be_asked_is_no_refusal() {
    let (url, asked) = provider().await;
    let away = url.join("/away/v1").unwrap();
    let app = app_at(away).await;
    let set = app.data(SET, json!({ "o": app.org, "k": GOOD, "c": id() })).await;
    let key = &set["setProviderKey"]["org"]["providerKeys"][0];
    assert_eq!(key["state"], "UNREACHABLE");
    assert_eq!(key["health"], "Not known: the provider was asked a moment ago, and it answered 307.");
    assert!(asked.lock().unwrap().is_empty(), "the redirect was not followed");
    // Nobody has asked with this one yet.
    sqlx::query("delete from provider_key_checks").execute(&app.pool).await.unwrap();
    let untried = app.data(KEYS, json!({ "o": app.org })).await;
    assert_eq!(untried["org"]["providerKeys"][0]["health"], "Not tried yet.");
}

#[tokio::test]
async fn only_admins_set_keys_and_what_is_none_is_refused() {
    let (url, _) = provider().await;
    let app = app_at(url).await;
    let (dev, _) = join(&app, "Dana", "DEV").await;
    for (document, variables) in [
        (SET, json!({ "o": app.org, "k": GOOD, "c": id() })),
        (REMOVE, json!({ "o": app.org, "c": id() })),
        (CHECK, json!({ "o": app.org })),
        (KEYS, json!({ "o": app.org })),
    ] {
        assert_eq!(code(&dev.gql(document, variables).await), "DENIED", "{document}");
    }
    let long = "x".repeat(501);
    for key in ["", "short", "sk-with a space-0123456789", "sk-with\u{e9}-0123456789", &long] {
        let refused = app.gql(SET, json!({ "o": app.org, "k": key, "c": id() })).await;
        assert_eq!(code(&refused), "INVALID", "{key}");
        assert_eq!(refused["errors"][0]["extensions"]["field"], "key");
        assert!(key.is_empty() || !refused.to_string().contains(key));
    }
    let unknown = SET.replace("codex", "nobody");
    let unknown = app.gql(&unknown, json!({ "o": app.org, "k": GOOD, "c": id() })).await;
    assert_eq!(unknown["errors"][0]["extensions"]["reason"], "UNKNOWN_PROVIDER", "{unknown}");
}
