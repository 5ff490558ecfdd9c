//! Sends commands over HTTP, as any client does, until each is answered; it is never killed and forgets nothing.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::oracle::{Answer, Broken, Repeated, Sent};
use uuid::Uuid;

/// Longer than the gateway promises to take for anything.
const HUNG: Duration = Duration::from_secs(12);
/// Nothing here keeps the product from answering for so long.
const GIVEN_UP: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

/// One command, as it is sent and sent again.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) command: Uuid,
    pub(crate) field: &'static str,
    pub(crate) input_type: &'static str,
    /// Without the command's id.
    pub(crate) input: Value,
    pub(crate) marks: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Acknowledged,
    /// The product says: try again.
    Unavailable,
    /// There was no connection, or it broke.
    Disconnected,
    Hung,
    Refused,
}

/// One request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pub(crate) sent: Instant,
    pub(crate) took: Duration,
    pub(crate) outcome: Outcome,
}

impl Attempt {
    pub(crate) fn ended(&self) -> Instant {
        self.sent + self.took
    }
}

#[derive(Debug)]
pub(crate) struct Driver {
    client: reqwest::Client,
    gateways: Vec<String>,
    token: String,
    turn: AtomicUsize,
    orders: Mutex<Vec<(Order, Sent)>>,
    attempts: Mutex<Vec<Attempt>>,
}

enum Reply {
    Accepted(Answer),
    TryAgain(Outcome),
    Refused(String),
}

impl Driver {
    pub(crate) fn new(gateways: Vec<String>, token: String) -> Self {
        let client = reqwest::Client::builder().no_proxy().timeout(HUNG).build().unwrap();
        let turn = AtomicUsize::new(0);
        Self { client, gateways, token, turn, orders: Mutex::default(), attempts: Mutex::default() }
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// The next gateway's address: they take turns.
    fn gateway(&self) -> &str {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        &self.gateways[turn % self.gateways.len()]
    }

    async fn post(&self, document: &str, variables: &Value) -> Result<Value, reqwest::Error> {
        let request = self.client.post(format!("{}/graphql", self.gateway())).bearer_auth(&self.token);
        request.json(&json!({ "query": document, "variables": variables })).send().await?.json().await
    }

    /// Asks until there is data.
    pub(crate) async fn ask(&self, document: &str, variables: Value) -> Value {
        let begun = Instant::now();
        loop {
            match self.post(document, &variables).await {
                Ok(answer) if answer["errors"].is_null() => return answer["data"].clone(),
                other => assert!(begun.elapsed() < GIVEN_UP, "{document}\n{variables}\n{other:?}"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn attempt(&self, order: &Order) -> Reply {
        let Order { field, input_type, .. } = order;
        let document = format!("mutation($input: {input_type}!) {{ {field}(input: $input) {{ version position }} }}");
        let mut input = order.input.clone();
        input["commandId"] = json!(order.command);
        let sent = Instant::now();
        let reply = match self.post(&document, &json!({ "input": input })).await {
            Err(error) if error.is_timeout() => Reply::TryAgain(Outcome::Hung),
            Err(_) => Reply::TryAgain(Outcome::Disconnected),
            Ok(answer) => read(&answer, field),
        };
        let outcome = match &reply {
            Reply::Accepted(_) => Outcome::Acknowledged,
            Reply::TryAgain(outcome) => *outcome,
            Reply::Refused(_) => Outcome::Refused,
        };
        lock(&self.attempts).push(Attempt { sent, took: sent.elapsed(), outcome });
        reply
    }

    /// Sends a command, and again under the same id, until it is accepted or refused. What came of it is kept.
    pub(crate) async fn send(&self, order: Order) -> Option<Answer> {
        let mut sent = Sent { command: order.command, marks: order.marks.clone(), ..Sent::default() };
        let begun = Instant::now();
        while begun.elapsed() < GIVEN_UP {
            match self.attempt(&order).await {
                Reply::Accepted(answer) => {
                    sent.answer = Some(answer);
                    break;
                }
                Reply::Refused(code) => {
                    sent.refused = Some(code);
                    break;
                }
                Reply::TryAgain(_) => tokio::time::sleep(PAUSE).await,
            }
        }
        if sent.answer.is_none() && sent.refused.is_none() {
            sent.refused = Some(format!("no answer within {GIVEN_UP:?}"));
        }
        let answer = sent.answer;
        lock(&self.orders).push((order, sent));
        answer
    }

    /// Sends answered commands once more: each `every`-th of them, which must be answered as it was.
    pub(crate) async fn repeat(&self, every: usize) -> (Vec<Repeated>, Vec<Broken>) {
        let orders: Vec<_> = lock(&self.orders).iter().step_by(every).cloned().collect();
        let (mut repeated, mut broken) = (Vec::new(), Vec::new());
        for (order, sent) in orders {
            let Some(first) = sent.answer else { continue };
            match self.attempt(&order).await {
                Reply::Accepted(again) => repeated.push(Repeated { command: order.command, first, again }),
                Reply::Refused(code) => broken.push(Broken::Refused { command: order.command, code }),
                Reply::TryAgain(outcome) => broken.push(Broken::NotSo {
                    promise: "R1",
                    what: format!("command {} was sent again in peace: {outcome:?}", order.command),
                }),
            }
        }
        (repeated, broken)
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        lock(&self.orders).iter().map(|(_, sent)| sent.clone()).collect()
    }

    pub(crate) fn attempts(&self) -> Vec<Attempt> {
        lock(&self.attempts).clone()
    }

    /// When commands were acknowledged between the two times, in order.
    pub(crate) fn acknowledged(&self, from: Instant, to: Instant) -> Vec<Instant> {
        let attempts = lock(&self.attempts);
        let acknowledged = attempts.iter().filter(|attempt| attempt.outcome == Outcome::Acknowledged);
        let mut times: Vec<_> = acknowledged.map(Attempt::ended).filter(|time| (from..to).contains(time)).collect();
        times.sort_unstable();
        times
    }
}

fn read(answer: &Value, field: &str) -> Reply {
    let payload = &answer["data"][field];
    if let Some(version) = payload["version"].as_u64() {
        return Reply::Accepted(Answer { version, position: payload["position"].as_u64() });
    }
    match answer["errors"][0]["extensions"]["code"].as_str() {
        Some("UNAVAILABLE") => Reply::TryAgain(Outcome::Unavailable),
        Some(code) => Reply::Refused(format!("{code}: {}", answer["errors"][0]["message"])),
        None => Reply::Refused(format!("no code: {answer}")),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
