//! Copies the ledger to JetStream so that the stream's sequence is the position.
//!
//! Each message names the sequence that must come before it, so a publisher that is late, doubled or not the leader any
//! more is refused. Few waiting rows go out as single messages, many in flight at once; from [`BATCH_FROM`] waiting on
//! they go in one atomic batch, which the server syncs to disk once. Under load it sends at a pace, so that rows gather.
//!
//! There is no checkpoint of its own: the stream's last sequence is it. So a stream that lost something, or is not
//! there, just says where to go on (`stream_copy.rs` judges that, and makes it anew when it is damaged).

use super::leader::Leadership;
use super::stream_copy::{CopyError, Damage, StreamCopy};
use async_nats::HeaderMap;
use async_nats::header::{
    NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL, NATS_BATCH_ID, NATS_BATCH_SEQUENCE, NATS_EXPECTED_LAST_SEQUENCE,
};
use async_nats::jetstream::Context;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use bytes::Bytes;
use domain::ids::Position;
use feed::crashpoint;
use feed::log::{self, LogRow};
use feed::subjects;
use futures::future::BoxFuture;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// From this many waiting rows on, one atomic batch is faster than single messages.
const BATCH_FROM: u64 = 6;
/// Sendings begin at least this far apart while little waits: the server syncs each to disk. The first after a quiet
/// while goes at once.
const PACE: Duration = Duration::from_millis(8);
/// The largest batch that NATS takes.
const LARGEST_BATCH: usize = 1_000;
const LARGEST_BATCH_BYTES: usize = 4 << 20;
/// Single messages that may wait for their confirmation.
const IN_FLIGHT: usize = 16;
/// The same when batches do not work, which then is all the speed there is.
const IN_FLIGHT_WITHOUT_BATCHES: usize = 256;
/// After a batch failed for a reason of its own, batches rest for this long.
const BATCHES_REST: Duration = Duration::from_secs(30);
/// Headers of an event, generously.
const HEADER_ROOM: usize = 4 << 10;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub(super) enum RelayError {
    #[error("failed to read the ledger after position {after}")]
    Read {
        after: Position,
        #[source]
        source: sqlx::Error,
    },
    #[error("the ledger has nothing after position {after}, but its head is {head}")]
    Missing { after: Position, head: Position },
    #[error("the stream did not confirm position {position}")]
    Publish {
        position: Position,
        #[source]
        source: PublishError,
    },
    #[error("failed to send the batch after position {after}")]
    Batch {
        after: Position,
        #[source]
        source: async_nats::client::PublishError,
    },
    #[error("position {position} got the sequence {sequence}")]
    OutOfStep { position: Position, sequence: u64 },
    #[error("the stream is no true copy")]
    Copy(#[from] CopyError),
}

/// Relays until `stop`. Does nothing without NATS.
pub(super) async fn run(leadership: &Leadership, stop: &CancellationToken) {
    let Some(client) = leadership.nats.clone() else { return };
    let mut copy = StreamCopy::new(client, leadership);
    let mut batches_from = Instant::now();
    let mut pause = FIRST_PAUSE;
    let mut failing = false;
    while !stop.is_cancelled() {
        let mut relay = Relay {
            leadership,
            copy: &mut copy,
            in_flight: VecDeque::new(),
            sent: 0,
            confirmed: 0,
            batches_from,
            send_at: Instant::now(),
        };
        let outcome = relay.go(stop, &mut failing).await;
        batches_from = relay.batches_from;
        let Err(error) = outcome else { return };
        if relay.confirmed > 0 {
            pause = FIRST_PAUSE;
        }
        tell(&error, failing);
        failing = true;
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Once aloud, then quietly until it works again.
fn tell(error: &RelayError, again: bool) {
    let error = error as &dyn std::error::Error;
    if again {
        tracing::debug!(error, "relaying failed again");
    } else {
        tracing::warn!(error, "relaying stopped; sequencing goes on, and the relay tries again");
    }
}

/// The confirmation of a message: its position when it comes.
type Confirmation = BoxFuture<'static, Result<PublishAck, PublishError>>;

/// One stretch of relaying: from a stream that was judged good to the first thing that goes wrong.
struct Relay<'a> {
    leadership: &'a Leadership,
    copy: &'a mut StreamCopy,
    in_flight: VecDeque<(Position, Confirmation)>,
    sent: Position,
    confirmed: Position,
    /// Before this time only single messages.
    batches_from: Instant,
    /// Before this time nothing, unless much waits.
    send_at: Instant,
}

impl Relay<'_> {
    async fn go(&mut self, stop: &CancellationToken, failing: &mut bool) -> Result<(), RelayError> {
        self.sent = self.copy.make_good().await?;
        self.confirm(self.sent);
        if std::mem::take(failing) {
            tracing::info!(position = self.sent, "relaying again");
        }
        let mut head = self.leadership.tail.head();
        let mut checks = tokio::time::interval(self.leadership.settings.check_every);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        checks.reset();
        loop {
            if stop.is_cancelled() {
                return Ok(());
            }
            let committed = *head.borrow_and_update();
            // 0 until the sequencer has taken over.
            if committed > 0 && committed < self.sent {
                // PostgreSQL came back without what it had committed: the stream holds events that are not.
                return Err(CopyError::Damaged(Damage::Ahead { last: self.sent, head: committed }).into());
            }
            let waiting = committed.saturating_sub(self.sent);
            let now = Instant::now();
            let is_due = now >= self.send_at || waiting >= LARGEST_BATCH as u64;
            if is_due && self.send_some(waiting).await? {
                self.send_at = now + PACE;
                continue;
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                outcome = next_confirmation(&mut self.in_flight) => self.accept(outcome).await?,
                _ = checks.tick() => self.copy.check(self.confirmed, self.sent).await?,
                // The sender lives as long as the leadership does.
                _ = head.changed(), if self.in_flight.len() < IN_FLIGHT => {}
                () = tokio::time::sleep_until(self.send_at), if waiting > 0 && !is_due => {}
            }
        }
    }

    /// Sends what may be sent now. False when there is nothing, or when confirmations must come first.
    async fn send_some(&mut self, waiting: u64) -> Result<bool, RelayError> {
        if waiting == 0 {
            return Ok(false);
        }
        let batches = Instant::now() >= self.batches_from;
        if batches && waiting >= BATCH_FROM {
            if !self.in_flight.is_empty() {
                return Ok(false);
            }
            let rows = self.rows(waiting, LARGEST_BATCH).await?;
            self.batch(within_bytes(&rows)).await?;
            return Ok(true);
        }
        let window = if batches { IN_FLIGHT } else { IN_FLIGHT_WITHOUT_BATCHES };
        let room = window.saturating_sub(self.in_flight.len());
        if room == 0 {
            return Ok(false);
        }
        for row in self.rows(waiting, room).await? {
            self.single(&row).await?;
        }
        Ok(true)
    }

    /// The next rows: from memory, or from PostgreSQL when the relay is behind.
    async fn rows(&mut self, waiting: u64, limit: usize) -> Result<Vec<Arc<LogRow>>, RelayError> {
        let limit = usize::try_from(waiting).unwrap_or(limit).min(limit);
        if let Some(rows) = self.leadership.tail.after(self.sent, limit) {
            return Ok(rows);
        }
        let after = self.sent;
        let read = |source| RelayError::Read { after, source };
        let mut conn = self.leadership.pool.acquire().await.map_err(read)?;
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let rows = log::rows_after(&mut conn, after, limit).await.map_err(read)?;
        if rows.is_empty() {
            return Err(RelayError::Missing { after, head: after + waiting });
        }
        Ok(rows.into_iter().map(Arc::new).collect())
    }

    async fn single(&mut self, row: &LogRow) -> Result<(), RelayError> {
        let (subject, mut headers, payload) = self.message(row);
        headers.insert(NATS_EXPECTED_LAST_SEQUENCE, (row.position - 1).to_string());
        let message = PublishMessage::build().headers(headers).payload(payload);
        let position = row.position;
        let publish = |source| RelayError::Publish { position, source };
        let confirmation = self.copy.context().send_publish(subject, message).await.map_err(publish)?;
        self.in_flight.push_back((position, confirmation.into_future()));
        self.sent = position;
        Ok(())
    }

    /// All of the rows or none of them: half a batch is never visible.
    async fn batch(&mut self, rows: &[Arc<LogRow>]) -> Result<(), RelayError> {
        let Some((last, others)) = rows.split_last() else { return Ok(()) };
        let after = self.sent;
        let id = Uuid::new_v4().to_string();
        let mut first = true;
        let mut batched = |headers: &mut HeaderMap, place: u64| {
            headers.insert(NATS_BATCH_ID, id.as_str());
            headers.insert(NATS_BATCH_SEQUENCE, place.to_string());
            if std::mem::take(&mut first) {
                headers.insert(NATS_EXPECTED_LAST_SEQUENCE, after.to_string());
            }
        };
        let context: &Context = self.copy.context();
        let client = context.client();
        for (place, row) in (1_u64..).zip(others) {
            let (subject, mut headers, payload) = self.message(row);
            batched(&mut headers, place);
            let sent = client.publish_with_headers(subject, headers, payload).await;
            sent.map_err(|source| RelayError::Batch { after, source })?;
            if row.position == after + 8 {
                crashpoint!("relay.mid_batch");
            }
        }
        let (subject, mut headers, payload) = self.message(last);
        batched(&mut headers, u64::try_from(rows.len()).unwrap_or(u64::MAX));
        headers.insert(NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL);
        let message = PublishMessage::build().headers(headers).payload(payload);
        let confirmation = async { context.send_publish(subject, message).await?.await };
        let outcome = confirmation.await;
        if let Err(error) = &outcome
            && !matches!(
                error.kind(),
                PublishErrorKind::WrongLastSequence
                    | PublishErrorKind::StreamNotFound
                    | PublishErrorKind::TimedOut
                    | PublishErrorKind::BrokenPipe
            )
        {
            self.batches_from = Instant::now() + BATCHES_REST;
        }
        self.sent = last.position;
        self.accept((last.position, outcome)).await
    }

    /// An event that is larger than the server takes goes out without its payload: consumers read it from PostgreSQL.
    fn message(&self, row: &LogRow) -> (String, HeaderMap, Bytes) {
        let room = self.copy.context().client().max_payload().saturating_sub(HEADER_ROOM);
        let payload =
            if row.payload.len() > room { Bytes::new() } else { Bytes::copy_from_slice(row.payload.as_bytes()) };
        (subjects::subject_of(row), subjects::headers(row), payload)
    }

    async fn accept(&mut self, outcome: (Position, Result<PublishAck, PublishError>)) -> Result<(), RelayError> {
        let (position, outcome) = outcome;
        let confirmed = outcome.map_err(|source| RelayError::Publish { position, source })?;
        if confirmed.sequence != position {
            return Err(RelayError::OutOfStep { position, sequence: confirmed.sequence });
        }
        crashpoint!("relay.after_publish_before_checkpoint");
        self.confirm(position);
        Ok(())
    }

    fn confirm(&mut self, position: Position) {
        self.confirmed = position;
        self.leadership.tail.release(position);
        self.leadership.status.set_relayed(position);
    }
}

/// The oldest message's confirmation; never when none is in flight.
async fn next_confirmation(
    in_flight: &mut VecDeque<(Position, Confirmation)>,
) -> (Position, Result<PublishAck, PublishError>) {
    let Some((position, confirmation)) = in_flight.front_mut() else { return std::future::pending().await };
    let outcome = (*position, confirmation.await);
    in_flight.pop_front();
    outcome
}

/// As many of the first rows as one batch should hold.
fn within_bytes(rows: &[Arc<LogRow>]) -> &[Arc<LogRow>] {
    let mut bytes = 0;
    let fit = rows.iter().take_while(|row| {
        bytes += row.payload.len() + HEADER_ROOM / 4;
        bytes <= LARGEST_BATCH_BYTES
    });
    let count = fit.count().max(1);
    rows.get(..count).unwrap_or(rows)
}
