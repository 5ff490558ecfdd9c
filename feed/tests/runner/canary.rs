//! A projection that shows every fault: a chain over event ids and a count, neither of which bears a repeat or a gap.

use domain::org::{OrgCreated, OrgEvent};
use domain::{DomainEvent, Envelope, OrgId};
use feed::hints::Hints;
use feed::runner::{ApplyError, Definition, Projection, Runner};
use ring::digest::{SHA256, digest};
use sqlx::{Executor, PgConnection, PgPool, Row};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use testkit::TestLog;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

const TABLES: &str = "create table chain (one boolean primary key, length bigint not null, hash bytea not null); \
     create table streams (org uuid, name text not null, events bigint not null, primary key (org)); \
     insert into chain values (true, 0, '')";

/// What goes wrong on purpose.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// An event whose org has this name cannot be applied.
    pub(crate) poison: AtomicBool,
    pub(crate) panics: AtomicBool,
    /// Every so many events the database is said to be away, once.
    pub(crate) flaky_every: AtomicU64,
    pub(crate) flaked: AtomicU64,
}

#[derive(Debug)]
pub(crate) struct Canary {
    pub(crate) revision: u32,
    pub(crate) faults: Arc<Faults>,
}

impl Canary {
    pub(crate) fn healthy() -> Arc<dyn Projection> {
        Arc::new(Self { revision: 1, faults: Arc::default() })
    }
}

pub(crate) const POISON: &str = "poison";

#[async_trait::async_trait]
impl Projection for Canary {
    fn name(&self) -> &'static str {
        "canary"
    }

    fn definition(&self) -> Definition {
        Definition::new(self.revision, TABLES)
    }

    async fn create_tables(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        connection.execute(TABLES).await.map(|_| ())
    }

    async fn apply(&self, connection: &mut PgConnection, envelope: &Envelope) -> Result<Vec<Uuid>, ApplyError> {
        let DomainEvent::Org(OrgEvent::OrgCreated(OrgCreated { name })) = &envelope.event else {
            return Err(ApplyError::poison("another event than the tests write"));
        };
        if name == POISON && self.faults.poison.load(Ordering::Relaxed) {
            assert!(!self.faults.panics.load(Ordering::Relaxed), "the canary was told to panic");
            return Err(ApplyError::poison("the canary was told to refuse it"));
        }
        let flaky = self.faults.flaky_every.load(Ordering::Relaxed);
        if flaky > 0
            && envelope.position % flaky == 0
            && self.faults.flaked.fetch_max(envelope.position, Ordering::Relaxed) < envelope.position
        {
            return Err(sqlx::Error::PoolTimedOut.into());
        }
        let row = sqlx::query("select length, hash from chain").fetch_one(&mut *connection).await?;
        let (length, hash): (i64, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
        let next = digest(&SHA256, &[&hash, envelope.event_id.as_uuid().as_bytes().as_slice()].concat());
        sqlx::query("update chain set length = $1, hash = $2")
            .bind(length + 1)
            .bind(next.as_ref())
            .execute(&mut *connection)
            .await?;
        sqlx::query(
            "insert into streams values ($1, $2, 1) \
             on conflict (org) do update set events = streams.events + 1, name = excluded.name",
        )
        .bind(envelope.org.as_uuid())
        .bind(name)
        .execute(connection)
        .await?;
        Ok(vec![envelope.org.as_uuid()])
    }
}

/// A runner in a task of its own; stops with this value.
pub(crate) fn start(
    pool: &PgPool,
    jetstream: Option<async_nats::jetstream::Context>,
    hints: &Hints,
    projection: Arc<dyn Projection>,
) -> DropGuard {
    let cancel = CancellationToken::new();
    tokio::spawn(Runner::new(pool.clone(), jetstream, hints.clone(), projection).run(cancel.clone()));
    cancel.drop_guard()
}

/// One event of an org that is called so.
pub(crate) async fn say(log: &TestLog, name: &str) -> Envelope {
    let event = OrgEvent::OrgCreated(OrgCreated { name: name.to_owned() });
    log.append(log.org, [DomainEvent::Org(event)]).await.unwrap().remove(0)
}

/// `count` events over `orgs` orgs.
pub(crate) async fn chatter(log: &TestLog, orgs: u128, count: u128) -> Vec<Envelope> {
    let mut said = Vec::new();
    for number in 0..count {
        let org = OrgId(Uuid::from_u128(1 + number % orgs));
        said.push(say(&log.of(org), &format!("name {number}")).await);
    }
    said
}

/// The live generation: its number, checkpoint, chain length and chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) generation: i32,
    pub(crate) checkpoint: i64,
    pub(crate) length: i64,
    pub(crate) hash: Vec<u8>,
}

pub(crate) async fn seen(pool: &PgPool) -> anyhow::Result<Seen> {
    let mut transaction = pool.begin_with("begin isolation level repeatable read").await?;
    let row = sqlx::query(
        "select generation, pg_schema, checkpoint from projection_generations \
         where projection = 'canary' and state = 'live'",
    )
    .fetch_one(&mut *transaction)
    .await?;
    let schema: String = row.try_get(1)?;
    let chain = sqlx::query(&format!("select length, hash from {schema}.chain")).fetch_one(&mut *transaction).await?;
    Ok(Seen {
        generation: row.try_get(0)?,
        checkpoint: row.try_get(2)?,
        length: chain.try_get(0)?,
        hash: chain.try_get(1)?,
    })
}

/// What the chain must be after exactly these events in this order.
pub(crate) fn chain_of(events: &[Envelope]) -> (i64, Vec<u8>) {
    let hash = events.iter().fold(Vec::new(), |hash: Vec<u8>, envelope| {
        digest(&SHA256, &[&hash, envelope.event_id.as_uuid().as_bytes().as_slice()].concat()).as_ref().to_vec()
    });
    (i64::try_from(events.len()).unwrap(), hash)
}

/// True when the live generation has exactly these events, in order, once.
pub(crate) async fn has_exactly(pool: &PgPool, events: &[Envelope]) -> Result<(), String> {
    let seen = seen(pool).await.map_err(|error| error.to_string())?;
    let (length, hash) = chain_of(events);
    if (seen.length, &seen.hash) == (length, &hash) {
        return Ok(());
    }
    Err(format!("{} of {length} events, checkpoint {}", seen.length, seen.checkpoint))
}
