//! The transcript of a run on a real database: fenced, harmless to repeat, digested as specified.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use chrono::{TimeZone, Utc};
use domain::{OrgId, RunId};
use feed::transcript::{TranscriptError, TranscriptEvent, append, digest, last_seq, read_after};
use sqlx::PgPool;
use testkit::TestDatabase;
use uuid::Uuid;

fn event(seq: u64) -> TranscriptEvent {
    let at = Utc.timestamp_micros(1_700_000_000_000_000 + i64::try_from(seq).unwrap()).unwrap();
    // Spaces and order of keys must come back as they went in.
    TranscriptEvent { seq, at, kind: "log".into(), payload: format!(r#"{{"text":  "line {seq}", "a":1}}"#) }
}

async fn lease(pool: &PgPool, org: OrgId, run: RunId, token: i64) {
    sqlx::query(
        "insert into run_leases (run_id, org, worker_id, token, expires_at) values ($1, $2, $3, $4, now() + interval '30 s')
         on conflict (run_id) do update set token = excluded.token",
    )
    .bind(run.as_uuid())
    .bind(org.as_uuid())
    .bind(Uuid::now_v7())
    .bind(token)
    .execute(pool)
    .await
    .unwrap();
}

#[tokio::test]
async fn the_holder_of_the_lease_appends_and_nobody_else() {
    let database = TestDatabase::create().await.unwrap();
    let pool = &database.pool;
    let (org, run) = (OrgId(Uuid::now_v7()), RunId(Uuid::now_v7()));

    let nobody = append(pool, org, run, 1, &[event(1)]).await;
    assert!(matches!(nobody, Err(TranscriptError::LeaseLost { .. })));

    lease(pool, org, run, 1).await;
    append(pool, org, run, 1, &[event(1), event(2)]).await.unwrap();
    append(pool, org, run, 1, &[event(1), event(2), event(3)]).await.expect("a repeated batch is harmless");

    lease(pool, org, run, 2).await;
    let late = append(pool, org, run, 1, &[event(4)]).await;
    assert!(matches!(late, Err(TranscriptError::LeaseLost { .. })));
    let foreign = append(pool, OrgId(Uuid::now_v7()), run, 2, &[event(4)]).await;
    assert!(matches!(foreign, Err(TranscriptError::LeaseLost { .. })));

    assert_eq!(last_seq(pool, org, run).await.unwrap(), 3);
    assert_eq!(read_after(pool, org, run, 0, 100).await.unwrap(), [event(1), event(2), event(3)]);
    assert_eq!(read_after(pool, org, run, 1, 1).await.unwrap(), [event(2)]);
    assert_eq!(read_after(pool, OrgId(Uuid::now_v7()), run, 0, 100).await.unwrap(), []);
}

#[tokio::test]
async fn the_digest_is_over_what_is_stored() {
    let database = TestDatabase::create().await.unwrap();
    let pool = &database.pool;
    let (org, run) = (OrgId(Uuid::now_v7()), RunId(Uuid::now_v7()));
    let empty = digest(pool, org, run).await.unwrap();
    assert_eq!((empty.count, empty.sha256), (0, schema::transcript::Digest::new().finish()));

    lease(pool, org, run, 1).await;
    let events: Vec<TranscriptEvent> = (1..=300).map(event).collect();
    append(pool, org, run, 1, &events).await.unwrap();
    let mut expected = schema::transcript::Digest::new();
    for event in &events {
        expected.add(event.seq, event.at.timestamp_micros(), &event.kind, &event.payload);
    }
    let stored = digest(pool, org, run).await.unwrap();
    assert_eq!((stored.count, stored.sha256), (300, expected.finish()));
}
