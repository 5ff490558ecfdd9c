//! cqrs-es's contract over our table: its `PersistedEventRepository`, and one `Aggregate` for every [`Decider`].
//!
//! Commands do not run through it: its framework applies each event twice into snapshots, knows no command ids and
//! writes one event a statement (docs/ARCHITECTURE.md). What it gives is a second pair of eyes: [`Store::refold`]
//! folds a stream by cqrs-es's own code, and the tests hold that the stock postgres-es reads what we write.

use super::append::{Append, NewEvent, key};
use super::{Outcome, Store, StoreError, Stream};
use chrono::Utc;
use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::{
    PersistedEventRepository, PersistedEventStore, PersistenceError, ReplayStream, SerializedEvent, SerializedSnapshot,
};
use cqrs_es::{Aggregate, EventStore};
use domain::{Actor, AggregateKind, CommandId, Context, Decider, DomainEvent, EventId, LastChange, OrgId, Version};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

/// Events handed over at a time while a stream is replayed.
const REPLAY_QUEUE: usize = 256;

/// A decider as cqrs-es sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub(super) struct Adapted<D: Decider>(pub(super) D);

/// An event of it, with who, when and at which version: what `apply` wants to know.
#[derive(Clone, Debug)]
pub(super) struct AdaptedEvent<D: Decider> {
    event: D::Event,
    change: LastChange,
}

impl<D: Decider> PartialEq for AdaptedEvent<D> {
    fn eq(&self, other: &Self) -> bool {
        self.event == other.event && self.change == other.change
    }
}

/// What stands in cqrs-es's payload on the way in: our payload alone does not name its type.
#[derive(Deserialize)]
struct Tagged {
    event_type: String,
    event_version: u16,
    payload: Value,
    change: LastChange,
}

impl<D: Decider> Serialize for AdaptedEvent<D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::Error as _;
        let event: DomainEvent = self.event.clone().into();
        let payload = event.to_payload().map_err(S::Error::custom)?;
        let payload: Value = serde_json::from_str(&payload).map_err(S::Error::custom)?;
        payload.serialize(serializer)
    }
}

impl<'de, D: Decider> Deserialize<'de> for AdaptedEvent<D> {
    fn deserialize<R: Deserializer<'de>>(deserializer: R) -> Result<Self, R::Error> {
        let tagged = Tagged::deserialize(deserializer)?;
        let payload = tagged.payload.to_string();
        let event = DomainEvent::decode(D::KIND, &tagged.event_type, tagged.event_version, &payload);
        let event = event.and_then(D::event_from_domain).map_err(R::Error::custom)?;
        Ok(Self { event, change: tagged.change })
    }
}

impl<D: Decider> cqrs_es::DomainEvent for AdaptedEvent<D> {
    fn event_type(&self) -> String {
        let event: DomainEvent = self.event.clone().into();
        event.event_type().to_owned()
    }

    fn event_version(&self) -> String {
        let event: DomainEvent = self.event.clone().into();
        event.event_version().to_string()
    }
}

/// A command with what a decision may know.
pub(super) type Asked<D> = (<D as Decider>::Command, Context);

impl<D: Decider> Aggregate for Adapted<D> {
    const TYPE: &'static str = D::KIND.as_str();
    type Command = Asked<D>;
    type Event = AdaptedEvent<D>;
    type Error = D::Rejection;
    type Services = ();

    async fn handle(
        &mut self,
        (command, context): Asked<D>,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), D::Rejection> {
        for event in self.0.decide(&command, &context)? {
            // The version is the store's to give: this state is thrown away after the command.
            let change = LastChange { version: 0, by: context.actor.clone(), at: context.now };
            sink.write(AdaptedEvent { event, change }, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: AdaptedEvent<D>) {
        self.0.apply(&event.event, &event.change);
    }
}

/// An event's payload with all that reading it back takes.
pub(super) fn tagged(event_type: &str, event_version: &str, payload: Value, change: &LastChange) -> Value {
    let event_version = event_version.parse::<u16>().unwrap_or(0);
    json!({ "event_type": event_type, "event_version": event_version, "payload": payload, "change": change })
}

/// The streams of one org, in cqrs-es's words. What it persists goes through the group append under `actor`.
#[derive(Clone, Copy)]
pub(super) struct Repository<'a> {
    pub(super) store: &'a Store,
    pub(super) org: OrgId,
    pub(super) actor: &'a Actor,
}

impl Repository<'_> {
    fn stream<A: Aggregate>(&self, aggregate_id: &str) -> Result<Stream, PersistenceError> {
        let kind = A::TYPE.parse::<AggregateKind>().map_err(unknown)?;
        Ok(Stream { org: self.org, kind, id: Uuid::parse_str(aggregate_id).map_err(unknown)? })
    }

    async fn events_after<A: Aggregate>(
        &self,
        aggregate_id: Option<&str>,
        after: i64,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        let select = "select aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                             actor, recorded_at
                      from events where org = $1 and aggregate_type = $2 and ($3::text is null or aggregate_id = $3)
                                    and sequence > $4
                      order by aggregate_id, sequence";
        let query = sqlx::query(select).bind(self.org.0).bind(A::TYPE).bind(aggregate_id).bind(after);
        let rows = query.fetch_all(&self.store.pool).await.map_err(connection)?;
        rows.iter().map(|row| serialized(row).map_err(unknown)).collect()
    }
}

fn serialized(row: &PgRow) -> Result<SerializedEvent, Box<dyn std::error::Error + Send + Sync>> {
    let sequence: i64 = row.try_get("sequence")?;
    let (event_type, event_version): (String, String) = (row.try_get("event_type")?, row.try_get("event_version")?);
    let actor: String = row.try_get("actor")?;
    let change =
        LastChange { version: Version::try_from(sequence)?, by: actor.parse()?, at: row.try_get("recorded_at")? };
    let payload = tagged(&event_type, &event_version, row.try_get("payload")?, &change);
    Ok(SerializedEvent::new(
        row.try_get("aggregate_id")?,
        usize::try_from(sequence)?,
        row.try_get("aggregate_type")?,
        event_type,
        event_version,
        payload,
        row.try_get("metadata")?,
    ))
}

fn connection(error: sqlx::Error) -> PersistenceError {
    PersistenceError::ConnectionError(error.into())
}

fn unknown(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> PersistenceError {
    PersistenceError::UnknownError(error.into())
}

impl PersistedEventRepository for Repository<'_> {
    async fn get_events<A: Aggregate>(&self, aggregate_id: &str) -> Result<Vec<SerializedEvent>, PersistenceError> {
        self.events_after::<A>(Some(aggregate_id), 0).await
    }

    async fn get_last_events<A: Aggregate>(
        &self,
        aggregate_id: &str,
        last_sequence: usize,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        self.events_after::<A>(Some(aggregate_id), i64::try_from(last_sequence).map_err(unknown)?).await
    }

    async fn get_snapshot<A: Aggregate>(
        &self,
        aggregate_id: &str,
    ) -> Result<Option<SerializedSnapshot>, PersistenceError> {
        let (org, aggregate_type, id) = key(self.stream::<A>(aggregate_id)?);
        let select = "select payload, last_sequence, current_snapshot from snapshots
                      where org = $1 and aggregate_type = $2 and aggregate_id = $3";
        let query = sqlx::query_as::<_, (Value, i64, i64)>(select).bind(org).bind(aggregate_type).bind(&id);
        let found = query.fetch_optional(&self.store.pool).await.map_err(connection)?;
        let Some((aggregate, last_sequence, current_snapshot)) = found else { return Ok(None) };
        Ok(Some(SerializedSnapshot {
            aggregate_id: id,
            aggregate,
            current_sequence: usize::try_from(last_sequence).map_err(unknown)?,
            current_snapshot: usize::try_from(current_snapshot).map_err(unknown)?,
        }))
    }

    /// All events, or none. Snapshots are written by our own rule, not when cqrs-es says so.
    async fn persist<A: Aggregate>(
        &self,
        events: &[SerializedEvent],
        _: Option<(String, Value, usize)>,
    ) -> Result<(), PersistenceError> {
        let Some(first) = events.first() else { return Ok(()) };
        let command_id = first.metadata.get("command_id").and_then(Value::as_str).unwrap_or_default();
        let command_id = CommandId(Uuid::parse_str(command_id).map_err(unknown)?);
        let stream = self.stream::<A>(&first.aggregate_id)?;
        let append = Append {
            stream,
            expected: Version::try_from(first.sequence.saturating_sub(1)).map_err(unknown)?,
            actor: self.actor.to_string(),
            command_id,
            digest: [0; 32],
            at: Utc::now(),
            metadata: first.metadata.to_string(),
            events: events.iter().map(|event| new_event(stream, event)).collect::<Result<_, _>>().map_err(unknown)?,
        };
        match self.store.append(append).await {
            Ok(Outcome::Stored(_) | Outcome::Answered(_)) => Ok(()),
            Ok(Outcome::Conflict) => Err(PersistenceError::OptimisticLockError),
            Err(error) if error.is_away() => Err(PersistenceError::ConnectionError(error.into())),
            Err(error) => Err(unknown(error)),
        }
    }

    async fn stream_events<A: Aggregate>(&self, aggregate_id: &str) -> Result<ReplayStream, PersistenceError> {
        Ok(replay(self.events_after::<A>(Some(aggregate_id), 0).await?))
    }

    async fn stream_all_events<A: Aggregate>(&self) -> Result<ReplayStream, PersistenceError> {
        Ok(replay(self.events_after::<A>(None, 0).await?))
    }
}

fn new_event(stream: Stream, event: &SerializedEvent) -> Result<NewEvent, Box<dyn std::error::Error + Send + Sync>> {
    let payload = event.payload.to_string();
    // Through the typed event: what cannot be read back is never written.
    let typed = DomainEvent::decode(stream.kind, &event.event_type, event.event_version.parse()?, &payload)?;
    Ok(NewEvent {
        event_id: EventId(Uuid::now_v7()),
        event_type: typed.event_type(),
        event_version: typed.event_version(),
        payload: typed.to_payload()?,
    })
}

fn replay(events: Vec<SerializedEvent>) -> ReplayStream {
    let (mut feed, stream) = ReplayStream::new(REPLAY_QUEUE);
    tokio::spawn(async move {
        for event in events {
            // A reader that left wants no more.
            if feed.push(Ok(event)).await.is_err() {
                return;
            }
        }
    });
    stream
}

impl Store {
    /// The stream folded from its first event by cqrs-es's own store: its version, and whether that is the state that
    /// the executor decides on.
    pub(crate) async fn refold<D: Decider + PartialEq>(&self, stream: Stream) -> Result<(Version, bool), StoreError> {
        let nobody = Actor::system("refold");
        let repository = Repository { store: self, org: stream.org, actor: &nobody };
        let store = PersistedEventStore::<_, Adapted<D>>::new_event_store(repository);
        let failed = |error: cqrs_es::AggregateError<D::Rejection>| StoreError::Refold { stream, source: error.into() };
        let folded = store.load_aggregate(&stream.id.to_string()).await.map_err(failed)?;
        let ours = self.load_fresh::<D>(stream).await?;
        let version = Version::try_from(folded.current_sequence).unwrap_or(Version::MAX);
        Ok((version, version == ours.version && folded.aggregate.0 == ours.state))
    }
}
