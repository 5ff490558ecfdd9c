//! The live end of the log, read once a process and handed to every runner in it: from the sequencer, when that is a
//! part of this process, and from JetStream.
//!
//! It promises nothing: events may be missing, doubled or late. The runner sees a hole by position and reads it from
//! PostgreSQL, and polls PostgreSQL when this is silent. So it always starts at the stream's end and never catches up.

use crate::hints::Hints;
use crate::log::LogRow;
use crate::subjects::{self, STREAM};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, push};
use async_nats::jetstream::{self, Context};
use async_nats::{StatusCode, Subscriber};
use domain::{Envelope, Position};
use futures::StreamExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A runner that falls further behind reads from PostgreSQL instead.
const BUFFER: usize = 1_024;
/// The server says this often that it has nothing to say.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// After this much silence the consumer is taken to be gone.
const SILENCE: Duration = Duration::from_millis(2_500);
const RETRY_AFTER: Duration = Duration::from_millis(250);
/// How long one request to NATS may take.
const REQUEST: Duration = Duration::from_secs(2);

#[derive(Clone, Debug)]
pub(crate) enum News {
    /// The log has this position. Without the event: it could not be read from what came, PostgreSQL has it.
    Event(Position, Option<Arc<Envelope>>),
    /// Something may have been missed: look into PostgreSQL.
    Look,
}

/// Clones share one consumer, which ends with the last of them.
///
/// What this process placed itself is handed on as soon as it is committed; the stream's copy of it, which comes
/// milliseconds later, is left alone. So a process with every role follows the log while NATS is slow or away.
#[derive(Clone, Debug)]
pub struct Tail {
    news: broadcast::Sender<News>,
    live: Arc<AtomicBool>,
    _stop: Arc<DropGuard>,
}

impl Tail {
    /// Follows the log from now on, for as long as a clone of this lives. Without JetStream there is only what this
    /// process places. Needs a tokio runtime.
    pub fn start(jetstream: Option<Context>, hints: &Hints) -> Self {
        let news = broadcast::Sender::new(BUFFER);
        let live = Arc::new(AtomicBool::new(false));
        let cancel = CancellationToken::new();
        let stop = Arc::new(cancel.clone().drop_guard());
        let placed = Arc::new(AtomicU64::new(0));
        tokio::spawn({
            let (news, placed, cancel) = (news.clone(), Arc::clone(&placed), cancel.clone());
            let rows = hints.on_placed();
            async move { cancel.run_until_cancelled(hand_on_placed(rows, &news, &placed)).await }
        });
        if let Some(jetstream) = jetstream {
            let stream = Stream { jetstream, news: news.clone(), live: Arc::clone(&live), placed };
            tokio::spawn(async move { cancel.run_until_cancelled(stream.follow()).await });
        }
        Self { news, live, _stop: stop }
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    /// Whether the stream is followed just now.
    pub(crate) fn is_live(&self) -> bool {
        self.live.load(Ordering::Relaxed)
    }
}

/// Until the hints end. `placed` is the last position that was handed on here.
async fn hand_on_placed(
    mut rows: broadcast::Receiver<Arc<LogRow>>,
    news: &broadcast::Sender<News>,
    placed: &AtomicU64,
) {
    loop {
        match rows.recv().await {
            Ok(row) => {
                let envelope = row.decode().map(Arc::new);
                if let Err(error) = &envelope {
                    tracing::warn!(position = row.position, %error, "a placed event cannot be read");
                }
                // Not the maximum: a log that went back to an older state begins lower.
                placed.store(row.position, Ordering::Relaxed);
                // No receiver: no runner runs just now.
                let _ = news.send(News::Event(row.position, envelope.ok()));
            }
            Err(broadcast::error::RecvError::Lagged(_)) => {
                let _ = news.send(News::Look);
            }
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// The stream's side of a tail.
#[derive(Debug)]
struct Stream {
    jetstream: Context,
    news: broadcast::Sender<News>,
    live: Arc<AtomicBool>,
    /// The last position that this process placed itself.
    placed: Arc<AtomicU64>,
}

impl Stream {
    async fn follow(&self) {
        let mut complained = false;
        loop {
            match consume(&self.jetstream).await {
                Ok(mut messages) => {
                    self.live.store(true, Ordering::Relaxed);
                    // Nobody may listen yet: they look into PostgreSQL first anyway.
                    let _ = self.news.send(News::Look);
                    complained = false;
                    self.hand_on(&mut messages).await;
                    self.live.store(false, Ordering::Relaxed);
                    tracing::info!("the event stream fell silent; reading from PostgreSQL until it is back");
                }
                Err(error) if !complained => {
                    tracing::warn!(%error, "no event stream from NATS; reading from PostgreSQL until it is there");
                    complained = true;
                }
                Err(_) => {}
            }
            tokio::time::sleep(RETRY_AFTER).await;
        }
    }

    /// Until the stream falls silent.
    async fn hand_on(&self, messages: &mut Subscriber) {
        while let Ok(Some(message)) = timeout(SILENCE, messages.next()).await {
            if message.status == Some(StatusCode::IDLE_HEARTBEAT) {
                // With a reply subject it asks whether we keep up (flow control), else it only says that it lives.
                if let Some(reply) = message.reply
                    && self.jetstream.client().publish(reply, Vec::new().into()).await.is_err()
                {
                    return;
                }
                continue;
            }
            if message.status.is_some() {
                return;
            }
            let message = jetstream::Message { message, context: self.jetstream.clone() };
            let Ok(position) = message.info().map(|info| info.stream_sequence) else { continue };
            if position <= self.placed.load(Ordering::Relaxed) {
                continue;
            }
            let envelope = match subjects::from_message(&message.message) {
                Ok(envelope) if envelope.position == position => Some(Arc::new(envelope)),
                Ok(envelope) => {
                    tracing::error!(
                        position,
                        says = envelope.position,
                        "a message stands at another position than its own"
                    );
                    None
                }
                Err(error) => {
                    tracing::warn!(position, %error, "a message cannot be read; PostgreSQL will be asked");
                    None
                }
            };
            // No receiver: no runner runs just now.
            let _ = self.news.send(News::Event(position, envelope));
        }
    }
}

/// A consumer of what comes from now on. Its state is in the server's memory and gone when it is not read.
///
/// Not the client's ordered consumer: that waits up to 10 s before it comes back, and begins with the stream's first
/// message when it had seen none.
async fn consume(jetstream: &Context) -> Result<Subscriber, Box<dyn std::error::Error + Send + Sync>> {
    let client = jetstream.client();
    let inbox = client.new_inbox();
    let messages = timeout(REQUEST, client.subscribe(inbox.clone())).await??;
    let config = push::Config {
        deliver_subject: inbox,
        deliver_policy: DeliverPolicy::New,
        ack_policy: AckPolicy::None,
        flow_control: true,
        idle_heartbeat: HEARTBEAT,
        memory_storage: true,
        num_replicas: 1,
        ..push::Config::default()
    };
    timeout(REQUEST, jetstream.create_consumer_on_stream(config, STREAM)).await??;
    Ok(messages)
}
