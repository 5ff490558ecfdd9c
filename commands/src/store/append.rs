//! The statement that writes events.

use super::{StoreError, Stream};
use chrono::{DateTime, Utc};
use domain::{AggregateKind, CommandId, EventId, OrgId, Version};
use sqlx::{PgConnection, Row};
use std::collections::HashMap;
use uuid::Uuid;

/// One command's events, to be stored after `expected`, all or none.
#[derive(Clone, Debug)]
pub(crate) struct Append {
    pub(crate) stream: Stream,
    pub(crate) expected: Version,
    pub(crate) actor: String,
    pub(crate) command_id: CommandId,
    /// SHA-256 of the command's input.
    pub(crate) digest: [u8; 32],
    pub(crate) at: DateTime<Utc>,
    /// JSON.
    pub(crate) metadata: String,
    /// Never empty.
    pub(crate) events: Vec<NewEvent>,
}

#[derive(Clone, Debug)]
pub(crate) struct NewEvent {
    pub(crate) event_id: EventId,
    pub(crate) event_type: &'static str,
    pub(crate) event_version: u16,
    /// JSON.
    pub(crate) payload: String,
}

// The head row decides for its whole command: who owns version n+1 of a stream owns the rest. Sorted, so that two
// writers cannot wait for each other. An insert that meets another transaction's row waits for it to end.
const STATEMENT: &str = "
with input as materialized (
    select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::int8[], $6::text[], $7::text[], $8::text[],
                         $9::text[], $10::text[], $11::timestamptz[], $12::uuid[], $13::int4[], $14::bytea[])
        as i(event_id, org, aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
             metadata, actor, recorded_at, command_id, index_in_command, command_digest)
), head as (
    insert into events (event_id, org, aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
                        metadata, actor, recorded_at, command_id, index_in_command, command_digest)
    select event_id, org, aggregate_type, aggregate_id, sequence, event_type, event_version, payload::json,
           metadata::json, actor, recorded_at, command_id, index_in_command, command_digest
    from input where index_in_command = 0
    order by org, aggregate_type, aggregate_id
    on conflict do nothing
    returning org, actor, command_id, event_id, id
), rest as (
    insert into events (event_id, org, aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
                        metadata, actor, recorded_at, command_id, index_in_command)
    select i.event_id, i.org, i.aggregate_type, i.aggregate_id, i.sequence, i.event_type, i.event_version,
           i.payload::json, i.metadata::json, i.actor, i.recorded_at, i.command_id, i.index_in_command
    from input i join head using (org, actor, command_id)
    where i.index_in_command > 0
    order by i.org, i.aggregate_type, i.aggregate_id, i.sequence
    returning event_id, id
)
select event_id, id from head union all select event_id, id from rest";

// The same for one command of one event, which is what a batch is while little goes on: no arrays, no sort, no join
// (docs/adr/0004).
const STATEMENT_FOR_ONE: &str = "
insert into events (event_id, org, aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
                    metadata, actor, recorded_at, command_id, index_in_command, command_digest)
values ($1, $2, $3, $4, $5, $6, $7, $8::json, $9::json, $10, $11, $12, 0, $13)
on conflict do nothing
returning id";

/// The rows (`events.id`) that each command's events got, in order; none for a command that was not stored: its
/// version is taken, or its id is.
///
/// At most one command a stream. One autocommitted statement: what it returns is durable.
pub(super) async fn append(
    connection: &mut PgConnection,
    batch: &[&Append],
) -> Result<Vec<Option<Vec<i64>>>, sqlx::Error> {
    if let [command] = batch
        && let [event] = command.events.as_slice()
    {
        return Ok(vec![append_one(connection, command, event).await?.map(|row| vec![row])]);
    }
    let columns = Columns::of(batch);
    let stored = columns.bind(sqlx::query(STATEMENT)).fetch_all(connection).await?;
    let mut rows: HashMap<Uuid, i64> = HashMap::with_capacity(stored.len());
    for row in stored {
        rows.insert(row.try_get("event_id")?, row.try_get("id")?);
    }
    let stored = |command: &&Append| command.events.iter().map(|event| rows.get(&event.event_id.0).copied()).collect();
    Ok(batch.iter().map(stored).collect())
}

async fn append_one(
    connection: &mut PgConnection,
    command: &Append,
    event: &NewEvent,
) -> Result<Option<i64>, sqlx::Error> {
    let (org, aggregate_type, aggregate_id) = key(command.stream);
    sqlx::query_scalar(STATEMENT_FOR_ONE)
        .bind(event.event_id.0)
        .bind(org)
        .bind(aggregate_type)
        .bind(aggregate_id)
        .bind(sequence(command.expected) + 1)
        .bind(event.event_type)
        .bind(event.event_version.to_string())
        .bind(&event.payload)
        .bind(&command.metadata)
        .bind(&command.actor)
        .bind(command.at)
        .bind(command.command_id.0)
        .bind(command.digest.as_slice())
        .fetch_optional(connection)
        .await
}

#[derive(Default)]
struct Columns {
    event_id: Vec<Uuid>,
    org: Vec<Uuid>,
    aggregate_type: Vec<&'static str>,
    aggregate_id: Vec<String>,
    sequence: Vec<i64>,
    event_type: Vec<&'static str>,
    event_version: Vec<String>,
    payload: Vec<String>,
    metadata: Vec<String>,
    actor: Vec<String>,
    recorded_at: Vec<DateTime<Utc>>,
    command_id: Vec<Uuid>,
    index_in_command: Vec<i32>,
    command_digest: Vec<Option<Vec<u8>>>,
}

impl Columns {
    fn of(batch: &[&Append]) -> Self {
        let mut columns = Self::default();
        for command in batch {
            for (index, event) in (0_i32..).zip(&command.events) {
                columns.event_id.push(event.event_id.0);
                columns.org.push(command.stream.org.0);
                columns.aggregate_type.push(command.stream.kind.as_str());
                columns.aggregate_id.push(command.stream.id.to_string());
                columns.sequence.push(sequence(command.expected) + i64::from(index) + 1);
                columns.event_type.push(event.event_type);
                columns.event_version.push(event.event_version.to_string());
                columns.payload.push(event.payload.clone());
                columns.metadata.push(command.metadata.clone());
                columns.actor.push(command.actor.clone());
                columns.recorded_at.push(command.at);
                columns.command_id.push(command.command_id.0);
                columns.index_in_command.push(index);
                columns.command_digest.push((index == 0).then(|| command.digest.to_vec()));
            }
        }
        columns
    }

    fn bind<'q>(
        self,
        query: sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>,
    ) -> sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments> {
        query
            .bind(self.event_id)
            .bind(self.org)
            .bind(self.aggregate_type)
            .bind(self.aggregate_id)
            .bind(self.sequence)
            .bind(self.event_type)
            .bind(self.event_version)
            .bind(self.payload)
            .bind(self.metadata)
            .bind(self.actor)
            .bind(self.recorded_at)
            .bind(self.command_id)
            .bind(self.index_in_command)
            .bind(self.command_digest)
    }
}

/// A version as PostgreSQL counts.
pub(super) fn sequence(version: Version) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

/// A stream's key as PostgreSQL has it.
pub(super) fn key(stream: Stream) -> (Uuid, &'static str, String) {
    let Stream { org: OrgId(org), kind, id } = stream;
    (org, AggregateKind::as_str(kind), id.to_string())
}

pub(super) fn version(sequence: i64) -> Result<Version, StoreError> {
    Version::try_from(sequence).map_err(|_| StoreError::Malformed)
}
