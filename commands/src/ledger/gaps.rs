//! The ids that were jumped over, and when one may be forgotten.
//!
//! `nextval` hands out a number before the row is visible, so a reader that goes by id alone steps over rows that
//! commit late. Here every id that was stepped over is remembered and looked for in each read, until it turns up or
//! is proven dead. The proof is by locks, because a transaction holds `RowExclusiveLock` on the sequence from before
//! it gets a number until after its commit is visible:
//!
//! 1. A read steps over ids: [`Gaps::step_over`].
//! 2. A poll that starts after it notes who holds the lock: [`Gaps::poll_started`], [`Gaps::poll_ended`].
//! 3. Later polls keep only those that still hold it. When none is left, the gap is ripe: whoever had the number has
//!    committed or rolled back.
//! 4. A read that starts after that poll and still does not see the row burns the gap: [`Gaps::after_read`].
//!
//! Nothing here waits: a gap never holds up the rows behind it.

use std::collections::{BTreeMap, BTreeSet};

/// A virtual transaction, as `pg_locks` names it.
pub(super) type Holder = String;

/// Inclusive at both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) first: i64,
    pub(super) last: i64,
}

#[derive(Debug, Default)]
pub(super) struct Gaps {
    /// By first id: last id, and the cohort that decides when it may burn.
    ranges: BTreeMap<i64, (i64, Cohort)>,
    /// What is known about the holders of each cohort; the newest cohort, not polled for yet, is not in here.
    holding: BTreeMap<Cohort, Holding>,
    newest: Cohort,
    reads_started: u64,
}

/// All gaps that were found between two polls.
type Cohort = u64;

#[derive(Debug)]
enum Holding {
    /// The poll that will say who holds the lock is on its way.
    Asked,
    /// Who held it at every poll since.
    HeldBy(BTreeSet<Holder>),
    /// Nobody is left. A read with this number or a later one may burn it.
    Ripe { from_read: u64 },
}

impl Gaps {
    /// Gaps that an earlier leader left: nothing is known about their holders.
    pub(super) fn restored(ranges: impl IntoIterator<Item = Range>) -> Self {
        let mut gaps = Self::default();
        ranges.into_iter().for_each(|range| gaps.step_over(range));
        gaps
    }

    #[cfg(test)]
    fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.ranges.len()
    }

    /// In ascending order, none touching its neighbour within a cohort.
    pub(super) fn ranges(&self) -> impl Iterator<Item = Range> + '_ {
        self.ranges.iter().map(|(first, (last, _))| Range { first: *first, last: *last })
    }

    /// How PostgreSQL writes them: `{[3,5),[9,10)}`.
    pub(super) fn to_multirange(&self) -> String {
        use std::fmt::Write;
        let mut text = String::from("{");
        for Range { first, last } in self.ranges() {
            if text.len() > 1 {
                text.push(',');
            }
            // Writing into a string cannot fail.
            let _ = write!(text, "[{first},{})", last.saturating_add(1));
        }
        text.push('}');
        text
    }

    /// A read saw ids on both sides of these, but not these. Must be called before the next poll starts.
    pub(super) fn step_over(&mut self, range: Range) {
        if range.first <= range.last {
            self.ranges.insert(range.first, (range.last, self.newest));
        }
    }

    /// To be called before each read is sent. The number says which read it is.
    pub(super) fn read_started(&mut self) -> u64 {
        self.reads_started += 1;
        self.reads_started
    }

    /// The row with this id turned up: it is no gap any more. True when it was one.
    pub(super) fn found(&mut self, id: i64) -> bool {
        let Some((&first, &(last, cohort))) = self.ranges.range(..=id).next_back() else { return false };
        if last < id {
            return false;
        }
        self.ranges.remove(&first);
        if first < id {
            self.ranges.insert(first, (id - 1, cohort));
        }
        if id < last {
            self.ranges.insert(id + 1, (last, cohort));
        }
        true
    }

    /// Burns what read number `read` proved dead. `saw_up_to` is the highest id that the read looked at: a read that
    /// was cut short says nothing about what is above. Call it after [`Self::found`] for every row of the read.
    pub(super) fn after_read(&mut self, read: u64, saw_up_to: i64) -> bool {
        let holding = &self.holding;
        let before = self.ranges.len();
        let mut cut = Vec::new();
        self.ranges.retain(|first, (last, cohort)| {
            let proven = matches!(holding.get(cohort), Some(Holding::Ripe { from_read }) if *from_read <= read);
            if !proven || *first > saw_up_to {
                return true;
            }
            if *last > saw_up_to {
                cut.push((saw_up_to + 1, (*last, *cohort)));
            }
            false
        });
        let burned = self.ranges.len() < before;
        self.ranges.extend(cut);
        if burned {
            self.forget_empty_cohorts();
        }
        burned
    }

    fn forget_empty_cohorts(&mut self) {
        let alive: BTreeSet<Cohort> = self.ranges.values().map(|(_, cohort)| *cohort).collect();
        self.holding.retain(|cohort, _| alive.contains(cohort));
    }

    /// Whether a poll could ripen anything.
    pub(super) fn want_poll(&self) -> bool {
        self.ranges.values().any(|(_, cohort)| !matches!(self.holding.get(cohort), Some(Holding::Ripe { .. })))
    }

    /// Whether the next read could burn anything.
    pub(super) fn want_read(&self) -> bool {
        self.holding.values().any(|holding| matches!(holding, Holding::Ripe { .. })) && !self.ranges.is_empty()
    }

    /// A poll is sent now: every gap found so far is older than it.
    pub(super) fn poll_started(&mut self) {
        self.holding.insert(self.newest, Holding::Asked);
        self.newest += 1;
    }

    /// The poll that was started last came back. No read may be on its way meanwhile.
    pub(super) fn poll_ended(&mut self, holders: &BTreeSet<Holder>) {
        let from_read = self.reads_started + 1;
        for holding in self.holding.values_mut() {
            let left: BTreeSet<Holder> = match holding {
                Holding::Asked => holders.clone(),
                Holding::HeldBy(earlier) => earlier.intersection(holders).cloned().collect(),
                Holding::Ripe { .. } => continue,
            };
            *holding = if left.is_empty() { Holding::Ripe { from_read } } else { Holding::HeldBy(left) };
        }
        self.forget_empty_cohorts();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    fn range(first: i64, last: i64) -> Range {
        Range { first, last }
    }

    fn holders(names: &[&str]) -> BTreeSet<Holder> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn poll(gaps: &mut Gaps, names: &[&str]) {
        gaps.poll_started();
        gaps.poll_ended(&holders(names));
    }

    fn read(gaps: &mut Gaps) -> bool {
        let read = gaps.read_started();
        gaps.after_read(read, i64::MAX)
    }

    #[test]
    fn a_gap_burns_only_after_its_holders_left_and_one_more_read() {
        let mut gaps = Gaps::restored([range(5, 5)]);
        poll(&mut gaps, &["3/1", "4/1"]);
        assert!(!read(&mut gaps));
        poll(&mut gaps, &["4/1", "9/9"]);
        assert!(!read(&mut gaps));
        // 9/9 came later and is nobody's business; 4/1 is gone.
        poll(&mut gaps, &["9/9"]);
        assert!(!gaps.is_empty());
        assert!(gaps.want_read());
        assert!(read(&mut gaps));
        assert!(gaps.is_empty());
    }

    #[test]
    fn a_read_that_started_before_the_poll_ended_burns_nothing() {
        let mut gaps = Gaps::restored([range(5, 5)]);
        let early = gaps.read_started();
        poll(&mut gaps, &[]);
        assert!(!gaps.after_read(early, i64::MAX));
        assert!(read(&mut gaps));
    }

    #[test]
    fn a_gap_found_while_a_poll_is_on_its_way_waits_for_the_next_one() {
        let mut gaps = Gaps::restored([range(5, 5)]);
        gaps.poll_started();
        gaps.step_over(range(8, 9));
        gaps.poll_ended(&holders(&[]));
        assert!(read(&mut gaps));
        assert_eq!(gaps.ranges().collect::<Vec<_>>(), [range(8, 9)]);
        assert!(gaps.want_poll());
        poll(&mut gaps, &[]);
        assert!(read(&mut gaps));
        assert!(gaps.is_empty());
    }

    #[test]
    fn a_row_that_turns_up_splits_its_range() {
        let mut gaps = Gaps::restored([range(10, 14)]);
        assert!(gaps.found(12));
        assert!(!gaps.found(12));
        assert!(!gaps.found(15));
        assert!(gaps.found(10));
        assert_eq!(gaps.ranges().collect::<Vec<_>>(), [range(11, 11), range(13, 14)]);
        assert_eq!(gaps.to_multirange(), "{[11,12),[13,15)}");
        assert_eq!(Gaps::default().to_multirange(), "{}");
    }

    #[test]
    fn a_read_that_was_cut_short_burns_only_what_it_saw() {
        let mut gaps = Gaps::restored([range(10, 14), range(20, 20)]);
        poll(&mut gaps, &[]);
        let number = gaps.read_started();
        assert!(gaps.after_read(number, 12));
        assert_eq!(gaps.ranges().collect::<Vec<_>>(), [range(13, 14), range(20, 20)]);
        assert!(read(&mut gaps));
        assert!(gaps.is_empty());
    }

    #[test]
    fn cohorts_without_gaps_are_forgotten() {
        let mut gaps = Gaps::default();
        for id in 0..100 {
            gaps.step_over(range(id, id));
            poll(&mut gaps, &["1/1"]);
            assert!(gaps.found(id));
        }
        poll(&mut gaps, &[]);
        assert!(gaps.holding.is_empty());
        assert!(!gaps.want_poll() && !gaps.want_read());
    }
}
