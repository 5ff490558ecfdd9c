//! Waiting for the lease, leading while it lasts, and handing it over.

use super::status::LedgerStatus;
use super::tail::Tail;
use super::{LedgerSettings, conditions, inspect, relay, sequencer};
use feed::hints::Hints;
use feed::lease::{Held, Lease, LeaseError};
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(super) const LEASE: &str = "ledger";
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How long a leader that is asked to stop may take to finish what it has in hand.
const HAND_OVER_LIMIT: Duration = Duration::from_secs(2);

/// Everything that the parts of one term share.
#[derive(Clone, Debug)]
pub(super) struct Leadership {
    pub(super) pool: PgPool,
    pub(super) nats: Option<async_nats::Client>,
    pub(super) hints: Hints,
    pub(super) settings: LedgerSettings,
    pub(super) lease: Lease,
    pub(super) held: Held,
    pub(super) tail: Arc<Tail>,
    pub(super) status: LedgerStatus,
}

/// Leads whenever the lease is free, until `stop`.
pub(super) async fn run(
    pool: PgPool,
    nats: Option<async_nats::Client>,
    hints: Hints,
    settings: LedgerSettings,
    stop: CancellationToken,
) {
    let lease = Lease::new(LEASE, settings.holder.clone(), settings.lease_ttl);
    let mut pause = FIRST_PAUSE;
    while !stop.is_cancelled() {
        let standby = settings.lease_ttl.div_f64(6.0);
        let wait = match acquire(&pool, &lease).await {
            Ok(Some(held)) => {
                pause = FIRST_PAUSE;
                let leadership = Leadership {
                    pool: pool.clone(),
                    nats: nats.clone(),
                    hints: hints.clone(),
                    settings: settings.clone(),
                    lease: lease.clone(),
                    held,
                    tail: Arc::new(Tail::new()),
                    status: settings.status.clone(),
                };
                lead(leadership, &stop).await;
                FIRST_PAUSE
            }
            Ok(None) => standby,
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "waiting for the ledger's lease");
                pause = (pause * 2).min(LONGEST_PAUSE);
                pause
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

async fn acquire(pool: &PgPool, lease: &Lease) -> Result<Option<Held>, LeaseError> {
    let acquire = |source| LeaseError::Acquire { name: lease.name().to_owned(), source };
    let mut conn = pool.acquire().await.map_err(acquire)?;
    lease.acquire(&mut conn).await
}

/// One term: ends when the lease or the epoch is lost, or on `stop`.
async fn lead(leadership: Leadership, stop: &CancellationToken) {
    let term = stop.child_token();
    leadership.status.set_leading(true);
    tracing::info!(holder = leadership.lease.holder(), epoch = leadership.held.epoch, "leading the ledger");
    let leadership = Arc::new(leadership);
    let mut parts = JoinSet::new();
    // Aborted with the set, should this function be dropped.
    parts.spawn({
        let (leadership, term) = (Arc::clone(&leadership), term.clone());
        async move { keep_lease(&leadership, &term).await }
    });
    parts.spawn(keep_sequencing(Arc::clone(&leadership), term.clone()));
    parts.spawn({
        let (leadership, term) = (Arc::clone(&leadership), term.clone());
        async move { relay::run(&leadership, &term).await }
    });
    parts.spawn({
        let (leadership, term) = (Arc::clone(&leadership), term.clone());
        async move { inspect::run(&leadership, &term).await }
    });
    while !term.is_cancelled() {
        tokio::select! {
            () = term.cancelled() => {}
            // A relay without NATS ends at once; a part that panicked ends the term.
            ended = parts.join_next() => {
                if let Some(Err(error)) = ended {
                    tracing::error!(%error, "a part of the ledger broke");
                    term.cancel();
                }
            }
        }
    }
    let finished = async { while parts.join_next().await.is_some() {} };
    if tokio::time::timeout(HAND_OVER_LIMIT, finished).await.is_err() {
        tracing::warn!("the ledger stopped in the middle of its work; the next leader goes on from there");
        parts.shutdown().await;
    }
    leadership.status.set_leading(false);
    let released = tokio::time::timeout(HAND_OVER_LIMIT, release(&leadership)).await;
    tracing::info!(released = matches!(released, Ok(Ok(()))), "not leading the ledger any more");
}

async fn release(leadership: &Leadership) -> Result<(), LeaseError> {
    let release = |source| LeaseError::Release { name: leadership.lease.name().to_owned(), source };
    let mut conn = leadership.pool.acquire().await.map_err(release)?;
    leadership.lease.release(&mut conn, leadership.held).await
}

/// Renews the lease until the term ends; ends the term when somebody else has it.
async fn keep_lease(leadership: &Leadership, term: &CancellationToken) {
    let every = leadership.lease.ttl().div_f64(3.0);
    loop {
        tokio::select! {
            () = term.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
        // One that hangs is given up, so that the next try can use another connection.
        match tokio::time::timeout(leadership.lease.ttl(), renew(leadership)).await {
            Ok(Ok(())) => {}
            Ok(Err(LeaseError::Lost { .. })) => {
                tracing::warn!("another instance has the ledger's lease");
                return term.cancel();
            }
            Ok(Err(error)) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "the ledger's lease was not renewed");
            }
            Err(_) => tracing::debug!("the ledger's lease was not renewed in time"),
        }
    }
}

async fn renew(leadership: &Leadership) -> Result<(), LeaseError> {
    let renew = |source| LeaseError::Renew { name: leadership.lease.name().to_owned(), source };
    let mut conn = leadership.pool.acquire().await.map_err(renew)?;
    leadership.lease.renew(&mut conn, leadership.held).await
}

/// Sequences until the term ends, with fresh memory after each failure; ends the term when a newer leader writes.
async fn keep_sequencing(leadership: Arc<Leadership>, term: CancellationToken) {
    let mut pause = FIRST_PAUSE;
    while !term.is_cancelled() {
        if let Some(unmet) = unmet_condition(&leadership).await {
            tracing::error!(unmet, "the ledger does not sequence");
            leadership.status.set_problem(Some(unmet));
            pause = LONGEST_PAUSE;
        } else {
            leadership.status.set_problem(None);
            let started = tokio::time::Instant::now();
            match sequencer::run(Arc::clone(&leadership), term.clone()).await {
                Ok(()) => return,
                Err(sequencer::SequencerError::Fenced) => {
                    tracing::warn!("a newer leader has the ledger");
                    return term.cancel();
                }
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "sequencing stopped; its memory is dropped and it starts again"
                    );
                    leadership.status.set_problem(Some(error.to_string()));
                }
            }
            pause = if started.elapsed() > LONGEST_PAUSE { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
        }
        tokio::select! {
            () = term.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// The first required condition that does not hold. When it cannot be asked, sequencing itself finds out why.
async fn unmet_condition(leadership: &Leadership) -> Option<String> {
    let mut conn = leadership.pool.acquire().await.ok()?;
    let conditions = conditions::conditions(&mut conn).await.ok()?;
    let unmet = conditions.into_iter().find(|condition| condition.required && !condition.holds)?;
    Some(format!("not so: {} ({}); remedy: {}", unmet.name, unmet.found, unmet.remedy))
}
