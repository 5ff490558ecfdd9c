//! How fast a process tree is gone: by kill, by dropping it, and when its worker dies.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use workers::sandbox::StopCause;

use super::{processes_with, rig, this_program};

/// The promise, for every way to end.
const WITHIN: Duration = Duration::from_secs(1);

/// A tree that clings to life: its own sessions, ignored signals, children of children.
fn clinging(marker: &str) -> String {
    let stubborn = "trap '' TERM INT HUP QUIT";
    format!(
        "{stubborn}; for i in 1 2 3; do setsid sh -c \"{stubborn}; sleep {marker} & sleep {marker}; :\" & done; echo up; wait; sleep {marker}"
    )
}

/// When the processes with the marker are as many as asked for; panics after ten seconds.
async fn until(marker: &str, enough: impl Fn(usize) -> bool) -> Duration {
    let started = Instant::now();
    loop {
        let count = processes_with(marker).len();
        if enough(count) {
            return started.elapsed();
        }
        assert!(started.elapsed() < Duration::from_secs(10), "{count} processes");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn kill_ends_the_whole_tree_within_a_second() {
    let Some(rig) = rig(30).await else { return };
    let marker = format!("41{}", std::process::id());
    let mut process = rig.sandbox.spawn(&rig.shell(&clinging(&marker))).await.unwrap();
    assert_eq!(process.stdout.as_mut().unwrap().next_line().await.unwrap().unwrap(), "up");
    until(&marker, |count| count >= 9).await;
    let asked = Instant::now();
    let ended = process.kill().await;
    let took = asked.elapsed();
    assert_eq!(processes_with(&marker), Vec::<u32>::new());
    assert!(took < WITHIN, "{took:?}");
    assert_eq!(ended.stopped_by, Some(StopCause::Killed));
    assert_eq!(process.kill().await, ended, "a second kill changes nothing");
}

#[tokio::test]
async fn a_dropped_process_ends() {
    let Some(rig) = rig(31).await else { return };
    let marker = format!("42{}", std::process::id());
    let process = rig.sandbox.spawn(&rig.shell(&clinging(&marker))).await.unwrap();
    until(&marker, |count| count >= 9).await;
    drop(process);
    let took = until(&marker, |count| count == 0).await;
    assert!(took < WITHIN, "{took:?}");
}

#[tokio::test]
async fn a_killed_worker_takes_its_sandboxes_along() {
    if rig(32).await.is_none() {
        return;
    }
    let marker = format!("43{}", std::process::id());
    let mut worker = Command::new(this_program())
        .args(["--exact", "death::a_worker_that_will_be_killed", "--ignored", "--nocapture"])
        .env("AL_TEST_MARKER", &marker)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    until(&marker, |count| count >= 9).await;
    worker.kill().unwrap(); // SIGKILL: nothing in the worker runs any more
    let took = until(&marker, |count| count == 0).await;
    worker.wait().unwrap();
    assert!(took < WITHIN, "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "is started, and killed, by the test above"]
async fn a_worker_that_will_be_killed() {
    let Ok(marker) = std::env::var("AL_TEST_MARKER") else { return };
    let Some(rig) = rig(33).await else { return };
    let process = rig.sandbox.spawn(&rig.shell(&clinging(&marker))).await.unwrap();
    process.wait().await;
}

/// The parent-death signal comes at the end of the *thread* that forked: a sandbox that was asked for on
/// a thread which then ended must live on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sandbox_outlives_the_thread_that_asked_for_it() {
    let Some(rig) = rig(34).await else { return };
    let spec = rig.shell("read line; exit 3");
    let (sandbox, runtime) = (rig.sandbox.clone(), tokio::runtime::Handle::current());
    let asked = std::thread::spawn(move || runtime.block_on(sandbox.spawn(&spec)).unwrap());
    let mut process = tokio::task::spawn_blocking(move || asked.join().unwrap()).await.unwrap();
    let still = tokio::time::timeout(Duration::from_millis(300), process.wait()).await;
    assert!(still.is_err(), "it ended with {still:?}");
    drop(process.stdin.take());
    assert_eq!(process.wait().await.exit_code, Some(3));
}
