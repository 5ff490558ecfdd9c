//! How long changes are kept: by the events' own times and count, so that a rebuild keeps the same ones.

use chrono::TimeDelta;

/// What a table of changes keeps of each board or project.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// At least this many.
    pub count: i64,
    /// Those at most this much older than the newest event.
    pub age: TimeDelta,
    /// Looked after at each position that this divides.
    pub every: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { count: 100_000, age: TimeDelta::days(7), every: 512 }
    }
}

impl Retention {
    pub(crate) const fn is_due(&self, position: u64) -> bool {
        position.is_multiple_of(self.every)
    }
}
