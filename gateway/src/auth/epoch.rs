//! The access epoch: one number in the database that every revocation raises and every gateway watches, so that what was
//! taken away anywhere is gone everywhere within a second.

use super::AuthError;
use sqlx::{PgConnection, PgPool};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub(crate) const POLL: Duration = Duration::from_millis(500);

/// The new epoch.
pub(crate) async fn raise(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("update access_epoch set epoch = epoch + 1 returning epoch").fetch_one(connection).await
}

/// Makes every gateway judge all its live connections anew: after a session, token or membership was taken away.
pub async fn revoke_everywhere(pool: &PgPool) -> Result<(), AuthError> {
    let failed = || AuthError::store("the access epoch");
    let mut connection = pool.acquire().await.map_err(failed())?;
    raise(&mut connection).await.map(drop).map_err(failed())
}

async fn read(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("select epoch from access_epoch").fetch_one(pool).await
}

/// Tells everybody here of an epoch. An older one, read before another was raised, says nothing.
pub(crate) fn tell(epoch: &watch::Sender<i64>, now: i64) {
    epoch.send_if_modified(|known| {
        let is_new = now > *known;
        *known = now.max(*known);
        is_new
    });
}

/// Follows the epoch until cancelled. While the database is away nothing can be revoked either, so the last one stands.
pub(crate) async fn watch_epoch(pool: PgPool, epoch: Arc<watch::Sender<i64>>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(POLL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        match read(&pool).await {
            Ok(now) => tell(&epoch, now),
            Err(error) => tracing::debug!(%error, "the access epoch cannot be read"),
        }
    }
}
