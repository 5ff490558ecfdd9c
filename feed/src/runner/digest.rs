//! SHA-256 over a projection's rows: the proof that what is live equals what a rebuild makes.

use super::generation::{Generation, State};
use super::projection::Projection;
use super::rebuild::{self, RebuildError};
use domain::Position;
use futures::TryStreamExt;
use ring::digest::{Context, SHA256};
use sqlx::{Connection, Executor, PgConnection, PgPool, Row};

/// The rows of one generation at one position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowsDigest {
    pub position: Position,
    /// SHA-256, hex, over each table's name and its rows as `COPY` writes them, in the order of the primary key.
    pub sha256: String,
}

/// Of the live generation, in one snapshot; none before the projector ran for the first time.
pub async fn live_digest(pool: &PgPool, projection: &dyn Projection) -> Result<Option<RowsDigest>, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let mut snapshot = connection.begin_with("begin isolation level repeatable read read only").await?;
    let Some(live) = Generation::load(&mut snapshot, projection.name(), State::Live).await? else { return Ok(None) };
    let sha256 = digest_of(&mut snapshot, &live.schema).await?;
    snapshot.rollback().await?;
    Ok(Some(RowsDigest { position: live.checkpoint, sha256 }))
}

/// Of a rebuild up to `upto` in tables of its own, which are dropped afterwards. The live generation is not touched.
pub async fn rebuild_digest(
    pool: &PgPool,
    projection: &dyn Projection,
    upto: Position,
) -> Result<RowsDigest, RebuildError> {
    let mut connection = PgConnection::connect_with(&pool.connect_options()).await?;
    let built = rebuild::build_to_check(&mut connection, projection, upto).await?;
    let sha256 = {
        let mut snapshot = connection.begin_with("begin isolation level repeatable read read only").await?;
        let sha256 = digest_of(&mut snapshot, &built.schema).await;
        snapshot.rollback().await?;
        sha256
    };
    built.remove(&mut connection).await?;
    connection.close().await.ok();
    Ok(RowsDigest { position: built.checkpoint, sha256: sha256? })
}

async fn digest_of(snapshot: &mut PgConnection, schema: &str) -> Result<String, sqlx::Error> {
    // How COPY writes a time does not depend on whose server it is.
    snapshot.execute("set local timezone = 'UTC'; set local datestyle = 'ISO, YMD'").await?;
    let tables = sqlx::query(
        "select t.relname::text, coalesce(string_agg( \
             quote_ident(a.attname) || case when a.atttypid = 'text'::regtype then ' collate \"C\"' else '' end, \
             ', ' order by k.place), '') \
         from pg_class t join pg_namespace n on n.oid = t.relnamespace \
         left join pg_index i on i.indrelid = t.oid and i.indisprimary \
         left join lateral unnest(i.indkey) with ordinality k (column_number, place) on true \
         left join pg_attribute a on a.attrelid = t.oid and a.attnum = k.column_number \
         where n.nspname = $1 and t.relkind = 'r' group by t.relname order by t.relname collate \"C\"",
    )
    .bind(schema)
    .fetch_all(&mut *snapshot)
    .await?;
    let mut digest = Context::new(&SHA256);
    for row in tables {
        let (table, key): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        digest.update(table.as_bytes());
        digest.update(b"\n");
        let order = if key.is_empty() { "t::text collate \"C\"".to_owned() } else { key };
        let copy = format!("copy (select * from \"{schema}\".\"{table}\" t order by {order}) to stdout");
        let mut rows = snapshot.copy_out_raw(&copy).await?;
        while let Some(bytes) = rows.try_next().await? {
            digest.update(&bytes);
        }
    }
    Ok(digest.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}
