//! Numbers a run's events, and holds the rules of the protocol at its end.
//!
//! A success has left at least one diff or artifact; a failure has an error with its reason; nothing follows the end.

use domain::agent_run::{FailureReason, RunOutcome};
use serde::{Deserialize, Serialize};

use super::protocol::RunEvent;

/// An event with its place in the run's transcript, counted from 1 without gaps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NumberedEvent {
    pub seq: u64,
    #[serde(flatten)]
    pub event: RunEvent,
}

/// One a run, used by whoever writes the transcript.
#[derive(Debug, Default)]
pub struct Recorder {
    last_seq: u64,
    left_a_result: bool,
    last_error: Option<FailureReason>,
    ended: bool,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the run has ended after event {last_seq}")]
pub struct RunHasEnded {
    pub last_seq: u64,
}

impl Recorder {
    /// Goes on after the events that are already stored, 0 for a new run.
    pub fn after(last_seq: u64) -> Self {
        Self { last_seq, ..Self::default() }
    }

    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// # Errors
    /// [`RunHasEnded`] after [`Recorder::end`].
    pub fn record(&mut self, event: RunEvent) -> Result<NumberedEvent, RunHasEnded> {
        if self.ended {
            return Err(RunHasEnded { last_seq: self.last_seq });
        }
        match &event {
            RunEvent::Diff(diff) => self.left_a_result |= !diff.content.text.is_empty(),
            RunEvent::Artifact(_) => self.left_a_result = true,
            RunEvent::Error(error) => self.last_error = Some(error.reason),
            RunEvent::Message(_)
            | RunEvent::Log(_)
            | RunEvent::Tool(_)
            | RunEvent::Approval(_)
            | RunEvent::Question(_)
            | RunEvent::Usage(_) => {}
        }
        self.last_seq += 1;
        Ok(NumberedEvent { seq: self.last_seq, event })
    }

    /// Ends the transcript. Returns how the run really ended, and the error event that a failure still lacked.
    ///
    /// # Errors
    /// [`RunHasEnded`] the second time.
    pub fn end(&mut self, outcome: RunOutcome) -> Result<(RunOutcome, Option<NumberedEvent>), RunHasEnded> {
        let outcome = match outcome {
            RunOutcome::Succeeded if !self.left_a_result => RunOutcome::Failed {
                reason: FailureReason::ChecksFailed,
                message: "The agent ended its work without leaving a change or an artifact.".into(),
            },
            as_told @ (RunOutcome::Succeeded | RunOutcome::Failed { .. } | RunOutcome::Cancelled) => as_told,
        };
        let missing = match &outcome {
            RunOutcome::Failed { reason, message } if self.last_error != Some(*reason) => {
                Some(self.record(RunEvent::error(*reason, message.clone()))?)
            }
            RunOutcome::Succeeded | RunOutcome::Failed { .. } | RunOutcome::Cancelled => None,
        };
        if self.ended {
            return Err(RunHasEnded { last_seq: self.last_seq });
        }
        self.ended = true;
        Ok((outcome, missing))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::agents::protocol::DiffScope;

    fn recorded(events: impl IntoIterator<Item = RunEvent>) -> Recorder {
        let mut recorder = Recorder::after(0);
        for event in events {
            recorder.record(event).unwrap();
        }
        recorder
    }

    #[test]
    fn events_are_numbered_from_one_without_gaps_and_on_from_what_is_stored() {
        let mut recorder = Recorder::after(41);
        let seqs: Vec<_> = (0..3).map(|_| recorder.record(RunEvent::said("step")).unwrap().seq).collect();
        assert_eq!(seqs, [42, 43, 44]);
    }

    #[test]
    fn a_success_that_left_nothing_is_a_failure_with_an_error() {
        let empty_diff = RunEvent::diff(DiffScope::Turn, String::new());
        let (outcome, missing) = recorded([RunEvent::said("done"), empty_diff]).end(RunOutcome::Succeeded).unwrap();
        assert!(matches!(outcome, RunOutcome::Failed { reason: FailureReason::ChecksFailed, .. }));
        let missing = missing.unwrap();
        assert_eq!((missing.seq, missing.event.kind()), (3, "error"));
    }

    #[test]
    fn a_success_with_a_diff_stands() {
        let diff = RunEvent::diff(DiffScope::Branch, "diff --git a/x b/x\n@@ -0,0 +1 @@\n+1\n".into());
        assert_eq!(recorded([diff]).end(RunOutcome::Succeeded).unwrap(), (RunOutcome::Succeeded, None));
    }

    #[test]
    fn a_failure_gets_its_error_once() {
        let failed = || RunOutcome::Failed { reason: FailureReason::Budget, message: "used up".into() };
        let (_, added) = recorded([]).end(failed()).unwrap();
        assert_eq!(added.unwrap().event, RunEvent::error(FailureReason::Budget, "used up"));
        let (_, added) = recorded([RunEvent::error(FailureReason::Budget, "said before")]).end(failed()).unwrap();
        assert_eq!(added, None);
        let (_, added) = recorded([RunEvent::error(FailureReason::Time, "another")]).end(failed()).unwrap();
        assert_eq!(added.unwrap().seq, 2);
    }

    #[test]
    fn a_cancelled_run_needs_no_result_and_no_error() {
        assert_eq!(recorded([]).end(RunOutcome::Cancelled).unwrap(), (RunOutcome::Cancelled, None));
    }

    #[test]
    fn nothing_follows_the_end() {
        let mut recorder = recorded([RunEvent::said("a")]);
        recorder.end(RunOutcome::Cancelled).unwrap();
        assert_eq!(recorder.record(RunEvent::said("b")), Err(RunHasEnded { last_seq: 1 }));
        assert!(recorder.end(RunOutcome::Cancelled).is_err());
    }
}
