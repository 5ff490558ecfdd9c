//! One command, start to end: load → decide → append, and whether it had been answered before.

use crate::error::Source;
use crate::input::Input;
use crate::objects::Objects;
use crate::store::{Answered, Append, Folded, NewEvent, Outcome, Store, StoreError, Stream};
use crate::{Accepted, Caller, CommandError, CommandSettings};
use chrono::{DateTime, SubsecRound, Utc};
use domain::agent_run::AgentRun;
use domain::board::Board;
use domain::limits::EVENT_MAX_BYTES;
use domain::org::Org;
use domain::project::Project;
use domain::repo_connection::RepoConnection;
use domain::ticket::Ticket;
use domain::{AggregateKind, Context, Decider, DomainEvent, EventId, LastChange, Metadata, OrgId, Rejection, Version};
use feed::hints::Hints;
use sqlx::PgPool;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Mutex;
use tracing::Instrument;
use uuid::Uuid;

/// How often a command is decided anew because somebody else stored an event in its stream meanwhile.
const RETRIES: u32 = 3;
/// Commands for one stream wait for each other here instead of failing against each other at the append. More locks
/// than commands at a time, so that different streams rarely meet.
const STREAM_LOCKS: usize = 4_096;

/// The write side of one process. Cloning shares it.
#[derive(Clone)]
pub struct Commands {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    hints: Hints,
    objects: Arc<dyn Objects>,
    settings: CommandSettings,
    storage_low: AtomicBool,
    stream_locks: Vec<Mutex<()>>,
}

impl fmt::Debug for Commands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commands").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

impl Commands {
    /// Starts the writer tasks; must be called inside a tokio runtime. They end when the last clone is dropped.
    pub fn new(pool: PgPool, hints: Hints, objects: Arc<dyn Objects>, settings: CommandSettings) -> Self {
        let store = Store::new(&pool, &hints, &settings);
        let stream_locks = (0..STREAM_LOCKS).map(|_| Mutex::new(())).collect();
        let storage_low = AtomicBool::new(false);
        Self { inner: Arc::new(Inner { store, hints, objects, settings, storage_low, stream_locks }) }
    }

    /// While set, every command answers [`CommandError::StorageLow`].
    pub fn set_storage_low(&self, low: bool) {
        self.inner.storage_low.store(low, Ordering::Relaxed);
    }

    /// Whether commands are refused for lack of room: work that only makes more of it should not begin.
    pub fn is_storage_low(&self) -> bool {
        self.inner.storage_low.load(Ordering::Relaxed)
    }

    pub fn objects(&self) -> &Arc<dyn Objects> {
        &self.inner.objects
    }

    pub fn settings(&self) -> &CommandSettings {
        &self.inner.settings
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.inner.store.pool()
    }

    /// Runs a use case: checks its input, and when its work ends in anything but an append looks whether the command
    /// had been answered before. So the first try of a command, which is nearly every one, pays for no look-up; the
    /// unique command id in the log decides in the append itself.
    ///
    /// The answer comes within the settings' patience: PostgreSQL that is away is UNAVAILABLE, never a hang.
    pub(crate) async fn perform<I: Input>(
        &self,
        caller: &Caller,
        input: &I,
        work: impl Future<Output = Result<Accepted, CommandError>>,
    ) -> Result<Accepted, CommandError> {
        // Once on the heap, it is not part of each of the futures around it, up to the resolver's.
        let work = Box::pin(work);
        let span = tracing::info_span!(
            "command",
            name = I::NAME,
            org = %caller.org,
            command_id = %caller.command_id,
            correlation_id = %caller.correlation_id,
        );
        async {
            if self.is_storage_low() {
                return Err(CommandError::StorageLow);
            }
            input.check()?;
            let patience = self.inner.settings.patience * I::STEPS;
            let whole = async {
                let result = work.await;
                if needs_look_up(&result)
                    && let Some(before) = self.answered_before(caller, input.digest(caller)).await?
                {
                    return Ok(before);
                }
                result
            };
            match tokio::time::timeout(patience, whole).await {
                Ok(result) => self.placed(result?).await,
                Err(_) => Err(StoreError::TimedOut(patience).into()),
            }
        }
        .instrument(span)
        .await
    }

    /// With its place in the log, when that is known soon.
    async fn placed(&self, mut accepted: Accepted) -> Result<Accepted, CommandError> {
        let wait = self.inner.settings.position_wait;
        // A timer of no length would still cost its millisecond.
        if accepted.position.is_none()
            && !wait.is_zero()
            && let Some(row) = accepted.rows.last()
        {
            accepted.position = self.inner.hints.position_of(*row, wait).await;
        }
        Ok(accepted)
    }

    async fn answered_before(&self, caller: &Caller, digest: [u8; 32]) -> Result<Option<Accepted>, CommandError> {
        let actor = caller.actor.to_string();
        let answered = self.inner.store.answered(caller.org, &actor, caller.command_id).await?;
        answered.map(|answered| repeated(answered, digest)).transpose()
    }

    /// Decides a command on its aggregate and stores what follows from it.
    ///
    /// `digest` is of the input that the sender gave: the same command id with another one is INVALID.
    pub(crate) async fn execute<D: Decider>(
        &self,
        caller: &Caller,
        id: Uuid,
        digest: [u8; 32],
        command: &D::Command,
    ) -> Result<Accepted, CommandError> {
        let stream = Stream { org: caller.org, kind: D::KIND, id };
        let _turn = self.turn(stream).await;
        let store = &self.inner.store;
        let mut folded = store.load::<D>(stream).await?;
        let mut fresh = false;
        let mut conflicts = 0;
        loop {
            let at = Utc::now().trunc_subsecs(6);
            let decision = decide(&folded, caller, at, command);
            let events = match decision {
                Ok(events) if !events.is_empty() => events,
                // Nothing but an append notices that the state was behind: look before such an answer.
                other if !fresh => {
                    let before = folded.version;
                    folded = store.load_fresh::<D>(stream).await?;
                    fresh = true;
                    if folded.version == before {
                        return settled(id, before, other);
                    }
                    continue;
                }
                other => return settled(id, folded.version, other),
            };
            let append = self.append_of::<D>(caller, stream, folded.version, digest, at, &events)?;
            let event_ids: Vec<EventId> = append.events.iter().map(|event| event.event_id).collect();
            let bytes = append.events.iter().map(|event| event.payload.len()).sum();
            match store.append(append).await? {
                Outcome::Stored(rows) => {
                    let next = folded.and(&events, &caller.actor, at, bytes);
                    let version = next.version;
                    store.stored(stream, folded.version, next).await;
                    return Ok(Accepted {
                        aggregate_id: id,
                        version,
                        event_ids,
                        rows,
                        position: None,
                        repeated: false,
                    });
                }
                Outcome::Answered(answered) => return repeated(answered, digest),
                Outcome::Conflict if conflicts < RETRIES => {
                    conflicts += 1;
                    folded = store.load_fresh::<D>(stream).await?;
                    fresh = true;
                }
                Outcome::Conflict => return Err(CommandError::Unavailable { source: Contended.into() }),
            }
        }
    }

    fn append_of<D: Decider>(
        &self,
        caller: &Caller,
        stream: Stream,
        expected: Version,
        digest: [u8; 32],
        at: DateTime<Utc>,
        events: &[D::Event],
    ) -> Result<Append, CommandError> {
        let metadata = Metadata {
            command_id: caller.command_id,
            correlation_id: caller.correlation_id,
            causation_id: caller.causation_id,
            traceparent: caller.traceparent.clone(),
        };
        let events = events.iter().cloned().map(Into::into).map(new_event).collect::<Result<Vec<_>, _>>()?;
        Ok(Append {
            stream,
            expected,
            actor: caller.actor.to_string(),
            command_id: caller.command_id,
            digest,
            at,
            metadata: serde_json::to_string(&metadata).map_err(failed)?,
            events,
        })
    }

    /// Folds a stream once more, from its first event and by cqrs-es's own code, and says at which version that is and
    /// whether it is the state that commands are decided on. For `doctor`.
    pub async fn refold(&self, org: OrgId, kind: AggregateKind, id: Uuid) -> Result<(Version, bool), CommandError> {
        let (store, stream) = (&self.inner.store, Stream { org, kind, id });
        let folded = match kind {
            AggregateKind::Org => store.refold::<Org>(stream).await,
            AggregateKind::Project => store.refold::<Project>(stream).await,
            AggregateKind::Board => store.refold::<Board>(stream).await,
            AggregateKind::Ticket => store.refold::<Ticket>(stream).await,
            AggregateKind::RepoConnection => store.refold::<RepoConnection>(stream).await,
            AggregateKind::AgentRun => store.refold::<AgentRun>(stream).await,
        };
        Ok(folded?)
    }

    async fn turn(&self, stream: Stream) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(stream);
        let lock = usize::try_from(hash % STREAM_LOCKS as u64).ok().and_then(|at| self.inner.stream_locks.get(at))?;
        Some(lock.lock().await)
    }

    /// The aggregate, or NOT_FOUND when this org has none such. May be behind what another process has just stored:
    /// good for what hardly ever changes, such as a board's columns.
    pub(crate) async fn find<D: Decider>(
        &self,
        org: OrgId,
        id: impl Into<Uuid>,
    ) -> Result<Arc<Folded<D>>, CommandError> {
        existing(self.inner.store.load(Stream { org, kind: D::KIND, id: id.into() }).await?)
    }

    /// The aggregate as it is now, or NOT_FOUND.
    pub(crate) async fn find_now<D: Decider>(
        &self,
        org: OrgId,
        id: impl Into<Uuid>,
    ) -> Result<Arc<Folded<D>>, CommandError> {
        existing(self.inner.store.load_fresh(Stream { org, kind: D::KIND, id: id.into() }).await?)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("others changed this again and again meanwhile")]
struct Contended;

/// An answer that is not an append may hide that the command was accepted before.
fn needs_look_up(result: &Result<Accepted, CommandError>) -> bool {
    match result {
        Ok(accepted) => accepted.event_ids.is_empty(),
        Err(
            CommandError::Rejected { .. }
            | CommandError::Stale { .. }
            | CommandError::NotFound
            | CommandError::Denied
            | CommandError::Invalid { .. },
        ) => true,
        Err(CommandError::Unavailable { .. } | CommandError::StorageLow | CommandError::Failed { .. }) => false,
    }
}

fn existing<D: Decider>(folded: Arc<Folded<D>>) -> Result<Arc<Folded<D>>, CommandError> {
    if folded.version == 0 { Err(CommandError::NotFound) } else { Ok(folded) }
}

fn decide<D: Decider>(
    folded: &Folded<D>,
    caller: &Caller,
    now: DateTime<Utc>,
    command: &D::Command,
) -> Result<Vec<D::Event>, CommandError> {
    if let Some(expected) = caller.expected_version {
        not_stale(folded, expected, command)?;
    }
    let context = Context { org: caller.org, actor: caller.actor.clone(), now, command_id: caller.command_id };
    folded.state.decide(command, &context).map_err(rejected)
}

/// Stale only if something since that version changed what this command sets.
fn not_stale<D: Decider>(folded: &Folded<D>, expected: Version, command: &D::Command) -> Result<(), CommandError> {
    if expected > folded.version {
        return Err(CommandError::invalid("expectedVersion", format!("the newest version is {}", folded.version)));
    }
    let lost = D::facets(command).into_iter().filter_map(|facet| {
        let change = folded.state.last_change(facet)?;
        (change.version > expected).then_some((facet, change))
    });
    match lost.max_by_key(|(_, change)| change.version) {
        None => Ok(()),
        Some((facet, LastChange { version, by, at })) => {
            Err(CommandError::Stale { by: by.clone(), at: *at, version: *version, facet: facet.into() })
        }
    }
}

fn rejected(rejection: impl Rejection) -> CommandError {
    CommandError::Rejected { reason: rejection.reason(), message: rejection.to_string() }
}

fn settled<E>(id: Uuid, version: Version, decision: Result<Vec<E>, CommandError>) -> Result<Accepted, CommandError> {
    decision.map(|_| Accepted {
        aggregate_id: id,
        version,
        event_ids: Vec::new(),
        rows: Vec::new(),
        position: None,
        repeated: false,
    })
}

fn repeated(answered: Answered, digest: [u8; 32]) -> Result<Accepted, CommandError> {
    if answered.digest != digest {
        return Err(CommandError::invalid("commandId", "this id was used before, with other input"));
    }
    Ok(Accepted {
        aggregate_id: answered.aggregate_id,
        version: answered.version,
        event_ids: answered.event_ids,
        rows: answered.rows,
        position: answered.position,
        repeated: true,
    })
}

fn new_event(event: DomainEvent) -> Result<NewEvent, CommandError> {
    let payload = event.to_payload().map_err(failed)?;
    if payload.len() > EVENT_MAX_BYTES {
        return Err(CommandError::invalid("input", format!("it makes an event above {EVENT_MAX_BYTES} bytes")));
    }
    let event_id = EventId(Uuid::now_v7());
    Ok(NewEvent { event_id, event_type: event.event_type(), event_version: event.event_version(), payload })
}

fn failed(error: impl Into<Source>) -> CommandError {
    CommandError::Failed { source: error.into() }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        if error.is_away() { Self::Unavailable { source: error.into() } } else { Self::Failed { source: error.into() } }
    }
}
