//! A projection that shows every repeat and every hole, in a process of its own that is killed like the projector.

use std::sync::Arc;

use anyhow::Context;
use domain::Envelope;
use feed::hints::Hints;
use feed::runner::{ApplyError, Definition, Projection, Runner};
use sqlx::{Executor, PgConnection, PgPool, Row};
use testkit::oracle::effects::{Canary, link};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What makes this test program the canary.
pub(crate) const ARGUMENTS: [&str; 4] = ["--exact", "canary::a_canary_that_will_be_killed", "--ignored", "--nocapture"];

// No key that would refuse a repeat: it must show.
const TABLES: &str = "create table seen (place bigint not null, event_id uuid not null); \
     create table chain (one boolean primary key, hash bytea not null); \
     insert into chain values (true, '')";

#[derive(Debug)]
struct AppendsWhatItIsGiven;

#[async_trait::async_trait]
impl Projection for AppendsWhatItIsGiven {
    fn name(&self) -> &'static str {
        "canary"
    }

    fn definition(&self) -> Definition {
        Definition::new(1, TABLES)
    }

    async fn create_tables(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        connection.execute(TABLES).await.map(|_| ())
    }

    async fn apply(&self, connection: &mut PgConnection, envelope: &Envelope) -> Result<Vec<Uuid>, ApplyError> {
        let event = envelope.event_id.as_uuid();
        let chain: Vec<u8> = sqlx::query_scalar("select hash from chain").fetch_one(&mut *connection).await?;
        sqlx::query("update chain set hash = $1").bind(link(&chain, event)).execute(&mut *connection).await?;
        sqlx::query("insert into seen select coalesce(max(place), 0) + 1, $1 from seen")
            .bind(event)
            .execute(connection)
            .await?;
        Ok(Vec::new())
    }
}

/// What the live generation has, and at which position it is.
pub(crate) async fn read(pool: &PgPool) -> anyhow::Result<(u64, Canary)> {
    let mut snapshot = pool.begin_with("begin isolation level repeatable read read only").await?;
    let generation = sqlx::query(
        "select pg_schema, checkpoint from projection_generations where projection = 'canary' and state = 'live'",
    );
    let generation = generation.fetch_optional(&mut *snapshot).await?.context("the canary never ran")?;
    let (schema, checkpoint): (String, i64) = (generation.try_get(0)?, generation.try_get(1)?);
    let seen = format!("select event_id from {schema}.seen order by place, ctid");
    let seen = sqlx::query_scalar(&seen).fetch_all(&mut *snapshot).await?;
    let chain = format!("select hash from {schema}.chain");
    let chain = sqlx::query_scalar(&chain).fetch_one(&mut *snapshot).await?;
    Ok((checkpoint.unsigned_abs(), Canary { seen, chain }))
}

#[tokio::test]
#[ignore = "is a process of the chaos run, started and killed by it"]
async fn a_canary_that_will_be_killed() {
    let (Ok(database), Ok(nats)) = (std::env::var("DATABASE_URL"), std::env::var("NATS_URL")) else { return };
    let options: sqlx::postgres::PgConnectOptions = database.parse().unwrap();
    let pool = sqlx::postgres::PgPoolOptions::new().connect_lazy_with(options);
    let client = async_nats::ConnectOptions::new().retry_on_initial_connect().connect(nats).await.unwrap();
    let jetstream = async_nats::jetstream::new(client.clone());
    let runner = Runner::new(pool, Some(jetstream), Hints::over_nats(client), Arc::new(AppendsWhatItIsGiven));
    runner.run(CancellationToken::new()).await;
}
