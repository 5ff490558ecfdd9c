//! Snapshots: folded state beside the log, so that a long stream loads fast. Never the truth.

use super::append::{key, sequence};
use super::{Folded, StoreError, Stream};
use domain::{Decider, Version};
use sqlx::PgPool;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Events between two snapshots of a stream.
pub(super) const EVERY: Version = 100;
/// Written at once, off the path of commands; more are left out, the next hundred events bring the next chance.
const WRITTEN_AT_ONCE: usize = 2;

#[derive(Debug)]
pub(super) struct Snapshots {
    pool: PgPool,
    slots: Arc<Semaphore>,
}

const WRITE: &str = "
insert into snapshots (org, aggregate_type, aggregate_id, last_sequence, current_snapshot, payload, schema_version)
values ($1, $2, $3, $4, $5, $6::json, $7)
on conflict (org, aggregate_type, aggregate_id) do update
set last_sequence = excluded.last_sequence, current_snapshot = excluded.current_snapshot,
    payload = excluded.payload, schema_version = excluded.schema_version, \"timestamp\" = now()
where snapshots.last_sequence < excluded.last_sequence or snapshots.schema_version <> excluded.schema_version";

const DISCARD: &str = "delete from snapshots where org = $1 and aggregate_type = $2 and aggregate_id = $3";

impl Snapshots {
    pub(super) fn new(pool: &PgPool) -> Self {
        Self { pool: pool.clone(), slots: Arc::new(Semaphore::new(WRITTEN_AT_ONCE)) }
    }

    /// Writes it behind the caller's back. Failing is harmless: the stream just loads slower.
    pub(super) fn write<D: Decider>(&self, stream: Stream, folded: &Arc<Folded<D>>) {
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else { return };
        let (pool, folded) = (self.pool.clone(), Arc::clone(folded));
        tokio::spawn(async move {
            let _slot = slot;
            if let Err(error) = write(&pool, stream, &folded).await {
                tracing::warn!(aggregate = %stream.kind, id = %stream.id, %error, "snapshot not written");
            }
        });
    }

    pub(super) async fn discard(&self, stream: Stream) -> Result<(), StoreError> {
        let (org, aggregate_type, aggregate_id) = key(stream);
        let query = sqlx::query(DISCARD).bind(org).bind(aggregate_type).bind(aggregate_id);
        query.execute(&self.pool).await.map(|_| ()).map_err(|source| StoreError::Load { stream, source })
    }
}

async fn write<D: Decider>(pool: &PgPool, stream: Stream, folded: &Folded<D>) -> Result<(), sqlx::Error> {
    let payload = serde_json::to_string(&folded.state).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let (org, aggregate_type, aggregate_id) = key(stream);
    sqlx::query(WRITE)
        .bind(org)
        .bind(aggregate_type)
        .bind(aggregate_id)
        .bind(sequence(folded.version))
        .bind(sequence(folded.version / EVERY))
        .bind(payload)
        .bind(i32::try_from(D::SNAPSHOT_VERSION).unwrap_or(i32::MAX))
        .execute(pool)
        .await
        .map(|_| ())
}
