//! What a run has spent on models, and whether the next call may start.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Shared by the calls of one run. All figures in micros of a US dollar.
#[derive(Debug, Clone, Default)]
pub(crate) struct Budget {
    limit: Option<u64>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    spent: u64,
    /// Of calls under way: what they cost at the least, or, further on, have cost so far.
    reserved: u64,
}

/// The budget is used up, or would be by the call that asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverBudget {
    pub limit_usd_micros: u64,
    pub spent_usd_micros: u64,
}

impl Budget {
    pub(crate) fn new(limit_usd_micros: Option<u64>) -> Self {
        Self { limit: limit_usd_micros, state: Arc::default() }
    }

    pub(crate) fn spent(&self) -> u64 {
        self.lock().spent
    }

    /// Admits a call that will cost `at_least`.
    ///
    /// # Errors
    /// [`OverBudget`] when that is not left, the calls under way counted.
    pub(crate) fn admit(&self, at_least: u64) -> Result<Reservation, OverBudget> {
        let mut state = self.lock();
        let committed = state.spent.saturating_add(state.reserved);
        if let Some(limit) = self.limit
            && (committed >= limit || committed.saturating_add(at_least) > limit)
        {
            return Err(OverBudget { limit_usd_micros: limit, spent_usd_micros: state.spent });
        }
        state.reserved = state.reserved.saturating_add(at_least);
        drop(state);
        Ok(Reservation { budget: self.clone(), amount: at_least })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call under way. Dropped without [`Reservation::settle`] it has cost nothing.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Budget,
    amount: u64,
}

impl Reservation {
    /// The call has come to cost this much.
    ///
    /// # Errors
    /// [`OverBudget`] when all calls together are over the limit by now: this one is to be cut off.
    pub(crate) fn grow(&mut self, amount: u64) -> Result<(), OverBudget> {
        let mut state = self.budget.lock();
        let amount = amount.max(self.amount);
        state.reserved = state.reserved.saturating_sub(self.amount).saturating_add(amount);
        self.amount = amount;
        let committed = state.spent.saturating_add(state.reserved);
        match self.budget.limit {
            Some(limit) if committed > limit => {
                Err(OverBudget { limit_usd_micros: limit, spent_usd_micros: state.spent })
            }
            _ => Ok(()),
        }
    }

    /// The call is over and cost this.
    pub(crate) fn settle(self, cost: u64) {
        let mut state = self.budget.lock();
        state.spent = state.spent.saturating_add(cost);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut state = self.budget.lock();
        state.reserved = state.reserved.saturating_sub(self.amount);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn calls_under_way_count_before_they_are_paid() {
        let budget = Budget::new(Some(100));
        let first = budget.admit(60).unwrap();
        assert!(budget.admit(60).is_err());
        let second = budget.admit(40).unwrap();
        assert!(budget.admit(1).is_err());
        first.settle(10);
        second.settle(20);
        assert_eq!(budget.spent(), 30);
        assert!(budget.admit(70).is_ok());
        assert!(budget.admit(71).is_err());
    }

    #[test]
    fn a_spent_budget_admits_nothing_not_even_what_is_free() {
        let budget = Budget::new(Some(10));
        budget.admit(0).unwrap().settle(10);
        assert_eq!(budget.admit(0).unwrap_err(), OverBudget { limit_usd_micros: 10, spent_usd_micros: 10 });
    }

    #[test]
    fn a_call_that_grows_past_the_limit_is_told() {
        let budget = Budget::new(Some(100));
        let mut call = budget.admit(10).unwrap();
        assert!(call.grow(100).is_ok());
        assert!(call.grow(101).is_err());
        drop(call);
        assert_eq!(budget.spent(), 0);
        assert!(budget.admit(100).is_ok());
    }

    #[test]
    fn without_a_limit_it_only_counts() {
        let budget = Budget::new(None);
        budget.admit(u64::MAX).unwrap().settle(u64::MAX);
        budget.admit(u64::MAX).unwrap().settle(5);
        assert_eq!(budget.spent(), u64::MAX);
    }
}
