//! The ids that ride through everything one request sets off: on every log line, in every answer, into the events.

use crate::state::Gateway;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use domain::CorrelationId;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::fmt;
use std::sync::Arc;
use std::time::Instant;
use tracing::Instrument;
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Found in the extensions of every request.
#[derive(Clone, Debug)]
pub(crate) struct RequestIds {
    pub request: Uuid,
    pub correlation: CorrelationId,
    pub trace: TraceParent,
}

/// W3C trace context: the trace that the caller began, or one that begins here, with a span of this request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TraceParent {
    trace_id: u128,
    span_id: u64,
    flags: u8,
}

impl TraceParent {
    fn begin() -> Self {
        // Version 4, whole: the trace id wants randomness in all its parts.
        let span = Uuid::new_v4().as_u64_pair().1 | 1;
        Self { trace_id: Uuid::new_v4().as_u128() | 1, span_id: span, flags: 1 }
    }

    /// Version 00; anything else begins a trace of its own, as the standard wants.
    fn parse(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        let sized = version == "00" && trace.len() == 32 && parent.len() == 16 && flags.len() == 2;
        if !sized || parts.next().is_some() || !is_hex(trace) || !is_hex(parent) || !is_hex(flags) {
            return None;
        }
        let trace_id = u128::from_str_radix(trace, 16).ok().filter(|id| *id != 0)?;
        let span_id = u64::from_str_radix(parent, 16).ok().filter(|id| *id != 0)?;
        Some(Self { trace_id, span_id, flags: u8::from_str_radix(flags, 16).ok()? })
    }

    fn child(self) -> Self {
        Self { span_id: Self::begin().span_id, ..self }
    }

    pub(crate) fn trace_id(self) -> String {
        format!("{:032x}", self.trace_id)
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, self.flags)
    }
}

impl RequestIds {
    fn of(headers: &HeaderMap) -> Self {
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let uuid = |name: &HeaderName| text(name).and_then(|value| Uuid::parse_str(value).ok());
        let request = uuid(&REQUEST_ID).unwrap_or_else(Uuid::now_v7);
        let trace = text(&TRACEPARENT).and_then(TraceParent::parse).map_or_else(TraceParent::begin, TraceParent::child);
        Self { request, correlation: CorrelationId(uuid(&CORRELATION_ID).unwrap_or(request)), trace }
    }

    fn headers(&self) -> [(HeaderName, String); 3] {
        [
            (REQUEST_ID, self.request.to_string()),
            (CORRELATION_ID, self.correlation.to_string()),
            (TRACEPARENT, self.trace.to_string()),
        ]
    }
}

pub(crate) async fn with_ids(State(gateway): State<Arc<Gateway>>, mut request: Request, next: Next) -> Response {
    let ids = RequestIds::of(request.headers());
    let span = tracing::info_span!(
        "request",
        method = %request.method(),
        // Never the query: a sign-in link's token is in it.
        path = request.uri().path(),
        request_id = %ids.request,
        correlation_id = %ids.correlation,
        trace_id = ids.trace.trace_id(),
    );
    request.extensions_mut().insert(ids.clone());
    let started = Instant::now();
    let mut response = async {
        let response = next.run(request).await;
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(status = response.status().as_u16(), duration_ms, "answered");
        response
    }
    .instrument(span)
    .await;
    gateway.metrics.answered(response.status());
    for (name, value) in ids.headers() {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_trace_goes_on_and_a_malformed_one_begins_anew() {
        let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let parsed = TraceParent::parse(given).unwrap();
        assert_eq!(parsed.to_string(), given);
        let child = parsed.child();
        assert_eq!(child.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_ne!(child.span_id, parsed.span_id);
        for wrong in [
            "",
            "00",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceParent::parse(wrong), None, "{wrong}");
        }
    }
}
