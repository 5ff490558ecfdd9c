//! Links, sessions, tokens.

use crate::members::invited;
use crate::support::{App, Session};
use chrono::{Duration, Utc};
use domain::org::Role;
use gateway::auth::{NewToken, Scope, create_owner_link, create_token, ensure_owner};
use reqwest::StatusCode;
use reqwest::header::{LOCATION, SET_COOKIE};
use serde_json::json;

const ME: &str = "{ me { user { id name } sessionId } }";

#[tokio::test]
async fn a_link_signs_in_once() {
    let app = App::start().await;
    let link = create_owner_link(&app.pool, app.owner).await.unwrap().url(&app.base);
    let first = app.http.get(&link).send().await.unwrap();
    assert_eq!(first.status(), StatusCode::SEE_OTHER);
    assert_eq!(first.headers()[LOCATION], "/");
    let cookie = first.headers()[SET_COOKIE].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("lime_session="), "{cookie}");
    assert!(
        cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Lax") && cookie.contains("; Path=/"),
        "{cookie}"
    );
    let again = app.http.get(&link).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::FORBIDDEN);
    assert!(again.headers().get(SET_COOKIE).is_none());
    let session = Session::new(&app, &cookie);
    let me = session.gql(ME, json!({})).await;
    assert_eq!(me["data"]["me"]["user"]["id"], app.owner.to_string());
    assert!(me["data"]["me"]["sessionId"].is_string());
}

#[tokio::test]
async fn an_old_link_an_invented_one_and_none_are_refused() {
    let app = App::start().await;
    let link = create_owner_link(&app.pool, app.owner).await.unwrap().url(&app.base);
    sqlx::query("update sign_in_links set expires_at = now() - interval '1 second'").execute(&app.pool).await.unwrap();
    for link in [link, app.url("/auth/local?token=abc"), app.url("/auth/local"), app.url("/auth/local?token=%00%ff")] {
        let answer = app.http.get(&link).send().await.unwrap();
        assert!(answer.status().is_client_error(), "{link}: {}", answer.status());
        assert!(answer.headers().get(SET_COOKIE).is_none());
    }
}

#[tokio::test]
async fn links_cannot_be_guessed_without_end() {
    let app = App::start().await;
    let mut last = StatusCode::OK;
    for _ in 0..11 {
        last = app.http.get(app.url("/auth/local?token=guess")).send().await.unwrap().status();
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn signing_in_changes_the_session_and_ends_the_one_before() {
    let app = App::start().await;
    let planted = app.session().await;
    let link = create_owner_link(&app.pool, app.owner).await.unwrap().url(&app.base);
    let answer = app.http.get(&link).header("cookie", planted.cookie()).send().await.unwrap();
    let fresh = Session::new(&app, answer.headers()[SET_COOKIE].to_str().unwrap());
    assert_ne!(fresh.cookie(), planted.cookie());
    assert_eq!(planted.gql(ME, json!({})).await["errors"][0]["extensions"]["code"], "DENIED");
    assert!(fresh.gql(ME, json!({})).await["errors"].is_null());
}

#[tokio::test]
async fn an_invented_secret_that_was_planted_becomes_nobodys_session() {
    let app = App::start().await;
    let planted = Session::new(&app, &format!("lime_session={}", "ab".repeat(32)));
    let link = create_owner_link(&app.pool, app.owner).await.unwrap().url(&app.base);
    let by_link = app.http.get(&link).header("cookie", planted.cookie()).send().await.unwrap();
    let token = invited(&app, "DEV").await;
    let join = app.http.post(app.url("/auth/join")).header("x-lime-csrf", "1").header("cookie", planted.cookie());
    let by_invitation = join.json(&json!({ "token": token, "name": "Dana" })).send().await.unwrap();
    for answer in [by_link, by_invitation] {
        assert!(answer.status().is_redirection() || answer.status().is_success(), "{answer:?}");
        let fresh = Session::new(&app, answer.headers()[SET_COOKIE].to_str().unwrap());
        assert_ne!(fresh.cookie(), planted.cookie());
        assert!(fresh.gql(ME, json!({})).await["errors"].is_null());
        assert_eq!(planted.gql(ME, json!({})).await["errors"][0]["extensions"]["code"], "DENIED");
    }
}

#[tokio::test]
async fn signing_out_ends_the_session_for_good() {
    let app = App::start().await;
    let session = app.session().await;
    let without_header = session.plain_post("/auth/logout").send().await.unwrap();
    assert_eq!(without_header.status(), StatusCode::FORBIDDEN);
    assert!(session.gql(ME, json!({})).await["errors"].is_null());
    let out = session.post("/auth/logout").send().await.unwrap();
    assert_eq!(out.status(), StatusCode::NO_CONTENT);
    assert!(out.headers()[SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    let replayed = session.json_body("/graphql", json!({ "query": ME }).to_string()).await;
    assert_eq!(replayed.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn sessions_end_by_age_and_by_idleness() {
    for change in ["expires_at = now() - interval '1 second'", "last_seen_at = now() - interval '8 days'"] {
        let app = App::start().await;
        let session = app.session().await;
        sqlx::query(&format!("update sessions set {change}")).execute(&app.pool).await.unwrap();
        assert_eq!(session.gql(ME, json!({})).await["errors"][0]["extensions"]["code"], "DENIED", "{change}");
    }
}

#[tokio::test]
async fn nothing_that_signs_in_is_stored_as_it_is() {
    let app = App::start().await;
    let session = app.session().await;
    let token = app.token(None, &[]).await;
    let link = create_owner_link(&app.pool, app.owner).await.unwrap().url(&app.base);
    let secrets = [
        session.cookie().split_once('=').unwrap().1.to_owned(),
        token,
        link.split_once("token=").unwrap().1.to_owned(),
    ];
    for table in ["sessions", "api_tokens", "sign_in_links"] {
        let rows: Vec<String> =
            sqlx::query_scalar(&format!("select t::text from {table} t")).fetch_all(&app.pool).await.unwrap();
        assert!(!rows.is_empty());
        for secret in &secrets {
            assert!(!rows.iter().any(|row| row.contains(secret.as_str())), "{table}");
        }
    }
}

#[tokio::test]
async fn tokens_sign_programs_in() {
    let app = App::start().await;
    let token = app.token(None, &[]).await;
    let me = app.gql_as(&token, ME, json!({})).await;
    assert_eq!(me["data"]["me"]["user"]["id"], app.owner.to_string());
    assert!(me["data"]["me"]["sessionId"].is_null());
    let used: i64 = sqlx::query_scalar("select count(*) from api_tokens where last_used_at is not null")
        .fetch_one(&app.pool)
        .await
        .unwrap();
    assert!(used >= 1);
    for wrong in
        ["", "Bearer", "Bearer x", "Basic abc", &format!("Bearer {token}0"), &format!("Bearer {}", &token[..70])]
    {
        let request = app.http.post(app.url("/graphql")).header("authorization", wrong).json(&json!({ "query": ME }));
        assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED, "{wrong}");
    }
}

#[tokio::test]
async fn a_bad_token_never_falls_back_to_the_cookie() {
    let app = App::start().await;
    let session = app.session().await;
    let request = session.post("/graphql").header("authorization", "Bearer nonsense").json(&json!({ "query": ME }));
    assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn expired_and_revoked_tokens_are_dead() {
    let app = App::start().await;
    let new = |expires_at| NewToken { name: "t".into(), role: None, scopes: vec![], expires_at };
    let expired = create_token(&app.pool, app.owner, new(Some(Utc::now() - Duration::seconds(1)))).await.unwrap().1;
    assert_eq!(app.gql_as(&expired, ME, json!({})).await["errors"][0]["extensions"]["code"], "DENIED");
    let revoked = create_token(&app.pool, app.owner, new(Some(Utc::now() + Duration::days(1)))).await.unwrap().1;
    sqlx::query("update api_tokens set revoked_at = now() where expires_at > now()").execute(&app.pool).await.unwrap();
    assert_eq!(app.gql_as(&revoked, ME, json!({})).await["errors"][0]["extensions"]["code"], "DENIED");
}

#[tokio::test]
async fn a_token_does_no_more_than_its_scopes_and_role() {
    let app = App::start().await;
    let project = app.project("TK").await;
    let create = "mutation($p: UUID!, $c: UUID!) { createTicket(input: {commandId: $c, projectId: $p, title: \"t\"}) { version } }";
    let connect = "mutation($p: UUID!, $c: UUID!) { connectRepository(input: {commandId: $c, projectId: $p, provider: GIT, cloneUrl: \"https://github.com/a/b\"}) { version } }";
    let variables = || json!({ "p": project, "c": uuid::Uuid::now_v7() });
    let code = |answer: &serde_json::Value| answer["errors"][0]["extensions"]["code"].clone();

    let reader = app.token(None, &[Scope::Read]).await;
    let read = app.gql_as(&reader, "query($p: UUID!) { project(id: $p) { name } }", json!({ "p": project })).await;
    assert!(read["errors"].is_null(), "{read}");
    assert_eq!(code(&app.gql_as(&reader, create, variables()).await), "DENIED");

    let tickets = app.token(None, &[Scope::Tickets]).await;
    assert!(app.gql_as(&tickets, create, variables()).await["errors"].is_null());
    assert_eq!(code(&app.gql_as(&tickets, connect, variables()).await), "DENIED");

    let qa = app.token(Some(Role::Qa), &[]).await;
    assert!(app.gql_as(&qa, create, variables()).await["errors"].is_null());
    assert_eq!(code(&app.gql_as(&qa, connect, variables()).await), "DENIED");
}

#[tokio::test]
async fn there_is_one_local_owner() {
    let app = App::start().await;
    let again = ensure_owner(&app.pool, "Somebody else").await.unwrap();
    assert_eq!(again, app.owner);
    let names: Vec<String> = sqlx::query_scalar("select name from users").fetch_all(&app.pool).await.unwrap();
    assert_eq!(names, ["Owner"]);
}
