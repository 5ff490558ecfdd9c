//! Floods, hogs and programs that never end.

use std::time::Duration;

use workers::sandbox::{OutputError, StopCause};

use super::rig;

#[tokio::test]
async fn a_line_without_end_stops_the_program() {
    let Some(rig) = rig(20).await else { return };
    let mut spec = rig.shell("cat /dev/zero");
    spec.limits.line_bytes = 1 << 20;
    let mut process = rig.sandbox.spawn(&spec).await.unwrap();
    let error = process.stdout.take().unwrap().next_line().await.unwrap_err();
    assert!(matches!(error, OutputError::LineTooLong { limit_bytes } if limit_bytes == 1 << 20));
    assert_eq!(process.wait().await.stopped_by, Some(StopCause::OutputFlood));
}

#[tokio::test]
async fn both_outputs_count_together() {
    let Some(rig) = rig(21).await else { return };
    let mut spec = rig.shell("yes error >&2 & yes output");
    spec.limits.output_bytes = 4 << 20;
    let mut process = rig.sandbox.spawn(&spec).await.unwrap();
    let (mut stdout, mut stderr) = (process.stdout.take().unwrap(), process.stderr.take().unwrap());
    let errors = tokio::spawn(async move { while let Ok(Some(_)) = stderr.next_line().await {} });
    let mut count = 0_u64;
    while let Ok(Some(_)) = stdout.next_line().await {
        count += 1;
    }
    errors.await.unwrap();
    assert!(count * 7 <= 4 << 20, "{count}");
    assert_eq!(process.wait().await.stopped_by, Some(StopCause::OutputFlood));
}

#[tokio::test]
async fn the_wall_clock_ends_what_never_ends() {
    let Some(rig) = rig(22).await else { return };
    let mut spec = rig.shell("trap '' TERM INT HUP; while :; do sleep 1; done");
    spec.limits.wall_clock = Duration::from_millis(700);
    let (ended, ..) = rig.run(&spec).await.unwrap();
    assert_eq!(ended.stopped_by, Some(StopCause::WallClock));
    assert!(ended.ran_for < Duration::from_secs(5), "{ended:?}");
}

#[tokio::test]
async fn memory_counts_over_all_processes() {
    let Some(rig) = rig(23).await else { return };
    // Six processes of 40 MiB each: none is over the limit of one process, together they are.
    let hog =
        "hog() { x=$(head -c 41943040 /dev/zero | tr '\\0' x); sleep 60; }; for i in 1 2 3 4 5 6; do hog & done; wait";
    let mut spec = rig.spec(["/bin/bash", "-c", hog]);
    spec.limits.memory_bytes = 160 << 20;
    let (ended, _, stderr) = rig.run(&spec).await.unwrap();
    assert_eq!(ended.stopped_by, Some(StopCause::Memory), "{ended:?} {stderr}");
    assert!(ended.peak.memory_bytes > 160 << 20);
}

#[tokio::test]
async fn what_is_written_counts_over_all_files() {
    let Some(rig) = rig(24).await else { return };
    let mut spec = rig.shell("for i in 1 2 3 4 5 6 7 8; do head -c 4194304 /dev/zero > part-$i; done; sleep 60");
    spec.limits.disk_bytes = 16 << 20;
    let (ended, ..) = rig.run(&spec).await.unwrap();
    assert_eq!(ended.stopped_by, Some(StopCause::Disk));
}
