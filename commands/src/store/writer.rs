//! Many commands, one commit: the group append.
//!
//! Each writer task has a connection and drains its queue: up to [`BATCH_COMMANDS`] commands, at most one a stream, in
//! one statement. While PostgreSQL flushes one batch the next one gathers, so the group grows with the load and a
//! lone command waits for nobody. One writer serves up to [`ONE_WRITER_COMMANDS`] concurrent commands; above that two
//! do, by hash of the stream (measured: a second one only splits small groups).

use super::answered::{Answered, look_up};
use super::append::{Append, append};
use super::{StoreError, Stream, is_away};
use feed::hints::Hints;
use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};
use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

const BATCH_COMMANDS: usize = 128;
const ONE_WRITER_COMMANDS: usize = 8;
/// Waiting commands a writer takes; more are turned away, so that nobody waits in vain.
const QUEUE_COMMANDS: usize = 4_096;

/// What became of an append.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// `events.id` of each event, in order. Durable.
    Stored(Vec<i64>),
    /// The command id was used before.
    Answered(Answered),
    /// The version is taken.
    Conflict,
}

type Answer = Result<Outcome, StoreError>;

struct Waiting {
    append: Append,
    answer: oneshot::Sender<Answer>,
}

#[derive(Debug)]
pub(super) struct Writers {
    queues: [mpsc::Sender<Waiting>; 2],
    in_flight: Arc<AtomicUsize>,
    patience: Duration,
}

/// Counts a command while somebody waits for it, also when that somebody goes away.
struct InFlight<'a>(&'a AtomicUsize);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Writers {
    /// The tasks end when this is dropped.
    pub(super) fn start(pool: &PgPool, hints: &Hints, patience: Duration) -> Self {
        let start = || {
            let (queue, commands) = mpsc::channel(QUEUE_COMMANDS);
            let writer = Writer { pool: pool.clone(), hints: hints.clone(), patience, connection: None };
            tokio::spawn(writer.run(commands));
            queue
        };
        Self { queues: [start(), start()], in_flight: Arc::default(), patience }
    }

    /// Stores a command's events, or says why not.
    ///
    /// [`StoreError::TimedOut`] leaves open whether they were stored: the same command again tells.
    pub(super) async fn append(&self, append: Append) -> Answer {
        let others = self.in_flight.fetch_add(1, Ordering::Relaxed);
        let _in_flight = InFlight(&self.in_flight);
        let [first, second] = &self.queues;
        let queue = if others >= ONE_WRITER_COMMANDS && prefers_second(append.stream) { second } else { first };
        let (answer, receiver) = oneshot::channel();
        queue.try_send(Waiting { append, answer }).map_err(|_| StoreError::Overloaded)?;
        match tokio::time::timeout(self.patience, receiver).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(StoreError::Overloaded),
            Err(_) => Err(StoreError::TimedOut(self.patience)),
        }
    }
}

fn prefers_second(stream: Stream) -> bool {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(stream) % 2 == 1
}

struct Writer {
    pool: PgPool,
    hints: Hints,
    patience: Duration,
    connection: Option<PoolConnection<Postgres>>,
}

impl Writer {
    async fn run(mut self, mut commands: mpsc::Receiver<Waiting>) {
        let mut left: VecDeque<Waiting> = VecDeque::new();
        loop {
            if left.is_empty() {
                match commands.recv().await {
                    Some(command) => left.push_back(command),
                    None => return,
                }
            }
            while left.len() < BATCH_COMMANDS
                && let Ok(command) = commands.try_recv()
            {
                left.push_back(command);
            }
            let batch = take_batch(&mut left);
            if !batch.is_empty() {
                self.write(batch).await;
            }
        }
    }

    async fn write(&mut self, batch: Vec<Waiting>) {
        feed::crashpoint!("gateway.before_append");
        let answers = self.answers(&batch).await;
        feed::crashpoint!("gateway.after_append_before_reply");
        if answers.iter().any(|answer| matches!(answer, Ok(Outcome::Stored(_)))) {
            self.hints.committed();
        }
        for (command, answer) in batch.into_iter().zip(answers) {
            // Whoever has left learns it by sending the command again.
            let _ = command.answer.send(answer);
        }
    }

    async fn answers(&mut self, batch: &[Waiting]) -> Vec<Answer> {
        let appends: Vec<&Append> = batch.iter().map(|waiting| &waiting.append).collect();
        match self.attempt_again(&appends).await {
            Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
            Err(error) if appends.len() == 1 || error.is_away() => {
                let text = error.to_string();
                tracing::warn!(
                    commands = batch.len(),
                    error = &error as &dyn std::error::Error,
                    "append failed: {text}"
                );
                repeated(error, batch.len())
            }
            // One of them is poison, or two batches waited for each other: each command by itself.
            Err(error) => {
                tracing::warn!(commands = batch.len(), error = &error as &dyn std::error::Error, "batch split");
                let mut answers = Vec::with_capacity(batch.len());
                for append in appends {
                    let outcome = self.attempt_again(&[append]).await;
                    answers.push(outcome.and_then(|mut outcomes| outcomes.pop().ok_or(StoreError::Malformed)));
                }
                answers
            }
        }
    }

    /// A cut connection leaves open what was stored. The same statement again finds out: what is there is found by its
    /// command id, and the rest is stored now.
    async fn attempt_again(&mut self, batch: &[&Append]) -> Result<Vec<Outcome>, StoreError> {
        match self.attempt(batch).await {
            Err(StoreError::Append(source)) if is_away(&source) => self.attempt(batch).await,
            other => other,
        }
    }

    async fn attempt(&mut self, batch: &[&Append]) -> Result<Vec<Outcome>, StoreError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => tokio::time::timeout(self.patience, self.pool.acquire())
                .await
                .map_err(|_| StoreError::TimedOut(self.patience))?
                .map_err(StoreError::Connect)?,
        };
        let work = outcomes(&mut connection, batch);
        match tokio::time::timeout(self.patience, work).await {
            Ok(Ok(outcomes)) => {
                self.connection = Some(connection);
                Ok(outcomes)
            }
            Ok(Err(error)) => {
                if !error.is_away() {
                    self.connection = Some(connection);
                } else {
                    // Never back into the pool: it may be cut, or in the middle of an answer.
                    drop(connection.detach());
                }
                Err(error)
            }
            Err(_) => {
                drop(connection.detach());
                Err(StoreError::TimedOut(self.patience))
            }
        }
    }
}

async fn outcomes(connection: &mut PoolConnection<Postgres>, batch: &[&Append]) -> Result<Vec<Outcome>, StoreError> {
    let stored = append(connection, batch).await.map_err(StoreError::Append)?;
    let mut outcomes = Vec::with_capacity(batch.len());
    for (append, rows) in batch.iter().zip(stored) {
        outcomes.push(match rows {
            Some(rows) => Outcome::Stored(rows),
            None => missing(connection, append).await?,
        });
    }
    Ok(outcomes)
}

/// Not stored: either it had been answered before, or its version was taken.
async fn missing(connection: &mut PoolConnection<Postgres>, append: &Append) -> Result<Outcome, StoreError> {
    let answered = look_up(connection, append.stream.org, &append.actor, append.command_id).await?;
    Ok(match answered {
        None => Outcome::Conflict,
        // Our own events, from an attempt whose connection was cut before it could answer.
        Some(answered) if answered.event_ids.first() == append.events.first().map(|event| &event.event_id) => {
            Outcome::Stored(answered.rows)
        }
        Some(answered) => Outcome::Answered(answered),
    })
}

/// The first of each stream, sorted; the others stay. Those whose caller has gone are dropped.
fn take_batch(left: &mut VecDeque<Waiting>) -> Vec<Waiting> {
    let mut streams = HashSet::new();
    let mut command_ids = HashSet::new();
    let (mut batch, mut later) = (Vec::new(), VecDeque::new());
    for command in left.drain(..) {
        if command.answer.is_closed() {
            continue;
        }
        let id = (command.append.stream.org, command.append.command_id);
        let fits =
            batch.len() < BATCH_COMMANDS && !streams.contains(&command.append.stream) && !command_ids.contains(&id);
        if fits {
            streams.insert(command.append.stream);
            command_ids.insert(id);
            batch.push(command);
        } else {
            later.push_back(command);
        }
    }
    *left = later;
    batch.sort_unstable_by_key(|command| command.append.stream);
    batch
}

fn repeated(error: StoreError, times: usize) -> Vec<Answer> {
    let mut answers: Vec<Answer> = Vec::with_capacity(times);
    let shared = Arc::new(error);
    answers.resize_with(times, || Err(StoreError::Shared(Arc::clone(&shared))));
    answers
}

impl super::Store {
    pub(crate) async fn append(&self, append: Append) -> Answer {
        self.writers.append(append).await
    }
}
