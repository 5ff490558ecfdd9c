//! What the ledger's tests share: writing events without the executor, instances of the ledger role, and the oracle
//! that says whether the log is right.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use async_nats::jetstream::{self, stream::Stream};
use commands::ledger::{self, LedgerSettings, LedgerStatus};
use domain::ids::{CommandId, OrgId, Position};
use feed::hints::Hints;
use feed::message::event_id;
use feed::subjects::STREAM;
use sqlx::{PgConnection, PgPool};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// One stream of events to append to.
#[derive(Clone, Copy, Debug)]
pub struct TicketStream {
    pub org: OrgId,
    pub id: Uuid,
}

impl TicketStream {
    pub fn new(org: OrgId) -> Self {
        Self { org, id: Uuid::new_v4() }
    }

    /// The version of its last committed event.
    pub async fn version(&self, conn: &mut PgConnection) -> sqlx::Result<i64> {
        sqlx::query_scalar("select coalesce(max(sequence), 0) from events where org = $1 and aggregate_id = $2")
            .bind(self.org.as_uuid())
            .bind(self.id.to_string())
            .fetch_one(conn)
            .await
    }

    /// Inserts one event and returns its row id. With `id`, under a number that was taken before.
    pub async fn insert(&self, conn: &mut PgConnection, version: i64, id: Option<i64>) -> sqlx::Result<i64> {
        let command = CommandId(Uuid::new_v4());
        let metadata = serde_json::json!({ "command_id": command, "correlation_id": command });
        let columns = "event_id, org, aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
            metadata, actor, recorded_at, command_id, index_in_command";
        let values = "gen_random_uuid(), $1, 'Ticket', $2, $3, 'TicketRetitled', '1', $4::text::json,
            $5::text::json, 'system:test', clock_timestamp(), $6, 0";
        let statement = match id {
            None => format!("insert into events ({columns}) values ({values}) returning id"),
            Some(id) => {
                format!(
                    "insert into events (id, {columns}) overriding system value values ({id}, {values}) returning id"
                )
            }
        };
        sqlx::query_scalar(&statement)
            .bind(self.org.as_uuid())
            .bind(self.id.to_string())
            .bind(version)
            .bind(format!("{{\"title\":\"Version {version}, größer\"}}"))
            .bind(metadata.to_string())
            .bind(command.as_uuid())
            .fetch_one(conn)
            .await
    }
}

/// Appends `count` events to new streams of one org, autocommitted, and returns the last row id.
pub async fn append_many(pool: &PgPool, hints: &Hints, org: OrgId, count: usize) -> sqlx::Result<i64> {
    let mut conn = pool.acquire().await?;
    let stream = TicketStream::new(org);
    let mut last = 0;
    for version in (1_i64..).take(count) {
        last = stream.insert(&mut conn, version, None).await?;
        hints.committed();
    }
    Ok(last)
}

/// A running instance of the ledger role.
#[derive(Debug)]
pub struct Instance {
    pub status: LedgerStatus,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Instance {
    pub fn start(pool: &PgPool, nats: Option<&async_nats::Client>, hints: &Hints, settings: LedgerSettings) -> Self {
        let status = settings.status.clone();
        let stop = CancellationToken::new();
        let role = ledger::run(pool.clone(), nats.cloned(), hints.clone(), settings, stop.clone());
        Self { status, stop, task: tokio::spawn(role) }
    }

    /// A clean stop: finishes its batch and gives up the lease.
    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    /// As SIGKILL does it: no clean-up, connections cut wherever they are.
    pub async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// Short times, so that a test need not wait.
pub fn quick() -> LedgerSettings {
    LedgerSettings {
        lease_ttl: Duration::from_millis(600),
        check_every: Duration::from_millis(200),
        ..LedgerSettings::default()
    }
}

/// The last position in the ledger.
pub async fn head(pool: &PgPool) -> sqlx::Result<Position> {
    feed::log::head(&mut *pool.acquire().await?).await
}

/// Committed events without a position.
pub async fn unplaced(pool: &PgPool) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "select count(*) from events e where not exists (select 1 from ledger l where l.event_row = e.id)",
    )
    .fetch_one(pool)
    .await
}

/// Says what is wrong with the log: nothing lost, nothing twice, positions 1..N, every stream in order, every org's
/// chain whole. Does not use the ledger's own code but for the verification of exports.
pub async fn assert_log_is_right(pool: &PgPool) {
    let (events, placed, first, last): (i64, i64, i64, i64) = sqlx::query_as(
        "select (select count(*) from events), (select count(*) from ledger),
            (select coalesce(min(position), 1) from ledger), (select coalesce(max(position), 0) from ledger)",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    assert_eq!(unplaced(pool).await.unwrap(), 0, "events were lost");
    assert_eq!((first, last), (1, events), "positions are not 1..N");
    assert_eq!(placed, events, "positions are given twice");
    let mismatched: i64 = sqlx::query_scalar(
        "select count(*) from ledger l left join events e on e.id = l.event_row
         where e.id is null or e.event_id <> l.event_id or e.org <> l.org",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    assert_eq!(mismatched, 0, "ledger rows name other events");
    let out_of_order: i64 = sqlx::query_scalar(
        "select count(*) from (
            select e.sequence, row_number() over (
                partition by e.org, e.aggregate_type, e.aggregate_id order by l.position) as expected
            from ledger l join events e on e.id = l.event_row
         ) streams where sequence <> expected",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    assert_eq!(out_of_order, 0, "streams are out of order");
    let orgs: Vec<Uuid> = sqlx::query_scalar("select distinct org from events").fetch_all(pool).await.unwrap();
    let mut chained = 0;
    for org in orgs {
        let mut export = Vec::new();
        let mut conn = pool.acquire().await.unwrap();
        ledger::audit::export(&mut conn, OrgId(org), &mut export).await.unwrap();
        chained += schema::audit::verify(export.as_slice(), None).unwrap().events;
    }
    assert_eq!(chained, u64::try_from(events).unwrap(), "chains miss events");
}

pub async fn stream(client: &async_nats::Client) -> Result<Stream, String> {
    jetstream::new(client.clone()).get_stream(STREAM).await.map_err(|error| error.to_string())
}

/// Whether the stream ends at `head` and each of its messages is the ledger's event at that position. An error says
/// what is not so yet.
pub async fn is_true_copy(client: &async_nats::Client, pool: &PgPool, head: Position) -> Result<(), String> {
    let stream = stream(client).await?;
    let state = &stream.cached_info().state;
    if state.last_sequence != head {
        return Err(format!("the stream is at {}, the ledger at {head}", state.last_sequence));
    }
    let ledger: Vec<Uuid> = sqlx::query_scalar("select event_id from ledger where position >= $1 order by position")
        .bind(i64::try_from(state.first_sequence).unwrap())
        .fetch_all(pool)
        .await
        .map_err(|error| error.to_string())?;
    for (sequence, event) in (state.first_sequence..).zip(ledger) {
        let message = stream.direct_get(sequence).await.map_err(|error| format!("message {sequence}: {error}"))?;
        if event_id(&message.headers).map(Uuid::from) != Some(event) {
            return Err(format!("message {sequence} is another event"));
        }
    }
    Ok(())
}
