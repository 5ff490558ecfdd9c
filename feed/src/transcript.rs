//! The transcript of a run: a stream of its own beside the log, and a truth of its own, not a projection.
//!
//! The worker that holds the run's lease appends, in batches; everything that shows a run reads from here. Once a batch
//! is committed its writer says so with `hints.reached(transcript::HINT, run_id, last_seq)`: a hint, readers poll too.
//! The run's ending event carries count and digest, so what was shown can be checked later (`schema/transcript.md`).

use chrono::{DateTime, Utc};
use domain::{OrgId, RunId};
use futures::TryStreamExt;
use sqlx::postgres::PgRow;
use sqlx::{PgExecutor, Row};

/// The name under which an append is announced; the key is the run's id, the position its last `seq`.
pub const HINT: &str = "run_transcript";

/// One event of a transcript, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranscriptEvent {
    /// 1..N in the run, without gaps.
    pub seq: u64,
    /// Whole microseconds; PostgreSQL keeps no more.
    pub at: DateTime<Utc>,
    /// `message`, `log`, `tool`, `diff`, `artifact`, `approval`, `question`, `usage` or `error`.
    pub kind: String,
    /// JSON text, kept byte by byte: `{"text": …, "data": …}`.
    pub payload: String,
}

/// Count and SHA-256 (hex) of a whole transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranscriptDigest {
    pub count: u64,
    pub sha256: String,
}

#[derive(Debug, thiserror::Error)]
pub enum TranscriptError {
    /// The token is not the lease's any more: stop at once, write nothing more.
    #[error("another worker holds the lease of run {run}")]
    LeaseLost { run: RunId },
    #[error("failed to append to the transcript of run {run}")]
    Append {
        run: RunId,
        #[source]
        source: sqlx::Error,
    },
    #[error("failed to read the transcript of run {run}")]
    Read {
        run: RunId,
        #[source]
        source: sqlx::Error,
    },
}

/// Appends a batch in one statement, if `token` still is the one of the run's lease. Appending the same events again is
/// harmless, so a batch whose commit is in doubt can be sent once more.
///
/// # Errors
/// [`TranscriptError::LeaseLost`] when the run is not leased under this token; nothing was written then.
pub async fn append(
    executor: impl PgExecutor<'_>,
    org: OrgId,
    run: RunId,
    token: u64,
    events: &[TranscriptEvent],
) -> Result<(), TranscriptError> {
    let seqs: Vec<i64> = events.iter().map(|event| event.seq.cast_signed()).collect();
    let times: Vec<DateTime<Utc>> = events.iter().map(|event| event.at).collect();
    let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
    let payloads: Vec<&str> = events.iter().map(|event| event.payload.as_str()).collect();
    // The lock on the lease row holds a new lease back until this has committed.
    let statement = "
        with fence as materialized (
            select 1 from run_leases where run_id = $2 and org = $1 and token = $3 and not released for share
        ), appended as (
            insert into run_transcript (org, run_id, seq, at, type, payload)
            select $1, $2, event.seq, event.at, event.type, event.payload::json
            from unnest($4::bigint[], $5::timestamptz[], $6::text[], $7::text[]) as event (seq, at, type, payload)
            where exists (select from fence)
            on conflict do nothing
        )
        select exists (select from fence)";
    let held: bool = sqlx::query_scalar(statement)
        .bind(org.as_uuid())
        .bind(run.as_uuid())
        .bind(token.cast_signed())
        .bind(seqs)
        .bind(times)
        .bind(kinds)
        .bind(payloads)
        .fetch_one(executor)
        .await
        .map_err(|source| TranscriptError::Append { run, source })?;
    if held { Ok(()) } else { Err(TranscriptError::LeaseLost { run }) }
}

/// Events after `after`, in order, at most `limit`.
pub async fn read_after(
    executor: impl PgExecutor<'_>,
    org: OrgId,
    run: RunId,
    after: u64,
    limit: u32,
) -> Result<Vec<TranscriptEvent>, TranscriptError> {
    sqlx::query(
        "select seq, at, type, payload::text from run_transcript
         where org = $1 and run_id = $2 and seq > $3 order by seq limit $4",
    )
    .bind(org.as_uuid())
    .bind(run.as_uuid())
    .bind(after.cast_signed())
    .bind(i64::from(limit))
    .try_map(|row| event_of(&row))
    .fetch_all(executor)
    .await
    .map_err(|source| TranscriptError::Read { run, source })
}

/// The largest `seq`; 0 when there is none.
pub async fn last_seq(executor: impl PgExecutor<'_>, org: OrgId, run: RunId) -> Result<u64, TranscriptError> {
    sqlx::query_scalar::<_, Option<i64>>("select max(seq) from run_transcript where org = $1 and run_id = $2")
        .bind(org.as_uuid())
        .bind(run.as_uuid())
        .fetch_one(executor)
        .await
        .map(|seq| seq.unwrap_or(0).cast_unsigned())
        .map_err(|source| TranscriptError::Read { run, source })
}

/// Reads the whole transcript as a stream and digests it as `schema/transcript.md` says.
pub async fn digest(
    executor: impl PgExecutor<'_>,
    org: OrgId,
    run: RunId,
) -> Result<TranscriptDigest, TranscriptError> {
    let failed = |source| TranscriptError::Read { run, source };
    let mut rows = sqlx::query(
        "select seq, at, type, payload::text from run_transcript where org = $1 and run_id = $2 order by seq",
    )
    .bind(org.as_uuid())
    .bind(run.as_uuid())
    .fetch(executor);
    let mut count = 0;
    let mut hash = schema::transcript::Digest::new();
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        let event = event_of(&row).map_err(failed)?;
        hash.add(event.seq, event.at.timestamp_micros(), &event.kind, &event.payload);
        count += 1;
    }
    Ok(TranscriptDigest { count, sha256: hash.finish() })
}

fn event_of(row: &PgRow) -> Result<TranscriptEvent, sqlx::Error> {
    Ok(TranscriptEvent {
        seq: row.try_get::<i64, _>("seq")?.cast_unsigned(),
        at: row.try_get("at")?,
        kind: row.try_get("type")?,
        payload: row.try_get("payload")?,
    })
}
