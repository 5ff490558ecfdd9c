//! What is served besides the API.

use crate::support::App;
use reqwest::StatusCode;
use serde_json::Value;

#[tokio::test]
async fn health_readiness_and_metrics() {
    let app = App::start().await;
    let session = app.session().await;
    session.gql("{ me { user { id } } }", serde_json::json!({})).await;
    for path in ["/healthz", "/readyz"] {
        let answer = app.http.get(app.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["status"], "ok");
    }
    let metrics = app.http.get(app.url("/metrics")).send().await.unwrap().text().await.unwrap();
    for line in [
        "lime_http_requests_total{status=\"2xx\"}",
        "lime_graphql_request_seconds_count{} ",
        "lime_live_subscribers 0",
        "lime_projection_lag_events{projection=\"board\"}",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    assert!(!metrics.contains(&app.org.to_string()), "nothing of a tenant");
}

#[tokio::test]
async fn pages_of_the_app_are_one_page_and_nothing_else_is() {
    let app = App::start().await;
    let page = app.http.get(app.url("/projects/AL/board")).header("accept", "text/html").send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.headers()["cache-control"], "no-cache");
    assert!(page.text().await.unwrap().contains("Assembly Lime"));
    for path in ["/assets/none.js", "/graphql/other", "/auth/other", "/files", "/mcp", "/gitlab/webhook/1", "/graphiql"]
    {
        let answer = app.http.get(app.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn the_explorer_is_there_where_it_is_enabled() {
    let app = App::start_with(|settings| settings.explorer = true).await;
    let page = app.http.get(app.url("/graphiql")).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("script-src 'self';"));
    let html = page.text().await.unwrap();
    assert!(
        !html.contains("<script>") && !html.contains("http://") && !html.contains("https://"),
        "CSP would refuse it"
    );
    let script = app.http.get(app.url("/graphiql/explorer.js")).send().await.unwrap();
    assert_eq!(script.headers()["content-type"], "text/javascript; charset=utf-8");
}
