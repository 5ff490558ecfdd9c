use crate::canary::{Canary, Faults, POISON, has_exactly, say, seen, start};
use domain::{Envelope, OrgId};
use feed::hints::Hints;
use sqlx::Row;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use testkit::log::Raw;
use testkit::{TestDatabase, TestLog, eventually};
use uuid::Uuid;

/// Three orgs, one of which says something poisonous in between.
async fn poisoned(log: &TestLog) -> (Vec<Envelope>, Vec<Envelope>) {
    let (mut all, mut without) = (Vec::new(), Vec::new());
    for round in 0..30_u128 {
        let org = round % 3;
        let name = if round == 10 { POISON } else { "harmless" };
        let said = say(&log.of(OrgId(Uuid::from_u128(org))), name).await;
        if org != 1 || round < 10 {
            without.push(said.clone());
        }
        all.push(said);
    }
    (all, without)
}

async fn parked(pool: &sqlx::PgPool) -> Vec<(Uuid, i64, String)> {
    let rows = sqlx::query("select org, position, error from parked_streams order by position").fetch_all(pool).await;
    rows.unwrap().iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

#[tokio::test]
async fn a_poison_event_parks_its_stream_and_no_other_until_it_is_repaired() {
    let database = TestDatabase::create().await.unwrap();
    let (log, hints) = (TestLog::new(&database.pool), Hints::local());
    let (all, without) = poisoned(&log).await;
    let faults = Arc::new(Faults::default());
    faults.poison.store(true, Ordering::Relaxed);

    let runner = start(&database.pool, None, &hints, Arc::new(Canary { revision: 1, faults: faults.clone() }));
    eventually(Duration::from_secs(10), || has_exactly(&database.pool, &without)).await;
    let parked_now = parked(&database.pool).await;
    assert_eq!(parked_now.len(), 1);
    assert_eq!((parked_now[0].0, parked_now[0].1), (Uuid::from_u128(1), 11));
    assert!(parked_now[0].2.contains("told to refuse"), "{}", parked_now[0].2);
    assert_eq!(seen(&database.pool).await.unwrap().checkpoint, 30);
    drop(runner);

    // Still broken: started again it goes on as before, and the stream waits.
    let runner = start(&database.pool, None, &hints, Arc::new(Canary { revision: 1, faults: faults.clone() }));
    let more = say(&log.of(OrgId(Uuid::from_u128(1))), "waits too").await;
    let other = say(&log.of(OrgId(Uuid::from_u128(2))), "goes on").await;
    let without = [without, vec![other.clone()]].concat();
    eventually(Duration::from_secs(10), || has_exactly(&database.pool, &without)).await;
    assert_eq!(seen(&database.pool).await.unwrap().generation, 1);
    drop(runner);

    // Repaired: every event stands where it would have stood.
    faults.poison.store(false, Ordering::Relaxed);
    let _runner = start(&database.pool, None, &hints, Arc::new(Canary { revision: 1, faults }));
    let all = [all, vec![more, other]].concat();
    eventually(Duration::from_secs(10), || has_exactly(&database.pool, &all)).await;
    assert_eq!(seen(&database.pool).await.unwrap().generation, 2);
    let live = parked(&database.pool).await;
    assert!(live.len() <= 1, "only the retired generation may still have its row: {live:?}");
}

#[tokio::test]
async fn a_panic_is_poison_and_not_the_end_of_the_runner() {
    let database = TestDatabase::create().await.unwrap();
    let (log, hints) = (TestLog::new(&database.pool), Hints::local());
    let (_, without) = poisoned(&log).await;
    let faults = Arc::new(Faults::default());
    faults.poison.store(true, Ordering::Relaxed);
    faults.panics.store(true, Ordering::Relaxed);
    let _runner = start(&database.pool, None, &hints, Arc::new(Canary { revision: 1, faults }));
    eventually(Duration::from_secs(10), || has_exactly(&database.pool, &without)).await;
    assert!(parked(&database.pool).await[0].2.contains("panicked"));
}

#[tokio::test]
async fn an_event_that_this_release_cannot_read_parks_its_stream() {
    let database = TestDatabase::create().await.unwrap();
    let (log, hints) = (TestLog::new(&database.pool), Hints::local());
    let before = say(&log, "before").await;
    let from_the_future = Raw {
        aggregate_type: "Org",
        aggregate_id: log.org.to_string(),
        event_type: "OrgCreated",
        event_version: "9".to_owned(),
        payload: "{\"nobody\": \"knows\"}".to_owned(),
    };
    let position = log.append_raw(&from_the_future).await.unwrap();
    say(&log, "waits").await;
    let other = say(&log.of(OrgId(Uuid::from_u128(2))), "goes on").await;
    let _runner = start(&database.pool, None, &hints, Canary::healthy());
    let readable = [before, other];
    eventually(Duration::from_secs(10), || has_exactly(&database.pool, &readable)).await;
    let parked = parked(&database.pool).await;
    assert_eq!(parked.len(), 1);
    assert_eq!((parked[0].0, parked[0].1), (log.org.as_uuid(), i64::try_from(position).unwrap()));
    assert!(parked[0].2.contains("version 9"), "{}", parked[0].2);
}
