//! Plain HTTP: the routes, and what holds for all of them.

pub(crate) mod auth_routes;
pub(crate) mod explorer;
pub(crate) mod files;
pub(crate) mod github_routes;
pub(crate) mod graphql;
pub(crate) mod health;
pub(crate) mod join_routes;
pub(crate) mod metrics;
pub mod origin;
pub(crate) mod request_ids;
pub(crate) mod security_headers;
pub(crate) mod web_app;

use crate::state::Gateway;
use crate::ws;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use std::any::Any;
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;

/// No request body is larger than this; 256 KiB.
pub(crate) const BODY_MAX_BYTES: usize = 256 * 1024;

/// All routes of the gateway. Serve it with `into_make_service_with_connect_info::<SocketAddr>()`: sign-in links look at
/// the address.
pub fn app(gateway: Arc<Gateway>) -> Router {
    let mut routes = Router::new()
        .route("/graphql", post(graphql::post_graphql))
        .route("/graphql/ws", get(ws::upgrade))
        .route("/auth/local", get(auth_routes::sign_in))
        .route("/auth/logout", post(auth_routes::sign_out))
        .route("/auth/methods", get(auth_routes::methods))
        .route("/auth/invitation", post(join_routes::look))
        .route("/auth/join", post(join_routes::join))
        .route("/auth/github/start", get(github_routes::start))
        .route("/auth/github/callback", get(github_routes::callback))
        .route("/files/{digest}", get(files::download))
        .route("/healthz", get(health::lives))
        .route("/readyz", get(health::serves))
        .route("/metrics", get(metrics::show))
        // What is the product's own never falls through to the web app's pages.
        .route("/graphql/{*rest}", any(not_found))
        .route("/auth/{*rest}", any(not_found))
        .route("/files", any(not_found))
        .route("/github/{*rest}", any(not_found))
        .route("/gitlab/{*rest}", any(not_found))
        .route("/mcp", any(not_found));
    if gateway.settings.explorer {
        routes = routes.merge(explorer::routes());
    }
    routes
        .fallback(web_app::serve)
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(axum::middleware::from_fn_with_state(gateway.clone(), security_headers::set))
        .layer(axum::middleware::from_fn_with_state(gateway.clone(), request_ids::with_ids))
        .with_state(gateway)
}

async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "Not found.\n").into_response()
}

/// The panic's own words went to standard error by its hook; the caller learns nothing of them.
fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a handler panicked");
    (StatusCode::INTERNAL_SERVER_ERROR, "Something broke on our side.\n").into_response()
}
