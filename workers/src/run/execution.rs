//! One run, step by step: prepare, let the agent work, take over what it left, say how it ended.
//!
//! Whatever happens, exactly one ending is recorded, unless the lease was lost: then another worker, or the lease's
//! timer, says how it ended, and nothing more is written here.

use super::agent_session::{self, Worked};
use super::equipment::{Equipment, ProviderSetup};
use super::facts::Facts;
use super::queue::{self, Claim};
use super::transcript_writer::TranscriptWriter;
use super::worker::{Stop, StopSignal};
use super::workshop::Workshop;
use crate::agents::protocol::{DiffScope, LogSource};
use crate::agents::{Failure, RunEvent};
use crate::proxy::KeySource;
use crate::scrub::Scrubber;
use commands::CommandError;
use commands::agent_run::{self as runs, Assignment, EndRun, LeaseRun, ProduceArtifact, StartWork};
use domain::agent_run::{
    ChangedFile, FailureReason, RunArtifactProduced, RunEnded, RunLeased, RunMode, RunOutcome, RunWork, RunWorkStarted,
    TokenUsage,
};
use domain::{ArtifactId, WorkerId};
use feed::transcript::TranscriptError;
use std::sync::Arc;
use std::time::Duration;
use tracing::{error, info, warn};

/// While PostgreSQL is away an ending waits this long between tries; the lease's end is the limit.
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// Why a run did not come to its natural end.
#[derive(Debug)]
pub(crate) enum Broken {
    Failed(Failure),
    Stopped(Stop),
}

impl Broken {
    pub(crate) fn failed(reason: FailureReason, message: impl Into<String>) -> Self {
        Self::Failed(Failure::new(reason, sentence(message.into())))
    }
}

/// People read it: an error's own words begin small and end without a stop.
fn sentence(mut text: String) -> String {
    if let Some(first) = text.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self::failed(failure.reason, failure.message)
    }
}

impl From<TranscriptError> for Broken {
    fn from(problem: TranscriptError) -> Self {
        match problem {
            TranscriptError::LeaseLost { .. } => Self::Stopped(Stop::LeaseLost),
            TranscriptError::Append { .. } | TranscriptError::Read { .. } => Self::failed(
                FailureReason::WorkerLost,
                format!("The transcript could not be stored: {}.", feed::chain(&problem)),
            ),
        }
    }
}

impl From<CommandError> for Broken {
    fn from(problem: CommandError) -> Self {
        match &problem {
            CommandError::Rejected { reason: "LEASE_LOST" | "RUN_ENDED", .. } => Self::Stopped(Stop::LeaseLost),
            _ => {
                Self::failed(FailureReason::WorkerLost, format!("A fact of the run could not be recorded: {problem}."))
            }
        }
    }
}

/// What a run leaves, as far as it came.
#[derive(Debug, Default)]
pub(crate) struct Left {
    pub summary: String,
    pub work: Option<RunWork>,
    pub usage: TokenUsage,
    pub cost_usd_micros: u64,
}

/// Executes a claimed run to its end. Never fails: what goes wrong becomes the run's ending.
pub(crate) async fn execute(equipment: &Equipment, worker: WorkerId, slot: u32, claim: &Claim, stop: StopSignal) {
    let assignment = match assignment(equipment, claim, &stop).await {
        Some(assignment) if assignment.ended => return close(equipment, claim).await,
        Some(assignment) => assignment,
        None => return,
    };
    let facts = Facts::new(claim, assignment);
    let lease = LeaseRun { run: claim.run, lease: RunLeased { worker, token: claim.token } };
    match runs::lease_run(&equipment.commands, &facts.step("lease"), lease).await {
        Ok(_) => {}
        Err(CommandError::Rejected { reason: "RUN_ENDED", .. }) => return close(equipment, claim).await,
        Err(problem) => {
            // The lease runs out, and the run is given to somebody for whom it works.
            warn!(error = %feed::chain(&problem), "the lease could not be recorded");
            return;
        }
    }
    let provider = equipment.provider(&facts.request.provider);
    let keys = provider.map(|setup| setup.keys_of(&equipment.keys, facts.org));
    // The key may be another one by the next call; an agent never sees any, so this is the second net alone.
    let known = match &keys {
        Some(keys) => keys.key().await.ok(),
        None => None,
    };
    let scrubber = Scrubber::new(&known);
    let (pool, hints) = (equipment.pool.clone(), equipment.hints.clone());
    let opened = TranscriptWriter::open(pool, hints, scrubber.clone(), claim.org, claim.run, claim.token).await;
    let mut transcript = match opened {
        Ok(transcript) => transcript,
        Err(problem) => return warn!(error = %feed::chain(&problem), "the transcript could not be opened"),
    };
    let mut left = Left::default();
    let mut attempt = Attempt { equipment, facts: &facts, slot, scrubber, stop: stop.clone() };
    let outcome = match attempt.run(provider.zip(keys), &mut transcript, &mut left).await {
        Ok(()) => RunOutcome::Succeeded,
        Err(Broken::Stopped(Stop::LeaseLost)) => return warn!("the lease was lost: nothing more is written"),
        Err(Broken::Stopped(Stop::Cancelled)) => RunOutcome::Cancelled,
        Err(Broken::Stopped(Stop::Shutdown)) => RunOutcome::Failed {
            reason: FailureReason::WorkerLost,
            message:
                "The worker was stopped while the agent worked. What it had recorded is kept; start the run again."
                    .to_owned(),
        },
        Err(Broken::Failed(Failure { reason, message })) => RunOutcome::Failed { reason, message },
    };
    end(equipment, &facts, transcript, outcome, left, &stop).await;
    close(equipment, claim).await;
}

/// What was asked for, read again while PostgreSQL is away. None when the lease is gone.
async fn assignment(equipment: &Equipment, claim: &Claim, stop: &StopSignal) -> Option<Assignment> {
    loop {
        match runs::assignment(&equipment.commands, claim.org, claim.run).await {
            Ok(assignment) => return Some(assignment),
            Err(problem) => warn!(error = %feed::chain(&problem), "the run's request cannot be read just now"),
        }
        if lost(stop) {
            return None;
        }
        tokio::time::sleep(TRY_AGAIN).await;
    }
}

async fn end(
    equipment: &Equipment,
    facts: &Facts,
    transcript: TranscriptWriter,
    outcome: RunOutcome,
    left: Left,
    stop: &StopSignal,
) {
    let (outcome, digest) = match transcript.end(outcome).await {
        Ok(ended) => ended,
        Err(problem) => return error!(error = %feed::chain(&problem), "the transcript could not be ended"),
    };
    info!(?outcome, cost_usd_micros = left.cost_usd_micros, "run ended");
    let end = RunEnded {
        token: facts.token,
        outcome,
        summary: left.summary,
        work: left.work,
        usage: left.usage,
        cost_usd_micros: left.cost_usd_micros,
        transcript_count: digest.count,
        transcript_digest: digest.sha256,
    };
    let caller = facts.step("end");
    loop {
        match runs::end_run(&equipment.commands, &caller, EndRun { run: facts.run, end: end.clone() }).await {
            Ok(_) => return,
            Err(CommandError::Unavailable { .. } | CommandError::StorageLow) if !lost(stop) => {
                tokio::time::sleep(TRY_AGAIN).await;
            }
            Err(problem) => return error!(error = %feed::chain(&problem), "the run's ending could not be recorded"),
        }
    }
}

async fn close(equipment: &Equipment, claim: &Claim) {
    // The policy that follows the log closes it as well: a failure here heals by itself.
    if let Ok(mut connection) = equipment.pool.acquire().await
        && let Err(problem) = queue::close(&mut connection, claim.run).await
    {
        warn!(error = %feed::chain(&problem), "the run stays in the queue until the log is followed");
    }
}

fn lost(stop: &StopSignal) -> bool {
    *stop.borrow() == Some(Stop::LeaseLost)
}

/// The part of a run that may break.
struct Attempt<'a> {
    equipment: &'a Equipment,
    facts: &'a Facts,
    slot: u32,
    scrubber: Scrubber,
    stop: StopSignal,
}

impl Attempt<'_> {
    async fn run(
        &mut self,
        provider: Option<(&ProviderSetup, Arc<dyn KeySource>)>,
        transcript: &mut TranscriptWriter,
        left: &mut Left,
    ) -> Result<(), Broken> {
        let (provider, keys) = provider
            .ok_or_else(|| Broken::failed(FailureReason::AgentMissing, "This worker knows no agent of that name."))?;
        let program = provider.program.as_ref().map_err(|reason| {
            Broken::failed(FailureReason::AgentMissing, format!("{} cannot be run: {reason}.", provider.name))
        })?;
        let sandbox = self.equipment.sandbox_of(self.slot).map_err(|reason| {
            Broken::failed(FailureReason::Sandbox, format!("No sandbox can be made here: {reason}."))
        })?;
        let mut stop = self.stop.clone();
        let prepare = Workshop::set_up(self.equipment, self.facts, &sandbox, transcript);
        let workshop = tokio::select! {
            workshop = prepare => workshop?,
            stopped = asked_to_stop(&mut stop) => return Err(Broken::Stopped(stopped)),
        };
        let work = RunWorkStarted {
            token: self.facts.token,
            program: format!("{} {}", provider.name, program.version),
            scripted: provider.scripted,
            branch: workshop.branch(),
            base_commit: workshop.base_commit(),
        };
        runs::start_work(&self.equipment.commands, &self.facts.step("start"), StartWork { run: self.facts.run, work })
            .await?;

        let worked =
            agent_session::run(self.equipment, self.facts, provider, program, &workshop, keys, transcript, stop).await;
        left.usage = worked.usage;
        left.cost_usd_micros = worked.cost_usd_micros;
        let Worked { end, .. } = worked;
        left.summary = end?;

        if self.facts.request.mode == RunMode::Plan {
            return Ok(());
        }
        let mut stop = self.stop.clone();
        let deliver = self.take_over(&workshop, transcript);
        left.work = tokio::select! {
            work = deliver => work?,
            stopped = asked_to_stop(&mut stop) => return Err(Broken::Stopped(stopped)),
        };
        Ok(())
    }

    /// The agent's commits cross into the host's own repository; the diff is taken there.
    async fn take_over(
        &self,
        workshop: &Workshop,
        transcript: &mut TranscriptWriter,
    ) -> Result<Option<RunWork>, Broken> {
        let Some(delivered) = workshop.deliver(self.equipment, &self.facts.request).await? else { return Ok(None) };
        let diff = &delivered.diff;
        if diff.files.is_empty() {
            return Ok(None);
        }
        let text = self.scrubber.clean(diff.text.clone());
        let digest = self.equipment.commands.objects().put(text.clone().into_bytes().into()).await;
        let digest = digest.map_err(|problem| {
            Broken::failed(FailureReason::WorkerLost, format!("The diff could not be stored: {problem}."))
        })?;
        let artifact = ArtifactId(self.facts.run.derive(&format!("{}:diff", self.facts.token)));
        let produced = RunArtifactProduced {
            token: self.facts.token,
            artifact,
            name: "diff".to_owned(),
            mime: "text/x-diff".to_owned(),
            size_bytes: text.len() as u64,
            digest: digest.to_string(),
        };
        let produce = ProduceArtifact { run: self.facts.run, artifact: produced };
        runs::produce_artifact(&self.equipment.commands, &self.facts.step("diff"), produce).await?;
        transcript.write(RunEvent::diff(DiffScope::Branch, text).fitted(None).await).await?;
        if diff.cut {
            transcript
                .write(RunEvent::log(LogSource::Lime, "The diff is longer than what is kept: it was cut."))
                .await?;
        }
        Ok(Some(RunWork {
            branch: delivered.branch.to_string(),
            head_commit: delivered.head.to_string(),
            additions: diff.additions(),
            deletions: diff.deletions(),
            files: diff.files.iter().map(changed).collect(),
            diff: artifact,
        }))
    }
}

fn changed(file: &crate::workspace::FileChange) -> ChangedFile {
    use crate::workspace::ChangeKind;
    let status = match file.change {
        ChangeKind::Added => "added",
        ChangeKind::Deleted => "deleted",
        ChangeKind::Modified | ChangeKind::TypeChanged => "modified",
        ChangeKind::Renamed => "renamed",
    };
    ChangedFile {
        path: file.path.clone(),
        status: status.to_owned(),
        additions: file.additions,
        deletions: file.deletions,
    }
}

/// Returns when the run must stop.
pub(crate) async fn asked_to_stop(stop: &mut StopSignal) -> Stop {
    loop {
        if let Some(reason) = *stop.borrow_and_update() {
            return reason;
        }
        if stop.changed().await.is_err() {
            // The heartbeat is gone: nobody keeps the lease any more.
            return Stop::LeaseLost;
        }
    }
}
