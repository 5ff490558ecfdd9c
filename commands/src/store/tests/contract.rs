//! cqrs-es and we read each other.

use super::{store, streams};
use crate::store::framework::{Adapted, AdaptedEvent, Asked, Repository, tagged};
use crate::store::{Store, Stream};
use chrono::{DateTime, Utc};
use cqrs_es::persist::{EventUpcaster, PersistedEventRepository, PersistedEventStore, SerializedEvent};
use cqrs_es::{Aggregate, AggregateContext, AggregateError, EventEnvelope, EventStore};
use domain::org::{CreateOrg, Org, OrgCommand, Role};
use domain::{Actor, AggregateKind, CommandId, Context, LastChange, OrgId, UserId, Version};
use postgres_es::PostgresEventRepository;
use std::collections::HashMap;
use testkit::TestDatabase;
use uuid::Uuid;

type Adaptation<'a> = PersistedEventStore<Repository<'a>, Adapted<Org>>;

/// Tags what the stock repository reads from our table. It knows neither actor nor time.
struct Tag;

impl EventUpcaster for Tag {
    fn can_upcast(&self, _: &str, _: &str) -> bool {
        true
    }

    fn upcast(&self, mut event: SerializedEvent) -> SerializedEvent {
        let version = Version::try_from(event.sequence).unwrap();
        let unknown = LastChange { version, by: Actor::system("unknown"), at: DateTime::<Utc>::UNIX_EPOCH };
        event.payload = tagged(&event.event_type, &event.event_version, event.payload, &unknown);
        event
    }
}

/// Runs a command as cqrs-es does: load, handle, commit.
async fn run(
    store: &Adaptation<'_>,
    id: Uuid,
    (command, context): Asked<Org>,
) -> Result<Vec<EventEnvelope<Adapted<Org>>>, AggregateError<domain::org::OrgRejection>> {
    let mut loaded = store.load_aggregate(&id.to_string()).await?;
    let sink = cqrs_es::event_sink::EventSink::default();
    let metadata = HashMap::from([("command_id".to_owned(), context.command_id.to_string())]);
    loaded.aggregate().handle((command, context), &(), &sink).await.map_err(AggregateError::UserError)?;
    let events: Vec<AdaptedEvent<Org>> = sink.collect().await;
    store.commit(events, loaded, metadata).await
}

fn create(org: OrgId) -> Asked<Org> {
    let command = OrgCommand::Create(CreateOrg { name: "Northwind".to_owned(), owner: UserId(Uuid::from_u128(7)) });
    let context =
        Context { org, actor: Actor::system("test"), now: chrono::Utc::now(), command_id: CommandId(Uuid::now_v7()) };
    (command, context)
}

fn adaptation<'a>(store: &'a Store, stream: Stream, actor: &'a Actor) -> Adaptation<'a> {
    PersistedEventStore::new_event_store(Repository { store, org: stream.org, actor })
}

#[tokio::test]
async fn cqrs_es_stores_through_our_append_and_the_stock_repository_reads_it() {
    let database = TestDatabase::create().await.unwrap();
    let (store, actor) = (store(&database.pool), Actor::system("test"));
    let stream = Stream { kind: AggregateKind::Org, ..streams(1)[0] };
    let ours = adaptation(&store, stream, &actor);
    assert_eq!(run(&ours, stream.id, create(stream.org)).await.unwrap().len(), 2);
    let again = run(&ours, stream.id, create(stream.org)).await;
    assert!(matches!(again, Err(AggregateError::UserError(domain::org::OrgRejection::Exists))));
    // Folded by our own code, by cqrs-es over our repository, and by stock cqrs-es over stock postgres-es.
    let folded = store.load::<Org>(stream).await.unwrap();
    assert_eq!(folded.state.members[&UserId(Uuid::from_u128(7))], Role::Admin);
    assert_eq!(store.refold::<Org>(stream).await.unwrap(), (2, true));
    let stock = PostgresEventRepository::new(database.pool.clone());
    let stock = PersistedEventStore::<_, Adapted<Org>>::new_event_store(stock).with_upcasters(vec![Box::new(Tag)]);
    let read = stock.load_aggregate(&stream.id.to_string()).await.unwrap();
    assert_eq!((read.current_sequence, &read.aggregate.0), (2, &folded.state));
}

#[tokio::test]
async fn a_lost_race_is_an_optimistic_lock() {
    let database = TestDatabase::create().await.unwrap();
    let (store, actor) = (store(&database.pool), Actor::system("test"));
    let stream = Stream { kind: AggregateKind::Org, ..streams(1)[0] };
    let ours = adaptation(&store, stream, &actor);
    let late = ours.load_aggregate(&stream.id.to_string()).await.unwrap();
    let made = run(&ours, stream.id, create(stream.org)).await.unwrap();
    let metadata = HashMap::from([("command_id".to_owned(), Uuid::now_v7().to_string())]);
    let events = made.into_iter().map(|envelope| envelope.payload).collect();
    assert!(matches!(ours.commit(events, late, metadata).await, Err(AggregateError::AggregateConflict)));
}

#[tokio::test]
async fn a_replay_brings_every_event_in_order() {
    let database = TestDatabase::create().await.unwrap();
    let (store, actor) = (store(&database.pool), Actor::system("test"));
    let first = Stream { kind: AggregateKind::Org, ..streams(1)[0] };
    let second = Stream { id: Uuid::now_v7(), ..first };
    for stream in [first, second] {
        run(&adaptation(&store, stream, &actor), stream.id, create(stream.org)).await.unwrap();
    }
    let repository = Repository { store: &store, org: first.org, actor: &actor };
    let mut all = repository.stream_all_events::<Adapted<Org>>().await.unwrap();
    let mut sequences = Vec::new();
    while let Some(event) = all.next::<Adapted<Org>>(&[]).await {
        sequences.push(event.unwrap().sequence);
    }
    assert_eq!(sequences, [1, 2, 1, 2]);
    let one = repository.get_last_events::<Adapted<Org>>(&first.id.to_string(), 1).await.unwrap();
    assert_eq!((one.len(), one[0].event_type.as_str()), (1, "MemberJoined"));
    assert!(repository.get_snapshot::<Adapted<Org>>(&first.id.to_string()).await.unwrap().is_none());
}
