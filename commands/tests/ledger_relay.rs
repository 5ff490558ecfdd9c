//! NATS is disposable: the stream's sequence is the position, whatever happens to the stream, to its publisher, or to
//! the server that keeps it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod ledger_support;

use async_nats::HeaderMap;
use async_nats::header::NATS_EXPECTED_LAST_SEQUENCE;
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::{self, message::PublishMessage};
use commands::ledger::LedgerSettings;
use domain::ids::OrgId;
use feed::crashpoint::stall_at;
use feed::hints::Hints;
use feed::subjects::{self, STREAM, StreamSettings};
use feed::{log, message};
use ledger_support::{Instance, append_many, assert_log_is_right, head, is_true_copy, quick, stream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use testkit::{TestDatabase, TestNats, eventually};
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(10);

struct World {
    database: TestDatabase,
    nats: TestNats,
    client: async_nats::Client,
    hints: Hints,
    org: OrgId,
}

impl World {
    async fn new() -> Self {
        let (database, nats) = tokio::try_join!(TestDatabase::create(), TestNats::start()).unwrap();
        let client = async_nats::ConnectOptions::new()
            .reconnect_delay_callback(|_| Duration::from_millis(100))
            .connect(nats.url())
            .await
            .unwrap();
        Self { database, nats, client, hints: Hints::local(), org: OrgId(Uuid::new_v4()) }
    }

    fn start(&self, settings: LedgerSettings) -> Instance {
        Instance::start(&self.database.pool, Some(&self.client), &self.hints, settings)
    }

    async fn append(&self, count: usize) {
        append_many(&self.database.pool, &self.hints, self.org, count).await.unwrap();
    }

    /// Waits until the stream is a true copy of a log of `events` events.
    async fn copied(&self, events: u64) {
        eventually(SOON, || is_true_copy(&self.client, &self.database.pool, events)).await;
    }
}

fn retaining(messages: u64) -> LedgerSettings {
    LedgerSettings { stream: StreamSettings { retained_messages: messages, ..StreamSettings::default() }, ..quick() }
}

#[tokio::test]
async fn the_sequence_is_the_position_and_the_message_is_the_event() {
    let world = World::new().await;
    // Before there is a leader: a backlog goes out in batches; afterwards one by one.
    world.append(120).await;
    let leader = world.start(quick());
    world.copied(120).await;
    for _ in 0..5 {
        world.append(1).await;
    }
    world.copied(125).await;
    let stream = stream(&world.client).await.unwrap();
    let rows = log::rows_after(&mut *world.database.pool.acquire().await.unwrap(), 0, 1_000).await.unwrap();
    assert_eq!(rows.len(), 125);
    for row in rows {
        let stored = stream.direct_get(row.position).await.unwrap();
        let sent = message::from_parts(Some(&stored.headers), &stored.payload).unwrap();
        assert_eq!(sent, row.decode().unwrap());
        assert_eq!(stored.subject.as_str(), subjects::subject_of(&row));
        assert_eq!(stored.payload, row.payload.as_bytes());
        assert_eq!(stored.headers.get("ce-orgpreviousposition").unwrap().as_str(), (row.position - 1).to_string());
    }
    assert_eq!(leader.status.health().relayed, 125);
    leader.stop().await;
}

#[tokio::test]
async fn a_publisher_that_is_late_is_refused() {
    let world = World::new().await;
    let leader = world.start(quick());
    world.append(20).await;
    world.copied(20).await;
    let zombie = jetstream::new(world.client.clone());
    for expected in [0, 10, 19] {
        let late = PublishMessage::build().expected_last_sequence(expected).payload("late".into());
        let refused = zombie.send_publish("lime.v1.1.a.b.c.d", late).await.unwrap().await.unwrap_err();
        assert_eq!(refused.kind(), PublishErrorKind::WrongLastSequence);
    }
    let mut batch = HeaderMap::new();
    batch.insert("Nats-Batch-Id", "zombie");
    batch.insert("Nats-Batch-Sequence", "1");
    batch.insert("Nats-Batch-Commit", "1");
    batch.insert(NATS_EXPECTED_LAST_SEQUENCE, "10");
    let late = PublishMessage::build().headers(batch).payload("late".into());
    assert!(zombie.send_publish("lime.v1.1.a.b.c.d", late).await.unwrap().await.is_err());
    world.append(1).await;
    world.copied(21).await;
    // Only the first filling made the stream.
    assert_eq!(leader.status.health().refills, 1);
    leader.stop().await;
}

#[tokio::test]
async fn a_wiped_stream_is_filled_again_under_load() {
    let mut world = World::new().await;
    let leader = world.start(retaining(100));
    world.append(150).await;
    world.copied(150).await;
    let (pool, hints, org) = (world.database.pool.clone(), world.hints.clone(), world.org);
    let loading = std::sync::Arc::new(AtomicBool::new(true));
    let load = tokio::spawn({
        let loading = loading.clone();
        async move {
            let mut written = 0_u64;
            while loading.load(Ordering::Relaxed) {
                // Acknowledged whether NATS is there or not.
                append_many(&pool, &hints, org, 10).await.unwrap();
                written += 10;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            written
        }
    });
    world.nats.wipe().await.unwrap();
    eventually(SOON, || async { leader.status.health().refills == 2 }).await;
    loading.store(false, Ordering::Relaxed);
    let events = 150 + load.await.unwrap();
    world.copied(events).await;
    let state = stream(&world.client).await.unwrap().cached_info().state.clone();
    assert_eq!((state.first_sequence, state.messages), (events - 99, 100), "the stream keeps what its retention says");
    assert_log_is_right(&world.database.pool).await;
    leader.stop().await;
}

#[tokio::test]
async fn sequencing_goes_on_while_nats_is_away() {
    let mut world = World::new().await;
    let leader = world.start(quick());
    world.append(5).await;
    world.copied(5).await;
    world.nats.kill();
    world.append(40).await;
    eventually(SOON, || async { head(&world.database.pool).await.unwrap() == 45 }).await;
    assert!(leader.status.health().relayed < 45);
    world.nats.restart().await.unwrap();
    world.copied(45).await;
    assert_eq!(leader.status.health().refills, 1, "the stream was there: it is gone on with");
    leader.stop().await;
}

#[tokio::test]
async fn a_hole_a_stranger_and_a_foreign_stream_are_found() {
    let world = World::new().await;
    let leader = world.start(quick());
    world.append(60).await;
    world.copied(60).await;

    // Somebody deletes a message in the middle.
    stream(&world.client).await.unwrap().delete_message(30).await.unwrap();
    eventually(SOON, || async { leader.status.health().refills == 2 }).await;
    world.copied(60).await;

    // Somebody publishes a message of his own.
    let context = jetstream::new(world.client.clone());
    context.publish("lime.v1.1.a.b.c.d", "mine".into()).await.unwrap().await.unwrap();
    eventually(SOON, || async { leader.status.health().refills == 3 }).await;
    world.copied(60).await;

    // Somebody makes a stream of that name with other content, as long as ours.
    context.delete_stream(STREAM).await.unwrap();
    context.create_stream(StreamSettings::default().config(1)).await.unwrap();
    for _ in 0..60 {
        // The relay may be first: then its event stands there, and the next one is ours or is refused.
        let _ = context.publish("lime.v1.1.a.b.c.d", "mine".into()).await.unwrap().await;
    }
    world.append(1).await;
    world.copied(61).await;
    leader.stop().await;
}

#[tokio::test]
async fn a_flipped_bit_on_nats_disk_is_found_and_filled() {
    let mut world = World::new().await;
    let leader = world.start(LedgerSettings { messages_a_check: 1_000, ..quick() });
    world.append(200).await;
    world.copied(200).await;
    world.nats.stop().await.unwrap();
    flip_a_bit(world.nats.store());
    world.nats.restart().await.unwrap();
    // NATS may cut the file off there, or serve it with a hole: either way every message is there again.
    world.copied(200).await;
    leader.stop().await;
}

/// In the middle of the largest block file of messages.
fn flip_a_bit(store: &Path) {
    let mut folders = vec![store.to_path_buf()];
    let mut blocks = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "blk") {
                blocks.push(path);
            }
        }
    }
    let block = blocks.into_iter().max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    let mut bytes = std::fs::read(&block).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(block, bytes).unwrap();
}

/// A leader that dies in the middle of a batch, or after a confirmation that it could not note, leaves nothing behind
/// that its successor cannot go on from.
#[tokio::test]
async fn a_relay_that_dies_leaves_a_true_copy() {
    let world = World::new().await;
    let mut events = 0;
    for point in ["relay.mid_batch", "relay.after_publish_before_checkpoint"] {
        world.append(50).await;
        events += 50;
        let mut stalled = stall_at(point, 1);
        let dying = world.start(quick());
        tokio::time::timeout(Duration::from_secs(30), stalled.recv()).await.unwrap().unwrap();
        dying.kill().await;
        let next = world.start(quick());
        world.copied(events).await;
        next.stop().await;
    }
    assert_log_is_right(&world.database.pool).await;
}
