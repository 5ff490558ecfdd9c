//! Generations: each set of a projection's tables in a PostgreSQL schema of its own, and which of them is read.
//!
//! `building` → `live` → `retired` → dropped. One row says it all, so that a swap is one transaction, and every change
//! of a checkpoint names the one it goes on from.

use super::projection::{Definition, Kind, Projection};
use super::source::StreamKey;
use crate::log::{from_bigint, to_bigint};
use domain::{OrgId, Position};
use sqlx::{Connection, Executor, PgConnection, Row};
use std::collections::HashSet;

/// How long a retired generation stays, for reads that began before the swap. No transaction of ours lasts longer.
const GRACE_S: f64 = 120.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Building,
    Live,
    /// Built beside only to be compared.
    Checking,
}

impl State {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Live => "live",
            Self::Checking => "checking",
        }
    }
}

/// A generation as it was when it was read: whoever writes must find it so still.
#[derive(Clone, Debug)]
pub(crate) struct Generation {
    pub(crate) projection: &'static str,
    pub(crate) number: i32,
    pub(crate) schema: String,
    pub(crate) definition: String,
    pub(crate) state: State,
    pub(crate) checkpoint: Position,
    /// Streams that stand still in it.
    pub(crate) parked: HashSet<StreamKey>,
}

/// What a stored definition is to this build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Same,
    /// To be built afresh.
    Older,
    /// A newer release runs beside this one: leave it alone.
    Newer,
}

pub(crate) fn standing(stored: &str, ours: &Definition) -> Standing {
    if stored == ours.to_string() {
        return Standing::Same;
    }
    let revision = stored.strip_prefix('r').and_then(|rest| rest.split(':').next()?.parse::<u32>().ok());
    if revision.is_some_and(|revision| revision > ours.revision) { Standing::Newer } else { Standing::Older }
}

impl Generation {
    /// The generation in this state, if there is one; of several that are being built the newest.
    pub(crate) async fn load(
        connection: &mut PgConnection,
        projection: &'static str,
        state: State,
    ) -> Result<Option<Self>, sqlx::Error> {
        // One statement: a checkpoint with the parked streams of another moment would skip or repeat events.
        let rows = sqlx::query(
            "select g.generation, g.pg_schema, g.definition, g.checkpoint, p.org, p.aggregate_type, p.aggregate_id \
             from (select * from projection_generations where projection = $1 and state = $2 \
                   order by generation desc limit 1) g \
             left join parked_streams p using (projection, generation)",
        )
        .bind(projection)
        .bind(state.as_str())
        .fetch_all(connection)
        .await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let mut parked = HashSet::new();
        for row in &rows {
            if let Some(org) = row.try_get::<Option<uuid::Uuid>, _>("org")? {
                parked.insert(StreamKey {
                    org: OrgId(org),
                    aggregate_type: row.try_get("aggregate_type")?,
                    aggregate_id: row.try_get("aggregate_id")?,
                });
            }
        }
        Ok(Some(Self {
            projection,
            number: first.try_get("generation")?,
            schema: first.try_get("pg_schema")?,
            definition: first.try_get("definition")?,
            state,
            checkpoint: from_bigint(first.try_get("checkpoint")?),
            parked,
        }))
    }

    /// The generation in this state; a new empty one where there is none. A policy starts like a read model at the
    /// log's begin.
    pub(crate) async fn load_or_create(
        connection: &mut PgConnection,
        projection: &dyn Projection,
        state: State,
    ) -> Result<Self, sqlx::Error> {
        if let Some(found) = Self::load(connection, projection.name(), state).await? {
            return Ok(found);
        }
        let mut transaction = connection.begin().await?;
        lock(&mut transaction, projection.name()).await?;
        if let Some(found) = Self::load(&mut transaction, projection.name(), state).await? {
            return Ok(found);
        }
        let created = create(&mut transaction, projection, state).await?;
        transaction.commit().await?;
        tracing::info!(projection = created.projection, generation = created.number, "made a generation's tables");
        Ok(created)
    }

    /// A new empty one beside all others.
    pub(crate) async fn create(
        connection: &mut PgConnection,
        projection: &dyn Projection,
        state: State,
    ) -> Result<Self, sqlx::Error> {
        let mut transaction = connection.begin().await?;
        lock(&mut transaction, projection.name()).await?;
        let created = create(&mut transaction, projection, state).await?;
        transaction.commit().await?;
        Ok(created)
    }

    /// Takes the place of the live generation, inside a transaction that holds [`lock_live`].
    pub(crate) async fn make_live(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        sqlx::query(
            "update projection_generations set state = 'retired', retired_at = clock_timestamp() \
             where projection = $1 and state = 'live'",
        )
        .bind(self.projection)
        .execute(&mut *connection)
        .await?;
        sqlx::query("update projection_generations set state = 'live' where projection = $1 and generation = $2")
            .bind(self.projection)
            .bind(self.number)
            .execute(connection)
            .await?;
        Ok(())
    }

    /// Removes it with its tables.
    pub(crate) async fn remove(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        remove(connection, self.projection, self.number, &self.schema).await
    }
}

/// Held until the transaction ends: one creates or drops generations of a projection at a time.
pub(crate) async fn lock(transaction: &mut PgConnection, projection: &str) -> Result<(), sqlx::Error> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('lime generations of ' || $1, 0))")
        .bind(projection)
        .execute(transaction)
        .await
        .map(|_| ())
}

/// Stops the live generation's checkpoint until the transaction ends, and says where it stands. 0 without one.
pub(crate) async fn lock_live(transaction: &mut PgConnection, projection: &str) -> Result<Position, sqlx::Error> {
    let checkpoint: Option<i64> = sqlx::query_scalar(
        "select checkpoint from projection_generations where projection = $1 and state = 'live' for update",
    )
    .bind(projection)
    .fetch_optional(transaction)
    .await?;
    Ok(checkpoint.map_or(0, from_bigint))
}

async fn create(
    transaction: &mut PgConnection,
    projection: &dyn Projection,
    state: State,
) -> Result<Generation, sqlx::Error> {
    let name = projection.name();
    let number: i32 =
        sqlx::query_scalar("select coalesce(max(generation), 0) + 1 from projection_generations where projection = $1")
            .bind(name)
            .fetch_one(&mut *transaction)
            .await?;
    let schema = format!("lime_{name}_{number}");
    let definition = projection.definition().to_string();
    sqlx::query(
        "insert into projection_generations (projection, generation, pg_schema, definition, state) \
         values ($1, $2, $3, $4, $5)",
    )
    .bind(name)
    .bind(number)
    .bind(&schema)
    .bind(&definition)
    .bind(state.as_str())
    .execute(&mut *transaction)
    .await?;
    if projection.kind() == Kind::ReadModel {
        transaction.execute(format!("create schema \"{schema}\"").as_str()).await?;
        enter(transaction, &schema).await?;
        projection.create_tables(transaction).await?;
        leave(transaction).await?;
    }
    Ok(Generation { projection: name, number, schema, definition, state, checkpoint: 0, parked: HashSet::new() })
}

/// From here to the end of the transaction, names mean the tables of this schema and no others.
pub(crate) async fn enter(transaction: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error> {
    sqlx::query("select set_config('search_path', quote_ident($1), true)").bind(schema).execute(transaction).await?;
    Ok(())
}

/// Takes [`enter`] back within the same transaction.
pub(crate) async fn leave(transaction: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("set local search_path to default").execute(transaction).await?;
    Ok(())
}

async fn remove(connection: &mut PgConnection, projection: &str, number: i32, schema: &str) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    lock(&mut transaction, projection).await?;
    // A read that is still going on is not made to wait for: the next round tries again.
    sqlx::query("set local lock_timeout = '2s'").execute(&mut *transaction).await?;
    sqlx::query("delete from parked_streams where projection = $1 and generation = $2")
        .bind(projection)
        .bind(number)
        .execute(&mut *transaction)
        .await?;
    let removed =
        sqlx::query("delete from projection_generations where projection = $1 and generation = $2 and state <> 'live'")
            .bind(projection)
            .bind(number)
            .execute(&mut *transaction)
            .await?;
    if removed.rows_affected() == 1 {
        transaction.execute(format!("drop schema if exists \"{schema}\" cascade").as_str()).await?;
        transaction.commit().await?;
    }
    Ok(())
}

/// The positions at which its streams stand still, oldest first.
pub(crate) async fn parked_positions(
    connection: &mut PgConnection,
    generation: &Generation,
) -> Result<Vec<Position>, sqlx::Error> {
    let positions: Vec<i64> = sqlx::query_scalar(
        "select position from parked_streams where projection = $1 and generation = $2 order by position",
    )
    .bind(generation.projection)
    .bind(generation.number)
    .fetch_all(connection)
    .await?;
    Ok(positions.into_iter().map(from_bigint).collect())
}

/// Drops the generations that were retired long enough ago, and what a check that died has left.
pub(crate) async fn drop_retired(connection: &mut PgConnection, projection: &str) -> Result<(), sqlx::Error> {
    let retired = sqlx::query(
        "select generation, pg_schema from projection_generations where projection = $1 and state = 'retired' \
         and retired_at < clock_timestamp() - make_interval(secs => $2) \
         or projection = $1 and state = 'checking' and created_at < clock_timestamp() - interval '1 day'",
    )
    .bind(projection)
    .bind(GRACE_S)
    .fetch_all(&mut *connection)
    .await?;
    for row in retired {
        remove(connection, projection, row.try_get(0)?, row.try_get(1)?).await?;
    }
    Ok(())
}

/// Advances the checkpoint inside a transaction and enters the generation's schema; false when it does not stand where
/// we believe (another runner was faster) or is not what it was (it was swapped out).
pub(crate) async fn advance(
    transaction: &mut PgConnection,
    generation: &Generation,
    to: Position,
    kind: Kind,
) -> Result<bool, sqlx::Error> {
    // One round trip for all three: this is the hot path. Losing the last commits in a crash of PostgreSQL is right
    // here: rows and checkpoint go together, and the events are applied again.
    let statement = match kind {
        Kind::ReadModel => {
            "with moved as (update projection_generations set checkpoint = $1 where projection = $2 and generation = $3 \
             and checkpoint = $4 and state = $5 returning 1) \
             select set_config('synchronous_commit', 'off', true), set_config('search_path', quote_ident($6), true) \
             from moved"
        }
        Kind::Policy => {
            "with moved as (update projection_generations set checkpoint = $1 where projection = $2 and generation = $3 \
             and checkpoint = $4 and state = $5 returning 1) \
             select set_config('synchronous_commit', 'off', true), $6 from moved"
        }
    };
    let row = sqlx::query(statement)
        .bind(to_bigint(to))
        .bind(generation.projection)
        .bind(generation.number)
        .bind(to_bigint(generation.checkpoint))
        .bind(generation.state.as_str())
        .bind(&generation.schema)
        .fetch_optional(transaction)
        .await?;
    Ok(row.is_some())
}

/// Parks a stream at the event after the checkpoint, and moves on past it. False as [`advance`] says.
pub(crate) async fn park(
    connection: &mut PgConnection,
    generation: &Generation,
    position: Position,
    stream: &StreamKey,
    error: &str,
) -> Result<bool, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    if !advance(&mut transaction, generation, position, Kind::Policy).await? {
        return Ok(false);
    }
    sqlx::query(
        "insert into parked_streams (projection, generation, org, aggregate_type, aggregate_id, position, error) \
         values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
    )
    .bind(generation.projection)
    .bind(generation.number)
    .bind(stream.org.as_uuid())
    .bind(&stream.aggregate_type)
    .bind(&stream.aggregate_id)
    .bind(to_bigint(position))
    .bind(error.replace('\0', "\u{fffd}"))
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_release_is_left_alone_and_an_older_one_rebuilt() {
        let ours = Definition::new(3, "create table a ()");
        assert_eq!(standing(&ours.to_string(), &ours), Standing::Same);
        assert_eq!(standing("r4:00", &ours), Standing::Newer);
        assert_eq!(standing("r2:00", &ours), Standing::Older);
        assert_eq!(standing("r3:00", &ours), Standing::Older);
        assert_eq!(standing("something else", &ours), Standing::Older);
    }
}
