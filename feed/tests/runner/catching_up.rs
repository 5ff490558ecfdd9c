use crate::canary::{Canary, chatter, has_exactly, say, start};
use feed::hints::Hints;
use std::time::Duration;
use testkit::{TestDatabase, TestLog, eventually};
use uuid::Uuid;

#[tokio::test]
async fn it_catches_up_and_then_follows_without_nats() {
    let database = TestDatabase::create().await.unwrap();
    let (log, hints) = (TestLog::new(&database.pool), Hints::local());
    let mut said = chatter(&log, 7, 1_200).await;
    let _runner = start(&database.pool, None, &hints, Canary::healthy());
    eventually(Duration::from_secs(10), || has_exactly(&database.pool, &said)).await;

    // No hint: the poll of every second finds it.
    said.push(say(&log, "later").await);
    eventually(Duration::from_secs(3), || has_exactly(&database.pool, &said)).await;
}

#[tokio::test]
async fn a_commit_in_the_same_process_is_seen_at_once_and_announced() {
    let database = TestDatabase::create().await.unwrap();
    let (log, hints) = (TestLog::new(&database.pool), Hints::local());
    let mut reached = hints.on_reached();
    let _runner = start(&database.pool, None, &hints, Canary::healthy());
    let first = say(&log, "first").await;
    eventually(Duration::from_secs(3), || has_exactly(&database.pool, std::slice::from_ref(&first))).await;

    let second = say(&log, "second").await;
    hints.committed();
    let limit = Duration::from_secs(5).mul_f64(testkit::slack());
    let heard = tokio::time::timeout(limit, async {
        loop {
            let heard = reached.recv().await.unwrap();
            if heard.position == second.position {
                return heard;
            }
        }
    });
    let heard = heard.await.unwrap();
    assert_eq!((&*heard.projection, heard.key), ("canary", log.org.as_uuid()));
    // Then the projection as a whole.
    assert_eq!(reached.recv().await.unwrap().key, Uuid::nil());
}

#[tokio::test]
async fn an_error_of_the_database_is_tried_again_and_parks_nothing() {
    let database = TestDatabase::create().await.unwrap();
    let (log, hints) = (TestLog::new(&database.pool), Hints::local());
    let said = chatter(&log, 3, 40).await;
    let canary = Canary { revision: 1, faults: std::sync::Arc::default() };
    canary.faults.flaky_every.store(11, std::sync::atomic::Ordering::Relaxed);
    let _runner = start(&database.pool, None, &hints, std::sync::Arc::new(canary));
    eventually(Duration::from_secs(10), || has_exactly(&database.pool, &said)).await;
    let parked: i64 =
        sqlx::query_scalar("select count(*) from parked_streams").fetch_one(&database.pool).await.unwrap();
    assert_eq!(parked, 0);
}
