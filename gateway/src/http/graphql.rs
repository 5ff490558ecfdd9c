//! `POST /graphql`, and nothing else: no GET, no forms, no batches.

use crate::auth::viewer::{Credentials, Viewer};
use crate::errors::{ApiError, finish, retry_after_s};
use crate::graphql::RequestContext;
use crate::http::BODY_MAX_BYTES;
use crate::http::request_ids::RequestIds;
use crate::state::Gateway;
use crate::{cost, document};
use async_graphql::Variables;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Extension, Request, State};
use axum::response::{AppendHeaders, IntoResponse, Response};
use bytes::Bytes;
use feed::chain;
use futures::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

/// What a form or a plain link of another site cannot send.
pub(crate) const CSRF: HeaderName = HeaderName::from_static("x-lime-csrf");

/// The body of a request; also the payload of `subscribe` on a socket.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GraphQlRequest {
    pub query: String,
    #[serde(default)]
    pub operation_name: Option<String>,
    #[serde(default)]
    pub variables: Option<serde_json::Map<String, serde_json::Value>>,
}

/// A request that never became an operation.
struct Refusal {
    status: StatusCode,
    error: ApiError,
}

impl Refusal {
    fn invalid(status: StatusCode, message: &str) -> Self {
        Self { status, error: ApiError::invalid("request", message) }
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        let status = match &error {
            ApiError::Denied(_) => StatusCode::UNAUTHORIZED,
            ApiError::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            ApiError::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            ApiError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            ApiError::Rejected { .. }
            | ApiError::Stale { .. }
            | ApiError::NotFound
            | ApiError::Invalid { .. }
            | ApiError::StorageLow => StatusCode::BAD_REQUEST,
        };
        Self { status, error }
    }
}

pub(crate) async fn post_graphql(
    State(gateway): State<Arc<Gateway>>,
    Extension(ids): Extension<RequestIds>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    request: Request,
) -> Response {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let peer = peer.map(|Extension(ConnectInfo(address))| address.ip().to_canonical());
    let answered = answer(&gateway, &ids, peer, &parts.headers, body).await;
    gateway.metrics.graphql(started.elapsed());
    match answered {
        Ok(Answer { response, cookie }) => {
            let cookie = cookie.map(|cookie| (header::SET_COOKIE, cookie));
            (AppendHeaders(cookie), json(StatusCode::OK, &response)).into_response()
        }
        Err(refusal) => {
            let retry_after = match &refusal.error {
                ApiError::RateLimited { retry_after } => Some(retry_after_s(*retry_after)),
                ApiError::Unavailable { .. } => Some(1),
                _ => None,
            };
            let mut response = async_graphql::Response::from_errors(vec![refusal.error.into_server_error()]);
            finish(&mut response, &ids.trace.trace_id());
            let mut response = json(refusal.status, &response);
            if let Some(seconds) = retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            response
        }
    }
}

struct Answer {
    response: async_graphql::Response,
    /// The session's next secret.
    cookie: Option<String>,
}

async fn answer(
    gateway: &Arc<Gateway>,
    ids: &RequestIds,
    peer: Option<IpAddr>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Answer, Refusal> {
    if !is_json(headers) {
        return Err(Refusal::invalid(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send application/json."));
    }
    let credentials = Credentials::of(headers, &gateway.origins);
    if !gateway.origins.admits(headers) {
        return Err(Refusal {
            status: StatusCode::FORBIDDEN,
            error: ApiError::Denied("Not from a page of this gateway."),
        });
    }
    if credentials.ride_along() && headers.get(CSRF).is_none_or(|value| value != "1") {
        return Err(Refusal {
            status: StatusCode::FORBIDDEN,
            error: ApiError::Denied("Send the header X-Lime-Csrf: 1."),
        });
    }
    let viewer = match gateway.identify(&credentials).await {
        Ok(viewer) => viewer,
        Err(error) => {
            if let (ApiError::Denied(_), Some(peer)) = (&error, peer) {
                gateway.limits.failure(peer)?;
            }
            return Err(error.into());
        }
    };
    // A body that trickles in holds nobody else's place.
    let body = tokio::time::timeout(gateway.settings.request_timeout, read(headers, body))
        .await
        .map_err(|_| Refusal::invalid(StatusCode::REQUEST_TIMEOUT, "The body did not come in time."))??;
    let Ok(_place) = gateway.room.try_acquire() else {
        gateway.metrics.turned_away();
        return Err(ApiError::Unavailable { message: "Too busy. Try again in a moment.", source: None }.into());
    };
    let request = parse(&body)?;
    let cookie = gateway.rotated_cookie(&viewer, &credentials, headers).await;
    let response = run(gateway, ids, viewer, request).await?;
    Ok(Answer { response, cookie })
}

/// The answer to a query or mutation on a socket, whatever it is.
pub(crate) async fn execute(
    gateway: &Arc<Gateway>,
    ids: &RequestIds,
    viewer: Viewer,
    request: GraphQlRequest,
) -> async_graphql::Response {
    run(gateway, ids, viewer, request).await.unwrap_or_else(|error| {
        let mut response = failed(error);
        finish(&mut response, &ids.trace.trace_id());
        response
    })
}

/// Runs a query or mutation; never longer than the settings say, and a panic stays inside.
///
/// # Errors
/// [`ApiError::RateLimited`] when the caller's allowance does not cover it; everything else is in the answer.
async fn run(
    gateway: &Arc<Gateway>,
    ids: &RequestIds,
    viewer: Viewer,
    request: GraphQlRequest,
) -> Result<async_graphql::Response, ApiError> {
    let mut response = match prepare(gateway, ids, viewer, request) {
        Ok(request) => {
            let run = AssertUnwindSafe(gateway.schema.execute(request)).catch_unwind();
            match tokio::time::timeout(gateway.settings.request_timeout, run).await {
                Ok(Ok(response)) => response,
                Ok(Err(_)) => {
                    tracing::error!("a resolver panicked");
                    failed(ApiError::internal("a resolver panicked"))
                }
                Err(_) => failed(ApiError::Unavailable {
                    message: "It took too long. A command may still have been accepted: send the same again.",
                    source: None,
                }),
            }
        }
        Err(error @ ApiError::RateLimited { .. }) => return Err(error),
        Err(error) => failed(error),
    };
    finish(&mut response, &ids.trace.trace_id());
    Ok(response)
}

/// Parses, weighs, charges the caller, and puts in what resolvers need.
pub(crate) fn prepare(
    gateway: &Arc<Gateway>,
    ids: &RequestIds,
    viewer: Viewer,
    request: GraphQlRequest,
) -> Result<async_graphql::Request, ApiError> {
    let parsed = document::parse(&request.query).map_err(|error| {
        let message: String = error.to_string().chars().take(200).collect();
        ApiError::Invalid { field: "query".to_owned(), message }
    })?;
    let cost = cost::cost(&parsed, request.operation_name.as_deref(), request.variables.as_ref());
    gateway.limits.caller(&viewer, cost)?;
    let context = RequestContext::new(gateway, ids, viewer, &request, &parsed, cost);
    let variables = request.variables.map(serde_json::Value::Object).unwrap_or_default();
    let mut prepared = async_graphql::Request::new(request.query).variables(Variables::from_json(variables));
    prepared.operation_name = request.operation_name;
    prepared.set_parsed_query(parsed);
    Ok(context.attach(prepared))
}

fn failed(error: ApiError) -> async_graphql::Response {
    async_graphql::Response::from_errors(vec![error.into_server_error()])
}

/// Exactly `application/json`, with no parameter but `charset=utf-8`. Anything else could come from a form.
fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Ok(value) = value.to_str() else { return false };
    let mut parts = value.split(';').map(str::trim);
    parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"))
        && parts.all(|parameter| {
            parameter.is_empty()
                || parameter.eq_ignore_ascii_case("charset=utf-8")
                || parameter.eq_ignore_ascii_case("charset=\"utf-8\"")
        })
}

async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Refusal> {
    let too_large = || Refusal::invalid(StatusCode::PAYLOAD_TOO_LARGE, "The body is larger than 256 KiB.");
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > BODY_MAX_BYTES) {
        return Err(too_large());
    }
    to_bytes(body, BODY_MAX_BYTES).await.map_err(|error| {
        tracing::debug!(error = chain(&error), "a body was not read");
        too_large()
    })
}

fn parse(body: &[u8]) -> Result<GraphQlRequest, Refusal> {
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(Refusal::invalid(StatusCode::BAD_REQUEST, "One operation a request: batches are not taken."));
    }
    // Serde's words may quote the input; they stay here.
    serde_json::from_slice(body).map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Data => "The body is not {query, operationName, variables}.",
            serde_json::error::Category::Syntax
            | serde_json::error::Category::Eof
            | serde_json::error::Category::Io => "The body is not JSON.",
        };
        Refusal::invalid(StatusCode::BAD_REQUEST, what)
    })
}

fn json(status: StatusCode, response: &async_graphql::Response) -> Response {
    match serde_json::to_vec(response) {
        Ok(body) => (status, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written as JSON");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
