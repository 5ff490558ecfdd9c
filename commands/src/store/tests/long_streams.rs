//! Long streams, snapshots, and what is in memory.

use super::{comments, store, streams};
use crate::store::{Outcome, Store, StoreError, Stream};
use domain::ticket::{Ticket, TicketCommented, TicketEvent, TicketRetitled};
use domain::{CommentId, DomainEvent, EventId, Version};
use std::time::Duration;
use testkit::{TestDatabase, eventually};
use uuid::Uuid;

/// A ticket with `events` comments after its creation and a new title at the end.
async fn fill(store: &Store, stream: Stream, events: usize) {
    let created = r#"{"project":"00000000-0000-0000-0000-000000000002","board":"00000000-0000-0000-0000-000000000003",
        "key":"AL-1","number":1,"title":"Long","kind":"task","column":"todo","rank":"a1"}"#;
    let mut first = comments(stream, 0, 1);
    first.events[0].event_type = "TicketCreated";
    created.clone_into(&mut first.events[0].payload);
    store.append(first).await.unwrap();
    let mut version = 1;
    while version < events as Version {
        let count = usize::try_from(events as Version - version).unwrap().min(500);
        assert!(matches!(store.append(comments(stream, version, count)).await.unwrap(), Outcome::Stored(_)));
        version += count as Version;
    }
}

async fn snapshot_of(database: &TestDatabase, stream: Stream) -> Option<(i64, serde_json::Value)> {
    sqlx::query_as("select last_sequence, payload from snapshots where aggregate_id = $1")
        .bind(stream.id.to_string())
        .fetch_optional(&database.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn ten_thousand_events_fold_and_then_load_from_the_snapshot() {
    let database = TestDatabase::create().await.unwrap();
    let stream = streams(1)[0];
    fill(&store(&database.pool), stream, 10_000).await;
    let folded = store(&database.pool).load::<Ticket>(stream).await.unwrap();
    assert_eq!((folded.version, folded.state.title.as_str()), (10_000, "Long"));
    let (at, _) = eventually(Duration::from_secs(10), || snapshot_of(&database, stream)).await;
    assert_eq!(at, 10_000);
    // What is below the snapshot is not read any more: here it could not be.
    let admin = database.owner_pool().await.unwrap();
    sqlx::query("update events set event_type = 'Burnt' where sequence < 9990").execute(&admin).await.unwrap();
    let fresh = store(&database.pool);
    assert_eq!(fresh.load::<Ticket>(stream).await.unwrap().state, folded.state);
    fresh.append(comments(stream, 10_000, 3)).await.unwrap();
    assert_eq!(store(&database.pool).load::<Ticket>(stream).await.unwrap().version, 10_003);
}

#[tokio::test]
async fn a_snapshot_of_another_shape_is_folded_afresh() {
    let database = TestDatabase::create().await.unwrap();
    let stream = streams(1)[0];
    fill(&store(&database.pool), stream, 250).await;
    let folded = store(&database.pool).load::<Ticket>(stream).await.unwrap();
    eventually(Duration::from_secs(10), || snapshot_of(&database, stream)).await;
    let tamper = |set: &'static str| {
        let pool = database.pool.clone();
        async move { sqlx::query(set).execute(&pool).await.unwrap() }
    };
    tamper("update snapshots set schema_version = 0, payload = '{\"title\": \"of another release\"}'").await;
    assert_eq!(store(&database.pool).load::<Ticket>(stream).await.unwrap().state, folded.state);
    eventually(Duration::from_secs(10), || async {
        snapshot_of(&database, stream).await.is_some_and(|(_, payload)| payload["title"] == "Long")
    })
    .await;
    tamper("update snapshots set payload = '{\"damaged\": true}'").await;
    assert_eq!(store(&database.pool).load::<Ticket>(stream).await.unwrap().state, folded.state);
}

#[tokio::test]
async fn every_hundredth_event_brings_a_snapshot() {
    let database = TestDatabase::create().await.unwrap();
    let store = store(&database.pool);
    let stream = streams(1)[0];
    fill(&store, stream, 99).await;
    let folded = store.load::<Ticket>(stream).await.unwrap();
    let title = TicketEvent::from(TicketRetitled { title: "New".to_owned() });
    let comment = TicketCommented { comment: CommentId(Uuid::now_v7()), body_md: "x".to_owned() };
    let events = [title, comment.into()];
    let mut append = comments(stream, 99, 2);
    for (new, event) in append.events.iter_mut().zip(&events) {
        let event: DomainEvent = event.clone().into();
        (new.event_id, new.event_type) = (EventId(Uuid::now_v7()), event.event_type());
        new.payload = event.to_payload().unwrap();
    }
    let (by, at) = (domain::Actor::system("test"), append.at);
    store.append(append).await.unwrap();
    let next = folded.and(&events, &by, at, 100);
    store.stored(stream, folded.version, next.clone()).await;
    let (last, payload) = eventually(Duration::from_secs(10), || snapshot_of(&database, stream)).await;
    assert_eq!((last, &payload["title"]), (101, &"New".into()));
    assert_eq!(store.refold::<Ticket>(stream).await.unwrap(), (101, true));
    assert_eq!(super::store(&database.pool).load::<Ticket>(stream).await.unwrap().state, next.state);
}

#[tokio::test]
async fn what_cannot_be_read_is_said_with_its_place() {
    let database = TestDatabase::create().await.unwrap();
    let stream = streams(1)[0];
    fill(&store(&database.pool), stream, 10).await;
    let admin = database.owner_pool().await.unwrap();
    sqlx::query("update events set event_type = 'Burnt' where sequence = 5").execute(&admin).await.unwrap();
    let unread = store(&database.pool).load::<Ticket>(stream).await;
    assert!(matches!(unread, Err(StoreError::Decode { version: 5, .. })), "{unread:?}");
    sqlx::query("delete from events where sequence = 5").execute(&admin).await.unwrap();
    let hole = store(&database.pool).load::<Ticket>(stream).await;
    assert!(matches!(hole, Err(StoreError::Gap { after: 4, found: 6, .. })), "{hole:?}");
}
