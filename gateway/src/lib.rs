//! The way in: GraphQL over HTTP and WebSocket, sign-in, files, the web app.
//!
//! - [`http`]: routes, and the hardened `POST /graphql`.
//! - `ws`: the same API over a socket, with subscriptions.
//! - `graphql`: the schema by subject. A resolver parses, calls one function of `commands` or `projections`, translates.
//! - `live`: what subscriptions follow, from cursors, hints and a poll.
//! - [`auth`]: people, sessions, tokens, and the one table of what a role may do.
//! - `cost` and `limits`: what a request costs, and how much of that a caller may have in a minute.
//! - `key_check`: whether a model's provider takes a key.
//! - [`errors`]: what a caller is told, and what never leaves.
//!
//! # How to add a query
//! 1. Add a read function to its read model (that crate's head says how).
//! 2. Add a resolver to the subject's file in `graphql/`; copy `graphql::ticket`'s `ticket`. It begins with an
//!    `access…` call that names an [`auth::access::Action`]; the org to read with comes out of that and of nothing else.
//! 3. A list takes `first` and says its complexity, or its description says "At most …". Tests walk the schema for both.
//! 4. `LIME_BLESS=1` and the test `the_contract_is_the_schema` write `schema/graphql/schema.graphql` anew.
//!
//! # How to add a mutation
//! The same, with a payload that says `version` and `position`, calling one function of `commands`; copy `assign_ticket`.
//!
//! # How to add a subscription
//! A source in `live/sources.rs` (rows after a place), a topic for its hint, and a resolver as `board_changed`.

pub mod auth;
mod cost;
mod document;
pub mod errors;
mod graphql;
pub mod http;
mod key_check;
mod limits;
mod live;
mod settings;
mod state;
mod ws;

pub use graphql::{ApiSchema, schema, schema_builder, sdl};
pub use http::app;
pub use settings::{COST_PER_MINUTE, GatewayConfig, GatewaySettings, ProviderSetting};
pub use state::Gateway;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long open requests may take once the gateway stops.
const DRAIN: Duration = Duration::from_secs(10);
/// How long sockets get to say goodbye.
const CLOSE: Duration = Duration::from_secs(3);

#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    #[error("the public address does not do")]
    Address(#[from] http::origin::InvalidAddress),
    #[error("failed to serve")]
    Serve(#[source] std::io::Error),
}

/// Serves until `stop`; then sockets are closed with a code that makes clients come again, and open requests get 10 s.
///
/// # Errors
/// [`GatewayError`] when the public address is none, or the listener breaks.
pub async fn run(config: GatewayConfig, listener: TcpListener, stop: CancellationToken) -> Result<(), GatewayError> {
    let gateway = Gateway::start(config, stop.clone())?;
    let routes = app(Arc::clone(&gateway)).into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, routes).with_graceful_shutdown(stop.clone().cancelled_owned());
    let drained = async {
        stop.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        served = async { serving.await } => served.map_err(GatewayError::Serve)?,
        () = drained => tracing::warn!("requests were still open after {DRAIN:?}"),
    }
    // Sockets are no requests any more, so serving does not wait for them: each still has to hear where to go.
    let closing = async {
        while gateway.metrics.open_sockets() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    if tokio::time::timeout(CLOSE, closing).await.is_err() {
        tracing::warn!(open = gateway.metrics.open_sockets(), "sockets were cut");
    }
    Ok(())
}
