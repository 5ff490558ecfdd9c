use crate::canary::{Canary, chatter, has_exactly, start};
use domain::EventId;
use feed::hints::Hints;
use feed::log;
use std::sync::Arc;
use std::time::Duration;
use testkit::{TestDatabase, TestLog, eventually};
use uuid::Uuid;

#[tokio::test]
async fn what_this_process_placed_is_followed_without_nats() {
    let database = TestDatabase::create().await.unwrap();
    let (log, hints) = (TestLog::new(&database.pool), Hints::local());
    let mut said = chatter(&log, 1, 2).await;
    let _runner = start(&database.pool, None, &hints, Canary::healthy());
    eventually(Duration::from_secs(10), || has_exactly(&database.pool, &said)).await;
    // One that PostgreSQL does not have: it can only come by hand.
    let mut connection = database.pool.acquire().await.unwrap();
    let mut row = log::rows_after(&mut connection, 1, 1).await.unwrap().remove(0);
    row.org_previous_position = row.position;
    row.position += 1;
    row.org_position += 1;
    row.version += 1;
    row.event_id = EventId(Uuid::from_u128(77));
    hints.placed(&[Arc::new(row.clone())]);
    said.push(row.decode().unwrap());
    eventually(Duration::from_secs(10), || has_exactly(&database.pool, &said)).await;
}
