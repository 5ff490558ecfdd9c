//! Exact books: every acknowledgement against every stored row.

use super::{comments, store, streams};
use crate::store::{Append, Outcome, Store, StoreError, Stream};
use domain::{EventId, Version};
use rand::{Rng, SeedableRng, rngs::StdRng};
use sqlx::PgPool;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use testkit::TestDatabase;
use tokio::task::JoinSet;
use uuid::Uuid;

/// What a command's senders were told: its events and their rows.
type Told = (Vec<EventId>, Vec<i64>);

/// The answers to every command.
#[derive(Default)]
struct Books {
    acknowledged: Mutex<HashMap<Uuid, Told>>,
    duplicates: AtomicU64,
    conflicts: AtomicU64,
    open: AtomicU64,
}

impl Books {
    /// Sends, and sends again while it is left open; all answers to one command must agree.
    async fn send(&self, store: &Store, append: Append) -> bool {
        loop {
            match store.append(append.clone()).await {
                Ok(Outcome::Stored(rows)) => {
                    self.told(append.command_id.0, (ids(&append), rows));
                    return true;
                }
                Ok(Outcome::Answered(answered)) => {
                    self.duplicates.fetch_add(1, Ordering::Relaxed);
                    self.told(append.command_id.0, (answered.event_ids, answered.rows));
                    return false;
                }
                Ok(Outcome::Conflict) => {
                    self.conflicts.fetch_add(1, Ordering::Relaxed);
                    return false;
                }
                Err(error) if error.is_away() => {
                    self.open.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => panic!("{error}: {:?}", std::error::Error::source(&error)),
            }
        }
    }

    fn told(&self, command: Uuid, told: Told) {
        let before = self.acknowledged.lock().unwrap().insert(command, told.clone());
        assert!(before.is_none_or(|before| before == told), "told twice, differently");
    }

    /// Acknowledged = stored, all or none of each command, streams dense, order of rows = order of versions.
    async fn balance(&self, pool: &PgPool) {
        let stored: Vec<(Uuid, Uuid, i64, i32, String, i64)> = sqlx::query_as(
            "select command_id, event_id, id, index_in_command, aggregate_id, sequence from events
             order by aggregate_id, sequence",
        )
        .fetch_all(pool)
        .await
        .unwrap();
        let acknowledged = self.acknowledged.lock().unwrap();
        let mut rows_of: HashMap<Uuid, Vec<(EventId, i64)>> = HashMap::new();
        let mut last: HashMap<String, (i64, i64)> = HashMap::new();
        for (command, event, row, index, aggregate, sequence) in stored {
            let (before, row_before) = last.insert(aggregate, (sequence, row)).unwrap_or((0, 0));
            assert_eq!(sequence, before + 1, "a hole or a double in a stream");
            assert!(row > row_before, "rows out of order in a stream");
            let of_command = rows_of.entry(command).or_default();
            assert_eq!(usize::try_from(index).unwrap(), of_command.len());
            of_command.push((EventId(event), row));
        }
        assert_eq!(rows_of.len(), acknowledged.len(), "stored commands against acknowledged ones");
        for (command, (event_ids, rows)) in acknowledged.iter() {
            let told: Vec<_> = event_ids.iter().copied().zip(rows.iter().copied()).collect();
            assert_eq!(rows_of[command], told, "a command stored in part, or told otherwise");
        }
    }
}

fn ids(append: &Append) -> Vec<EventId> {
    append.events.iter().map(|event| event.event_id).collect()
}

/// The same command as its client sends it once more: decided anew, so with new event ids.
fn again(append: &Append) -> Append {
    let mut append = append.clone();
    for event in &mut append.events {
        event.event_id = EventId(Uuid::now_v7());
    }
    append
}

async fn attack(stores: &[Arc<Store>], streams: &[Stream], books: &Arc<Books>, senders: usize, each: usize) {
    let versions: Arc<Vec<AtomicU64>> = Arc::new(streams.iter().map(|_| AtomicU64::new(0)).collect());
    let mut tasks = JoinSet::new();
    for sender in 0..senders {
        let (store, books) = (Arc::clone(&stores[sender % stores.len()]), Arc::clone(books));
        let (streams, versions) = (streams.to_vec(), Arc::clone(&versions));
        tasks.spawn(async move {
            let mut random = StdRng::seed_from_u64(sender as u64);
            let mut sent: Vec<Append> = Vec::new();
            for _ in 0..each {
                let at = random.random_range(0..streams.len());
                let known: Version = versions[at].load(Ordering::Relaxed);
                let append = match random.random_range(0..10) {
                    // A retry of something that may or may not have been stored.
                    0 | 1 if !sent.is_empty() => again(&sent[random.random_range(0..sent.len())]),
                    // A false version: one that is long gone.
                    2 => comments(streams[at], known.saturating_sub(random.random_range(1..4)), 1),
                    _ => comments(streams[at], known, random.random_range(1..4)),
                };
                sent.push(append.clone());
                let (expected, count) = (append.expected, append.events.len() as u64);
                let stream = streams.iter().position(|stream| *stream == append.stream).unwrap();
                if books.send(&store, append).await {
                    versions[stream].fetch_max(expected + count, Ordering::Relaxed);
                } else {
                    let now = sqlx::query_scalar::<_, i64>(
                        "select coalesce(max(sequence), 0) from events where org = $1 and aggregate_type = 'Ticket'
                         and aggregate_id = $2",
                    )
                    .bind(streams[stream].org.0)
                    .bind(streams[stream].id.to_string())
                    .fetch_one(store.pool())
                    .await;
                    if let Ok(now) = now {
                        versions[stream].fetch_max(now.unsigned_abs(), Ordering::Relaxed);
                    }
                }
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writer_sets_on_hot_streams_leave_nothing_partial() {
    let database = TestDatabase::create().await.unwrap();
    let stores = [Arc::new(store(&database.pool)), Arc::new(store(&database.pool))];
    let books = Arc::new(Books::default());
    attack(&stores, &streams(16), &books, 32, 100).await;
    books.balance(&database.pool).await;
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let acknowledged = books.acknowledged.lock().unwrap().len();
    assert!(acknowledged > 500 && count(&books.duplicates) > 50 && count(&books.conflicts) > 50, "no contest");
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_connections_lose_nothing_and_double_nothing() {
    let database = TestDatabase::create().await.unwrap();
    let admin = database.owner_pool().await.unwrap();
    // A pool of its own for the writers, so that what is cut is theirs.
    let stores = [Arc::new(store(&database.pool)), Arc::new(store(&database.pool))];
    let books = Arc::new(Books::default());
    let cutting = tokio::spawn(async move {
        let mut cut = 0_i64;
        let busy = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                    where datname = current_database() and pid <> pg_backend_pid() and query like '%with input as%'
                      and (state = 'active' or random() < 0.2)";
        loop {
            cut += sqlx::query_scalar::<_, i64>(busy).fetch_one(&admin).await.unwrap();
            if cut >= 40 {
                return cut;
            }
            // Paced, so that work goes on between the cuts.
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    });
    let hot = streams(16);
    let mut rounds = 0;
    while !cutting.is_finished() {
        attack(&stores, &hot, &books, 16, 25).await;
        rounds += 1;
        assert!(rounds < 500, "nothing was cut");
    }
    assert!(cutting.await.unwrap() >= 40);
    attack(&stores, &hot, &books, 16, 5).await;
    books.balance(&database.pool).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_poisoned_command_does_not_spoil_its_batch() {
    let database = TestDatabase::create().await.unwrap();
    let store = Arc::new(store(&database.pool));
    let books = Arc::new(Books::default());
    let streams = streams(60);
    let mut tasks = JoinSet::new();
    for (n, stream) in streams.iter().copied().enumerate() {
        let (store, books) = (Arc::clone(&store), Arc::clone(&books));
        tasks.spawn(async move {
            let mut append = comments(stream, 0, 2);
            if n % 20 != 7 {
                return books.send(&store, append).await;
            }
            // Its second event: the first one alone would have been fine.
            append.events[1].payload = "{ not json".to_owned();
            let refused = store.append(append).await;
            assert!(matches!(&refused, Err(StoreError::Append(_) | StoreError::Shared(_))), "{refused:?}");
            false
        });
    }
    let mut stored = 0;
    while let Some(ended) = tasks.join_next().await {
        stored += u64::from(ended.unwrap());
    }
    assert_eq!(stored, 57);
    books.balance(&database.pool).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_used_in_another_stream_is_found_there() {
    let database = TestDatabase::create().await.unwrap();
    let store = store(&database.pool);
    let streams = streams(2);
    let first = comments(streams[0], 0, 2);
    let Outcome::Stored(rows) = store.append(first.clone()).await.unwrap() else { panic!("not stored") };
    let second = Append { command_id: first.command_id, ..comments(streams[1], 0, 1) };
    let Outcome::Answered(answered) = store.append(second).await.unwrap() else { panic!("not found") };
    assert_eq!((answered.aggregate_id, answered.rows, answered.version), (streams[0].id, rows, 2));
}
