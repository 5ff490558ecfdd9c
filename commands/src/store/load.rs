//! Folding a stream: from the cache, from its newest snapshot, from its first event.

use super::append::{key, sequence, version};
use super::snapshot::EVERY;
use super::{Store, StoreError, Stream, within};
use chrono::{DateTime, Utc};
use domain::{Actor, Decider, DomainEvent, LastChange, Version};
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::sync::Arc;

/// An aggregate as of a version.
#[derive(Clone, Debug)]
pub(crate) struct Folded<D> {
    pub(crate) state: D,
    /// 0: there is no such stream.
    pub(crate) version: Version,
    /// About how much memory it takes: all that was folded into it.
    pub(super) bytes: u32,
}

impl<D: Decider> Default for Folded<D> {
    fn default() -> Self {
        Self { state: D::default(), version: 0, bytes: 0 }
    }
}

impl<D: Decider> Folded<D> {
    /// This, and then those events by one actor at one time.
    pub(crate) fn and(&self, events: &[D::Event], by: &Actor, at: DateTime<Utc>, more_bytes: usize) -> Self {
        let mut next = self.clone();
        for event in events {
            next.version += 1;
            next.state.apply(event, &LastChange { version: next.version, by: by.clone(), at });
        }
        next.grow(more_bytes);
        next
    }

    fn grow(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
    }
}

// Snapshot and events in one statement, so in one view of the database. $5: only what follows this version, and then
// no snapshot.
const LOAD: &str = "
with snapshot as (
    select last_sequence, payload::text as payload from snapshots
    where org = $1 and aggregate_type = $2 and aggregate_id = $3 and schema_version = $4 and $5 = 0
)
select last_sequence as sequence, null as event_type, null as event_version, payload, null as actor,
       null::timestamptz as recorded_at
from snapshot
union all
select sequence, event_type, event_version, payload::text, actor, recorded_at from events
where org = $1 and aggregate_type = $2 and aggregate_id = $3
  and sequence > greatest($5, (select coalesce(max(last_sequence), 0) from snapshot))
order by sequence";

impl Store {
    /// From the cache where it is there; else from the database. May be behind what another process has stored.
    pub(crate) async fn load<D: Decider>(&self, stream: Stream) -> Result<Arc<Folded<D>>, StoreError> {
        match self.cache.get(stream).await {
            Some(folded) => Ok(folded),
            None => self.load_after(stream, Arc::default()).await,
        }
    }

    /// What the database holds now; costs one look even when it is cached.
    pub(crate) async fn load_fresh<D: Decider>(&self, stream: Stream) -> Result<Arc<Folded<D>>, StoreError> {
        let known = self.cache.get(stream).await.unwrap_or_default();
        self.load_after(stream, known).await
    }

    /// Remembers what this process has just stored.
    pub(crate) async fn stored<D: Decider>(&self, stream: Stream, before: Version, folded: Folded<D>) {
        let folded = Arc::new(folded);
        self.cache.put(stream, Arc::clone(&folded)).await;
        if folded.version / EVERY > before / EVERY {
            self.snapshots.write(stream, &folded);
        }
    }

    async fn load_after<D: Decider>(
        &self,
        stream: Stream,
        known: Arc<Folded<D>>,
    ) -> Result<Arc<Folded<D>>, StoreError> {
        let before = known.version;
        let found = match self.fold(stream, &known).await {
            // A snapshot that cannot be read is no loss: the events are the truth.
            Err(StoreError::Decode { version: 0, source, .. }) => {
                tracing::warn!(aggregate = %stream.kind, id = %stream.id, error = %source, "snapshot refolded");
                self.cache.forget(stream).await;
                self.snapshots.discard(stream).await?;
                self.fold(stream, &Folded::default()).await?
            }
            other => other?,
        };
        let Some((folded, events)) = found else { return Ok(known) };
        let folded = Arc::new(folded);
        self.cache.put(stream, Arc::clone(&folded)).await;
        // Folded from far behind: whoever should have written the snapshot did not live to do it.
        if before == 0 && events >= 2 * EVERY {
            self.snapshots.write(stream, &folded);
        }
        Ok(folded)
    }

    /// What follows `known`, and how many events that were; none when nothing does.
    async fn fold<D: Decider>(
        &self,
        stream: Stream,
        known: &Folded<D>,
    ) -> Result<Option<(Folded<D>, u64)>, StoreError> {
        let failed = |source| StoreError::Load { stream, source };
        let (org, aggregate_type, aggregate_id) = key(stream);
        let rows = within(self.patience, async {
            sqlx::query(LOAD)
                .bind(org)
                .bind(aggregate_type)
                .bind(aggregate_id)
                .bind(i32::try_from(D::SNAPSHOT_VERSION).unwrap_or(i32::MAX))
                .bind(sequence(known.version))
                .fetch_all(&self.pool)
                .await
                .map_err(failed)
        })
        .await?;
        let mut folded: Option<Folded<D>> = None;
        let mut events = 0;
        for row in rows {
            let sequence = version(row.try_get("sequence").map_err(failed)?)?;
            let payload: String = row.try_get("payload").map_err(failed)?;
            let event_type: Option<String> = row.try_get("event_type").map_err(failed)?;
            let Some(event_type) = event_type else {
                let decode =
                    |source: serde_json::Error| StoreError::Decode { stream, version: 0, source: source.into() };
                let state = serde_json::from_str(&payload).map_err(decode)?;
                let mut snapshot = Folded { state, version: sequence, bytes: 0 };
                snapshot.grow(payload.len());
                folded = Some(snapshot);
                continue;
            };
            let next = folded.get_or_insert_with(|| known.clone());
            if sequence != next.version + 1 {
                return Err(StoreError::Gap { stream, after: next.version, found: sequence });
            }
            let decode = |source| StoreError::Decode { stream, version: sequence, source };
            let (event, change) = decoded::<D>(&row, &event_type, sequence, &payload).map_err(decode)?;
            next.state.apply(&event, &change);
            next.version = sequence;
            next.grow(payload.len());
            events += 1;
        }
        Ok(folded.map(|folded| (folded, events)))
    }
}

fn decoded<D: Decider>(
    row: &PgRow,
    event_type: &str,
    version: Version,
    payload: &str,
) -> Result<(D::Event, LastChange), Box<dyn std::error::Error + Send + Sync>> {
    let event_version: String = row.try_get("event_version")?;
    let event = DomainEvent::decode(D::KIND, event_type, event_version.parse()?, payload)?;
    let actor: String = row.try_get("actor")?;
    let change = LastChange { version, by: actor.parse()?, at: row.try_get("recorded_at")? };
    Ok((D::event_from_domain(event)?, change))
}
