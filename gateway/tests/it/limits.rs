//! A caller's allowance: what it covers, what happens beyond it, and that others have their own.

use crate::support::{App, code};
use futures::future::join_all;
use serde_json::json;

const ME: &str = "{ me { user { id } } }";

#[tokio::test]
async fn beyond_the_allowance_a_caller_is_told_how_long_to_wait_and_others_are_not() {
    let app = App::start_with(|settings| settings.cost_per_minute = 300).await;
    let other = app.token(None, &[]).await;
    let ask = |token: String| {
        let request = app.http.post(app.url("/graphql")).bearer_auth(token);
        request.json(&json!({ "query": ME })).send()
    };
    // Three units each: a hundred empty it, however many are under way at a time.
    let answers = join_all((0..150).map(|_| ask(app.owner_token.clone()))).await;
    let refused: Vec<_> = answers.into_iter().map(Result::unwrap).filter(|answer| answer.status() == 429).collect();
    assert!(!refused.is_empty(), "150 requests of 3 passed an allowance of 300 a minute");
    for answer in refused {
        let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=61).contains(&wait), "{wait}");
        let body: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(code(&body), "RATE_LIMITED");
        assert_eq!(body["errors"][0]["extensions"]["retryAfterS"], json!(wait));
    }
    assert_eq!(ask(other).await.unwrap().status(), 200, "another token of the same person has its own");
}

#[tokio::test]
async fn what_is_heavy_costs_more() {
    let app = App::start_with(|settings| settings.cost_per_minute = 3_000).await;
    let project = app.project("HV").await;
    let board = "query($p: UUID!) { board(projectId: $p) { id } }";
    let mut passed = 0;
    let token = app.token(None, &[]).await;
    while code_or_none(&app.gql_as(&token, board, json!({ "p": project })).await).is_none() {
        passed += 1;
        assert!(passed < 10, "a board of 1,001 units ten times passed 3,000 a minute");
    }
    assert!(passed >= 2);
}

fn code_or_none(answer: &serde_json::Value) -> Option<&str> {
    answer["errors"][0]["extensions"]["code"].as_str()
}

#[tokio::test]
async fn all_callers_of_an_org_have_one_allowance_and_another_org_its_own() {
    let app = App::start_with(|settings| settings.cost_per_minute = 3_000).await;
    let project = app.project("OR").await;
    let board = "query($p: UUID!) { board(projectId: $p) { id } }";
    // Two boards of 1,001 units are within a caller's own 3,000; eighty of them are not within the org's 60,000.
    let twice = async || {
        let token = app.token(None, &[]).await;
        let first = app.gql_as(&token, board, json!({ "p": project })).await;
        [first, app.gql_as(&token, board, json!({ "p": project })).await]
    };
    let answers = join_all((0..40).map(|_| twice())).await;
    let refused = answers.iter().flatten().filter(|answer| code_or_none(answer) == Some("RATE_LIMITED")).count();
    assert!(refused > 0, "80,080 units passed an allowance of 60,000");
    assert!(refused < 80, "nobody got anything");
    let (_, eve) = app.person("Eve").await;
    let org = app.new_org(&eve, "Eve's own").await;
    let own = app.gql_as(&eve, "query($o: UUID!) { org(id: $o) { name } }", json!({ "o": org })).await;
    assert_eq!(own["data"]["org"]["name"], "Eve's own", "{own}");
}

#[tokio::test]
async fn sockets_draw_on_the_same_allowance() {
    let app = App::start_with(|settings| settings.cost_per_minute = 300).await;
    let mut socket = app.socket().await;
    let mut limited = false;
    for id in 0..150 {
        socket.subscribe(&id.to_string(), ME, json!({})).await;
        let answer = socket.next().await.unwrap();
        assert_eq!(answer["type"], "next", "{answer}");
        limited |= answer["payload"]["errors"][0]["extensions"]["code"] == "RATE_LIMITED";
        assert_eq!(socket.next().await.unwrap()["type"], "complete");
    }
    assert!(limited);
}

#[tokio::test]
async fn an_address_that_guesses_tokens_is_slowed_down() {
    let app = App::start().await;
    let guess =
        || app.http.post(app.url("/graphql")).bearer_auth("lime_pat_guess").json(&json!({ "query": ME })).send();
    let statuses: Vec<u16> =
        join_all((0..100).map(|_| guess())).await.into_iter().map(|a| a.unwrap().status().as_u16()).collect();
    assert!(statuses.contains(&401) && statuses.contains(&429), "{statuses:?}");
    let request = app.http.post(app.url("/graphql")).bearer_auth(&app.owner_token);
    let answer = request.json(&json!({ "query": ME })).send().await.unwrap();
    assert_eq!(answer.status(), 200, "who is signed in is not slowed down by them");
}
