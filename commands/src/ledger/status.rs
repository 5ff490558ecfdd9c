//! How the ledger is doing: for health, metrics and `doctor`.

use domain::ids::Position;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Clones show the same ledger. All of it is of this process; a standby knows nothing.
#[derive(Clone, Debug, Default)]
pub struct LedgerStatus {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    leading: AtomicBool,
    position: AtomicU64,
    relayed: AtomicU64,
    gaps: AtomicU64,
    refills: AtomicU64,
    lost_rows: AtomicU64,
    problem: Mutex<Option<String>>,
}

/// A moment of [`LedgerStatus`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerHealth {
    /// Whether this process sequences. False on a standby, which is healthy.
    pub leading: bool,
    /// Last position that this leader gave; 0 before it gave one.
    pub position: Position,
    /// Last position that JetStream confirmed to this leader.
    pub relayed: Position,
    /// Ranges of ids that were jumped over and may still turn up. Thousands mean that some transaction stays open.
    pub gaps: u64,
    /// How often the stream was found wiped or damaged and made anew.
    pub refills: u64,
    /// Committed events that never got a position. Anything but 0 is a fault: the log misses them.
    pub lost_rows: u64,
    /// Why it does not sequence or relay at the moment.
    pub problem: Option<String>,
}

impl LedgerStatus {
    pub fn health(&self) -> LedgerHealth {
        LedgerHealth {
            leading: self.inner.leading.load(Ordering::Relaxed),
            position: self.inner.position.load(Ordering::Relaxed),
            relayed: self.inner.relayed.load(Ordering::Relaxed),
            gaps: self.inner.gaps.load(Ordering::Relaxed),
            refills: self.inner.refills.load(Ordering::Relaxed),
            lost_rows: self.inner.lost_rows.load(Ordering::Relaxed),
            problem: self.problem().clone(),
        }
    }

    pub(super) fn set_leading(&self, leading: bool) {
        self.inner.leading.store(leading, Ordering::Relaxed);
    }

    pub(super) fn set_position(&self, position: Position) {
        self.inner.position.store(position, Ordering::Relaxed);
    }

    pub(super) fn set_relayed(&self, position: Position) {
        self.inner.relayed.store(position, Ordering::Relaxed);
    }

    pub(super) fn set_gaps(&self, ranges: usize) {
        self.inner.gaps.store(u64::try_from(ranges).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn count_refill(&self) {
        self.inner.refills.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn set_lost_rows(&self, rows: u64) {
        self.inner.lost_rows.store(rows, Ordering::Relaxed);
    }

    /// `None`: it works.
    pub(super) fn set_problem(&self, problem: Option<String>) {
        *self.problem() = problem;
    }

    fn problem(&self) -> MutexGuard<'_, Option<String>> {
        self.inner.problem.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
