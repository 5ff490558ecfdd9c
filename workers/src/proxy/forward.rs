//! One call to the vendor: the request with the real key, the answer passed on and metered.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::budget::{OverBudget, Purse, SetAside};
use super::events::{ModelUsage, ProviderFailure, ProviderFailureKind, ProxyEvent};
use super::prices::{Price, price_of};
use super::route::over_budget_message;
use super::server::Shared;
use super::usage::{Meter, Tokens, input_estimate};
use crate::scrub::Scrubber;

pub(crate) type AnswerBody = UnsyncBoxBody<Bytes, Infallible>;

/// Of an error answer; what is longer is cut.
const ERROR_BYTES: usize = 64 << 10;
/// Pieces of an answer waiting for a slow agent.
const PIECES: usize = 16;

/// Request headers that are the proxy's business, or the connection's, or would make the answer
/// unreadable to the meter.
const NOT_FORWARDED: &[&str] = &[
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-api-key",
    "x-forwarded-for",
];

/// Answer headers that agents make use of. A vendor's cookies and the like stay outside.
const PASSED_BACK: &[&str] =
    &["cache-control", "content-type", "request-id", "retry-after", "retry-after-ms", "x-request-id", "x-should-retry"];
const PASSED_BACK_FAMILIES: &[&str] = &["anthropic-", "openai-", "x-codex-", "x-ratelimit-"];

/// A request that was admitted.
pub(crate) struct Call {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// As the request names it; the answer's own name counts where it has one.
    pub model: String,
    pub key: SecretString,
    /// `None` for what is free.
    pub paid: Option<Paid>,
    pub permit: OwnedSemaphorePermit,
}

/// Money set aside for a call. Dropped without [`Paid::settle`] the call has cost nothing.
#[derive(Debug)]
pub(crate) struct Paid {
    id: Uuid,
    pub set_aside: SetAside,
    /// None once it is settled.
    purse: Option<Arc<dyn Purse>>,
}

impl Paid {
    pub(crate) fn new(id: Uuid, set_aside: SetAside, purse: Arc<dyn Purse>) -> Self {
        Self { id, set_aside, purse: Some(purse) }
    }

    /// The call is over and cost this.
    async fn settle(mut self, cost_usd_micros: u64) {
        if let Some(purse) = self.purse.take() {
            purse.settle(self.id, cost_usd_micros).await;
        }
    }
}

impl Drop for Paid {
    fn drop(&mut self) {
        if let Some(purse) = self.purse.take() {
            let id = self.id;
            tokio::spawn(async move { purse.settle(id, 0).await });
        }
    }
}

pub(crate) async fn forward(shared: &Arc<Shared>, call: Call) -> Response<AnswerBody> {
    let api = shared.settings.api;
    let url = shared.settings.upstream.url(&call.uri);
    let mut headers = forwarded(&call.headers);
    let scrubber = Scrubber::new([&call.key, &shared.settings.run_token]);
    if api.set_key(&mut headers, call.key.expose_secret()).is_err() {
        let message = "the model key has characters that cannot be sent";
        shared.failed(ProviderFailureKind::Auth, None, message.to_owned());
        return api.error(StatusCode::UNAUTHORIZED, "provider_auth", message);
    }
    let asked_bytes = call.body.len() as u64;
    let request = shared.client.request(call.method, url).headers(headers).body(call.body);
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => {
            // Without the URL and with nothing of the request: it says only what went wrong on the way.
            let message = scrubber.scrub(&feed::chain(&error.without_url())).into_owned();
            shared.failed(ProviderFailureKind::Unreachable, None, message.clone());
            let message = format!("the model provider cannot be reached: {message}");
            return api.error(StatusCode::BAD_GATEWAY, "provider_unreachable", &message);
        }
    };
    if !answer.status().is_success() {
        return failed(shared, answer, &scrubber).await;
    }
    shared.settings.keys.taken(None).await;
    let mut back = Response::builder().status(answer.status());
    if let Some(headers) = back.headers_mut() {
        *headers = passed_back(answer.headers());
    }
    let streamed =
        answer.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    let (pieces, body) = mpsc::channel::<Bytes>(PIECES);
    let metered = Metered {
        shared: Arc::clone(shared),
        meter: Meter::new(streamed),
        price: price_of(&call.model).0,
        model: call.model,
        asked_bytes,
        paid: call.paid,
        scrubber,
        streamed,
    };
    let stop = shared.stop.clone();
    tokio::spawn(async move {
        metered.pass_on(answer, pieces, &stop).await;
        drop(call.permit);
    });
    let body = futures::stream::unfold(body, |mut body| async move {
        let piece = body.recv().await?;
        Some((Ok::<_, Infallible>(Frame::data(piece)), body))
    });
    back.body(StreamBody::new(body).boxed_unsync()).unwrap_or_else(|_| {
        api.error(StatusCode::BAD_GATEWAY, "provider_answer", "the provider's answer has broken headers")
    })
}

struct Metered {
    shared: Arc<Shared>,
    meter: Meter,
    price: Price,
    model: String,
    asked_bytes: u64,
    paid: Option<Paid>,
    scrubber: Scrubber,
    streamed: bool,
}

impl Metered {
    /// To the end of the answer, or until the agent hangs up, the budget is used up or the run ends. In
    /// every case what has passed is paid for.
    async fn pass_on(mut self, answer: reqwest::Response, to_agent: mpsc::Sender<Bytes>, stop: &CancellationToken) {
        let mut pieces = answer.bytes_stream();
        loop {
            let piece = tokio::select! {
                piece = pieces.next() => piece,
                () = to_agent.closed() => break,
                () = stop.cancelled() => break,
            };
            let piece = match piece {
                Some(Ok(piece)) => piece,
                Some(Err(error)) => {
                    let message = self.scrubber.scrub(&feed::chain(&error.without_url())).into_owned();
                    self.shared.failed(ProviderFailureKind::BrokeOff, None, message);
                    break;
                }
                None => break,
            };
            self.meter.see(&piece);
            if let Err(over) = self.affordable() {
                self.shared.refused(over);
                // A document that is no stream cannot be ended with words; it just ends short.
                if self.streamed {
                    let _ = to_agent.send(self.shared.settings.api.cut_off(&over_budget_message(over))).await;
                }
                break;
            }
            if to_agent.send(piece).await.is_err() {
                break;
            }
        }
        drop(to_agent);
        self.settle().await;
    }

    /// Is what the answer has come to still within what was set aside? A vendor that keeps to the length that it was
    /// told never comes to this. Its final count is not cut any more: it is paid already, and the agent may as well
    /// have what it was for.
    fn affordable(&self) -> Result<(), OverBudget> {
        let Some(Paid { set_aside: SetAside { amount_usd_micros, tightest: Some(tightest) }, .. }) = &self.paid else {
            return Ok(());
        };
        if self.meter.complete() {
            return Ok(());
        }
        let input = input_estimate(self.asked_bytes);
        let so_far = Tokens { cached_input: input, output: self.meter.output_so_far(), ..Tokens::default() };
        let cost = self.price.cost_usd_micros(&so_far);
        if cost <= *amount_usd_micros {
            return Ok(());
        }
        Err(OverBudget { spent_usd_micros: tightest.spent_usd_micros.saturating_add(cost), ..*tightest })
    }

    async fn settle(self) {
        let Some(paid) = self.paid else { return };
        let counted = self.meter.finish(self.asked_bytes);
        let model = counted.model.unwrap_or(self.model);
        let (price, price_known) = price_of(&model);
        let cost_usd_micros = price.cost_usd_micros(&counted.tokens);
        paid.settle(cost_usd_micros).await;
        let tokens = counted.tokens;
        self.shared.used(ModelUsage {
            model,
            input_tokens: tokens.input + tokens.cached_input + tokens.cache_write,
            cached_input_tokens: tokens.cached_input,
            output_tokens: tokens.output,
            cost_usd_micros,
            price_known,
            estimated: counted.estimated,
        });
    }
}

/// A refusal by the vendor: told to the run by its kind, and to the agent in the vendor's own words,
/// but for those about the key, which tend to quote it.
async fn failed(shared: &Arc<Shared>, answer: reqwest::Response, scrubber: &Scrubber) -> Response<AnswerBody> {
    let api = shared.settings.api;
    let status = answer.status();
    let headers = passed_back(answer.headers());
    let mut body = Vec::new();
    let mut pieces = answer.bytes_stream();
    while let Some(Ok(piece)) = pieces.next().await {
        body.extend_from_slice(&piece);
        if body.len() > ERROR_BYTES {
            break;
        }
    }
    body.truncate(ERROR_BYTES);
    let text = scrubber.scrub(&String::from_utf8_lossy(&body)).into_owned();
    let kind = match status.as_u16() {
        401 | 403 => ProviderFailureKind::Auth,
        429 | 503 | 529 => ProviderFailureKind::Overloaded,
        _ => ProviderFailureKind::Rejected,
    };
    if kind == ProviderFailureKind::Auth {
        let message = format!("the model provider refused the key ({})", status.as_u16());
        shared.settings.keys.taken(Some(status.as_u16())).await;
        shared.failed(kind, Some(status.as_u16()), message.clone());
        return api.error(status, "provider_auth", &message);
    }
    shared.failed(kind, Some(status.as_u16()), text.chars().take(500).collect());
    let mut back = Response::new(Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync());
    *back.status_mut() = status;
    *back.headers_mut() = headers;
    back
}

fn forwarded(headers: &HeaderMap) -> HeaderMap {
    let kept = headers.iter().filter(|(name, _)| !NOT_FORWARDED.contains(&name.as_str()));
    let mut kept: HeaderMap = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
    // The meter reads what passes.
    kept.insert(http::header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    kept
}

fn passed_back(headers: &HeaderMap) -> HeaderMap {
    let of_use = |name: &HeaderName| {
        let name = name.as_str();
        PASSED_BACK.contains(&name) || PASSED_BACK_FAMILIES.iter().any(|family| name.starts_with(family))
    };
    let kept = headers.iter().filter(|(name, _)| of_use(name));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

impl Shared {
    pub(crate) fn failed(&self, kind: ProviderFailureKind, status: Option<u16>, message: String) {
        self.tell(ProxyEvent::ProviderFailed(ProviderFailure { kind, status, message }));
    }
}
