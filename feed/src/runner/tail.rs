//! The live end of the log, read from JetStream once a process and handed to every runner in it.
//!
//! It promises nothing: messages may be missing, doubled or late. The runner sees a hole by position and reads it from
//! PostgreSQL, and polls PostgreSQL when this is silent. So it always starts at the stream's end and never catches up.

use crate::subjects::{self, STREAM};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, push};
use async_nats::jetstream::{self, Context};
use async_nats::{StatusCode, Subscriber};
use domain::{Envelope, Position};
use futures::StreamExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
    /// The stream has this position. Without the event: it could not be read from the message, PostgreSQL has it.
    Event(Position, Option<Arc<Envelope>>),
    /// Something may have been missed: look into PostgreSQL.
    Look,
}

/// Clones share one consumer, which ends with the last of them.
#[derive(Clone, Debug)]
pub struct Tail {
    news: broadcast::Sender<News>,
    live: Arc<AtomicBool>,
    _stop: Arc<DropGuard>,
}

impl Tail {
    /// Follows the stream from now on, for as long as a clone of this lives. Needs a tokio runtime.
    pub fn start(jetstream: Context) -> Self {
        let news = broadcast::Sender::new(BUFFER);
        let live = Arc::new(AtomicBool::new(false));
        let cancel = CancellationToken::new();
        let stop = Arc::new(cancel.clone().drop_guard());
        tokio::spawn({
            let (news, live) = (news.clone(), Arc::clone(&live));
            async move {
                cancel.run_until_cancelled(follow(&jetstream, &news, &live)).await;
            }
        });
        Self { news, live, _stop: stop }
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    /// Whether messages are coming in just now.
    pub(crate) fn is_live(&self) -> bool {
        self.live.load(Ordering::Relaxed)
    }
}

async fn follow(jetstream: &Context, news: &broadcast::Sender<News>, live: &AtomicBool) {
    let mut complained = false;
    loop {
        match consume(jetstream).await {
            Ok(mut messages) => {
                live.store(true, Ordering::Relaxed);
                // Nobody may listen yet: they look into PostgreSQL first anyway.
                let _ = news.send(News::Look);
                complained = false;
                hand_out(jetstream, &mut messages, news).await;
                live.store(false, Ordering::Relaxed);
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

/// Until the stream falls silent.
async fn hand_out(jetstream: &Context, messages: &mut Subscriber, news: &broadcast::Sender<News>) {
    while let Ok(Some(message)) = timeout(SILENCE, messages.next()).await {
        if message.status == Some(StatusCode::IDLE_HEARTBEAT) {
            // With a reply subject it asks whether we keep up (flow control), else it only says that it lives.
            if let Some(reply) = message.reply
                && jetstream.client().publish(reply, Vec::new().into()).await.is_err()
            {
                return;
            }
            continue;
        }
        if message.status.is_some() {
            return;
        }
        let envelope = subjects::from_message(&message);
        let message = jetstream::Message { message, context: jetstream.clone() };
        let Ok(position) = message.info().map(|info| info.stream_sequence) else { continue };
        let envelope = match envelope {
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
        let _ = news.send(News::Event(position, envelope));
    }
}
