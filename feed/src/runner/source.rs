//! Where the next events come from: the live tail while it has no hole, else PostgreSQL.

use super::tail::{News, Tail};
use crate::chain;
use crate::hints::Hints;
use crate::log::{self, LogRow};
use domain::{Envelope, OrgId, Position};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, sleep_until, timeout};

/// PostgreSQL is asked at least this often, even when NATS says nothing.
const POLL: Duration = Duration::from_secs(1);
/// How often it is asked just after a commit in this process while there is no live tail.
const EAGER_POLL: Duration = Duration::from_millis(10);
const EAGER_FOR: Duration = Duration::from_millis(300);
/// A connection that is cut without a word must not hold a runner for ever.
const READ_TIMEOUT: Duration = Duration::from_secs(15);
/// Messages held back behind a hole; beyond that they are dropped and read from PostgreSQL.
const HELD_BACK: usize = 2_048;

/// A stream of events: what parks as one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StreamKey {
    pub(crate) org: OrgId,
    pub(crate) aggregate_type: String,
    pub(crate) aggregate_id: String,
}

/// One position of the log.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) position: Position,
    pub(crate) stream: StreamKey,
    /// Or why this build cannot read it.
    pub(crate) event: Result<Arc<Envelope>, String>,
}

impl From<&LogRow> for Item {
    fn from(row: &LogRow) -> Self {
        let event = row.decode().map(Arc::new).map_err(|error| chain(&error));
        let stream = StreamKey {
            org: row.org,
            aggregate_type: row.aggregate_type.clone(),
            aggregate_id: row.aggregate_id.clone(),
        };
        Self { position: row.position, stream, event }
    }
}

impl From<Arc<Envelope>> for Item {
    fn from(envelope: Arc<Envelope>) -> Self {
        let stream = StreamKey {
            org: envelope.org,
            aggregate_type: envelope.aggregate.as_str().to_owned(),
            aggregate_id: envelope.aggregate_id.to_string(),
        };
        Self { position: envelope.position, stream, event: Ok(envelope) }
    }
}

/// Reads at most `limit` positions after `after` from PostgreSQL.
pub(crate) async fn read_log(
    connection: &mut PgConnection,
    after: Position,
    limit: u32,
) -> Result<Vec<Item>, sqlx::Error> {
    let rows = timeout(READ_TIMEOUT, log::rows_after(connection, after, limit)).await;
    let rows = rows.map_err(|_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))??;
    Ok(rows.iter().map(Item::from).collect())
}

#[derive(Debug)]
pub(crate) struct Source {
    tail: Tail,
    news: broadcast::Receiver<News>,
    committed: watch::Receiver<u64>,
    /// By position, those after the checkpoint.
    waiting: BTreeMap<Position, Option<Arc<Envelope>>>,
    poll_at: Instant,
    eager_until: Instant,
}

impl Source {
    /// Asks PostgreSQL first, for what there is already.
    pub(crate) fn new(tail: Tail, hints: &Hints) -> Self {
        let news = tail.subscribe();
        let now = Instant::now();
        Self { tail, news, committed: hints.on_committed(), waiting: BTreeMap::new(), poll_at: now, eager_until: now }
    }

    /// The positions right after `checkpoint`, without a hole, at most `limit`. Waits for the first; empty when there
    /// was none at the last poll, so that the caller can look after other things.
    pub(crate) async fn next(
        &mut self,
        connection: &mut PgConnection,
        checkpoint: Position,
        limit: u32,
    ) -> Result<Vec<Item>, sqlx::Error> {
        loop {
            self.drain();
            self.waiting = self.waiting.split_off(&(checkpoint + 1));
            let items = self.take_without_hole(checkpoint, limit);
            if !items.is_empty() {
                self.poll_at = Instant::now() + POLL;
                return Ok(items);
            }
            // What waits stands behind a hole, or cannot be read from its message.
            if !self.waiting.is_empty() || Instant::now() >= self.poll_at {
                let items = read_log(connection, checkpoint, limit).await?;
                let now = Instant::now();
                if let Some(last) = items.last() {
                    self.waiting = self.waiting.split_off(&(last.position + 1));
                    // More than was asked for may be there: look again at once.
                    self.poll_at = if items.len() as u64 >= u64::from(limit) { now } else { now + POLL };
                    return Ok(items);
                }
                // A stream that knows more than PostgreSQL is not to be believed.
                self.waiting.clear();
                self.poll_at = now + if now < self.eager_until { EAGER_POLL } else { POLL };
                return Ok(items);
            }
            self.wait().await;
        }
    }

    /// Moves everything that the tail has for us into `waiting`.
    fn drain(&mut self) {
        loop {
            match self.news.try_recv() {
                Ok(News::Event(position, envelope)) => {
                    if self.waiting.len() < HELD_BACK {
                        self.waiting.insert(position, envelope);
                    }
                }
                Ok(News::Look) | Err(broadcast::error::TryRecvError::Lagged(_)) => self.poll_at = Instant::now(),
                Err(_) => return,
            }
        }
    }

    fn take_without_hole(&mut self, checkpoint: Position, limit: u32) -> Vec<Item> {
        let mut items = Vec::new();
        let mut next = checkpoint + 1;
        while items.len() < limit as usize
            && let Some(entry) = self.waiting.first_entry()
            && *entry.key() == next
            && entry.get().is_some()
        {
            items.extend(entry.remove().map(Item::from));
            next += 1;
        }
        items
    }

    /// Until there is a reason to look again.
    async fn wait(&mut self) {
        let committed = &mut self.committed;
        let heard = async {
            // The hub lives as long as we hold hints; should it not, polling goes on.
            if committed.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            news = self.news.recv() => match news {
                Ok(News::Event(position, envelope)) => { self.waiting.insert(position, envelope); }
                // The tail lives as long as we hold it.
                Ok(News::Look) | Err(_) => self.poll_at = Instant::now(),
            },
            // Without a live stream a commit in this process is the best sign that there will soon be a position.
            () = heard, if !self.tail.is_live() => {
                self.eager_until = Instant::now() + EAGER_FOR;
                self.poll_at = self.poll_at.min(Instant::now() + EAGER_POLL);
            }
            () = sleep_until(self.poll_at) => {}
        }
    }
}
