//! What happens when a worker's lease runs out: its run goes back to the queue if no work had started, else it ends as
//! lost. Either way within a poll of the timers after the lease's end.

use super::queue::{self, ATTEMPTS_MAX, LeaseStanding};
use super::transcript_writer::TranscriptWriter;
use crate::scrub::Scrubber;
use crate::timers::{Fired, TimerHandler};
use async_trait::async_trait;
use commands::agent_run::{AbandonRun, RunProgress, abandon_run, progress_of};
use commands::{Caller, Commands};
use domain::agent_run::{FailureReason, RunOutcome};
use domain::{Actor, CommandId, OrgId, RunId};
use feed::hints::Hints;
use feed::transcript::{self, TranscriptError};
use serde::Deserialize;
use sqlx::PgPool;

#[derive(Debug)]
pub(crate) struct LeaseExpiry {
    pub pool: PgPool,
    pub hints: Hints,
    pub commands: Commands,
}

/// What a person reads who had asked for the run.
const LOST: &str = "The worker that ran it was lost. Nothing that it had recorded is gone; start the run again.";

#[derive(Deserialize)]
struct Watched {
    run: RunId,
    token: u64,
}

#[async_trait]
impl TimerHandler for LeaseExpiry {
    fn kind(&self) -> &'static str {
        "run_lease_expiry"
    }

    async fn fire(&self, payload: &serde_json::Value) -> Result<Fired, Box<dyn std::error::Error + Send + Sync>> {
        let Watched { run, token } = Watched::deserialize(payload)?;
        let (org, attempts) = match queue::standing(&self.pool, run, token).await? {
            LeaseStanding::Closed => return Ok(Fired::Done),
            LeaseStanding::Held { expires_at } => return Ok(Fired::At(expires_at)),
            LeaseStanding::Expired { org, attempts, .. } => (org, attempts),
        };
        let progress = progress_of(&self.commands, org, run).await?;
        match progress {
            RunProgress::Ended => {}
            // Nothing was done under this lease yet: another worker may begin.
            RunProgress::Waiting if attempts < ATTEMPTS_MAX => {
                tracing::warn!(%run, token, attempts, "a worker was lost before it began: the run waits again");
                queue::give_back(&self.pool, run, token).await?;
                return Ok(Fired::Done);
            }
            RunProgress::Waiting | RunProgress::Working => {
                tracing::warn!(%run, token, "a worker was lost: its run ends");
                self.close_transcript(org, run, token).await?;
                if !queue::seal(&self.pool, run, token).await? {
                    // Its worker is back, or another has the run: its own timer looks after it.
                    return Ok(Fired::Done);
                }
                // Sealed: this is the whole of it.
                let transcript = transcript::digest(&self.pool, org, run).await?;
                let abandon = AbandonRun {
                    run,
                    token,
                    reason: FailureReason::WorkerLost,
                    message: LOST.to_owned(),
                    transcript_count: transcript.count,
                    transcript_digest: transcript.sha256,
                };
                let caller =
                    Caller::new(org, Actor::system("lease-expiry"), CommandId(run.derive(&format!("abandon:{token}"))));
                abandon_run(&self.commands, &caller, abandon).await?;
            }
        }
        // The policy that follows the log closes it too; here it is closed even if that one is behind.
        let mut connection = self.pool.acquire().await?;
        queue::close(&mut connection, run).await?;
        Ok(Fired::Done)
    }
}

impl LeaseExpiry {
    /// Every failure has its error in the transcript: here in the place of the worker that was lost.
    async fn close_transcript(&self, org: OrgId, run: RunId, token: u64) -> Result<(), TranscriptError> {
        let (pool, hints) = (self.pool.clone(), self.hints.clone());
        let outcome = RunOutcome::Failed { reason: FailureReason::WorkerLost, message: LOST.to_owned() };
        let ended = async {
            let writer = TranscriptWriter::open(pool, hints, Scrubber::default(), org, run, token).await?;
            writer.end(outcome).await
        };
        match ended.await {
            // Sealed by somebody who did not come to the ending: it is in there already.
            Ok(_) | Err(TranscriptError::LeaseLost { .. }) => Ok(()),
            Err(problem) => Err(problem),
        }
    }
}
