//! `/graphiql`: a small page to try queries on, where it is enabled. Its script is a file of ours, so it runs under the
//! same content policy as every other page.

use crate::state::Gateway;
use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use std::sync::Arc;

const PAGE: &str = include_str!("explorer.html");
const SCRIPT: &str = include_str!("explorer.js");

pub(crate) fn routes() -> Router<Arc<Gateway>> {
    Router::new().route("/graphiql", get(page)).route("/graphiql/explorer.js", get(script))
}

async fn page() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], PAGE)
}

async fn script() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT)
}
