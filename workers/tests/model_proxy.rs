//! The model proxy against a vendor of this test's own, over its real socket.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::org::BudgetScope;
use futures::StreamExt;
use http::StatusCode;
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;
use workers::proxy::{
    KeySource, ModelApi, ModelProxy, ModelUsage, Needs, NoKey, NoMoney, OverBudget, ProviderFailureKind, ProxyEvent,
    ProxySettings, Purse, SetAside, Upstream,
};

const KEY: &str = "sk-real-canary-0123456789";
const TOKEN: &str = "run-token-abcdefgh";

/// One key, until it is taken away; and how it was taken.
#[derive(Debug, Default)]
struct Keys {
    gone: AtomicBool,
    taken: Mutex<Vec<Option<u16>>>,
}

#[async_trait]
impl KeySource for Keys {
    async fn key(&self) -> Result<SecretString, NoKey> {
        if self.gone.load(Ordering::SeqCst) {
            Err(NoKey::NotSet("There is no key".into()))
        } else {
            Ok(SecretString::from(KEY))
        }
    }

    async fn taken(&self, refused_with: Option<u16>) {
        self.taken.lock().unwrap().push(refused_with);
    }
}

/// One limit, and every call against it.
#[derive(Debug)]
struct OneBudget {
    limit: Option<u64>,
    set_aside: Mutex<HashMap<Uuid, u64>>,
    spent: Mutex<u64>,
}

impl OneBudget {
    fn of(limit: Option<u64>) -> Self {
        Self { limit, set_aside: Mutex::default(), spent: Mutex::default() }
    }

    fn spent(&self) -> u64 {
        *self.spent.lock().unwrap()
    }

    fn set_aside(&self) -> u64 {
        self.set_aside.lock().unwrap().values().sum()
    }
}

#[async_trait]
impl Purse for OneBudget {
    async fn set_aside(&self, call: Uuid, needs: Needs) -> Result<SetAside, NoMoney> {
        let mut amount = needs.most;
        let mut tightest = None;
        if let Some(limit) = self.limit {
            let spent = self.spent();
            let over = OverBudget { scope: BudgetScope::EachRun, limit_usd_micros: limit, spent_usd_micros: spent };
            let left = limit.saturating_sub(spent + self.set_aside());
            if left < needs.least || left == 0 {
                return Err(NoMoney::OverBudget(over));
            }
            amount = amount.min(left);
            tightest = Some(over);
        }
        self.set_aside.lock().unwrap().insert(call, amount);
        Ok(SetAside { amount_usd_micros: amount, tightest })
    }

    async fn settle(&self, call: Uuid, cost_usd_micros: u64) {
        assert!(self.set_aside.lock().unwrap().remove(&call).is_some(), "settled once");
        *self.spent.lock().unwrap() += cost_usd_micros;
    }
}

/// A vendor that answers what it is told to, and remembers what it was asked.
#[derive(Clone)]
struct Vendor {
    answer: Arc<dyn Fn() -> Response + Send + Sync>,
    asked: Arc<Mutex<Vec<(http::request::Parts, Bytes)>>>,
}

async fn answer(State(vendor): State<Vendor>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 64 << 20).await.unwrap();
    vendor.asked.lock().unwrap().push((head, body));
    (vendor.answer)()
}

struct Rig {
    proxy: ModelProxy,
    vendor: Vendor,
    client: reqwest::Client,
    dir: tempfile::TempDir,
    keys: Arc<Keys>,
    purse: Arc<OneBudget>,
}

async fn rig(
    api: ModelApi,
    budget_usd_micros: Option<u64>,
    reply: impl Fn() -> Response + Send + Sync + 'static,
) -> Rig {
    let vendor = Vendor { answer: Arc::new(reply), asked: Arc::default() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let app = axum::Router::new().fallback(answer).with_state(vendor.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    with_upstream(api, budget_usd_micros, &base, vendor)
}

fn with_upstream(api: ModelApi, budget_usd_micros: Option<u64>, base: &str, vendor: Vendor) -> Rig {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("model.sock");
    let (keys, purse) = (Arc::new(Keys::default()), Arc::new(OneBudget::of(budget_usd_micros)));
    let settings = ProxySettings {
        api,
        upstream: Upstream::new(base, false).unwrap(),
        keys: keys.clone(),
        run_token: SecretString::from(TOKEN),
        purse: purse.clone(),
    };
    let proxy = ModelProxy::start(&socket, settings).unwrap();
    let client = reqwest::Client::builder().unix_socket(socket).build().unwrap();
    Rig { proxy, vendor, client, dir, keys, purse }
}

impl Rig {
    fn post(&self, path: &str, body: &Value) -> reqwest::RequestBuilder {
        self.client.post(format!("http://127.0.0.1:41100{path}")).bearer_auth(TOKEN).json(body)
    }

    async fn event(&mut self) -> ProxyEvent {
        tokio::time::timeout(Duration::from_secs(10), self.proxy.events.recv()).await.unwrap().unwrap()
    }

    fn asked(&self) -> usize {
        self.vendor.asked.lock().unwrap().len()
    }
}

fn sse(text: String) -> Response {
    // In small pieces that respect no border.
    let pieces: Vec<_> = text.into_bytes().chunks(11).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect();
    (
        [("content-type", "text/event-stream"), ("set-cookie", "a=b"), ("x-request-id", "r1")],
        Body::from_stream(futures::stream::iter(pieces)),
    )
        .into_response()
}

fn responses(input: u64, cached: u64, output: u64) -> String {
    let usage =
        json!({"input_tokens": input, "input_tokens_details": {"cached_tokens": cached}, "output_tokens": output});
    let done = json!({"type": "response.completed", "response": {"model": "gpt-5", "usage": usage}});
    let text = json!({"type": "response.output_text.delta", "delta": "Hello"});
    format!("event: response.output_text.delta\ndata: {text}\n\nevent: response.completed\ndata: {done}\n\n")
}

fn question() -> Value {
    json!({"model": "gpt-5", "stream": true, "input": "hello"})
}

#[tokio::test]
async fn an_answer_passes_unchanged_and_is_metered() {
    let mut rig = rig(ModelApi::OpenAi, Some(10_000_000), || sse(responses(2_000, 1_500, 100))).await;
    let reply = rig.post("/v1/responses?x=1", &question()).header("x-custom", "kept").send().await.unwrap();
    assert_eq!(reply.status(), 200);
    assert_eq!(reply.headers()["content-type"], "text/event-stream");
    assert_eq!(reply.headers()["x-request-id"], "r1");
    assert!(reply.headers().get("set-cookie").is_none());
    assert_eq!(reply.text().await.unwrap(), responses(2_000, 1_500, 100));
    // 500 fresh at $1.25, 1,500 cached at $0.125, 100 out at $10 a million: 625 + 187.5 + 1,000.
    let usage = ModelUsage {
        model: "gpt-5".into(),
        input_tokens: 2_000,
        cached_input_tokens: 1_500,
        output_tokens: 100,
        cost_usd_micros: 1_813,
        price_known: true,
        estimated: false,
    };
    assert_eq!(rig.event().await, ProxyEvent::Usage(usage));
    assert_eq!(rig.purse.spent(), 1_813);

    let asked = rig.vendor.asked.lock().unwrap();
    let (head, body) = &asked[0];
    assert_eq!(head.uri.path_and_query().unwrap().as_str(), "/v1/responses?x=1");
    assert_eq!(head.headers["authorization"], format!("Bearer {KEY}"));
    assert_eq!(head.headers["x-custom"], "kept");
    assert_eq!(head.headers["accept-encoding"], "identity");
    assert_eq!(body, question().to_string().as_bytes());
    assert!(!format!("{:?}{body:?}", head.headers).contains(TOKEN));
}

#[tokio::test]
async fn anthropic_takes_its_key_in_its_own_header_and_is_metered_too() {
    let stream = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-sonnet-4-5\",\"usage\":{\"input_tokens\":10,\"cache_read_input_tokens\":1000,\"cache_creation_input_tokens\":0,\"output_tokens\":1}}}\n\n\
        data: {\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"output_tokens\":50}}\n\ndata: {\"type\":\"message_stop\"}\n\n";
    let mut rig = rig(ModelApi::Anthropic, Some(1_000_000), || sse(stream.to_owned())).await;
    let request = rig.client.post("http://x/v1/messages?beta=true").header("x-api-key", TOKEN);
    let reply = request.json(&json!({"model": "claude-sonnet-4-5", "max_tokens": 100})).send().await.unwrap();
    assert_eq!(reply.text().await.unwrap(), stream);
    let ProxyEvent::Usage(usage) = rig.event().await else { panic!() };
    assert_eq!((usage.input_tokens, usage.cached_input_tokens, usage.output_tokens), (1_010, 1_000, 50));
    assert_eq!(usage.cost_usd_micros, 30 + 300 + 750);
    let asked = rig.vendor.asked.lock().unwrap();
    assert_eq!(asked[0].0.headers["x-api-key"], KEY);
    assert!(asked[0].0.headers.get("authorization").is_none());
}

#[tokio::test]
async fn a_used_up_budget_refuses_with_the_code_that_each_api_takes_as_final() {
    for (api, path, status) in [(ModelApi::OpenAi, "/v1/responses", 400), (ModelApi::Anthropic, "/v1/messages", 402)] {
        // The least that a call is given is a thousand tokens out: $0.01 and the question.
        let mut rig = rig(api, Some(11_000), || sse(responses(2_000, 1_500, 100))).await;
        let first = rig.post(path, &question()).send().await.unwrap();
        assert_eq!(first.status(), 200);
        first.bytes().await.unwrap();
        assert!(matches!(rig.event().await, ProxyEvent::Usage(_)));
        let second = rig.post(path, &question()).send().await.unwrap();
        assert_eq!(second.status(), status);
        assert_eq!(second.headers()["x-should-retry"], "false");
        let body: Value = second.json().await.unwrap();
        let message = body["error"]["message"].as_str().unwrap();
        assert_eq!(message, "the budget of this run does not cover another call: $0.001813 of $0.011 are spent");
        let over = OverBudget { scope: BudgetScope::EachRun, limit_usd_micros: 11_000, spent_usd_micros: 1_813 };
        assert_eq!(rig.event().await, ProxyEvent::OverBudget(over));
        assert_eq!(rig.asked(), 1, "the refused call never reached the vendor");
        assert_eq!((rig.purse.spent(), rig.purse.set_aside()), (1_813, 0));
    }
}

#[tokio::test]
async fn an_answer_is_held_to_what_is_left_and_cut_off_where_the_vendor_does_not_keep_to_it() {
    let endless = || {
        let piece = format!("data: {}\n\n", json!({"type": "response.output_text.delta", "delta": "twelve bytes"}));
        let pieces = futures::stream::repeat_with(move || Ok::<_, std::io::Error>(piece.clone()));
        ([("content-type", "text/event-stream")], Body::from_stream(pieces)).into_response()
    };
    let mut rig = rig(ModelApi::OpenAi, Some(20_000), endless).await;
    let reply = rig.post("/v1/responses", &question()).send().await.unwrap();
    let text = tokio::time::timeout(Duration::from_secs(20), reply.text()).await.unwrap().unwrap();
    assert!(text.contains("event: response.failed") && text.contains("insufficient_quota"), "{text}");
    assert!(matches!(rig.event().await, ProxyEvent::OverBudget(_)));
    let ProxyEvent::Usage(usage) = rig.event().await else { panic!() };
    assert!(usage.estimated);
    // 20,000 micros are 2,000 tokens out; a piece is three tokens and comes with its neighbours.
    assert!((19_000..60_000).contains(&usage.cost_usd_micros), "{usage:?}");
    let asked: Value = serde_json::from_slice(&rig.vendor.asked.lock().unwrap()[0].1).unwrap();
    let bound = asked["max_output_tokens"].as_u64().unwrap();
    assert!((1_900..2_000).contains(&bound), "{asked}");
    assert_eq!((&asked["input"], &asked["stream"]), (&json!("hello"), &json!(true)));
    let after = rig.post("/v1/responses", &question()).send().await.unwrap();
    assert_eq!(after.status(), 400);
    assert_eq!(rig.purse.set_aside(), 0);
}

#[tokio::test]
async fn calls_at_once_never_have_more_set_aside_than_there_is() {
    let slow = || {
        let done = responses(0, 0, 1_000);
        let late = futures::stream::once(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            Ok::<_, std::io::Error>(done)
        });
        ([("content-type", "text/event-stream")], Body::from_stream(late)).into_response()
    };
    let rig = rig(ModelApi::OpenAi, Some(25_000), slow).await;
    let bounded = json!({"model": "gpt-5", "stream": true, "input": "hello", "max_output_tokens": 1_000});
    let calls = futures::future::join_all((0..4).map(|_| rig.post("/v1/responses", &bounded).send())).await;
    let mut codes: Vec<u16> = calls.iter().map(|reply| reply.as_ref().unwrap().status().as_u16()).collect();
    codes.sort_unstable();
    assert_eq!(codes, [200, 200, 400, 400], "two at $0.01 each are what $0.025 bears");
    for reply in calls {
        reply.unwrap().bytes().await.unwrap();
    }
    testkit::eventually(Duration::from_secs(10), || async { rig.purse.spent() == 20_000 }).await;
}

#[tokio::test]
async fn a_key_that_is_taken_away_is_gone_at_the_next_call() {
    let mut rig = rig(ModelApi::OpenAi, None, || sse(responses(2_000, 1_500, 100))).await;
    let first = rig.post("/v1/responses", &question()).send().await.unwrap();
    assert_eq!(first.status(), 200);
    first.bytes().await.unwrap();
    assert!(matches!(rig.event().await, ProxyEvent::Usage(_)));
    rig.keys.gone.store(true, Ordering::SeqCst);
    let second = rig.post("/v1/responses", &question()).send().await.unwrap();
    assert_eq!((second.status().as_u16(), rig.asked()), (401, 1));
    let ProxyEvent::ProviderFailed(failure) = rig.event().await else { panic!() };
    assert_eq!((failure.kind, failure.message.as_str()), (ProviderFailureKind::Auth, "There is no key"));
    assert_eq!(*rig.keys.taken.lock().unwrap(), [None]);
    assert_eq!(rig.purse.set_aside(), 0, "nothing is set aside for a call that is not made");
}

#[tokio::test]
async fn an_agent_that_hangs_up_pays_for_what_has_passed() {
    let slow = || {
        let first = json!({"type": "response.output_text.delta", "delta": "x".repeat(4_000)});
        let pieces = futures::stream::iter([Ok::<_, std::io::Error>(format!("data: {first}\n\n"))]);
        ([("content-type", "text/event-stream")], Body::from_stream(pieces.chain(futures::stream::pending())))
            .into_response()
    };
    let mut rig = rig(ModelApi::OpenAi, Some(1_000_000), slow).await;
    let reply = rig.post("/v1/responses", &question()).send().await.unwrap();
    let mut pieces = reply.bytes_stream();
    pieces.next().await.unwrap().unwrap();
    drop(pieces);
    let ProxyEvent::Usage(usage) = rig.event().await else { panic!() };
    assert!(usage.estimated && usage.output_tokens >= 1_000, "{usage:?}");
    assert_eq!(rig.purse.spent(), usage.cost_usd_micros);
}

#[tokio::test]
async fn a_stopped_proxy_ends_its_calls_and_accounts_for_them() {
    let hanging = || {
        let first = Ok::<_, std::io::Error>("data: {\"type\":\"response.created\"}\n\n");
        let pieces = futures::stream::iter([first]).chain(futures::stream::pending());
        ([("content-type", "text/event-stream")], Body::from_stream(pieces)).into_response()
    };
    let mut rig = rig(ModelApi::OpenAi, None, hanging).await;
    let reply = rig.post("/v1/responses", &question()).send().await.unwrap();
    rig.proxy.stop();
    assert!(tokio::time::timeout(Duration::from_secs(5), reply.bytes()).await.is_ok());
    assert!(matches!(rig.event().await, ProxyEvent::Usage(ModelUsage { estimated: true, .. })));
    let end = tokio::time::timeout(Duration::from_secs(5), rig.proxy.events.recv()).await.unwrap();
    assert_eq!(end, None);
    assert!(!rig.dir.path().join("model.sock").exists());
}

#[tokio::test]
async fn other_paths_and_tokens_do_not_reach_the_vendor() {
    let mut rig = rig(ModelApi::OpenAi, None, || StatusCode::OK.into_response()).await;
    let reply = rig.client.post("http://x/v1/files").bearer_auth(TOKEN).body("{}").send().await.unwrap();
    assert_eq!(reply.status(), 403);
    assert_eq!(rig.event().await, ProxyEvent::Refused { method: "POST".into(), path: "/v1/files".into() });
    for token in ["", "wrong", KEY, "run-token-abcdefg", "run-token-abcdefghi"] {
        let reply = rig.client.post("http://x/v1/responses").bearer_auth(token).json(&question()).send().await.unwrap();
        assert_eq!(reply.status(), 401, "{token}");
        assert!(matches!(rig.event().await, ProxyEvent::Refused { .. }));
    }
    let reply = rig.post("/v1/responses", &json!(["no", "model"])).send().await.unwrap();
    assert_eq!(reply.status(), 400);
    assert_eq!(rig.asked(), 0);
    let reply = rig.client.get("http://x/v1/models").bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!((reply.status(), rig.asked()), (StatusCode::OK, 1));
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let rig = rig(ModelApi::OpenAi, None, || StatusCode::OK.into_response()).await;
    let body = json!({"model": "gpt-5", "input": "x".repeat(33 << 20)});
    // The answer may come while the question is still being sent.
    if let Ok(reply) = rig.post("/v1/responses", &body).send().await {
        assert_eq!(reply.status(), 413);
    }
    let header = "x".repeat(100 << 10);
    if let Ok(reply) = rig.post("/v1/responses", &question()).header("x-large", header).send().await {
        assert_eq!(reply.status(), 431);
    }
    assert_eq!(rig.asked(), 0);
}

#[tokio::test]
async fn the_vendors_refusals_come_typed_and_without_the_key() {
    for (status, kind) in [
        (401, ProviderFailureKind::Auth),
        (403, ProviderFailureKind::Auth),
        (429, ProviderFailureKind::Overloaded),
        (503, ProviderFailureKind::Overloaded),
        (529, ProviderFailureKind::Overloaded),
        (400, ProviderFailureKind::Rejected),
        (500, ProviderFailureKind::Rejected),
    ] {
        let refusal = move || {
            let body = json!({"error": {"message": format!("no good: {KEY}, {}", hex::encode(KEY))}}).to_string();
            (StatusCode::from_u16(status).unwrap(), [("retry-after", "7")], body).into_response()
        };
        let mut rig = rig(ModelApi::OpenAi, Some(1_000_000), refusal).await;
        let reply = rig.post("/v1/responses", &question()).send().await.unwrap();
        assert_eq!(reply.status(), status);
        if kind == ProviderFailureKind::Overloaded {
            assert_eq!(reply.headers()["retry-after"], "7");
        }
        let text = reply.text().await.unwrap();
        assert!(!text.contains("canary") && !text.contains(&hex::encode("canary")), "{text}");
        let ProxyEvent::ProviderFailed(failure) = rig.event().await else { panic!() };
        assert_eq!((failure.kind, failure.status), (kind, Some(status)));
        assert!(!failure.message.contains("canary") && !failure.message.is_empty(), "{failure:?}");
        testkit::eventually(Duration::from_secs(10), || async { rig.purse.set_aside() == 0 }).await;
        assert_eq!(rig.purse.spent(), 0, "a refused call costs nothing");
        let refused = (kind == ProviderFailureKind::Auth).then_some(status);
        assert_eq!(*rig.keys.taken.lock().unwrap(), refused.map(Some).into_iter().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_redirect_does_not_carry_the_key_away() {
    let away = || (StatusCode::TEMPORARY_REDIRECT, [("location", "http://127.0.0.1:1/v1/responses")]).into_response();
    let mut rig = rig(ModelApi::OpenAi, None, away).await;
    let reply = rig.post("/v1/responses", &question()).send().await.unwrap();
    assert_eq!(reply.status(), 307);
    assert!(reply.headers().get("location").is_none());
    let ProxyEvent::ProviderFailed(failure) = rig.event().await else { panic!() };
    assert_eq!(failure.kind, ProviderFailureKind::Rejected);
}

#[tokio::test]
async fn a_vendor_that_is_not_there_is_named_as_unreachable() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let nobody = Vendor { answer: Arc::new(|| StatusCode::OK.into_response()), asked: Arc::default() };
    let mut rig = with_upstream(ModelApi::OpenAi, None, &base, nobody);
    let reply = rig.post("/v1/responses", &question()).send().await.unwrap();
    assert_eq!(reply.status(), 502);
    let body: Value = reply.json().await.unwrap();
    assert_eq!(body["error"]["code"], "provider_unreachable");
    let ProxyEvent::ProviderFailed(failure) = rig.event().await else { panic!() };
    assert_eq!((failure.kind, failure.status), (ProviderFailureKind::Unreachable, None));
}

#[tokio::test]
async fn the_socket_is_for_its_user_alone_and_does_not_replace_another() {
    let rig = rig(ModelApi::OpenAi, None, || StatusCode::OK.into_response()).await;
    let socket = rig.dir.path().join("model.sock");
    let mode = std::os::unix::fs::PermissionsExt::mode(&socket.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let settings = ProxySettings {
        api: ModelApi::OpenAi,
        upstream: Upstream::new("https://api.openai.com", false).unwrap(),
        keys: rig.keys.clone(),
        run_token: SecretString::from(TOKEN),
        purse: rig.purse.clone(),
    };
    assert!(ModelProxy::start(&socket, settings).is_err());
}
