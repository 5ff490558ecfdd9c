//! What each worker found on its machine: a row it keeps fresh, from which the health of the providers is read.
//!
//! A worker whose heartbeat is older than [`ALIVE_FOR`] counts as gone.

use chrono::{DateTime, Utc};
use domain::WorkerId;
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use std::time::Duration;

/// Three missed heartbeats.
pub const ALIVE_FOR: Duration = Duration::from_secs(30);

/// What a worker found when it started, and again whenever it looked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    pub programs: Vec<Program>,
    /// Why no sandbox can be made here, in words with a remedy; none when one can.
    #[serde(default)]
    pub sandbox_missing: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Such as `codex`.
    pub provider: String,
    /// Such as `Codex`.
    pub name: String,
    /// None when the program is not there.
    pub version: Option<String>,
    /// The worker holds the instance's key for it. Orgs have keys of their own besides.
    pub key_present: bool,
    pub models: Vec<String>,
    /// A run can be executed, once it has a key: program, sandbox and git are there.
    #[serde(default)]
    pub ready: bool,
    /// In words, for people.
    pub health: String,
    /// A script answers in the model's place.
    pub scripted: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    pub id: WorkerId,
    pub host: String,
    pub version: String,
    pub found: Found,
    pub slots: i32,
    pub heartbeat_at: DateTime<Utc>,
}

/// Writes or refreshes a worker's row.
///
/// # Errors
/// When PostgreSQL refuses or is away.
pub async fn heartbeat(
    pool: &sqlx::PgPool,
    worker: WorkerId,
    host: &str,
    version: &str,
    found: &Found,
    slots: i32,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into workers (id, host, version, found, slots) values ($1, $2, $3, $4, $5)
         on conflict (id) do update set found = excluded.found, slots = excluded.slots, heartbeat_at = now()",
        worker.as_uuid(),
        host,
        version,
        Json(found) as _,
        slots,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Takes a worker's row away: it has stopped in good order.
///
/// # Errors
/// When PostgreSQL refuses or is away.
pub async fn leave(pool: &sqlx::PgPool, worker: WorkerId) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from workers where id = $1", worker.as_uuid()).execute(pool).await?;
    Ok(())
}

/// Workers that are alive; at most 1,000.
///
/// # Errors
/// When PostgreSQL refuses or is away.
pub async fn alive(pool: &sqlx::PgPool) -> Result<Vec<Worker>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select id, host, version, found as "found: Json<Found>", slots, heartbeat_at from workers
           where heartbeat_at > now() - make_interval(secs => $1) order by started_at, id limit 1000"#,
        ALIVE_FOR.as_secs_f64(),
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Worker {
            id: row.id.into(),
            host: row.host,
            version: row.version,
            found: row.found.0,
            slots: row.slots,
            heartbeat_at: row.heartbeat_at,
        })
        .collect())
}
