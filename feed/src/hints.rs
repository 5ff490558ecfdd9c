//! Hints: "something was committed", "this row has this position", "this board reached that position".
//!
//! A hint may be lost, doubled or late; whoever waits for one also polls. Inside a process they go through channels;
//! with a NATS client they also reach other processes, over core NATS (never JetStream: nothing here is worth storing).

use crate::hints_over_nats as bridge;
use crate::log::LogRow;
use domain::ids::Position;
use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, broadcast, mpsc, oneshot, watch};
use uuid::Uuid;

/// Rows whose position is remembered after the announcement, for those who ask a moment later.
const REMEMBERED_ROWS: usize = 16_384;
/// A reader of [`Hints::on_reached`] that falls further behind misses hints, and is told so by its receiver.
const REACHED_BUFFER: usize = 4_096;
/// A reader of [`Hints::on_placed`] that falls further behind reads the log instead.
const PLACED_BUFFER: usize = 1_024;
/// Announcements that wait for NATS; more are dropped.
const BRIDGE_BUFFER: usize = 8_192;

/// A projection has applied everything up to `position` that concerns `key`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Reached {
    /// Such as `board`, `ticket`, `runs`, `run_transcript`.
    pub projection: Cow<'static, str>,
    /// What a reader follows: a board's id, a run's id.
    pub key: Uuid,
    pub position: Position,
}

/// The hub of a process. Clones share it.
#[derive(Clone, Debug)]
pub struct Hints {
    hub: Arc<Hub>,
}

#[derive(Debug)]
pub(crate) struct Hub {
    committed: watch::Sender<u64>,
    reached: broadcast::Sender<Reached>,
    placed: broadcast::Sender<Arc<LogRow>>,
    rows: Mutex<Rows>,
    /// There when hints also go over NATS.
    outgoing: Option<Outgoing>,
}

#[derive(Debug)]
struct Outgoing {
    committed: Arc<Notify>,
    others: mpsc::Sender<Announcement>,
}

/// What other processes are told, besides commits.
#[derive(Debug)]
pub(crate) enum Announcement {
    Sequenced(Vec<(i64, Position)>),
    Reached(Reached),
}

#[derive(Debug, Default)]
struct Rows {
    positions: HashMap<i64, Position>,
    /// Oldest first: what to forget.
    order: VecDeque<i64>,
    waiting: HashMap<i64, Vec<oneshot::Sender<Position>>>,
}

impl Hints {
    /// For one process that holds every role, and for tests.
    pub fn local() -> Self {
        Self { hub: Arc::new(Hub::new(None)) }
    }

    /// Also tells other processes on the same NATS, and hears them. Needs a tokio runtime; its tasks end with the last clone.
    pub fn over_nats(client: async_nats::Client) -> Self {
        let committed = Arc::new(Notify::new());
        let (others, announcements) = mpsc::channel(BRIDGE_BUFFER);
        let hub = Arc::new(Hub::new(Some(Outgoing { committed: Arc::clone(&committed), others })));
        bridge::start(client, &hub, committed, announcements);
        Self { hub }
    }

    /// A writer committed events: the sequencer looks at once instead of at its next poll.
    pub fn committed(&self) {
        self.hub.heard_committed();
        if let Some(outgoing) = &self.hub.outgoing {
            outgoing.committed.notify_one();
        }
    }

    /// Changes whenever somebody committed. The number itself means nothing.
    pub fn on_committed(&self) -> watch::Receiver<u64> {
        self.hub.committed.subscribe()
    }

    /// These rows of `events` got these positions, and that is committed.
    pub fn sequenced(&self, rows: &[(i64, Position)]) {
        if rows.is_empty() {
            return;
        }
        self.hub.heard_sequenced(rows);
        self.hub.announce(|| Announcement::Sequenced(rows.to_vec()));
    }

    /// These rows were written to the ledger, and that is committed: whoever reads the log in this process has them at
    /// once, other processes learn their positions.
    pub fn placed(&self, rows: &[Arc<LogRow>]) {
        for row in rows {
            // No receiver: no reader of the log in this process.
            let _ = self.hub.placed.send(Arc::clone(row));
        }
        let positions: Vec<(i64, Position)> = rows.iter().map(|row| (row.event_row, row.position)).collect();
        self.sequenced(&positions);
    }

    /// Every row that the sequencer of this process places from now on, by position; nothing where it is another
    /// process's. A receiver that lags learns how many it missed and should read the log.
    pub fn on_placed(&self) -> broadcast::Receiver<Arc<LogRow>> {
        self.hub.placed.subscribe()
    }

    /// The position of a committed row of `events`, or none when it is not known within `wait`.
    pub async fn position_of(&self, row: i64, wait: Duration) -> Option<Position> {
        let answer = {
            let mut rows = self.hub.rows();
            if let Some(position) = rows.positions.get(&row) {
                return Some(*position);
            }
            let (sender, receiver) = oneshot::channel();
            rows.waiting.entry(row).or_default().push(sender);
            receiver
        };
        let position = tokio::time::timeout(wait, answer).await.ok().and_then(Result::ok);
        if position.is_none() {
            self.hub.forget_waiters_that_left(row);
        }
        position
    }

    /// A projection committed everything up to `position` that concerns `key`.
    pub fn reached(&self, projection: &'static str, key: Uuid, position: Position) {
        let reached = Reached { projection: Cow::Borrowed(projection), key, position };
        self.hub.heard_reached(reached.clone());
        self.hub.announce(|| Announcement::Reached(reached));
    }

    /// Every [`Reached`] from now on. A receiver that lags learns how many it missed and should read again.
    pub fn on_reached(&self) -> broadcast::Receiver<Reached> {
        self.hub.reached.subscribe()
    }
}

impl Hub {
    fn new(outgoing: Option<Outgoing>) -> Self {
        Self {
            committed: watch::Sender::new(0),
            reached: broadcast::Sender::new(REACHED_BUFFER),
            placed: broadcast::Sender::new(PLACED_BUFFER),
            rows: Mutex::default(),
            outgoing,
        }
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        // No code panics while it holds the lock; and what is in there are hints.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn announce(&self, announcement: impl FnOnce() -> Announcement) {
        if let Some(outgoing) = &self.outgoing {
            // Full: NATS is away or slow. The others poll.
            let _ = outgoing.others.try_send(announcement());
        }
    }

    fn forget_waiters_that_left(&self, row: i64) {
        let mut rows = self.rows();
        if let Some(waiting) = rows.waiting.get_mut(&row) {
            waiting.retain(|sender| !sender.is_closed());
            if waiting.is_empty() {
                rows.waiting.remove(&row);
            }
        }
    }

    pub(crate) fn heard_committed(&self) {
        self.committed.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(crate) fn heard_sequenced(&self, announced: &[(i64, Position)]) {
        let mut rows = self.rows();
        for (row, position) in announced {
            for sender in rows.waiting.remove(row).unwrap_or_default() {
                // A waiter that left needs no answer.
                let _ = sender.send(*position);
            }
            if rows.positions.insert(*row, *position).is_none() {
                rows.order.push_back(*row);
            }
        }
        while rows.order.len() > REMEMBERED_ROWS {
            if let Some(oldest) = rows.order.pop_front() {
                rows.positions.remove(&oldest);
            }
        }
    }

    pub(crate) fn heard_reached(&self, reached: Reached) {
        // No receiver: nobody follows anything here.
        let _ = self.reached.send(reached);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn a_waiter_gets_the_position_whether_it_asks_before_or_after() {
        let hints = Hints::local();
        let early = tokio::spawn({
            let hints = hints.clone();
            async move { hints.position_of(7, SOON).await }
        });
        while hints.hub.rows().waiting.is_empty() {
            tokio::task::yield_now().await;
        }
        hints.sequenced(&[(6, 1), (7, 2)]);
        assert_eq!(early.await.unwrap(), Some(2));
        assert_eq!(hints.position_of(6, Duration::ZERO).await, Some(1));
        assert!(hints.hub.rows().waiting.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiter_in_vain_leaves_nothing_behind() {
        let hints = Hints::local();
        assert_eq!(hints.position_of(1, Duration::from_millis(50)).await, None);
        assert!(hints.hub.rows().waiting.is_empty());
    }

    #[tokio::test]
    async fn the_memory_of_positions_is_bounded() {
        let hints = Hints::local();
        let many = i64::try_from(REMEMBERED_ROWS).unwrap() + 10;
        for row in 1..=many {
            hints.sequenced(&[(row, row.unsigned_abs())]);
        }
        assert_eq!(hints.hub.rows().positions.len(), REMEMBERED_ROWS);
        assert_eq!(hints.position_of(10, Duration::ZERO).await, None);
        assert_eq!(hints.position_of(11, Duration::ZERO).await, Some(11));
    }

    #[tokio::test]
    async fn readers_hear_commits_and_what_was_reached() {
        let hints = Hints::local();
        let mut committed = hints.on_committed();
        let mut reached = hints.on_reached();
        hints.committed();
        hints.reached("board", Uuid::nil(), 9);
        committed.changed().await.unwrap();
        let heard = reached.recv().await.unwrap();
        assert_eq!((&*heard.projection, heard.key, heard.position), ("board", Uuid::nil(), 9));
    }
}
