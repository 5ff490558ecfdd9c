//! The rule by which no committed event is missed, against everything that is known to break such rules: writers on
//! hot streams, transactions held open, rollbacks, savepoints, early transaction ids, pauses between taking a number and
//! using it, writers of another database, and leaders killed and fenced at random.
//!
//! A short run by default; `LIME_TEST_LONG=1` for the full counts. `LIME_TEST_SEED` repeats a run's choices.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod ledger_support;

use domain::ids::OrgId;
use feed::hints::Hints;
use ledger_support::{Instance, TicketStream, assert_log_is_right, quick, unplaced};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Acquire, PgPool};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use testkit::{TestDatabase, eventually, slack};
use tokio::task::JoinSet;
use uuid::Uuid;

const WRITERS: u64 = 24;
const HOT_STREAMS: usize = 200;
const ORGS: usize = 5;

struct Run {
    lasts: Duration,
    longest_pause_ms: u64,
    holders_hold: Duration,
}

fn run() -> Run {
    if std::env::var_os("LIME_TEST_LONG").is_some() {
        Run { lasts: Duration::from_mins(2), longest_pause_ms: 1_200, holders_hold: Duration::from_secs(4) }
    } else {
        Run { lasts: Duration::from_secs(7), longest_pause_ms: 400, holders_hold: Duration::from_millis(1_500) }
    }
}

fn seed() -> u64 {
    let seed = std::env::var("LIME_TEST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(rand::random);
    println!("LIME_TEST_SEED={seed}");
    seed
}

/// What the writers share.
struct World {
    pool: PgPool,
    hints: Hints,
    streams: Vec<TicketStream>,
    acknowledged: AtomicUsize,
    longest_pause_ms: u64,
}

impl World {
    async fn new(database: &TestDatabase, longest_pause_ms: u64) -> Arc<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(40)
            .acquire_timeout(Duration::from_secs(60))
            .connect(&database.url())
            .await
            .unwrap();
        let orgs: Vec<OrgId> = (0..ORGS).map(|_| OrgId(Uuid::new_v4())).collect();
        let streams = (0..HOT_STREAMS).map(|index| TicketStream::new(orgs[index % ORGS])).collect();
        Arc::new(Self { pool, hints: Hints::local(), streams, acknowledged: AtomicUsize::new(0), longest_pause_ms })
    }

    fn settings(&self, instance: &str) -> commands::ledger::LedgerSettings {
        commands::ledger::LedgerSettings { holder: instance.to_owned(), ..quick() }
    }

    /// One command in one of the ways that are hard on a reader. The row id when it was committed.
    async fn write(&self, random: &mut StdRng) -> sqlx::Result<Option<i64>> {
        let stream = self.streams[random.random_range(0..self.streams.len())];
        let pause = Duration::from_millis(random.random_range(0..self.longest_pause_ms));
        let mut conn = self.pool.acquire().await?;
        match random.random_range(0..100) {
            // Plain and quick: most of them, so that the others are overtaken.
            0..70 => {
                let version = stream.version(&mut conn).await? + 1;
                stream.insert(&mut conn, version, None).await.map(Some)
            }
            // Open after the insert.
            70..78 => {
                let mut transaction = conn.begin().await?;
                let version = stream.version(&mut transaction).await? + 1;
                let row = stream.insert(&mut transaction, version, None).await?;
                tokio::time::sleep(pause).await;
                transaction.commit().await.map(|()| Some(row))
            }
            // Rolled back after a while.
            78..84 => {
                let mut transaction = conn.begin().await?;
                let version = stream.version(&mut transaction).await? + 1;
                stream.insert(&mut transaction, version, None).await?;
                tokio::time::sleep(pause).await;
                transaction.rollback().await.map(|()| None)
            }
            // A savepoint rolled back, then the insert again.
            84..89 => {
                let mut transaction = conn.begin().await?;
                let version = stream.version(&mut transaction).await? + 1;
                let mut savepoint = transaction.begin().await?;
                stream.insert(&mut savepoint, version, None).await?;
                savepoint.rollback().await?;
                tokio::time::sleep(pause).await;
                let row = stream.insert(&mut transaction, version, None).await?;
                transaction.commit().await.map(|()| Some(row))
            }
            // A transaction id long before the insert.
            89..94 => {
                let mut transaction = conn.begin().await?;
                sqlx::query("select pg_current_xact_id()").execute(&mut *transaction).await?;
                tokio::time::sleep(pause).await;
                let version = stream.version(&mut transaction).await? + 1;
                let row = stream.insert(&mut transaction, version, None).await?;
                transaction.commit().await.map(|()| Some(row))
            }
            // A number long before the insert; no transaction id in between.
            _ => {
                let mut transaction = conn.begin().await?;
                let version = stream.version(&mut transaction).await? + 1;
                let number = sqlx::query_scalar("select nextval(pg_get_serial_sequence('events', 'id'))");
                let number: i64 = number.fetch_one(&mut *transaction).await?;
                tokio::time::sleep(pause).await;
                let row = stream.insert(&mut transaction, version, Some(number)).await?;
                transaction.commit().await.map(|()| Some(row))
            }
        }
    }

    /// Writes until `until`, and returns how long each commit waited for its position.
    async fn keep_writing(self: Arc<Self>, seed: u64, until: Instant) -> Vec<Duration> {
        let mut random = StdRng::seed_from_u64(seed);
        let mut waits: JoinSet<Option<Duration>> = JoinSet::new();
        while Instant::now() < until {
            match self.write(&mut random).await {
                Ok(Some(row)) => {
                    let committed = Instant::now();
                    self.hints.committed();
                    self.acknowledged.fetch_add(1, Ordering::Relaxed);
                    let this = Arc::clone(&self);
                    waits.spawn(async move { this.placed(row).await.then(|| committed.elapsed()) });
                }
                Ok(None) => {}
                // Somebody else had the version: the number is lost, which is just what makes a gap.
                Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {}
                Err(error) => panic!("{error}"),
            }
        }
        waits.join_all().await.into_iter().map(|wait| wait.expect("a commit got no position in 60 s")).collect()
    }

    /// Waits as a command does: for the hint, and where a leader died with it, by looking.
    async fn placed(&self, row: i64) -> bool {
        for _ in 0..60 {
            if self.hints.position_of(row, Duration::from_secs(1)).await.is_some() {
                return true;
            }
            let found = sqlx::query_scalar::<_, i64>("select position from ledger where event_row = $1").bind(row);
            if found.fetch_optional(&self.pool).await.unwrap().is_some() {
                return true;
            }
        }
        false
    }

    async fn write_all(self: &Arc<Self>, seed: u64, lasts: Duration) -> Vec<Duration> {
        let until = Instant::now() + lasts;
        let writers: JoinSet<Vec<Duration>> =
            (0..WRITERS).map(|writer| Arc::clone(self).keep_writing(seed.wrapping_add(writer), until)).collect();
        let mut waits = writers.join_all().await.concat();
        waits.sort_unstable();
        waits
    }

    async fn settle(&self) {
        eventually(Duration::from_secs(10), || async { unplaced(&self.pool).await.unwrap() == 0 }).await;
        assert_log_is_right(&self.pool).await;
        let stored: i64 = sqlx::query_scalar("select count(*) from events").fetch_one(&self.pool).await.unwrap();
        assert_eq!(stored.unsigned_abs(), self.acknowledged.load(Ordering::Relaxed) as u64);
    }
}

fn quantile(sorted: &[Duration], share: f64) -> Duration {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let index = ((sorted.len() - 1) as f64 * share) as usize;
    sorted[index]
}

/// Holds a transaction open that wrote one event, again and again.
async fn hold_open(pool: PgPool, hold: Duration) {
    let org = OrgId(Uuid::new_v4());
    loop {
        let mut transaction = pool.begin().await.unwrap();
        TicketStream::new(org).insert(&mut transaction, 1, None).await.unwrap();
        tokio::time::sleep(hold).await;
        transaction.rollback().await.unwrap();
    }
}

/// Under one steady leader nothing is lost or out of order, and no holder of anything delays the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_out_of_order_or_late() {
    let (run, seed) = (run(), seed());
    let (database, strangers) = tokio::try_join!(TestDatabase::create(), TestDatabase::create()).unwrap();
    let world = World::new(&database, run.longest_pause_ms).await;
    let leader = Instance::start(&database.pool, None, &world.hints, world.settings("a"));
    let mut holders = JoinSet::new();
    holders.spawn(hold_open(strangers.pool.clone(), run.holders_hold.mul_f64(1.25)));
    holders.spawn(hold_open(world.pool.clone(), run.holders_hold));
    let waits = world.write_all(seed, run.lasts).await;
    holders.shutdown().await;
    world.settle().await;
    let (p50, p99, max) = (quantile(&waits, 0.5), quantile(&waits, 0.99), waits[waits.len() - 1]);
    println!("{} commits, lag p50 {p50:?}, p99 {p99:?}, max {max:?}", waits.len());
    // A reader that stands still while a holder holds waits for at least its time.
    assert!(p99 < run.holders_hold.div_f64(8.0).mul_f64(slack()), "p99 {p99:?}");
    // What was jumped over and rolled back is forgotten in the end.
    eventually(Duration::from_secs(5), || async { leader.status.health().gaps == 0 }).await;
    assert_eq!(leader.status.health().lost_rows, 0);
    leader.stop().await;
}

/// Leaders are killed without warning, robbed of their lease and fenced by a raised epoch, all the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_while_leaders_come_and_go() {
    let (run, seed) = (run(), seed());
    let database = TestDatabase::create().await.unwrap();
    let world = World::new(&database, run.longest_pause_ms).await;
    let chaos = tokio::spawn({
        let (world, pool, until) = (Arc::clone(&world), database.pool.clone(), Instant::now() + run.lasts);
        async move {
            let mut random = StdRng::seed_from_u64(!seed);
            let start = |name: String| Instance::start(&pool, None, &world.hints, world.settings(&name));
            let mut instances: Vec<Instance> = (0..3).map(|index| start(format!("first-{index}"))).collect();
            let mut round = 0;
            while Instant::now() < until {
                tokio::time::sleep(Duration::from_millis(random.random_range(50..400))).await;
                round += 1;
                match random.random_range(0..4) {
                    0 => {
                        let leading = instances.iter().position(|instance| instance.status.health().leading);
                        let killed = instances.swap_remove(leading.unwrap_or(0));
                        killed.kill().await;
                        instances.push(start(format!("killed-{round}")));
                    }
                    1 => {
                        instances.swap_remove(0).stop().await;
                        instances.push(start(format!("stopped-{round}")));
                    }
                    2 => execute(&pool, "update leases set expires_at = '-infinity' where name = 'ledger'").await,
                    _ => execute(&pool, "update ledger_state set epoch = epoch + 1").await,
                }
            }
            instances
        }
    });
    let waits = world.write_all(seed, run.lasts).await;
    let instances = chaos.await.unwrap();
    world.settle().await;
    let epoch: i64 = sqlx::query_scalar("select epoch from ledger_state").fetch_one(&database.pool).await.unwrap();
    println!("{} commits, {epoch} epochs, lag max {:?}", waits.len(), waits[waits.len() - 1]);
    assert!(epoch > 5, "the leaders did not change");
    for instance in instances {
        instance.stop().await;
    }
}

async fn execute(pool: &PgPool, statement: &str) {
    sqlx::query(statement).execute(pool).await.unwrap();
}
