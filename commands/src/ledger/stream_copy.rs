//! Whether the stream is a true copy of the ledger, and making it one.
//!
//! The stream is disposable. Whatever is wrong with it (gone, behind, ahead, with a hole, with other events), it is
//! never repaired in place: it is made anew with a first sequence that keeps the numbering, and filled from
//! PostgreSQL. Only a stream that merely lost its end is gone on with.

use super::leader::Leadership;
use super::status::LedgerStatus;
use async_nats::Client;
use async_nats::connection::State as Connection;
use async_nats::jetstream::Context;
use async_nats::jetstream::context::{
    ContextBuilder, CreateStreamError, DeleteStreamError, GetStreamError, GetStreamErrorKind,
};
use async_nats::jetstream::stream::{
    Config, DirectGetError, DirectGetErrorKind, InfoError, RawMessageError, RawMessageErrorKind, State, Stream,
};
use domain::ids::{EventId, Position};
use feed::log::{self, from_bigint, to_bigint};
use feed::message::event_id;
use feed::subjects::{STREAM, StreamSettings};
use futures::{StreamExt, TryStreamExt};
use sqlx::PgPool;
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// How long NATS may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);
const STREAM_NOT_FOUND: u64 = 10_059;
const NO_MESSAGE_FOUND: u64 = 10_037;

#[derive(Debug, thiserror::Error)]
pub(super) enum CopyError {
    #[error("NATS is away")]
    Away,
    #[error("failed to read the stream's state")]
    State(#[source] GetStreamError),
    #[error("failed to read the stream's state")]
    Info(#[source] InfoError),
    #[error("failed to read the ledger")]
    Ledger(#[source] sqlx::Error),
    #[error("failed to read the message {sequence}")]
    Message {
        sequence: u64,
        #[source]
        source: DirectGetError,
    },
    #[error("failed to read the message {sequence}")]
    RawMessage {
        sequence: u64,
        #[source]
        source: RawMessageError,
    },
    #[error("failed to delete the damaged stream")]
    Delete(#[source] DeleteStreamError),
    #[error("failed to create the stream")]
    Create(#[source] CreateStreamError),
    #[error("the stream is damaged: {0}")]
    Damaged(Damage),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Damage {
    #[error("it is gone")]
    Gone,
    #[error("it is at {last}, ahead of what was published, {head}")]
    Ahead { last: u64, head: Position },
    #[error("it ends at {last}, before the oldest position {oldest} that it should hold")]
    FarBehind { last: u64, oldest: Position },
    #[error("it lost its end: it is at {last}, and had confirmed {confirmed}")]
    LostEnd { last: u64, confirmed: Position },
    #[error("it has {messages} messages between {first} and {last}")]
    Hole { first: u64, last: u64, messages: u64 },
    #[error("its message {sequence} cannot be read")]
    Unreadable { sequence: u64 },
    #[error("its message {sequence} is another event than the ledger's")]
    OtherEvent { sequence: u64 },
    #[error("its settings are not those of this build and cannot be changed")]
    OtherSettings,
}

pub(super) struct StreamCopy {
    context: Context,
    pool: PgPool,
    settings: StreamSettings,
    messages_a_check: u64,
    status: LedgerStatus,
    /// Where the reading back goes on.
    next_check: Position,
    /// What a check found inside: its ends alone would look good.
    condemned: Option<Damage>,
}

impl StreamCopy {
    pub(super) fn new(client: Client, leadership: &Leadership) -> Self {
        Self {
            context: ContextBuilder::new().timeout(ANSWER_LIMIT).build(client),
            pool: leadership.pool.clone(),
            settings: leadership.settings.stream,
            messages_a_check: u64::from(leadership.settings.messages_a_check),
            status: leadership.status.clone(),
            next_check: 0,
            condemned: None,
        }
    }

    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    /// Makes the stream a true copy of the ledger up to a position, which is returned.
    pub(super) async fn make_good(&mut self) -> Result<Position, CopyError> {
        if self.context.client().connection_state() != Connection::Connected {
            return Err(CopyError::Away);
        }
        let damage = match self.stream().await? {
            None => Damage::Gone,
            Some(stream) => match self.judge(&stream).await {
                Ok(last) => match self.condemned {
                    None => return Ok(last),
                    Some(damage) => damage,
                },
                Err(CopyError::Damaged(damage)) => damage,
                Err(error) => return Err(error),
            },
        };
        self.make_anew(damage).await
    }

    /// Compares the stream with the ledger up to `confirmed`, and reads some of its messages back. `sent` is the last
    /// position that was published at all.
    pub(super) async fn check(&mut self, confirmed: Position, sent: Position) -> Result<(), CopyError> {
        let outcome = self.compare(confirmed, sent).await;
        if let Err(CopyError::Damaged(damage)) = &outcome {
            match damage {
                Damage::Hole { .. } | Damage::Unreadable { .. } | Damage::OtherEvent { .. } => {
                    self.condemned = Some(*damage);
                }
                // What the stream's state shows is judged afresh.
                Damage::Gone
                | Damage::Ahead { .. }
                | Damage::FarBehind { .. }
                | Damage::LostEnd { .. }
                | Damage::OtherSettings => {}
            }
        }
        outcome
    }

    async fn compare(&mut self, confirmed: Position, sent: Position) -> Result<(), CopyError> {
        let Some(stream) = self.stream().await? else { return Err(CopyError::Damaged(Damage::Gone)) };
        let state = stream.cached_info().state.clone();
        whole(&state)?;
        if state.last_sequence < confirmed {
            return Err(CopyError::Damaged(Damage::LostEnd { last: state.last_sequence, confirmed }));
        }
        if state.last_sequence > sent {
            return Err(CopyError::Damaged(Damage::Ahead { last: state.last_sequence, head: sent }));
        }
        if state.messages == 0 || confirmed < state.first_sequence {
            return Ok(());
        }
        if !(state.first_sequence..=confirmed).contains(&self.next_check) {
            self.next_check = state.first_sequence;
        }
        let until = confirmed.min(self.next_check.saturating_add(self.messages_a_check).saturating_sub(1));
        let sequences: Vec<u64> = (self.next_check..=until).collect();
        self.same_events(&stream, &sequences).await?;
        self.next_check = until + 1;
        Ok(())
    }

    async fn stream(&self) -> Result<Option<Stream>, CopyError> {
        match self.context.get_stream(STREAM).await {
            Ok(stream) => Ok(Some(stream)),
            Err(error) if says_gone(&error) => Ok(None),
            Err(error) => Err(CopyError::State(error)),
        }
    }

    /// The last sequence of a stream that is a true copy up to there.
    async fn judge(&self, stream: &Stream) -> Result<Position, CopyError> {
        let state = stream.cached_info().state.clone();
        // The head is read after the stream's state: nothing is published before it is in the ledger.
        let head = self.head().await?;
        let last = state.last_sequence;
        if last > head {
            return Err(CopyError::Damaged(Damage::Ahead { last, head }));
        }
        let oldest = self.settings.first_retained(head);
        if last + 1 < oldest {
            return Err(CopyError::Damaged(Damage::FarBehind { last, oldest }));
        }
        whole(&state)?;
        if state.messages > 0 {
            self.same_events(stream, &[state.first_sequence, last]).await?;
        }
        self.adjust_settings(stream).await?;
        Ok(last)
    }

    async fn adjust_settings(&self, stream: &Stream) -> Result<(), CopyError> {
        let found = &stream.cached_info().config;
        let wanted = Config { first_sequence: found.first_sequence, ..self.settings.config(1) };
        let same = found.subjects == wanted.subjects
            && found.max_messages == wanted.max_messages
            && found.max_bytes == wanted.max_bytes
            && found.max_age == wanted.max_age
            && found.num_replicas == wanted.num_replicas
            && found.discard == wanted.discard
            && found.storage == wanted.storage
            && found.retention == wanted.retention
            && found.allow_direct
            && found.allow_atomic_publish;
        if same {
            return Ok(());
        }
        tracing::info!(stream = STREAM, "adjusting the stream's settings");
        match self.context.update_stream(wanted).await {
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::warn!(%error, "the stream's settings cannot be changed");
                Err(CopyError::Damaged(Damage::OtherSettings))
            }
        }
    }

    async fn make_anew(&mut self, damage: Damage) -> Result<Position, CopyError> {
        let head = self.head().await?;
        let first = self.settings.first_retained(head);
        if damage == Damage::Gone {
            tracing::info!(stream = STREAM, first, head, "creating the stream and filling it from PostgreSQL");
        } else {
            tracing::warn!(stream = STREAM, %damage, first, head, "making the stream anew and filling it from PostgreSQL");
            match self.context.delete_stream(STREAM).await {
                Ok(_) => {}
                Err(error) if says_gone(&error) => {}
                Err(error) => return Err(CopyError::Delete(error)),
            }
        }
        self.context.create_stream(self.settings.config(first)).await.map_err(CopyError::Create)?;
        self.status.count_refill();
        self.next_check = 0;
        self.condemned = None;
        Ok(first - 1)
    }

    async fn head(&self) -> Result<Position, CopyError> {
        let mut conn = self.pool.acquire().await.map_err(CopyError::Ledger)?;
        log::head(&mut conn).await.map_err(CopyError::Ledger)
    }

    /// Whether these messages are the events that the ledger has at their positions.
    async fn same_events(&self, stream: &Stream, sequences: &[u64]) -> Result<(), CopyError> {
        let positions: Vec<i64> = sequences.iter().map(|sequence| to_bigint(*sequence)).collect();
        let ledger: HashMap<Position, EventId> =
            sqlx::query_as::<_, (i64, Uuid)>("select position, event_id from ledger where position = any($1)")
                .bind(&positions)
                .fetch_all(&self.pool)
                .await
                .map_err(CopyError::Ledger)?
                .into_iter()
                .map(|(position, event)| (from_bigint(position), EventId(event)))
                .collect();
        let found: Vec<(u64, Option<EventId>)> = futures::stream::iter(sequences.iter().copied())
            .map(|sequence| async move { Ok((sequence, read_event_id(stream, sequence).await?)) })
            .buffered(16)
            .try_collect()
            .await?;
        for (sequence, event) in found {
            if event.is_none() {
                // The oldest messages go when new ones come: then it is no damage.
                let first = stream.get_info().await.map_err(CopyError::Info)?.state.first_sequence;
                if sequence >= first {
                    return Err(CopyError::Damaged(Damage::Unreadable { sequence }));
                }
            } else if event != ledger.get(&sequence).copied() {
                return Err(CopyError::Damaged(Damage::OtherEvent { sequence }));
            }
        }
        Ok(())
    }
}

/// Every sequence between the first and the last is there, as far as the server knows.
fn whole(state: &State) -> Result<(), CopyError> {
    let (first, last, messages) = (state.first_sequence, state.last_sequence, state.messages);
    if messages > 0 && last - first + 1 != messages {
        return Err(CopyError::Damaged(Damage::Hole { first, last, messages }));
    }
    Ok(())
}

/// The event id of a message; none when the server has no such message, or it is no event.
async fn read_event_id(stream: &Stream, sequence: u64) -> Result<Option<EventId>, CopyError> {
    match stream.direct_get(sequence).await {
        Ok(message) => return Ok(event_id(&message.headers)),
        // A replica may lag; only the stream's leader knows.
        Err(error) if error.kind() == DirectGetErrorKind::NotFound => {}
        Err(source) => return Err(CopyError::Message { sequence, source }),
    }
    match stream.get_raw_message(sequence).await {
        Ok(message) => Ok(event_id(&message.headers)),
        Err(error) if says_no_message(&error) => Ok(None),
        Err(source) => Err(CopyError::RawMessage { sequence, source }),
    }
}

fn says_gone(error: &GetStreamError) -> bool {
    matches!(error.kind(), GetStreamErrorKind::JetStream(answer) if answer.error_code().0 == STREAM_NOT_FOUND)
}

fn says_no_message(error: &RawMessageError) -> bool {
    match error.kind() {
        RawMessageErrorKind::NoMessageFound => true,
        RawMessageErrorKind::JetStream(answer) => answer.error_code().0 == NO_MESSAGE_FOUND,
        RawMessageErrorKind::InvalidSubject | RawMessageErrorKind::Other => false,
    }
}
