//! One socket: sign-in, operations, and an end that the client can act on.
//!
//! Three parts share a bounded queue. The reader takes messages in; each operation has a task that puts items into the
//! queue and waits while it is full; the writer empties it onto the wire. So a slow client slows its own subscriptions
//! down to its pace, nothing piles up in memory, and one that takes nothing for a while is closed.

use super::protocol::{ClientMessage, End, InitPayload, ServerMessage};
use crate::auth::Viewer;
use crate::auth::viewer::Credentials;
use crate::document;
use crate::errors::{ApiError, finish};
use crate::graphql::RequestContext;
use crate::http::graphql::{GraphQlRequest, execute, prepare};
use crate::http::request_ids::RequestIds;
use crate::live::LastCursor;
use crate::state::Gateway;
use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tracing::Instrument;

const SUBSCRIPTIONS_MAX: usize = 100;
const QUEUE: usize = 64;
const PING_EVERY: Duration = Duration::from_secs(15);
/// Nothing heard for this long, not even an answer to a ping: the cable was pulled.
const SILENCE_MAX: Duration = Duration::from_secs(45);
/// Without a hint from the epoch: sessions also end by age.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

pub(super) struct Connection {
    gateway: Arc<Gateway>,
    ids: RequestIds,
    credentials: Credentials,
    viewer: Viewer,
    queue: mpsc::Sender<String>,
    ends: mpsc::Sender<End>,
    operations: JoinSet<()>,
    running: HashMap<String, AbortHandle>,
}

impl Connection {
    pub(super) async fn serve(gateway: Arc<Gateway>, ids: RequestIds, credentials: Credentials, socket: WebSocket) {
        let counted = Arc::clone(&gateway);
        let _open = counted.metrics.socket();
        let (mut writer, mut reader) = socket.split();
        let end = match sign_in(&gateway, credentials, &mut reader).await {
            Ok((credentials, viewer)) => {
                let (queue, queued) = mpsc::channel(QUEUE);
                let (ends, ended) = mpsc::channel(1);
                let operations = JoinSet::new();
                let running = HashMap::new();
                let connection = Self { gateway, ids, credentials, viewer, queue, ends, operations, running };
                connection.run(&mut writer, &mut reader, queued, ended).await
            }
            Err(end) => end,
        };
        tracing::debug!(?end, "a socket ends");
        if let Some((code, reason)) = end.frame() {
            let frame = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
            let close = async {
                let _ = writer.send(frame).await;
                // The other side's answer, so that nothing of ours is lost on its way.
                while let Some(Ok(message)) = reader.next().await {
                    if matches!(message, Message::Close(_)) {
                        break;
                    }
                }
            };
            let _ = timeout(CLOSE_WITHIN, close).await;
        }
    }

    async fn run(
        mut self,
        writer: &mut SplitSink<WebSocket, Message>,
        reader: &mut SplitStream<WebSocket>,
        queued: mpsc::Receiver<String>,
        mut ended: mpsc::Receiver<End>,
    ) -> End {
        let Some(ack) = ServerMessage::ConnectionAck.encode() else { return End::Broken };
        if self.queue.send(ack).await.is_err() {
            return End::Broken;
        }
        let stop = self.gateway.stop.clone();
        let epoch = self.gateway.watch_epoch();
        let standing = still_signed_in(Arc::clone(&self.gateway), self.credentials.clone(), self.viewer.clone(), epoch);
        let writing = write(writer, queued);
        let end = tokio::select! {
            () = stop.cancelled() => End::Restart,
            end = standing => end,
            () = writing => End::Gone,
            Some(end) = ended.recv() => end,
            end = self.read(reader) => end,
        };
        if matches!(end, End::Slow { .. }) {
            self.gateway.metrics.slow_client();
        }
        self.operations.abort_all();
        end
    }

    async fn read(&mut self, reader: &mut SplitStream<WebSocket>) -> End {
        loop {
            let message = match timeout(SILENCE_MAX, reader.next()).await {
                Ok(Some(Ok(message))) => message,
                Ok(Some(Err(error))) => {
                    tracing::debug!(%error, "a socket broke");
                    return End::Gone;
                }
                Ok(None) | Err(_) => return End::Gone,
            };
            while self.operations.try_join_next().is_some() {}
            let text = match message {
                Message::Text(text) => text,
                Message::Ping(_) | Message::Pong(_) => continue,
                Message::Close(_) => return End::Gone,
                Message::Binary(_) => return End::Malformed,
            };
            let taken = match serde_json::from_str::<ClientMessage>(&text) {
                Ok(message) => self.take(message).await,
                Err(_) => Err(End::Malformed),
            };
            if let Err(end) = taken {
                return end;
            }
        }
    }

    async fn take(&mut self, message: ClientMessage) -> Result<(), End> {
        match message {
            ClientMessage::ConnectionInit { .. } => Err(End::TooManyInits),
            ClientMessage::Ping { .. } => {
                if let Some(pong) = ServerMessage::Pong.encode() {
                    // A full queue means that bytes are flowing: that is a sign of life too.
                    let _ = self.queue.try_send(pong);
                }
                Ok(())
            }
            ClientMessage::Pong { .. } => Ok(()),
            ClientMessage::Complete { id } => {
                if let Some(operation) = self.running.remove(&id) {
                    operation.abort();
                }
                Ok(())
            }
            ClientMessage::Subscribe { id, payload } => self.start(id, payload).await,
        }
    }

    async fn start(&mut self, id: String, request: GraphQlRequest) -> Result<(), End> {
        self.running.retain(|_, operation| !operation.is_finished());
        if id.is_empty() || id.len() > 200 {
            return Err(End::Malformed);
        }
        if self.running.contains_key(&id) {
            return Err(End::AlreadySubscribed);
        }
        if self.running.len() >= SUBSCRIPTIONS_MAX {
            return Err(End::TooManySubscriptions);
        }
        let operation = Operation {
            gateway: Arc::clone(&self.gateway),
            ids: self.ids.clone(),
            viewer: self.viewer.clone(),
            id: id.clone(),
            queue: self.queue.clone(),
            ends: self.ends.clone(),
        };
        let span = tracing::debug_span!("operation", id);
        self.running.insert(id, self.operations.spawn(operation.run(request).instrument(span)));
        Ok(())
    }
}

/// The first message, within its time, and who it says this is.
async fn sign_in(
    gateway: &Arc<Gateway>,
    credentials: Credentials,
    reader: &mut SplitStream<WebSocket>,
) -> Result<(Credentials, Viewer), End> {
    let patience = gateway.settings.init_timeout;
    let first = async {
        loop {
            match reader.next().await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).map_err(|_| End::Malformed),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Binary(_))) => return Err(End::Malformed),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(End::Gone),
            }
        }
    };
    let stopped = gateway.stop.cancelled();
    let payload = tokio::select! {
        () = stopped => return Err(End::Restart),
        first = timeout(patience, first) => match first {
            Ok(Ok(ClientMessage::ConnectionInit { payload })) => payload,
            // The protocol wants Unauthorized for a subscription before the handshake.
            Ok(Ok(ClientMessage::Subscribe { .. })) => return Err(End::Unauthorized),
            Ok(Ok(_)) => return Err(End::Malformed),
            Ok(Err(end)) => return Err(end),
            Err(_) => return Err(End::InitTimeout),
        },
    };
    let credentials = match payload.and_then(|InitPayload { authorization }| authorization) {
        Some(authorization) => Credentials::of_authorization(&authorization),
        None => credentials,
    };
    match gateway.identify(&credentials).await {
        Ok(viewer) => Ok((credentials, viewer)),
        Err(ApiError::Denied(_)) => Err(End::Unauthorized),
        Err(ApiError::Unavailable { .. }) => Err(End::Unavailable),
        Err(error) => {
            tracing::error!(error = feed::chain(&error), "a socket's sign-in failed");
            Err(End::Broken)
        }
    }
}

/// Ends when the session or token does.
async fn still_signed_in(
    gateway: Arc<Gateway>,
    credentials: Credentials,
    viewer: Viewer,
    mut epoch: watch::Receiver<i64>,
) -> End {
    loop {
        let changed = timeout(LOOK_AGAIN, epoch.changed()).await;
        if matches!(changed, Ok(Err(_))) {
            // The watcher ended: the gateway is stopping.
            return End::Restart;
        }
        if let Err(ApiError::Denied(_)) = gateway.identify(&credentials).await {
            return if gateway.was_rotated(&viewer).await { End::Rotated } else { End::Unauthorized };
        }
    }
}

/// Empties the queue onto the wire. Ends when the wire does.
async fn write(writer: &mut SplitSink<WebSocket, Message>, mut queued: mpsc::Receiver<String>) {
    let mut pings = interval(PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings.reset_at(Instant::now() + PING_EVERY);
    loop {
        let message = tokio::select! {
            message = queued.recv() => match message {
                Some(text) => Message::Text(Utf8Bytes::from(text)),
                None => return,
            },
            _ = pings.tick() => Message::Ping(Bytes::new()),
        };
        if writer.feed(message).await.is_err() {
            return;
        }
        // What is ready goes out together.
        while let Ok(text) = queued.try_recv() {
            if writer.feed(Message::Text(Utf8Bytes::from(text))).await.is_err() {
                return;
            }
        }
        if writer.flush().await.is_err() {
            return;
        }
    }
}

/// One operation of a socket.
struct Operation {
    gateway: Arc<Gateway>,
    ids: RequestIds,
    viewer: Viewer,
    id: String,
    queue: mpsc::Sender<String>,
    ends: mpsc::Sender<End>,
}

impl Operation {
    async fn run(self, request: GraphQlRequest) {
        let is_subscription = document::parse(&request.query)
            .is_ok_and(|parsed| document::is_subscription(&parsed, request.operation_name.as_deref()));
        if is_subscription {
            let gateway = Arc::clone(&self.gateway);
            let _open = gateway.metrics.subscription();
            self.follow(request).await;
        } else {
            let response = execute(&self.gateway, &self.ids, self.viewer.clone(), request).await;
            let cursor = LastCursor::default();
            if self.send(ServerMessage::Next { id: &self.id, payload: &response }, &cursor).await {
                self.send(ServerMessage::Complete { id: &self.id }, &cursor).await;
            }
        }
    }

    async fn follow(&self, request: GraphQlRequest) {
        let trace_id = self.ids.trace.trace_id();
        let prepared = match prepare(&self.gateway, &self.ids, self.viewer.clone(), request) {
            Ok(prepared) => prepared,
            Err(error) => {
                self.refuse(vec![error.into_server_error()], &trace_id).await;
                return;
            }
        };
        let cursor = last_cursor(&prepared);
        let mut items = AssertUnwindSafe(self.gateway.schema.execute_stream(prepared)).catch_unwind();
        let mut is_first = true;
        while let Some(item) = items.next().await {
            let Ok(mut response) = item else {
                tracing::error!("a subscription panicked");
                self.refuse(vec![ApiError::internal("a subscription panicked").into_server_error()], &trace_id).await;
                return;
            };
            if is_first && response.is_err() && response.data == async_graphql::Value::Null {
                self.refuse(response.errors, &trace_id).await;
                return;
            }
            is_first = false;
            finish(&mut response, &trace_id);
            if !self.send(ServerMessage::Next { id: &self.id, payload: &response }, &cursor).await {
                return;
            }
            self.gateway.metrics.delivered();
        }
        self.send(ServerMessage::Complete { id: &self.id }, &cursor).await;
    }

    async fn refuse(&self, errors: Vec<async_graphql::ServerError>, trace_id: &str) {
        let mut response = async_graphql::Response::from_errors(errors);
        finish(&mut response, trace_id);
        let message = ServerMessage::Error { id: &self.id, payload: &response.errors };
        self.send(message, &LastCursor::default()).await;
    }

    /// Waits while the queue is full, but not for ever. False: the socket is closing.
    async fn send(&self, message: ServerMessage<'_>, cursor: &LastCursor) -> bool {
        let Some(text) = message.encode() else { return false };
        match timeout(self.gateway.settings.slow_client_after, self.queue.send(text)).await {
            Ok(sent) => sent.is_ok(),
            Err(_) => {
                let _ = self.ends.try_send(End::Slow { id: self.id.clone(), cursor: cursor.get() });
                false
            }
        }
    }
}

fn last_cursor(request: &async_graphql::Request) -> LastCursor {
    let context = request.data.get(&std::any::TypeId::of::<RequestContext>());
    context
        .and_then(|context| context.downcast_ref::<RequestContext>())
        .map_or_else(LastCursor::default, |context| context.last_cursor.clone())
}
