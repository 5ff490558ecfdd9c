//! When a child that ended is started again.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

pub(super) const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(30);
const WINDOW: Duration = Duration::from_mins(1);
const TOO_MANY: usize = 5;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Wait(Duration),
    GiveUp,
}

/// The ends of one child.
#[derive(Debug, Default)]
pub(super) struct Exits {
    recent: VecDeque<Instant>,
    pause: Option<Duration>,
}

impl Exits {
    /// Notes an end and says what comes next. A quiet minute forgets all ends before it.
    pub(super) fn record(&mut self, now: Instant) -> Next {
        if self.recent.back().is_none_or(|last| now - *last > WINDOW) {
            self.pause = None;
        }
        self.recent.push_back(now);
        self.recent.retain(|end| now - *end <= WINDOW);
        if self.recent.len() >= TOO_MANY {
            return Next::GiveUp;
        }
        let pause = self.pause.map_or(FIRST, |pause| (pause * 2).min(LONGEST));
        self.pause = Some(pause);
        Next::Wait(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_five_ends_in_a_minute_are_too_many() {
        let mut exits = Exits::default();
        let now = Instant::now();
        let pauses: Vec<Next> = (0..5).map(|second| exits.record(now + Duration::from_secs(second))).collect();
        let wait = |ms| Next::Wait(Duration::from_millis(ms));
        assert_eq!(pauses, [wait(200), wait(400), wait(800), wait(1600), Next::GiveUp]);
    }

    #[test]
    fn pauses_grow_to_thirty_seconds() {
        let mut exits = Exits::default();
        let now = Instant::now();
        let last = (0..20).map(|turn| exits.record(now + Duration::from_secs(20) * turn)).last();
        assert_eq!(last, Some(Next::Wait(LONGEST)));
    }

    #[test]
    fn a_quiet_minute_forgets() {
        let mut exits = Exits::default();
        let now = Instant::now();
        for turn in 0..3 {
            exits.record(now + Duration::from_secs(turn));
        }
        assert_eq!(exits.record(now + Duration::from_secs(70)), Next::Wait(FIRST));
    }
}
