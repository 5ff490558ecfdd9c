//! The socket that the sandbox sees, and what the run is told.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::debug;
use url::Url;
use uuid::Uuid;

use super::budget::{Asked, KeySource, NoKey, NoMoney, OverBudget, Purse};
use super::events::{ModelUsage, ProviderFailureKind, ProxyEvent};
use super::forward::{AnswerBody, Call, Paid, forward};
use super::route::{ModelApi, Route, over_budget_message};

/// A question with pictures and a long history; what the vendors take at most.
const BODY_BYTES: usize = 32 << 20;
const HEADER_BYTES: usize = 64 << 10;
/// Model calls of one run at a time; more wait. Bounds by how much calls that started together can pass
/// the budget before their cost is known.
const CALLS_AT_ONCE: usize = 4;
/// Events waiting for the run to take them. Usage beyond it waits; the rest is counted and dropped.
const EVENTS: usize = 256;

/// Where model calls go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    base: Url,
}

impl Upstream {
    /// `base` is the API's address with or without its `/v1`, such as `https://api.openai.com/v1`.
    /// Plain http is for this machine (loopback) or where the operator's settings say so.
    ///
    /// # Errors
    /// [`ProxyError::Upstream`] says what is wrong with it.
    pub fn new(base: &str, plain_http_allowed: bool) -> Result<Self, ProxyError> {
        let wrong = |reason: &str| ProxyError::Upstream { reason: reason.to_owned() };
        let mut base = Url::parse(base).map_err(|error| wrong(&error.to_string()))?;
        let loopback = match base.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => return Err(wrong("it names no host")),
        };
        match base.scheme() {
            "https" => {}
            "http" if loopback || plain_http_allowed => {}
            "http" => return Err(wrong("plain http is for this machine only")),
            _ => return Err(wrong("it is neither https nor http")),
        }
        if !base.username().is_empty() || base.password().is_some() || base.query().is_some() {
            return Err(wrong("it carries credentials or a query"));
        }
        let path = base.path().trim_end_matches('/');
        let path = path.strip_suffix("/v1").unwrap_or(path).to_owned();
        base.set_path(&path);
        Ok(Self { base })
    }

    pub(crate) fn url(&self, asked: &Uri) -> Url {
        let mut url = self.base.clone();
        let path = format!("{}{}", self.base.path().trim_end_matches('/'), asked.path());
        url.set_path(&path);
        url.set_query(asked.query());
        url
    }
}

/// What the proxy of one run needs to know.
#[derive(Debug)]
pub struct ProxySettings {
    pub api: ModelApi,
    pub upstream: Upstream,
    /// The real key, asked for at each call. It leaves this process in a request header to `upstream` and nowhere else.
    pub keys: Arc<dyn KeySource>,
    /// What the agent is given as its key. Good for this run and this socket alone.
    pub run_token: SecretString,
    /// What every call is paid from.
    pub purse: Arc<dyn Purse>,
}

/// Why no proxy could be started.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    #[error("the address of the model provider is not usable: {reason}")]
    Upstream { reason: String },
    #[error("failed to listen on {path}")]
    Listen {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("failed to set up the connection to the model provider")]
    Client {
        #[source]
        source: reqwest::Error,
    },
}

pub(crate) struct Shared {
    pub settings: ProxySettings,
    pub client: reqwest::Client,
    pub stop: CancellationToken,
    calls: Arc<Semaphore>,
    events: mpsc::Sender<ProxyEvent>,
    dropped: AtomicU64,
}

impl Shared {
    /// Usage is told even if the run is slow to listen; there are only as many as there are calls.
    pub(crate) fn used(self: &Arc<Self>, usage: ModelUsage) {
        if let Err(mpsc::error::TrySendError::Full(event)) = self.events.try_send(ProxyEvent::Usage(usage)) {
            let events = self.events.clone();
            tokio::spawn(async move { events.send(event).await });
        }
    }

    pub(crate) fn refused(&self, over: OverBudget) {
        self.tell(ProxyEvent::OverBudget(over));
    }

    /// A hostile agent can cause as many of these as it likes.
    pub(crate) fn tell(&self, event: ProxyEvent) {
        if self.events.try_send(event).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A proxy that serves one run. Dropping it closes the socket and every call under way.
#[derive(Debug)]
pub struct ModelProxy {
    /// Take events from here; the end comes after [`ModelProxy::stop`] when the last call is accounted for.
    pub events: mpsc::Receiver<ProxyEvent>,
    socket: PathBuf,
    stop: CancellationToken,
}

impl ModelProxy {
    /// Listens on a new unix socket, which only this process's user may use: hand it over to the
    /// sandbox's user (`Sandbox::hand_over`). Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// [`ProxyError::Listen`] when there is something at the path already, among others.
    pub fn start(socket: &Path, settings: ProxySettings) -> Result<Self, ProxyError> {
        let failed = |source| ProxyError::Listen { path: socket.to_path_buf(), source };
        let client = client(&settings.upstream)?;
        let listener = UnixListener::bind(socket).map_err(failed)?;
        std::fs::set_permissions(socket, std::os::unix::fs::PermissionsExt::from_mode(0o600)).map_err(failed)?;
        let (events, received) = mpsc::channel(EVENTS);
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            settings,
            client,
            stop: stop.clone(),
            calls: Arc::new(Semaphore::new(CALLS_AT_ONCE)),
            events,
            dropped: AtomicU64::new(0),
        });
        tokio::spawn(accept(listener, shared));
        Ok(Self { events: received, socket: socket.to_path_buf(), stop })
    }

    /// Closes the socket and ends the calls under way. Their cost still comes as events; receive until
    /// the end to have it all.
    pub fn stop(&self) {
        self.stop.cancel();
        // Gone already when the run's directory is.
        let _ = std::fs::remove_file(&self.socket);
    }
}

impl Drop for ModelProxy {
    fn drop(&mut self) {
        self.stop();
    }
}

fn client(upstream: &Upstream) -> Result<reqwest::Client, ProxyError> {
    // One provider for the whole process; whoever comes first sets it, and all set the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        // A redirect would carry the key to another host.
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        // Between two pieces of an answer: models think for minutes, but vendors send signs of life.
        .read_timeout(Duration::from_mins(5));
    let client = if upstream.base.scheme() == "http" { client.no_proxy() } else { client };
    client.build().map_err(|source| ProxyError::Client { source })
}

async fn accept(listener: UnixListener, shared: Arc<Shared>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.stop.cancelled() => return,
        };
        match accepted {
            Ok((connection, _)) => {
                tokio::spawn(serve(connection, Arc::clone(&shared)));
            }
            Err(error) => {
                debug!(%error, "a connection to the model proxy was not accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn serve(connection: UnixStream, shared: Arc<Shared>) {
    let stop = shared.stop.clone();
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, std::convert::Infallible>(answer(&shared, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(30))
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(connection), service);
    tokio::select! {
        // A connection that breaks is the agent's affair.
        _ = connection => {}
        () = stop.cancelled() => {}
    }
}

async fn answer(shared: &Arc<Shared>, request: Request<Incoming>) -> Response<AnswerBody> {
    let api = shared.settings.api;
    let (head, body) = request.into_parts();
    let refuse = |status, code, message: &str| {
        let path = head.uri.path().chars().take(200).collect();
        shared.tell(ProxyEvent::Refused { method: head.method.to_string(), path });
        api.error(status, code, message)
    };
    // The connection's own bound is one on what it reads ahead, and lets twice as much pass at times.
    let header_bytes: usize = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if header_bytes > HEADER_BYTES {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return refuse(status, "headers_too_large", "the headers are larger than 64 KiB");
    }
    let Some(route) = api.route(&head.method, head.uri.path()) else {
        return refuse(StatusCode::FORBIDDEN, "path_not_allowed", "this path is not open to a run");
    };
    let expected = shared.settings.run_token.expose_secret().as_bytes();
    let token = ModelApi::token(&head.headers).unwrap_or_default();
    if !bool::from(token.ct_eq(expected)) {
        return refuse(StatusCode::UNAUTHORIZED, "run_token", "this is not the token of this run");
    }
    // Before the body is read: what waits here holds no memory.
    let Ok(permit) = Arc::clone(&shared.calls).acquire_owned().await else {
        return refuse(StatusCode::BAD_GATEWAY, "run_ended", "the run has ended");
    };
    let body = match Limited::new(body, BODY_BYTES).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, "request_too_large", "the question is larger than 32 MiB");
        }
        Err(_) => return refuse(StatusCode::BAD_REQUEST, "request_broken", "the question ended in its middle"),
    };
    // At the moment of the call: one that was taken away a second ago is gone.
    let key = match shared.settings.keys.key().await {
        Ok(key) => key,
        Err(problem) => {
            let (kind, status, code) = match &problem {
                NoKey::NotSet(_) => (ProviderFailureKind::Auth, StatusCode::UNAUTHORIZED, "provider_auth"),
                NoKey::Unreadable(_) => (ProviderFailureKind::Unreachable, StatusCode::BAD_GATEWAY, "key_unreadable"),
            };
            shared.failed(kind, None, problem.message().to_owned());
            return api.error(status, code, problem.message());
        }
    };
    let (body, model, paid) = match route {
        Route::Free => (body, String::new(), None),
        Route::Call => {
            let Some(asked) = Asked::read(api, &body) else {
                return refuse(StatusCode::BAD_REQUEST, "no_model", "the question is no JSON object with a model");
            };
            match pay(shared, &asked, body.len()).await {
                Ok(paid) => {
                    let body = asked.held_to(api, head.uri.path(), body, paid.set_aside.amount_usd_micros);
                    (body, asked.model, Some(paid))
                }
                Err(NoMoney::OverBudget(over)) => {
                    shared.refused(over);
                    return api.error(api.over_budget_status(), "budget_used_up", &over_budget_message(over));
                }
                Err(NoMoney::LeaseLost) => {
                    return refuse(StatusCode::BAD_GATEWAY, "run_ended", "the run has ended");
                }
                Err(NoMoney::Unknown(message)) => {
                    shared.failed(ProviderFailureKind::Unreachable, None, message.clone());
                    return api.error(StatusCode::BAD_GATEWAY, "budget_unknown", &message);
                }
            }
        }
    };
    let call = Call { method: head.method, uri: head.uri, headers: head.headers, body, key, model, paid, permit };
    forward(shared, call).await
}

/// Sets aside what the call can cost.
async fn pay(shared: &Arc<Shared>, asked: &Asked, body_bytes: usize) -> Result<Paid, NoMoney> {
    let (id, purse) = (Uuid::now_v7(), Arc::clone(&shared.settings.purse));
    let needs = asked.needs(body_bytes);
    // On a task of its own: an agent that hangs up meanwhile leaves nothing set aside that nobody settles.
    let asking = tokio::spawn(async move {
        let set_aside = purse.set_aside(id, needs).await?;
        Ok(Paid::new(id, set_aside, purse))
    });
    tokio::select! {
        paid = asking => paid.unwrap_or(Err(NoMoney::LeaseLost)),
        () = shared.stop.cancelled() => Err(NoMoney::LeaseLost),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_upstream_keeps_its_own_path_and_takes_the_version_from_the_request() {
        let url = |base: &str, asked: &'static str| {
            Upstream::new(base, false).unwrap().url(&Uri::from_static(asked)).to_string()
        };
        assert_eq!(url("https://api.openai.com", "/v1/responses"), "https://api.openai.com/v1/responses");
        assert_eq!(url("https://api.openai.com/v1/", "/v1/models?x=1"), "https://api.openai.com/v1/models?x=1");
        assert_eq!(
            url("https://gate.example/team/a", "/v1/messages?beta=true"),
            "https://gate.example/team/a/v1/messages?beta=true"
        );
    }

    #[test]
    fn an_upstream_is_https_unless_it_is_near_or_the_operator_says_so() {
        for (base, allowed) in [
            ("https://api.openai.com", true),
            ("http://127.0.0.1:7001", true),
            ("http://localhost:7001/v1", true),
            ("http://[::1]:1", true),
            ("http://10.0.0.7", false),
            ("http://api.openai.com", false),
            ("ftp://api.openai.com", false),
            ("https://user:password@api.openai.com", false),
            ("https://api.openai.com/v1?key=1", false),
            ("not a url", false),
        ] {
            assert_eq!(Upstream::new(base, false).is_ok(), allowed, "{base}");
        }
        assert!(Upstream::new("http://models.internal:8000", true).is_ok());
    }
}
