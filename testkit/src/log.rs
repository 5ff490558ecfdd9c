//! Writing events straight into the log, for tests of what reads it: no rules, no hash chain, positions at once.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Actor, CommandId, CorrelationId, DomainEvent, Envelope, EventId, Metadata, OrgId, Position, UserId, Version,
};
use sqlx::PgPool;
use uuid::Uuid;

/// A log that one test writes. Clones write the same one, one after another.
#[derive(Clone, Debug)]
pub struct TestLog {
    pool: PgPool,
    pub org: OrgId,
    pub actor: Actor,
}

impl TestLog {
    /// Events of a new org by a new person, until told otherwise.
    pub fn new(pool: &PgPool) -> Self {
        Self { pool: pool.clone(), org: OrgId(Uuid::now_v7()), actor: Actor::User(UserId(Uuid::now_v7())) }
    }

    #[must_use]
    pub fn of(&self, org: OrgId) -> Self {
        Self { org, ..self.clone() }
    }

    #[must_use]
    pub fn by(&self, actor: Actor) -> Self {
        Self { actor, ..self.clone() }
    }

    /// One command's events at the end of one stream. Their times are a second apart from those before them.
    pub async fn append(
        &self,
        aggregate_id: impl Into<Uuid>,
        events: impl IntoIterator<Item = DomainEvent>,
    ) -> anyhow::Result<Vec<Envelope>> {
        self.append_at(aggregate_id, events, None).await
    }

    /// The same at a given time.
    pub async fn append_at(
        &self,
        aggregate_id: impl Into<Uuid>,
        events: impl IntoIterator<Item = DomainEvent>,
        at: Option<DateTime<Utc>>,
    ) -> anyhow::Result<Vec<Envelope>> {
        let aggregate_id = aggregate_id.into();
        let metadata = metadata();
        let mut envelopes = Vec::new();
        let mut transaction = self.pool.begin().await?;
        let mut position = lock(&mut transaction).await?;
        for (index, event) in (0_i32..).zip(events) {
            position += 1;
            let at = at.unwrap_or_else(|| start() + TimeDelta::seconds(position));
            let raw = Raw {
                aggregate_type: event.aggregate().as_str(),
                aggregate_id: aggregate_id.to_string(),
                event_type: event.event_type(),
                event_version: event.event_version().to_string(),
                payload: event.to_payload()?,
            };
            let (event_id, version, org_position) =
                self.insert(&mut transaction, position, index, at, &metadata, &raw).await?;
            envelopes.push(Envelope {
                position: unsigned(position),
                org_position,
                event_id,
                org: self.org,
                aggregate: event.aggregate(),
                aggregate_id,
                version,
                actor: self.actor.clone(),
                at,
                metadata: metadata.clone(),
                event,
            });
        }
        set_position(&mut transaction, position).await?;
        transaction.commit().await?;
        Ok(envelopes)
    }

    /// One event each for many new streams, in one transaction: for tests that need a long log.
    pub async fn append_streams(
        &self,
        events: impl IntoIterator<Item = (impl Into<Uuid>, DomainEvent)>,
    ) -> anyhow::Result<()> {
        let mut transaction = self.pool.begin().await?;
        let mut position = lock(&mut transaction).await?;
        for (stream, event) in events {
            position += 1;
            let metadata = metadata();
            let raw = Raw {
                aggregate_type: event.aggregate().as_str(),
                aggregate_id: stream.into().to_string(),
                event_type: event.event_type(),
                event_version: event.event_version().to_string(),
                payload: event.to_payload()?,
            };
            let at = start() + TimeDelta::seconds(position);
            self.insert(&mut transaction, position, 0, at, &metadata, &raw).await?;
        }
        set_position(&mut transaction, position).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// One event as some other release might have written it. Returns its position.
    pub async fn append_raw(&self, raw: &Raw<'_>) -> anyhow::Result<Position> {
        let metadata = metadata();
        let mut transaction = self.pool.begin().await?;
        let position = lock(&mut transaction).await? + 1;
        let at = start() + TimeDelta::seconds(position);
        self.insert(&mut transaction, position, 0, at, &metadata, raw).await?;
        set_position(&mut transaction, position).await?;
        transaction.commit().await?;
        Ok(unsigned(position))
    }

    async fn insert(
        &self,
        transaction: &mut sqlx::PgConnection,
        position: i64,
        index: i32,
        at: DateTime<Utc>,
        metadata: &Metadata,
        raw: &Raw<'_>,
    ) -> anyhow::Result<(EventId, Version, Position)> {
        let event_id = EventId(Uuid::now_v7());
        let (row, version): (i64, i64) = sqlx::query_as(
            "insert into events (event_id, org, aggregate_type, aggregate_id, sequence, event_type, event_version, \
             payload, metadata, actor, recorded_at, command_id, index_in_command) \
             values ($1, $2, $3, $4, (select coalesce(max(sequence), 0) + 1 from events \
                 where org = $2 and aggregate_type = $3 and aggregate_id = $4), \
             $5, $6, $7::json, $8::json, $9, $10, $11, $12) returning id, sequence",
        )
        .bind(event_id.as_uuid())
        .bind(self.org.as_uuid())
        .bind(raw.aggregate_type)
        .bind(&raw.aggregate_id)
        .bind(raw.event_type)
        .bind(&raw.event_version)
        .bind(&raw.payload)
        .bind(serde_json::to_string(metadata)?)
        .bind(self.actor.to_string())
        .bind(at)
        .bind(metadata.command_id.as_uuid())
        .bind(index)
        .fetch_one(&mut *transaction)
        .await?;
        let org_position: i64 = sqlx::query_scalar(
            "insert into ledger (position, event_row, event_id, org, org_position, prev_hash, hash) \
             values ($1, $2, $3, $4, (select coalesce(max(org_position), 0) + 1 from ledger where org = $4), $5, $5) \
             returning org_position",
        )
        .bind(position)
        .bind(row)
        .bind(event_id.as_uuid())
        .bind(self.org.as_uuid())
        .bind(vec![7_u8; 32])
        .fetch_one(transaction)
        .await?;
        Ok((event_id, unsigned(version), unsigned(org_position)))
    }
}

/// Of one command that a person sent.
fn metadata() -> Metadata {
    Metadata {
        command_id: CommandId(Uuid::now_v7()),
        correlation_id: CorrelationId(Uuid::now_v7()),
        causation_id: None,
        traceparent: None,
    }
}

/// The parts of an event as they are stored.
#[derive(Clone, Debug)]
pub struct Raw<'a> {
    pub aggregate_type: &'a str,
    pub aggregate_id: String,
    pub event_type: &'a str,
    pub event_version: String,
    pub payload: String,
}

/// Holds other writers of test logs off until the transaction ends; the last position.
async fn lock(transaction: &mut sqlx::PgConnection) -> anyhow::Result<i64> {
    let position = sqlx::query_scalar("select position from ledger_state where group_id = 0 for update");
    Ok(position.fetch_one(transaction).await?)
}

async fn set_position(transaction: &mut sqlx::PgConnection, position: i64) -> anyhow::Result<()> {
    sqlx::query("update ledger_state set position = $1").bind(position).execute(transaction).await?;
    Ok(())
}

/// 2026-01-01: test logs begin then, so that no test depends on today.
fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600, 0).unwrap_or_default()
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
