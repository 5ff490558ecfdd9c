//! Gives committed events their positions, in batches, as the only one who may.
//!
//! One round: read what has no position, continue each org's chain, write ledger rows and state in one statement that
//! checks the epoch. All memory (gaps, chain heads, the highest id) is that of one database session: when the session
//! ends in any way but a clean one, the memory is dropped and read again.

use super::find::{self, Unplaced};
use super::gaps::{Gaps, Holder, Range};
use super::heads::{Heads, OrgHead};
use super::leader::Leadership;
use super::locks;
use domain::ids::{OrgId, Position};
use feed::log::{LogRow, from_bigint, to_bigint};
use feed::{crashpoint, crashpoint::is_planned};
use futures::FutureExt;
use futures::future::BoxFuture;
use schema::hash_chain::Hash;
use sqlx::{Connection, Executor, PgConnection, PgPool};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often the holders of locks are asked for, while there are gaps.
const LOCK_POLL: Duration = Duration::from_millis(50);
/// The first wait after a round that found nothing; doubled up to the poll floor.
const FIRST_WAIT: Duration = Duration::from_millis(10);
/// Rounds that find something begin at least this far apart: a full commit is paid for a round, not for an event. The
/// first after a quiet while begins at once.
const PACE: Duration = Duration::from_millis(3);
/// A statement that takes longer is given up together with its connection.
const STATEMENT_LIMIT: Duration = Duration::from_secs(15);

#[derive(Debug, thiserror::Error)]
pub(super) enum SequencerError {
    #[error("failed to connect")]
    Connect(#[source] sqlx::Error),
    #[error("failed to take over the ledger")]
    TakeOver(#[source] sqlx::Error),
    #[error("failed to read the events after row {after}")]
    Read {
        after: i64,
        #[source]
        source: sqlx::Error,
    },
    #[error("failed to read the heads of the chains")]
    Heads(#[source] sqlx::Error),
    #[error("failed to write the ledger after position {after}")]
    Write {
        after: Position,
        #[source]
        source: sqlx::Error,
    },
    #[error("failed to ask who holds locks")]
    Locks(#[source] sqlx::Error),
    #[error("PostgreSQL did not answer within {} s", STATEMENT_LIMIT.as_secs())]
    TimedOut,
    /// Stop at once: a newer leader writes.
    #[error("a newer leader has the ledger")]
    Fenced,
}

/// Sequences until `stop`, or until something fails; then nothing of its memory is left.
pub(super) async fn run(leadership: Arc<Leadership>, stop: CancellationToken) -> Result<(), SequencerError> {
    let mut session = Session::take_over(Arc::clone(&leadership)).await?;
    let mut poller = Poller::new(&leadership.pool).await?;
    let mut committed = leadership.hints.on_committed();
    let mut wait = FIRST_WAIT;
    while !stop.is_cancelled() {
        committed.borrow_and_update();
        let began = Instant::now();
        let placed = session.round().await?;
        let mut again = placed > 0;
        if let Some(holders) = poller.finished()? {
            session.gaps.poll_ended(&holders);
            again |= session.gaps.want_read();
        }
        if session.gaps.want_poll() && poller.is_due() {
            session.gaps.poll_started();
            poller.start();
        }
        if again {
            wait = FIRST_WAIT;
            // As much as a round may hold: more waits.
            if placed < usize::try_from(leadership.settings.batch).unwrap_or(usize::MAX) {
                tokio::time::sleep_until(began + PACE).await;
            }
            continue;
        }
        let pause = if session.gaps.want_poll() { wait.min(LOCK_POLL) } else { wait };
        tokio::select! {
            () = stop.cancelled() => {}
            // The sender lives as long as the leadership does.
            _ = committed.changed() => wait = FIRST_WAIT,
            holders = poller.next(), if poller.is_busy() => {
                session.gaps.poll_ended(&holders?);
            }
            () = tokio::time::sleep(pause) => wait = (wait * 2).min(leadership.settings.poll),
        }
    }
    Ok(())
}

/// What the leader knows, as long as its connection lives.
struct Session {
    leadership: Arc<Leadership>,
    conn: PgConnection,
    epoch: i64,
    position: Position,
    /// The highest id that was seen.
    high: i64,
    gaps: Gaps,
    heads: Heads,
}

impl Session {
    /// Raises the epoch, which shuts out every leader before, and reads where they got to.
    async fn take_over(leadership: Arc<Leadership>) -> Result<Self, SequencerError> {
        let mut conn = connect(&leadership.pool).await?;
        // Only the holder of the lease: a leader that lost it while it was stopped must not fence its successor.
        let state = sqlx::query_as::<_, (i64, i64, i64, Vec<i64>, Vec<i64>)>(
            "update ledger_state set epoch = epoch + 1
             where group_id = 0
               and exists (select 1 from leases where name = $1 and holder = $2 and leases.epoch = $3)
             returning epoch, position, high,
                array(select lower(gap) from unnest(gaps) gap),
                array(select upper(gap) - 1 from unnest(gaps) gap)",
        )
        .bind(leadership.lease.name())
        .bind(leadership.lease.holder())
        .bind(leadership.held.epoch)
        .fetch_optional(&mut conn);
        let (epoch, position, high, firsts, lasts) =
            within(state.boxed()).await?.map_err(SequencerError::TakeOver)?.ok_or(SequencerError::Fenced)?;
        let ranges = firsts.into_iter().zip(lasts).map(|(first, last)| Range { first, last });
        let position = from_bigint(position);
        leadership.tail.set_head(position);
        tracing::info!(epoch, position, "sequencing");
        Ok(Self { leadership, conn, epoch, position, high, gaps: Gaps::restored(ranges), heads: Heads::default() })
    }

    /// Reads once and writes what was found. Returns how many events got a position.
    async fn round(&mut self) -> Result<usize, SequencerError> {
        let after = self.high;
        let ranges: Vec<Range> = self.gaps.ranges().collect();
        let read = self.gaps.read_started();
        let found = find::unplaced(&mut self.conn, after, &ranges, self.leadership.settings.batch);
        let found = within(found.boxed()).await?.map_err(|source| SequencerError::Read { after, source })?;
        for event in &found.events {
            if event.id > self.high {
                self.gaps.step_over(Range { first: self.high + 1, last: event.id - 1 });
                self.high = event.id;
            } else {
                self.gaps.found(event.id);
            }
        }
        let burned = self.gaps.after_read(read, found.saw_up_to);
        self.leadership.status.set_gaps(self.gaps.len());
        if found.events.is_empty() && !burned {
            return Ok(0);
        }
        let placed = found.events.len();
        let batch = self.place(found.events).await?;
        let rows = self.write(batch).await?;
        crashpoint!("sequencer.after_commit");
        let rows: Vec<Arc<LogRow>> = rows.into_iter().map(Arc::new).collect();
        self.leadership.hints.placed(&rows);
        self.leadership.tail.push(rows);
        self.leadership.status.set_position(self.position);
        self.heads.trim();
        Ok(placed)
    }

    /// Continues the log and each org's chain, in memory.
    async fn place(&mut self, events: Vec<Unplaced>) -> Result<Batch, SequencerError> {
        let orgs: HashSet<OrgId> = events.iter().map(|event| event.org).collect();
        within(self.heads.load(&mut self.conn, orgs).boxed()).await?.map_err(SequencerError::Heads)?;
        let mut batch = Batch::default();
        for (position, event) in (self.position + 1..).zip(events) {
            let before = self.heads.get(event.org);
            let org_position = before.org_position + 1;
            let hash = event.entry(position, org_position).hash(&before.hash);
            self.heads.set(event.org, OrgHead { position, org_position, hash });
            batch.push(log_row(position, org_position, before.position, event), &before.hash, &hash);
        }
        Ok(batch)
    }

    /// Writes rows and state in one statement, which does nothing when the epoch is not ours any more.
    async fn write(&mut self, batch: Batch) -> Result<Vec<LogRow>, SequencerError> {
        let after = self.position;
        let head = batch.rows.last().map_or(after, |row| row.position);
        let gaps = self.gaps.to_multirange();
        let expected = batch.rows.len();
        let fenced = within(write(&mut self.conn, self.epoch, head, self.high, &gaps, &batch).boxed()).await?;
        let written = fenced.map_err(|source| SequencerError::Write { after, source })?;
        match written {
            Some(rows) if usize::try_from(rows) == Ok(expected) => {
                self.position = head;
                Ok(batch.rows)
            }
            Some(_) | None => Err(SequencerError::Fenced),
        }
    }
}

/// Rows as columns, the way `unnest` takes them.
#[derive(Default)]
struct Batch {
    rows: Vec<LogRow>,
    positions: Vec<i64>,
    event_rows: Vec<i64>,
    event_ids: Vec<Uuid>,
    orgs: Vec<Uuid>,
    org_positions: Vec<i64>,
    prev_hashes: Vec<Vec<u8>>,
    hashes: Vec<Vec<u8>>,
}

impl Batch {
    fn push(&mut self, row: LogRow, prev_hash: &Hash, hash: &Hash) {
        self.positions.push(to_bigint(row.position));
        self.event_rows.push(row.event_row);
        self.event_ids.push(row.event_id.as_uuid());
        self.orgs.push(row.org.as_uuid());
        self.org_positions.push(to_bigint(row.org_position));
        self.prev_hashes.push(prev_hash.to_vec());
        self.hashes.push(hash.to_vec());
        self.rows.push(row);
    }
}

/// Inserts the batch and returns how many rows went in; none when the epoch is another leader's.
async fn write(
    conn: &mut PgConnection,
    epoch: i64,
    position: Position,
    high: i64,
    gaps: &str,
    batch: &Batch,
) -> Result<Option<u64>, sqlx::Error> {
    let statement = sqlx::query_as::<_, (i64, i64)>(
        "with fence as (
            update ledger_state set position = $1, high = $2, gaps = $3::text::int8multirange
            where group_id = 0 and epoch = $4 returning 1
         ), placed as (
            insert into ledger (position, event_row, event_id, org, org_position, prev_hash, hash)
            select u.* from unnest($5::bigint[], $6::bigint[], $7::uuid[], $8::uuid[], $9::bigint[], $10::bytea[],
                $11::bytea[]) u
            where exists (select 1 from fence)
            returning 1
         )
         select (select count(*) from fence), (select count(*) from placed)",
    )
    .bind(to_bigint(position))
    .bind(high)
    .bind(gaps)
    .bind(epoch)
    .bind(&batch.positions)
    .bind(&batch.event_rows)
    .bind(&batch.event_ids)
    .bind(&batch.orgs)
    .bind(&batch.org_positions)
    .bind(&batch.prev_hashes)
    .bind(&batch.hashes);
    let (fence, placed) = if is_planned("sequencer.after_insert_before_commit") {
        let mut transaction = conn.begin().await?;
        let counts = statement.fetch_one(&mut *transaction).await?;
        crashpoint!("sequencer.after_insert_before_commit");
        transaction.commit().await?;
        counts
    } else {
        statement.fetch_one(conn).await?
    };
    Ok((fence == 1).then(|| from_bigint(placed)))
}

fn log_row(position: Position, org_position: Position, org_previous_position: Position, event: Unplaced) -> LogRow {
    LogRow {
        position,
        org_position,
        org_previous_position,
        event_row: event.id,
        event_id: event.event_id,
        org: event.org,
        aggregate_type: event.aggregate_type,
        aggregate_id: event.aggregate_id,
        version: event.version,
        event_type: event.event_type,
        event_version: event.event_version,
        actor: event.actor,
        at: event.recorded_at,
        metadata: event.metadata,
        payload: event.payload,
    }
}

/// Asks for the holders of locks on a connection of its own, beside the rounds.
struct Poller {
    idle: Option<PgConnection>,
    running: JoinSet<Result<(PgConnection, BTreeSet<Holder>), SequencerError>>,
    last: Instant,
}

impl Poller {
    async fn new(pool: &PgPool) -> Result<Self, SequencerError> {
        Ok(Self { idle: Some(connect(pool).await?), running: JoinSet::new(), last: Instant::now() })
    }

    fn is_busy(&self) -> bool {
        !self.running.is_empty()
    }

    fn is_due(&self) -> bool {
        self.idle.is_some() && self.last.elapsed() >= LOCK_POLL
    }

    fn start(&mut self) {
        if let Some(mut conn) = self.idle.take() {
            self.last = Instant::now();
            self.running.spawn(async move {
                let holders = within(locks::holders(&mut conn).boxed()).await?.map_err(SequencerError::Locks)?;
                Ok((conn, holders))
            });
        }
    }

    /// The answer, if it is there.
    fn finished(&mut self) -> Result<Option<BTreeSet<Holder>>, SequencerError> {
        match self.running.try_join_next() {
            Some(done) => self.accept(done).map(Some),
            None => Ok(None),
        }
    }

    /// Waits for the answer; for ever when nothing was asked.
    async fn next(&mut self) -> Result<BTreeSet<Holder>, SequencerError> {
        match self.running.join_next().await {
            Some(done) => self.accept(done),
            None => std::future::pending().await,
        }
    }

    fn accept(
        &mut self,
        done: Result<Result<(PgConnection, BTreeSet<Holder>), SequencerError>, tokio::task::JoinError>,
    ) -> Result<BTreeSet<Holder>, SequencerError> {
        let (conn, holders) =
            done.map_err(|error| SequencerError::Locks(sqlx::Error::Io(std::io::Error::other(error))))??;
        self.idle = Some(conn);
        Ok(holders)
    }
}

/// A connection outside the pool: it dies with the memory that belongs to it.
async fn connect(pool: &PgPool) -> Result<PgConnection, SequencerError> {
    let options = pool.connect_options();
    let mut conn = within(PgConnection::connect_with(&options).boxed()).await?.map_err(SequencerError::Connect)?;
    // A plan that was made while the tables were empty must not outlive that; and what is published must survive.
    let settings = conn.execute(
        "set plan_cache_mode = force_custom_plan; set enable_seqscan = off; set enable_bitmapscan = off;
         select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'",
    );
    within(settings).await?.map_err(SequencerError::Connect)?;
    Ok(conn)
}

async fn within<T>(statement: BoxFuture<'_, T>) -> Result<T, SequencerError> {
    tokio::time::timeout(STATEMENT_LIMIT, statement).await.map_err(|_| SequencerError::TimedOut)
}
