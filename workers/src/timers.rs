//! Turns due times into commands: one leader reads the `timers` table and calls the handler of each kind.
//!
//! A timer fires at least once. A handler therefore asks how things stand and may answer "later".
//!
//! # How to add a kind
//! Implement [`TimerHandler`], give it a `kind` of its own, and list it where the reactor is put together.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};
use uuid::Uuid;

const POLL: Duration = Duration::from_millis(250);
const BATCH: i64 = 64;
/// After a failure a timer waits 1 s, 2 s, 4 s … up to this.
const RETRY_MAX_S: i64 = 300;

/// What becomes of a timer that has fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fired {
    Done,
    /// Not yet: fire again then.
    At(DateTime<Utc>),
}

/// One kind of timer.
#[async_trait]
pub(crate) trait TimerHandler: Send + Sync + std::fmt::Debug {
    /// As stored in `timers.kind`.
    fn kind(&self) -> &'static str;

    /// # Errors
    /// The timer fires again after a growing wait; the error is kept in its row.
    async fn fire(&self, payload: &serde_json::Value) -> Result<Fired, Box<dyn std::error::Error + Send + Sync>>;
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum TimersError {
    #[error("failed to read the timers that are due")]
    Due(#[source] sqlx::Error),
    #[error("failed to settle timer {id}")]
    Settle {
        id: Uuid,
        #[source]
        source: sqlx::Error,
    },
}

/// Fires timers until it is told to stop. Call it only while holding the leader's lease.
pub(crate) async fn run(pool: PgPool, handlers: Vec<Arc<dyn TimerHandler>>, stop: CancellationToken) {
    loop {
        match fire_due(&pool, &handlers).await {
            Ok(0) => {}
            Ok(_) => continue,
            Err(problem) => warn!(error = %feed::chain(&problem), "timers stand still, will try again"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

/// Fires what is due now and says how many that were.
pub(crate) async fn fire_due(pool: &PgPool, handlers: &[Arc<dyn TimerHandler>]) -> Result<usize, TimersError> {
    let kinds: Vec<String> = handlers.iter().map(|handler| handler.kind().to_owned()).collect();
    let due = sqlx::query!(
        "select id, kind, payload, attempts from timers
         where done_at is null and due_at <= now() and kind = any($1) order by due_at limit $2",
        &kinds,
        BATCH,
    )
    .fetch_all(pool)
    .await
    .map_err(TimersError::Due)?;
    let mut fired = 0;
    for timer in due {
        let Some(handler) = handlers.iter().find(|handler| handler.kind() == timer.kind) else { continue };
        match handler.fire(&timer.payload).await {
            Ok(Fired::Done) => {
                sqlx::query!("update timers set done_at = now() where id = $1", timer.id).execute(pool).await
            }
            Ok(Fired::At(due_at)) => {
                sqlx::query!("update timers set due_at = $2 where id = $1", timer.id, due_at).execute(pool).await
            }
            Err(problem) => {
                let problem = feed::chain(problem.as_ref());
                error!(timer = %timer.id, kind = %timer.kind, error = %problem, "a timer failed");
                let wait_s =
                    1_i64.checked_shl(timer.attempts.unsigned_abs()).unwrap_or(RETRY_MAX_S).clamp(1, RETRY_MAX_S);
                sqlx::query!(
                    "update timers set attempts = attempts + 1, last_error = $2, due_at = $3 where id = $1",
                    timer.id,
                    problem,
                    Utc::now() + TimeDelta::seconds(wait_s),
                )
                .execute(pool)
                .await
            }
        }
        .map_err(|source| TimersError::Settle { id: timer.id, source })?;
        fired += 1;
    }
    Ok(fired)
}
