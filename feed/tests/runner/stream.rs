use crate::canary::{Canary, chatter, has_exactly, say, start};
use async_nats::jetstream::{self, message::PublishMessage};
use feed::hints::Hints;
use feed::log;
use feed::subjects::{self, STREAM, StreamSettings};
use sqlx::PgPool;
use std::time::Duration;
use testkit::{TestDatabase, TestLog, TestNats, eventually};

async fn create_stream(jetstream: &jetstream::Context, first: u64) {
    jetstream.create_stream(StreamSettings::default().config(first)).await.unwrap();
}

/// As the relay does it: the stream's sequence is the position.
async fn publish(pool: &PgPool, jetstream: &jetstream::Context, after: u64) {
    let mut connection = pool.acquire().await.unwrap();
    for row in log::rows_after(&mut connection, after, 10_000).await.unwrap() {
        let message = PublishMessage::build()
            .payload(row.payload.clone().into())
            .headers(subjects::headers(&row))
            .expected_last_sequence(row.position - 1);
        jetstream.send_publish(subjects::subject_of(&row), message).await.unwrap().await.unwrap();
    }
}

/// Waits until a runner's consumer is there.
async fn a_consumer(jetstream: &jetstream::Context) {
    eventually(Duration::from_secs(5), || async {
        let stream = jetstream.get_stream(STREAM).await.map_err(|error| error.to_string())?;
        let consumers = stream.cached_info().state.consumer_count;
        if consumers > 0 { Ok(()) } else { Err(format!("{consumers} consumers")) }
    })
    .await;
}

#[tokio::test]
async fn live_events_come_by_the_stream_before_any_poll() {
    let (database, nats) = (TestDatabase::create().await.unwrap(), TestNats::start().await.unwrap());
    let jetstream = jetstream::new(nats.client().await.unwrap());
    let (log, hints) = (TestLog::new(&database.pool), Hints::local());
    create_stream(&jetstream, 1).await;
    let _runner = start(&database.pool, Some(jetstream.clone()), &hints, Canary::healthy());
    a_consumer(&jetstream).await;
    let mut said = Vec::new();
    let mut quick = 0;
    for number in 0..20 {
        said.push(say(&log, "live").await);
        let published = tokio::time::Instant::now();
        publish(&database.pool, &jetstream, number).await;
        eventually(Duration::from_secs(3), || has_exactly(&database.pool, &said)).await;
        quick += u32::from(published.elapsed() < Duration::from_millis(400));
    }
    // The poll alone, once a second, would be in time for less than half of them.
    assert!(quick > 15, "{quick} of 20 within 400 ms");
}

#[tokio::test]
async fn a_hole_in_the_stream_is_read_from_postgresql() {
    let (database, nats) = (TestDatabase::create().await.unwrap(), TestNats::start().await.unwrap());
    let jetstream = jetstream::new(nats.client().await.unwrap());
    let (log, hints) = (TestLog::new(&database.pool), Hints::local());
    create_stream(&jetstream, 1).await;
    let said = chatter(&log, 3, 30).await;
    publish(&database.pool, &jetstream, 0).await;
    // Lost in the stream before anybody read them.
    let stream = jetstream.get_stream(STREAM).await.unwrap();
    for position in [1, 7, 8, 30] {
        stream.delete_message(position).await.unwrap();
    }
    let _runner = start(&database.pool, Some(jetstream.clone()), &hints, Canary::healthy());
    eventually(Duration::from_secs(5), || has_exactly(&database.pool, &said)).await;

    // And live: two are never published, the third is.
    a_consumer(&jetstream).await;
    let said = [said, chatter(&log, 3, 3).await].concat();
    let mut connection = database.pool.acquire().await.unwrap();
    let last = log::rows_after(&mut connection, 32, 1).await.unwrap().remove(0);
    jetstream
        .publish_with_headers(subjects::subject_of(&last), subjects::headers(&last), last.payload.clone().into())
        .await
        .unwrap()
        .await
        .unwrap();
    eventually(Duration::from_secs(3), || has_exactly(&database.pool, &said)).await;
}

#[tokio::test]
async fn nats_may_be_silent_stopped_wiped_and_back() {
    let (database, mut nats) = (TestDatabase::create().await.unwrap(), TestNats::start().await.unwrap());
    let jetstream = jetstream::new(nats.client().await.unwrap());
    let (log, hints) = (TestLog::new(&database.pool), Hints::local());
    create_stream(&jetstream, 1).await;
    let _runner = start(&database.pool, Some(jetstream.clone()), &hints, Canary::healthy());
    a_consumer(&jetstream).await;
    let mut said = chatter(&log, 3, 5).await;
    publish(&database.pool, &jetstream, 0).await;
    eventually(Duration::from_secs(3), || has_exactly(&database.pool, &said)).await;

    nats.pause().unwrap();
    said.append(&mut chatter(&log, 3, 5).await);
    eventually(Duration::from_secs(4), || has_exactly(&database.pool, &said)).await;
    nats.resume().unwrap();

    nats.kill();
    said.append(&mut chatter(&log, 3, 5).await);
    eventually(Duration::from_secs(4), || has_exactly(&database.pool, &said)).await;

    nats.wipe().await.unwrap();
    eventually(Duration::from_secs(10), || async {
        let settings = StreamSettings::default().config(16);
        jetstream.create_stream(settings).await.map(|_| ()).map_err(|error| error.to_string())
    })
    .await;
    said.append(&mut chatter(&log, 3, 5).await);
    eventually(Duration::from_secs(4), || has_exactly(&database.pool, &said)).await;

    // And it is live again.
    eventually(Duration::from_secs(10), || async {
        let stream = jetstream.get_stream(STREAM).await.map_err(|error| error.to_string())?;
        if stream.cached_info().state.consumer_count > 0 { Ok(()) } else { Err("no consumer".to_owned()) }
    })
    .await;
}
