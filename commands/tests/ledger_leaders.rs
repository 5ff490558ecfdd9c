//! Leaders: hand-over, standbys, deaths at the worst places, PostgreSQL's restart, and what the audit export proves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod ledger_support;

use commands::ledger::{self, LedgerSettings};
use domain::ids::OrgId;
use feed::crashpoint::stall_at;
use feed::hints::Hints;
use ledger_support::{Instance, TicketStream, append_many, assert_log_is_right, head, quick, unplaced};
use schema::audit::{Problem, VerifyError, verify};
use sqlx::PgPool;
use std::time::{Duration, Instant};
use testkit::{PrivatePostgres, TestDatabase, eventually};
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(10);

fn org() -> OrgId {
    OrgId(Uuid::new_v4())
}

async fn placed(pool: &PgPool, events: u64) {
    eventually(SOON, || async { (head(pool).await.unwrap() == events).then_some(()) }).await;
}

#[tokio::test]
async fn a_clean_stop_hands_over_at_once() {
    let database = TestDatabase::create().await.unwrap();
    let (pool, hints) = (&database.pool, Hints::local());
    // A lease that nobody could wait for in this test.
    let long = || LedgerSettings { lease_ttl: Duration::from_mins(10), ..quick() };
    let first = Instance::start(pool, None, &hints, long());
    append_many(pool, &hints, org(), 3).await.unwrap();
    placed(pool, 3).await;
    assert!(first.status.health().leading);
    first.stop().await;
    let second = Instance::start(pool, None, &hints, long());
    append_many(pool, &hints, org(), 3).await.unwrap();
    placed(pool, 6).await;
    assert!(second.status.health().leading);
    second.stop().await;
    assert_log_is_right(pool).await;
}

#[tokio::test]
async fn a_standby_waits_and_takes_over_from_a_dead_leader() {
    let database = TestDatabase::create().await.unwrap();
    let (pool, hints) = (&database.pool, Hints::local());
    let leader = Instance::start(pool, None, &hints, quick());
    eventually(SOON, || async { leader.status.health().leading }).await;
    let standby = Instance::start(pool, None, &hints, quick());
    append_many(pool, &hints, org(), 10).await.unwrap();
    placed(pool, 10).await;
    assert!(!standby.status.health().leading);
    leader.kill().await;
    // Writers go on being acknowledged without any leader.
    append_many(pool, &hints, org(), 10).await.unwrap();
    placed(pool, 20).await;
    assert!(standby.status.health().leading);
    standby.stop().await;
    assert_log_is_right(pool).await;
}

/// A leader that dies between its insert and the commit, or right after the commit, before it told anybody.
#[tokio::test]
async fn a_sequencer_that_dies_loses_and_doubles_nothing() {
    let database = TestDatabase::create().await.unwrap();
    let (pool, hints) = (&database.pool, Hints::local());
    let mut events = 0;
    for point in ["sequencer.after_insert_before_commit", "sequencer.after_commit"] {
        append_many(pool, &hints, org(), 30).await.unwrap();
        events += 30;
        let mut stalled = stall_at(point, 1);
        let dying = Instance::start(pool, None, &hints, quick());
        tokio::time::timeout(Duration::from_secs(30), stalled.recv()).await.unwrap().unwrap();
        append_many(pool, &hints, org(), 5).await.unwrap();
        events += 5;
        dying.kill().await;
        let next = Instance::start(pool, None, &hints, quick());
        placed(pool, events).await;
        next.stop().await;
        assert_log_is_right(pool).await;
    }
}

#[tokio::test]
async fn gaps_outlive_their_leader() {
    let database = TestDatabase::create().await.unwrap();
    let (pool, hints) = (&database.pool, Hints::local());
    let late = TicketStream::new(org());
    let mut open = pool.begin().await.unwrap();
    let row = late.insert(&mut open, 1, None).await.unwrap();
    let first = Instance::start(pool, None, &hints, quick());
    append_many(pool, &hints, org(), 5).await.unwrap();
    placed(pool, 5).await;
    first.kill().await;
    let second = Instance::start(pool, None, &hints, quick());
    append_many(pool, &hints, org(), 1).await.unwrap();
    placed(pool, 6).await;
    assert_eq!(second.status.health().gaps, 1);
    open.commit().await.unwrap();
    placed(pool, 7).await;
    let last: i64 =
        sqlx::query_scalar("select event_row from ledger where position = 7").fetch_one(pool).await.unwrap();
    assert_eq!(last, row);
    assert_log_is_right(pool).await;
    second.stop().await;
}

#[tokio::test]
async fn a_wait_for_the_position_is_answered() {
    let database = TestDatabase::create().await.unwrap();
    let (pool, hints) = (&database.pool, Hints::local());
    let leader = Instance::start(pool, None, &hints, quick());
    let row = append_many(pool, &hints, org(), 4).await.unwrap();
    assert_eq!(hints.position_of(row, Duration::from_secs(30)).await, Some(4));
    leader.stop().await;
}

#[tokio::test]
async fn it_survives_the_death_of_postgresql() {
    let mut postgres = PrivatePostgres::start().await.unwrap();
    let pool = postgres.pool().await.unwrap();
    let hints = Hints::local();
    let leader = Instance::start(&pool, None, &hints, quick());
    append_many(&pool, &hints, org(), 20).await.unwrap();
    placed(&pool, 20).await;
    for round in 1..=2 {
        postgres.kill();
        postgres.restart().await.unwrap();
        let ready = Instant::now();
        eventually(SOON, || append_many(&pool, &hints, org(), 1)).await;
        eventually(SOON, || async { unplaced(&pool).await.is_ok_and(|waiting| waiting == 0) }).await;
        println!("round {round}: placed {:?} after PostgreSQL was back", ready.elapsed());
    }
    assert_log_is_right(&pool).await;
    leader.stop().await;
}

#[tokio::test]
async fn conditions_hold_here_and_a_broken_one_stops_the_ledger() {
    let database = TestDatabase::create().await.unwrap();
    let (pool, hints) = (&database.pool, Hints::local());
    let conditions = ledger::conditions(&mut *pool.acquire().await.unwrap()).await.unwrap();
    assert!(conditions.iter().all(|condition| condition.holds), "{conditions:#?}");
    let owner = database.owner_pool().await.unwrap();
    sqlx::raw_sql("alter table events alter column id set cache 20").execute(&owner).await.unwrap();
    let leader = Instance::start(pool, None, &hints, quick());
    append_many(pool, &hints, org(), 2).await.unwrap();
    eventually(SOON, || async { leader.status.health().problem.is_some_and(|problem| problem.contains("CACHE 20")) })
        .await;
    assert_eq!(head(pool).await.unwrap(), 0);
    sqlx::raw_sql("alter table events alter column id set cache 1").execute(&owner).await.unwrap();
    eventually(SOON, || async { unplaced(pool).await.unwrap() == 0 }).await;
    leader.stop().await;
}

#[tokio::test]
async fn a_committed_event_that_was_missed_turns_the_ledger_red() {
    let database = TestDatabase::create().await.unwrap();
    let (pool, hints) = (&database.pool, Hints::local());
    append_many(pool, &hints, org(), 10).await.unwrap();
    let first = Instance::start(pool, None, &hints, quick());
    placed(pool, 10).await;
    first.stop().await;
    // As if the rule had burned a gap too early.
    sqlx::query("delete from ledger where position = 4").execute(&database.owner_pool().await.unwrap()).await.unwrap();
    let second = Instance::start(pool, None, &hints, quick());
    eventually(SOON, || async { second.status.health().lost_rows == 1 }).await;
    let rows = ledger::rows_without_position(&mut *pool.acquire().await.unwrap(), 0, i64::MAX, 10).await.unwrap();
    assert_eq!(rows.len(), 1);
    second.stop().await;
}

/// What a person with rights on the tables can do to the log shows in the export of it.
#[tokio::test]
async fn tampering_in_the_database_shows_in_the_export() {
    let database = TestDatabase::create().await.unwrap();
    let (pool, hints, org) = (&database.pool, Hints::local(), org());
    append_many(pool, &hints, org, 20).await.unwrap();
    append_many(pool, &hints, self::org(), 5).await.unwrap();
    append_many(pool, &hints, org, 20).await.unwrap();
    let leader = Instance::start(pool, None, &hints, quick());
    placed(pool, 45).await;
    leader.stop().await;
    let export = async || {
        let mut file = Vec::new();
        ledger::audit::export(&mut *pool.acquire().await.unwrap(), org, &mut file).await.unwrap();
        verify(file.as_slice(), None)
    };
    let whole = export().await.unwrap();
    assert_eq!((whole.events, whole.position), (40, 45));
    let owner = database.owner_pool().await.unwrap();
    let tampered = [
        "update events set payload = '{\"title\":\"forged\"}' where id = (select event_row from ledger where position = 7)",
        "update events set actor = 'system:other' where id = (select event_row from ledger where position = 7)",
        "update events set recorded_at = recorded_at + interval '1 microsecond'
             where id = (select event_row from ledger where position = 7)",
        "update ledger set event_row = (select event_row from ledger where position = 9) + 1000000 where position = 7",
        "delete from ledger where position = 7",
        "delete from events where id = (select event_row from ledger where position = 7)",
    ];
    for statement in tampered {
        let mut transaction = owner.begin().await.unwrap();
        sqlx::query(statement).execute(&mut *transaction).await.unwrap();
        let mut file = Vec::new();
        ledger::audit::export(&mut transaction, org, &mut file).await.unwrap();
        transaction.rollback().await.unwrap();
        match verify(file.as_slice(), None) {
            Err(VerifyError::Broken(broken)) => {
                assert_eq!(broken.good_up_to, 6, "{statement}: {broken}");
                assert!(matches!(broken.problem, Problem::Altered | Problem::Missing { .. }), "{broken}");
            }
            other => panic!("{statement}: {other:?}"),
        }
    }
    export().await.unwrap();
}
