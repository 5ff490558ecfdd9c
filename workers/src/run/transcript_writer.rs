//! Writes a run's events in order: numbered, scrubbed, in batches of 50 ms or 64 events, under the lease's token.

use crate::agents::protocol::RunEvent;
use crate::agents::recorder::{NumberedEvent, Recorder};
use crate::scrub::Scrubber;
use chrono::{DateTime, SubsecRound, Utc};
use domain::agent_run::RunOutcome;
use domain::{OrgId, RunId};
use feed::hints::Hints;
use feed::transcript::{self, TranscriptDigest, TranscriptError, TranscriptEvent};
use serde_json::{Value, json};
use sqlx::PgPool;
use std::time::Duration;
use tokio::sync::mpsc;

const BATCH_MAX: usize = 64;
const BATCH_WAIT: Duration = Duration::from_millis(50);
/// A commit in doubt is tried again; appending the same events twice is harmless.
const TRIES: u32 = 4;
/// Of the short readable line that each event has.
const LINE_CHARS: usize = 300;

/// Where a run's events go. Holds no connection between batches.
#[derive(Debug)]
pub(crate) struct TranscriptWriter {
    pool: PgPool,
    hints: Hints,
    scrubber: Scrubber,
    org: OrgId,
    run: RunId,
    token: u64,
    recorder: Recorder,
}

impl TranscriptWriter {
    /// Goes on after what an earlier lease of the run has stored.
    pub(crate) async fn open(
        pool: PgPool,
        hints: Hints,
        scrubber: Scrubber,
        org: OrgId,
        run: RunId,
        token: u64,
    ) -> Result<Self, TranscriptError> {
        let last = transcript::last_seq(&pool, org, run).await?;
        Ok(Self { pool, hints, scrubber, org, run, token, recorder: Recorder::after(last) })
    }

    /// Writes one event at once: for the steps around the agent's own work.
    pub(crate) async fn write(&mut self, event: RunEvent) -> Result<(), TranscriptError> {
        self.write_all(vec![(Utc::now(), event)]).await
    }

    /// Writes what comes through `events` until its senders are gone.
    pub(crate) async fn follow(&mut self, events: &mut mpsc::Receiver<RunEvent>) -> Result<(), TranscriptError> {
        while let Some(first) = events.recv().await {
            let mut batch = vec![(Utc::now(), first)];
            let deadline = tokio::time::Instant::now() + BATCH_WAIT;
            while batch.len() < BATCH_MAX {
                match tokio::time::timeout_at(deadline, events.recv()).await {
                    Ok(Some(event)) => batch.push((Utc::now(), event)),
                    Ok(None) | Err(_) => break,
                }
            }
            self.write_all(batch).await?;
        }
        Ok(())
    }

    /// Ends the transcript: says how the run really ended, and what the ending event must carry.
    pub(crate) async fn end(mut self, outcome: RunOutcome) -> Result<(RunOutcome, TranscriptDigest), TranscriptError> {
        // The recorder refuses a second end only; `self` is gone after the first.
        let (outcome, missing) = self.recorder.end(outcome.clone()).unwrap_or((outcome, None));
        if let Some(numbered) = missing {
            self.append(&[self.stored(Utc::now(), &numbered)]).await?;
        }
        let digest = transcript::digest(&self.pool, self.org, self.run).await?;
        Ok((outcome, digest))
    }

    async fn write_all(&mut self, batch: Vec<(DateTime<Utc>, RunEvent)>) -> Result<(), TranscriptError> {
        let mut stored = Vec::with_capacity(batch.len());
        for (at, event) in batch {
            if let Ok(numbered) = self.recorder.record(event) {
                stored.push(self.stored(at, &numbered));
            }
        }
        self.append(&stored).await
    }

    fn stored(&self, at: DateTime<Utc>, numbered: &NumberedEvent) -> TranscriptEvent {
        let mut data = serde_json::to_value(&numbered.event).unwrap_or_default();
        let kind = data
            .as_object_mut()
            .and_then(|fields| fields.remove("type"))
            .and_then(|kind| kind.as_str().map(str::to_owned))
            .unwrap_or_else(|| "log".to_owned());
        let line = data.get("text").and_then(Value::as_str).map(first_line).unwrap_or_default();
        let payload = json!({ "text": line, "data": data }).to_string();
        TranscriptEvent { seq: numbered.seq, at: at.trunc_subsecs(6), kind, payload: self.scrubber.clean(payload) }
    }

    async fn append(&self, events: &[TranscriptEvent]) -> Result<(), TranscriptError> {
        let Some(last) = events.last() else { return Ok(()) };
        let mut tried = 0;
        loop {
            tried += 1;
            match transcript::append(&self.pool, self.org, self.run, self.token, events).await {
                Ok(()) => break,
                Err(lost @ TranscriptError::LeaseLost { .. }) => return Err(lost),
                Err(problem) if tried == TRIES => return Err(problem),
                Err(_) => tokio::time::sleep(Duration::from_millis(250 << tried)).await,
            }
        }
        self.hints.reached(transcript::HINT, self.run.as_uuid(), last.seq);
        Ok(())
    }
}

/// What stands in a list: the first line that says something, short.
fn first_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    if line.chars().count() <= LINE_CHARS {
        line.to_owned()
    } else {
        line.chars().take(LINE_CHARS).chain(['…']).collect()
    }
}
