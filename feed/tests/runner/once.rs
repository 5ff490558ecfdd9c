use crate::canary::{Canary, chatter, has_exactly, start};
use feed::crashpoint;
use feed::hints::Hints;
use feed::runner::Runner;
use std::time::Duration;
use testkit::{TestDatabase, TestLog, eventually};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn several_runners_of_one_projection_apply_each_event_once() {
    let database = TestDatabase::create().await.unwrap();
    let (log, hints) = (TestLog::new(&database.pool), Hints::local());
    let mut said = chatter(&log, 5, 300).await;
    let _runners: Vec<_> = (0..3).map(|_| start(&database.pool, None, &hints, Canary::healthy())).collect();
    for _ in 0..100 {
        said.append(&mut chatter(&log, 5, 1).await);
        hints.committed();
    }
    eventually(Duration::from_secs(15), || has_exactly(&database.pool, &said)).await;
}

/// Crash points are the process's own, so both are visited in one test.
#[tokio::test]
async fn a_runner_that_dies_before_or_after_its_commit_repeats_and_loses_nothing() {
    let database = TestDatabase::create().await.unwrap();
    let (log, hints) = (TestLog::new(&database.pool), Hints::local());
    let mut said = Vec::new();
    for point in ["projector.after_apply_before_commit", "projector.after_commit_before_ack"] {
        said.append(&mut chatter(&log, 2, 5).await);
        let mut stalled = crashpoint::stall_at(point, 1);
        let dying = Runner::new(database.pool.clone(), None, hints.clone(), Canary::healthy());
        let dying = tokio::spawn(dying.run(CancellationToken::new()));
        stalled.recv().await.unwrap();
        dying.abort();
        assert!(dying.await.unwrap_err().is_cancelled());
        let _runner = start(&database.pool, None, &hints, Canary::healthy());
        eventually(Duration::from_secs(10), || has_exactly(&database.pool, &said)).await;
    }
}
