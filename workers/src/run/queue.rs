//! The run queue and its leases: two tables that say which run is whose.
//!
//! A lease carries a fencing token that only grows. Every later write of the worker names it; a write under an older
//! token is refused where it lands (the aggregate, the transcript, this table), so a run never acts twice at once.
//!
//! Source: Kleppmann 2016, fencing tokens.

use chrono::{DateTime, Utc};
use domain::{OrgId, Position, ProjectId, RunId, WorkerId};
use sqlx::{PgConnection, PgPool};
use std::time::Duration;

/// How often a run may be taken again after a worker was lost before any work had started.
pub(crate) const ATTEMPTS_MAX: i32 = 3;

#[derive(Debug, thiserror::Error)]
pub(crate) enum QueueError {
    #[error("failed to put run {run} into the queue")]
    Enqueue {
        run: RunId,
        #[source]
        source: sqlx::Error,
    },
    #[error("failed to claim a run")]
    Claim(#[source] sqlx::Error),
    #[error("failed to renew the lease on run {run}")]
    Renew {
        run: RunId,
        #[source]
        source: sqlx::Error,
    },
    #[error("failed to close run {run} in the queue")]
    Close {
        run: RunId,
        #[source]
        source: sqlx::Error,
    },
    #[error("failed to read the lease on run {run}")]
    Read {
        run: RunId,
        #[source]
        source: sqlx::Error,
    },
}

/// A run that this worker holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub run: RunId,
    pub org: OrgId,
    pub token: u64,
    pub expires_at: DateTime<Utc>,
}

/// What a heartbeat brings back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heartbeat {
    Held {
        cancel_requested: bool,
    },
    /// A newer token exists, or the time ran out: stop at once, write nothing more.
    Lost,
}

/// How a lease stands, for whoever looks after its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LeaseStanding {
    /// Given back, or the run is over: nothing to do.
    Closed,
    Held {
        expires_at: DateTime<Utc>,
    },
    /// Also when it was sealed already, and whoever did so did not come to the run's ending.
    Expired {
        org: OrgId,
        token: u64,
        attempts: i32,
    },
}

/// Puts a requested run into the queue; doing it again changes nothing.
pub(crate) async fn enqueue(
    connection: &mut PgConnection,
    run: RunId,
    org: OrgId,
    project: ProjectId,
    provider: &str,
    position: Position,
) -> Result<(), QueueError> {
    sqlx::query!(
        "insert into public.run_queue (run_id, org, project_id, provider, position) values ($1, $2, $3, $4, $5)
         on conflict (run_id) do nothing",
        run.as_uuid(),
        org.as_uuid(),
        project.as_uuid(),
        provider,
        i64::try_from(position).unwrap_or(i64::MAX),
    )
    .execute(connection)
    .await
    .map_err(|source| QueueError::Enqueue { run, source })?;
    Ok(())
}

/// Takes the oldest waiting run, with a token larger than any before, and sets the timer that watches the lease.
pub(crate) async fn claim(pool: &PgPool, worker: WorkerId, ttl: Duration) -> Result<Option<Claim>, QueueError> {
    let row = sqlx::query!(
        r#"with next as (
               select run_id from run_queue where state = 'queued'
               order by priority desc, position limit 1 for update skip locked
           ), taken as (
               update run_queue q set state = 'leased', attempts = q.attempts + 1 from next
               where q.run_id = next.run_id returning q.run_id, q.org
           ), lease as (
               insert into run_leases (run_id, org, worker_id, token, expires_at)
               select run_id, org, $1, 1, now() + make_interval(secs => $2) from taken
               on conflict (run_id) do update set worker_id = excluded.worker_id, token = run_leases.token + 1,
                   expires_at = excluded.expires_at, cancel_requested = false, released = false
               returning run_id, org, token, expires_at
           ), watch as (
               insert into timers (id, org, kind, payload, due_at)
               select gen_random_uuid(), org, 'run_lease_expiry',
                      jsonb_build_object('run', run_id, 'token', token), expires_at from lease
           )
           select run_id as "run_id!", org as "org!", token as "token!", expires_at as "expires_at!" from lease"#,
        worker.as_uuid(),
        ttl.as_secs_f64(),
    )
    .fetch_optional(pool)
    .await
    .map_err(QueueError::Claim)?;
    Ok(row.map(|row| Claim {
        run: row.run_id.into(),
        org: row.org.into(),
        token: row.token.unsigned_abs(),
        expires_at: row.expires_at,
    }))
}

/// Extends the lease by `ttl` from now and learns whether somebody asked to stop.
pub(crate) async fn renew(pool: &PgPool, claim: &Claim, ttl: Duration) -> Result<Heartbeat, QueueError> {
    let row = sqlx::query!(
        "update run_leases set expires_at = now() + make_interval(secs => $3)
         where run_id = $1 and token = $2 and not released and expires_at > now() returning cancel_requested",
        claim.run.as_uuid(),
        claim.token.cast_signed(),
        ttl.as_secs_f64(),
    )
    .fetch_optional(pool)
    .await
    .map_err(|source| QueueError::Renew { run: claim.run, source })?;
    Ok(row.map_or(Heartbeat::Lost, |row| Heartbeat::Held { cancel_requested: row.cancel_requested }))
}

/// Closes a run that has ended, under whatever token: the log already holds its ending.
pub(crate) async fn close(connection: &mut PgConnection, run: RunId) -> Result<(), QueueError> {
    sqlx::query!(
        "with done as (update public.run_queue set state = 'done' where run_id = $1)
         update public.run_leases set released = true where run_id = $1",
        run.as_uuid(),
    )
    .execute(connection)
    .await
    .map_err(|source| QueueError::Close { run, source })?;
    Ok(())
}

/// Tells the worker that holds the run to stop; it learns it with its next heartbeat.
pub(crate) async fn ask_to_stop(connection: &mut PgConnection, run: RunId) -> Result<(), QueueError> {
    sqlx::query!("update public.run_leases set cancel_requested = true where run_id = $1", run.as_uuid())
        .execute(connection)
        .await
        .map_err(|source| QueueError::Close { run, source })?;
    Ok(())
}

/// How the lease with this token stands now.
pub(crate) async fn standing(pool: &PgPool, run: RunId, token: u64) -> Result<LeaseStanding, QueueError> {
    let row = sqlx::query!(
        r#"select l.org, l.token, l.expires_at, l.released, l.expires_at <= now() as "expired!", q.attempts
           from run_leases l join run_queue q using (run_id) where l.run_id = $1 and q.state = 'leased'"#,
        run.as_uuid(),
    )
    .fetch_optional(pool)
    .await
    .map_err(|source| QueueError::Read { run, source })?;
    Ok(match row {
        Some(row) if row.token == token.cast_signed() => {
            if row.expired || row.released {
                LeaseStanding::Expired { org: row.org.into(), token, attempts: row.attempts }
            } else {
                LeaseStanding::Held { expires_at: row.expires_at }
            }
        }
        _ => LeaseStanding::Closed,
    })
}

/// Closes an expired lease for good, while its run has not ended: nobody can add to the transcript any more. False when
/// it was renewed or taken in the meantime.
pub(crate) async fn seal(pool: &PgPool, run: RunId, token: u64) -> Result<bool, QueueError> {
    let sealed = sqlx::query!(
        "update run_leases set released = true
         where run_id = $1 and token = $2 and (released or expires_at <= now()) returning run_id",
        run.as_uuid(),
        token.cast_signed(),
    )
    .fetch_optional(pool)
    .await
    .map_err(|source| QueueError::Close { run, source })?;
    Ok(sealed.is_some())
}

/// Gives an expired run back to the queue, unless it was renewed or taken in the meantime. True when it is waiting.
pub(crate) async fn give_back(pool: &PgPool, run: RunId, token: u64) -> Result<bool, QueueError> {
    let row = sqlx::query!(
        r#"with dead as (
               update run_leases set released = true, token = token + 1
               where run_id = $1 and token = $2 and not released and expires_at <= now() returning run_id
           )
           update run_queue q set state = 'queued' from dead where q.run_id = dead.run_id returning q.run_id"#,
        run.as_uuid(),
        token.cast_signed(),
    )
    .fetch_optional(pool)
    .await
    .map_err(|source| QueueError::Close { run, source })?;
    Ok(row.is_some())
}
