//! The newest ledger rows, handed from the sequencer to the relay in memory: the relay reads PostgreSQL only to
//! catch up.

use domain::ids::Position;
use feed::log::LogRow;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

const MOST_ROWS: usize = 8_192;
const MOST_BYTES: usize = 16 << 20;

#[derive(Debug)]
pub(super) struct Tail {
    rows: Mutex<Rows>,
    head: watch::Sender<Position>,
}

#[derive(Debug, Default)]
struct Rows {
    /// Consecutive positions, oldest first.
    rows: VecDeque<Arc<LogRow>>,
    bytes: usize,
}

impl Tail {
    pub(super) fn new() -> Self {
        Self { rows: Mutex::default(), head: watch::Sender::new(0) }
    }

    /// Committed rows, each one position after the one before.
    pub(super) fn push(&self, rows: impl IntoIterator<Item = Arc<LogRow>>) {
        let mut tail = self.lock();
        for row in rows {
            if tail.rows.back().is_some_and(|last| last.position + 1 != row.position) {
                tail.clear();
            }
            tail.bytes += size(&row);
            tail.rows.push_back(row);
        }
        while tail.rows.len() > MOST_ROWS || tail.bytes > MOST_BYTES {
            tail.drop_oldest();
        }
        if let Some(last) = tail.rows.back() {
            let position = last.position;
            self.head.send_replace(position);
        }
    }

    /// Everything up to here is committed, also what was never pushed.
    pub(super) fn set_head(&self, head: Position) {
        self.lock().clear();
        self.head.send_replace(head);
    }

    /// The last committed position.
    pub(super) fn head(&self) -> watch::Receiver<Position> {
        self.head.subscribe()
    }

    /// At most `limit` rows from the one after `after`; none when that one is not in here any more.
    pub(super) fn after(&self, after: Position, limit: usize) -> Option<Vec<Arc<LogRow>>> {
        let tail = self.lock();
        let first = tail.rows.front()?.position;
        let skip = usize::try_from((after + 1).checked_sub(first)?).ok()?;
        (skip < tail.rows.len()).then(|| tail.rows.iter().skip(skip).take(limit).cloned().collect())
    }

    /// Forgets what the relay is done with.
    pub(super) fn release(&self, up_to: Position) {
        let mut tail = self.lock();
        while tail.rows.front().is_some_and(|row| row.position <= up_to) {
            tail.drop_oldest();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Rows> {
        // Nothing panics while it holds the lock.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows {
    fn drop_oldest(&mut self) {
        if let Some(row) = self.rows.pop_front() {
            self.bytes = self.bytes.saturating_sub(size(&row));
        }
    }

    fn clear(&mut self) {
        self.rows.clear();
        self.bytes = 0;
    }
}

fn size(row: &LogRow) -> usize {
    row.payload.len() + row.metadata.len() + 256
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;
    use domain::ids::{EventId, OrgId};
    use uuid::Uuid;

    fn row(position: Position, payload: usize) -> Arc<LogRow> {
        Arc::new(LogRow {
            position,
            org_position: position,
            org_previous_position: position - 1,
            event_row: 1,
            event_id: EventId(Uuid::nil()),
            org: OrgId(Uuid::nil()),
            aggregate_type: String::new(),
            aggregate_id: String::new(),
            version: 1,
            event_type: String::new(),
            event_version: String::new(),
            actor: String::new(),
            at: chrono::DateTime::UNIX_EPOCH,
            metadata: String::new(),
            payload: "x".repeat(payload),
        })
    }

    fn positions(tail: &Tail, after: Position, limit: usize) -> Option<Vec<Position>> {
        tail.after(after, limit).map(|rows| rows.iter().map(|row| row.position).collect())
    }

    #[test]
    fn it_gives_what_follows_a_position_or_nothing() {
        let tail = Tail::new();
        tail.push((5..=9).map(|position| row(position, 1)));
        assert_eq!(positions(&tail, 4, 2), Some(vec![5, 6]));
        assert_eq!(positions(&tail, 7, 100), Some(vec![8, 9]));
        assert_eq!(positions(&tail, 3, 100), None);
        assert_eq!(positions(&tail, 9, 100), None);
        tail.release(6);
        assert_eq!(positions(&tail, 5, 100), None);
        assert_eq!(*tail.head().borrow(), 9);
    }

    #[test]
    fn it_is_bounded_and_never_has_a_hole() {
        let tail = Tail::new();
        tail.push((1..=100).map(|position| row(position, 1 << 20)));
        assert!(tail.lock().bytes <= MOST_BYTES);
        assert_eq!(positions(&tail, 99, 9), Some(vec![100]));
        tail.push([row(200, 1)]);
        assert_eq!(positions(&tail, 99, 9), None);
        assert_eq!(positions(&tail, 199, 9), Some(vec![200]));
        tail.set_head(300);
        assert_eq!(positions(&tail, 199, 9), None);
        assert_eq!(*tail.head().borrow(), 300);
    }
}
