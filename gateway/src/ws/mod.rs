//! `GET /graphql/ws`: GraphQL over a WebSocket, in the protocol `graphql-transport-ws` and no other.

mod connection;
mod protocol;

use crate::auth::viewer::Credentials;
use crate::http::origin::Origins;
use crate::http::request_ids::RequestIds;
use crate::state::Gateway;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use connection::Connection;
use std::sync::Arc;
use tracing::Instrument;

const PROTOCOL: &str = "graphql-transport-ws";
/// Of one message of a client.
const MESSAGE_MAX_BYTES: usize = 256 * 1024;

pub(crate) async fn upgrade(
    State(gateway): State<Arc<Gateway>>,
    Extension(ids): Extension<RequestIds>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    // A page of another site can open a socket to us and the browser would send our cookie with it.
    if !gateway.origins.admits(&headers) {
        return (StatusCode::FORBIDDEN, "Not from a page of this gateway.\n").into_response();
    }
    if !offers(&headers) {
        return (StatusCode::BAD_REQUEST, "Ask for the protocol graphql-transport-ws.\n").into_response();
    }
    let mut credentials = Credentials::of(&headers, &gateway.origins);
    if credentials.ride_along() && !Origins::has_origin(&headers) {
        // Every browser names its origin here. What names none is a program, and programs have tokens.
        credentials = Credentials::None;
    }
    let span = tracing::info_span!("socket", socket_id = %ids.request);
    upgrade
        .protocols([PROTOCOL])
        .max_message_size(MESSAGE_MAX_BYTES)
        .max_frame_size(MESSAGE_MAX_BYTES)
        .on_upgrade(move |socket| Connection::serve(gateway, ids, credentials, socket).instrument(span))
}

fn offers(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split(',').any(|protocol| protocol.trim() == PROTOCOL))
}
