//! The servers that tests break: they stop, die, pause and come back with what was committed.

use std::time::Duration;

use futures::StreamExt;
use sqlx::Connection;
use testkit::{PrivatePostgres, TestDatabase, TestNats, eventually};

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_test_database_has_the_migrated_tables() {
    let database = TestDatabase::create().await.unwrap();
    let applied: i64 = sqlx::query_scalar("select count(*) from _sqlx_migrations")
        .fetch_one(&database.owner_pool().await.unwrap())
        .await
        .unwrap();
    assert_eq!(usize::try_from(applied).unwrap(), schema::MIGRATOR.iter().count());
    let locale: String = sqlx::query_scalar("select datlocale from pg_database where datname = current_database()")
        .fetch_one(&database.pool)
        .await
        .unwrap();
    assert_eq!(locale, "C.UTF-8");
}

#[tokio::test]
async fn the_application_cannot_change_tables_it_does_not_own() {
    let database = TestDatabase::create().await.unwrap();
    let refused = sqlx::query("drop table events").execute(&database.pool).await.unwrap_err();
    assert!(refused.to_string().contains("must be owner"), "{refused}");
}

#[tokio::test]
async fn a_private_postgres_is_durable_and_comes_back() {
    let mut postgres = PrivatePostgres::start().await.unwrap();
    let pool = postgres.pool().await.unwrap();
    for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
        let value: String =
            sqlx::query_scalar("select current_setting($1)").bind(setting).fetch_one(&pool).await.unwrap();
        assert_eq!(value, "on", "{setting}");
    }
    sqlx::raw_sql("create schema kept; create table kept.rows (id int); insert into kept.rows values (1)")
        .execute(&pool)
        .await
        .unwrap();

    postgres.kill();
    assert!(sqlx::PgConnection::connect(&postgres.url()).await.is_err());
    postgres.restart().await.unwrap();
    let count = || async { sqlx::query_scalar::<_, i64>("select count(*) from kept.rows").fetch_one(&pool).await };
    assert_eq!(eventually(SOON, count).await, 1);

    postgres.pause().unwrap();
    let paused = tokio::time::timeout(Duration::from_millis(300), count()).await;
    assert!(paused.is_err(), "a paused server answered");
    postgres.resume().unwrap();
    assert_eq!(eventually(SOON, count).await, 1);

    postgres.stop().await.unwrap();
    assert!(postgres.pid().is_none());
    postgres.restart().await.unwrap();
    assert_eq!(eventually(SOON, count).await, 1);
}

#[tokio::test]
async fn a_private_nats_keeps_its_port_and_its_acknowledged_messages() {
    let mut nats = TestNats::start().await.unwrap();
    let url = nats.url();
    let jetstream = async_nats::jetstream::new(nats.client().await.unwrap());
    let stream = async_nats::jetstream::stream::Config {
        name: "KEPT".into(),
        subjects: vec!["kept.>".into()],
        ..Default::default()
    };
    jetstream.create_stream(stream).await.unwrap();
    jetstream.publish("kept.one", "1".into()).await.unwrap().await.unwrap();

    nats.kill();
    nats.restart().await.unwrap();
    assert_eq!(nats.url(), url);
    let messages =
        || async { Ok::<_, anyhow::Error>(jetstream.get_stream("KEPT").await?.cached_info().state.messages) };
    assert_eq!(eventually(SOON, messages).await, 1);

    nats.stop().await.unwrap();
    nats.wipe().await.unwrap();
    let streams = || async {
        let names = jetstream.stream_names().collect::<Vec<_>>().await;
        names.into_iter().collect::<Result<Vec<_>, _>>()
    };
    assert_eq!(eventually(SOON, streams).await, Vec::<String>::new());
}
