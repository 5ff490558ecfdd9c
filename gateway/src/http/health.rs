//! `/healthz`: this process lives. `/readyz`: it can serve.

use crate::state::Gateway;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(2);

pub(crate) async fn lives() -> Json<serde_json::Value> {
    Json(json!({ "status": "ok" }))
}

/// 200 when the database answers and the gateway is not closing; 503 with the reason in a word otherwise.
pub(crate) async fn serves(State(gateway): State<Arc<Gateway>>) -> (StatusCode, Json<serde_json::Value>) {
    if gateway.stop.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "closing" })));
    }
    let asked = tokio::time::timeout(PATIENCE, sqlx::query("select 1").execute(&gateway.pool)).await;
    if matches!(asked, Ok(Ok(_))) {
        (StatusCode::OK, Json(json!({ "status": "ok" })))
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "no database" })))
    }
}
