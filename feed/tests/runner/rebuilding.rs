use crate::canary::{Canary, chain_of, chatter, has_exactly, seen, start};
use feed::hints::Hints;
use feed::runner::{self, Projection};
use std::sync::Arc;
use std::time::Duration;
use testkit::{TestDatabase, TestLog, eventually};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_rebuild_under_writes_swaps_whole_and_never_runs_backwards() {
    let database = TestDatabase::create().await.unwrap();
    let (log, hints) = (TestLog::new(&database.pool), Hints::local());
    let mut said = chatter(&log, 5, 700).await;
    let canary = Canary::healthy();
    let _runner = start(&database.pool, None, &hints, Canary::healthy());
    eventually(Duration::from_secs(10), || has_exactly(&database.pool, &said)).await;

    let stop = CancellationToken::new();
    let writer = tokio::spawn({
        let (log, hints, stop) = (log.clone(), hints.clone(), stop.clone());
        async move {
            let mut said = Vec::new();
            while !stop.is_cancelled() {
                said.append(&mut chatter(&log, 5, 3).await);
                hints.committed();
            }
            said
        }
    });
    // A reader that looks all the time: what it sees is always a whole chain, and never shorter than before.
    let reader = tokio::spawn({
        let (pool, stop) = (database.pool.clone(), stop.clone());
        async move {
            let (mut looks, mut last) = (0, 0);
            while !stop.is_cancelled() {
                let now = seen(&pool).await.unwrap();
                assert_eq!(now.length, now.checkpoint);
                assert!(now.length >= last, "{} after {last}", now.length);
                last = now.length;
                looks += 1;
            }
            looks
        }
    });
    for generation in 2..=4 {
        let mut last = 0;
        runner::rebuild(&database.pool, &*canary, |progress| {
            assert!(progress.position > last);
            last = progress.position;
        })
        .await
        .unwrap();
        assert!(last >= 700);
        assert_eq!(seen(&database.pool).await.unwrap().generation, generation);
    }
    stop.cancel();
    said.append(&mut writer.await.unwrap());
    assert!(reader.await.unwrap() > 10);
    eventually(Duration::from_secs(10), || has_exactly(&database.pool, &said)).await;

    let live = runner::live_digest(&database.pool, &*canary).await.unwrap().unwrap();
    let again = runner::rebuild_digest(&database.pool, &*canary, live.position).await.unwrap();
    assert_eq!(live, again);
    // One event less is another digest: it does look at the rows.
    let shorter = runner::rebuild_digest(&database.pool, &*canary, live.position - 1).await.unwrap();
    assert_ne!(live.sha256, shorter.sha256);
    let left: i64 = sqlx::query_scalar("select count(*) from projection_generations where state = 'checking'")
        .fetch_one(&database.pool)
        .await
        .unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn another_definition_is_built_beside_while_the_old_one_is_read() {
    let database = TestDatabase::create().await.unwrap();
    let (log, hints) = (TestLog::new(&database.pool), Hints::local());
    let said = chatter(&log, 5, 600).await;
    let runner = start(&database.pool, None, &hints, Canary::healthy());
    eventually(Duration::from_secs(10), || has_exactly(&database.pool, &said)).await;
    drop(runner);

    let next: Arc<dyn Projection> = Arc::new(Canary { revision: 2, faults: Arc::default() });
    let _newer = start(&database.pool, None, &hints, next);
    let pool = &database.pool;
    eventually(Duration::from_secs(10), || async {
        let now = seen(pool).await.unwrap();
        // Until the swap it is the old one, whole.
        assert_eq!((now.length, now.hash), chain_of(&said));
        now.generation == 2
    })
    .await;

    // A process of the release before stands by instead of building its own again.
    let _older = start(&database.pool, None, &hints, Canary::healthy());
    let said = [said, chatter(&log, 5, 20).await].concat();
    eventually(Duration::from_secs(10), || has_exactly(&database.pool, &said)).await;
    assert_eq!(seen(&database.pool).await.unwrap().generation, 2);
}

#[tokio::test]
async fn a_rebuild_that_died_is_taken_up_and_two_at_once_meet() {
    let database = TestDatabase::create().await.unwrap();
    let (log, hints) = (TestLog::new(&database.pool), Hints::local());
    let said = chatter(&log, 3, 1_500).await;
    let _runner = start(&database.pool, None, &hints, Canary::healthy());
    eventually(Duration::from_secs(10), || has_exactly(&database.pool, &said)).await;

    let mut stalled = feed::crashpoint::stall_at("rebuild.before_swap", 1);
    let dying = tokio::spawn({
        let pool = database.pool.clone();
        async move { runner::rebuild(&pool, &*Canary::healthy(), |_| ()).await }
    });
    stalled.recv().await.unwrap();
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
    assert_eq!(seen(&database.pool).await.unwrap().generation, 1);

    let mut steps = 0;
    runner::rebuild(&database.pool, &*Canary::healthy(), |_| steps += 1).await.unwrap();
    assert_eq!(steps, 0, "everything was applied before");
    assert_eq!(seen(&database.pool).await.unwrap().generation, 2);

    let (one, other) =
        tokio::join!(async { runner::rebuild(&database.pool, &*Canary::healthy(), |_| ()).await }, async {
            runner::rebuild(&database.pool, &*Canary::healthy(), |_| ()).await
        },);
    one.unwrap();
    other.unwrap();
    eventually(Duration::from_secs(10), || has_exactly(&database.pool, &said)).await;
}
