//! A worker: takes runs into its slots, keeps their leases alive, and tells each run when to stop.

use super::equipment::Equipment;
use super::execution;
use super::queue::{self, Claim, Heartbeat};
use super::surroundings;
use crate::agents::programs::SearchPlaces;
use crate::policies::RUN_QUEUE_HINT;
use domain::{RunId, WorkerId};
use feed::worker_registry;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info, info_span, warn};

/// How long an idle worker waits before it looks again, even if nobody told it to.
const POLL: Duration = Duration::from_secs(1);
const REGISTRY_EVERY: Duration = Duration::from_secs(10);

/// Why a run must stop before its agent is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// A person asked for it.
    Cancelled,
    /// Somebody else has the run, or may have it: write nothing more.
    LeaseLost,
    /// This worker is being stopped.
    Shutdown,
}

/// None while the run may go on. The first reason stays.
pub(crate) type StopSignal = watch::Receiver<Option<Stop>>;

/// One worker.
#[derive(Debug)]
pub(crate) struct Worker {
    pub id: WorkerId,
    pub host: String,
    pub slots: u16,
    /// How long a lease lasts without a heartbeat; the heartbeat comes at a third of it.
    pub lease_ttl: Duration,
    /// Where the agents' programs may be.
    pub programs: SearchPlaces,
    /// As it was when somebody looked last.
    pub equipment: Mutex<Arc<Equipment>>,
}

impl Worker {
    /// Works until `shutdown`; then stops its runs truthfully and leaves.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let worker = Arc::new(self);
        let pool = worker.equipment().pool.clone();
        let registry = tokio::spawn(Arc::clone(&worker).stay_registered(shutdown.clone()));
        let free = Arc::new(Semaphore::new(usize::from(worker.slots)));
        let slots = Slots::of(worker.slots);
        let mut told = worker.equipment().hints.on_reached();
        let mut runs = JoinSet::new();
        loop {
            while runs.try_join_next().is_some() {}
            let slot = tokio::select! {
                () = shutdown.cancelled() => break,
                slot = Arc::clone(&free).acquire_owned() => slot,
            };
            let Ok(slot) = slot else { break };
            if worker.equipment().commands.is_storage_low() {
                // A clone and a build need room that is not there. Runs stay queued, in their order.
                drop(slot);
                tokio::select! { () = shutdown.cancelled() => break, () = tokio::time::sleep(POLL) => {} }
                continue;
            }
            match queue::claim(&pool, worker.id, worker.lease_ttl).await {
                Ok(Some(claim)) => {
                    let span = info_span!("run", run = %claim.run, org = %claim.org, token = claim.token);
                    let number = slots.take();
                    let run = Arc::clone(&worker).hold(number, claim, shutdown.clone()).instrument(span);
                    let slots = slots.clone();
                    runs.spawn(async move {
                        run.await;
                        slots.give_back(number);
                        drop(slot);
                    });
                }
                Ok(None) => {
                    drop(slot);
                    tokio::select! {
                        () = shutdown.cancelled() => break,
                        () = tokio::time::sleep(POLL) => {}
                        () = somebody_said(&mut told) => {}
                    }
                }
                Err(problem) => {
                    warn!(error = %feed::chain(&problem), "no run can be claimed just now");
                    drop(slot);
                    tokio::select! { () = shutdown.cancelled() => break, () = tokio::time::sleep(POLL) => {} }
                }
            }
        }
        while runs.join_next().await.is_some() {}
        registry.abort();
        if let Err(problem) = worker_registry::leave(&pool, worker.id).await {
            warn!(error = %problem, "could not sign off; the row goes stale by itself");
        }
    }

    fn equipment(&self) -> Arc<Equipment> {
        Arc::clone(&self.equipment.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn look_again(&self) {
        let known = self.equipment();
        let seen = surroundings::look_again(&known, &self.programs).await;
        let (before, now) = (surroundings::found(&known), surroundings::found(&seen));
        for program in now.programs.iter().filter(|program| !before.programs.contains(program)) {
            info!(provider = %program.provider, health = %program.health, "this machine has changed");
        }
        *self.equipment.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(seen);
    }

    /// Executes one run while a heartbeat holds its lease.
    async fn hold(self: Arc<Self>, slot: u32, claim: Claim, shutdown: CancellationToken) {
        info!("run taken");
        let (stop, signal) = watch::channel(None);
        let over = CancellationToken::new();
        let heart = tokio::spawn(Arc::clone(&self).beat(claim.clone(), stop, shutdown, over.clone()));
        // Something may have been installed, or be gone, since the last heartbeat.
        self.look_again().await;
        execution::execute(&self.equipment(), self.id, slot, &claim, signal).await;
        over.cancel();
        if heart.await.is_err() {
            warn!("the heartbeat of the run ended badly");
        }
        info!("run left");
    }

    async fn beat(
        self: Arc<Self>,
        claim: Claim,
        stop: watch::Sender<Option<Stop>>,
        shutdown: CancellationToken,
        over: CancellationToken,
    ) {
        let because = |reason: Stop| {
            stop.send_if_modified(|stopped| {
                let first = stopped.is_none();
                if first {
                    *stopped = Some(reason);
                }
                first
            });
        };
        let equipment = self.equipment();
        let mut told = equipment.hints.on_reached();
        let mut renewed = Instant::now();
        let mut leaving = false;
        loop {
            let pause = tokio::time::sleep(self.lease_ttl / 3);
            tokio::select! {
                () = over.cancelled() => return,
                () = shutdown.cancelled(), if !leaving => {
                    // The lease is kept until the run's ending is written.
                    leaving = true;
                    because(Stop::Shutdown);
                }
                () = pause => {}
                () = somebody_said_of(&mut told, claim.run) => {}
            }
            match queue::renew(&equipment.pool, &claim, self.lease_ttl).await {
                Ok(Heartbeat::Held { cancel_requested }) => {
                    renewed = Instant::now();
                    if cancel_requested {
                        because(Stop::Cancelled);
                    }
                }
                Ok(Heartbeat::Lost) => {
                    because(Stop::LeaseLost);
                    return;
                }
                Err(problem) => {
                    warn!(error = %feed::chain(&problem), "the heartbeat did not get through");
                    if renewed.elapsed() >= self.lease_ttl {
                        because(Stop::LeaseLost);
                        return;
                    }
                    tokio::time::sleep(self.lease_ttl / 10).await;
                }
            }
        }
    }

    async fn stay_registered(self: Arc<Self>, shutdown: CancellationToken) {
        let version = env!("CARGO_PKG_VERSION");
        loop {
            let (equipment, slots) = (self.equipment(), i32::from(self.slots));
            let found = surroundings::found(&equipment);
            let beat = worker_registry::heartbeat(&equipment.pool, self.id, &self.host, version, &found, slots);
            if let Err(problem) = beat.await {
                warn!(error = %problem, "could not refresh this worker's row");
            }
            tokio::select! { () = shutdown.cancelled() => return, () = tokio::time::sleep(REGISTRY_EVERY) => {} }
            self.look_again().await;
        }
    }
}

/// The numbers of the free slots: each is a user of its own in the sandbox.
#[derive(Clone, Debug)]
struct Slots {
    free: Arc<Mutex<BTreeSet<u32>>>,
}

impl Slots {
    fn of(count: u16) -> Self {
        Self { free: Arc::new(Mutex::new((0..u32::from(count)).collect())) }
    }

    /// The lowest free one. The semaphore sees to it that there is one.
    fn take(&self) -> u32 {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).pop_first().unwrap_or_default()
    }

    fn give_back(&self, number: u32) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).insert(number);
    }
}

type Told = tokio::sync::broadcast::Receiver<feed::hints::Reached>;

/// Returns when the queue changed, as far as hints tell.
async fn somebody_said(told: &mut Told) {
    wait_for(told, |_| true).await;
}

/// Returns when something about this run changed in the queue.
async fn somebody_said_of(told: &mut Told, run: RunId) {
    wait_for(told, |key| key == run.as_uuid()).await;
}

async fn wait_for(told: &mut Told, wanted: impl Fn(uuid::Uuid) -> bool) {
    use tokio::sync::broadcast::error::RecvError;
    loop {
        match told.recv().await {
            Ok(reached) if reached.projection == RUN_QUEUE_HINT && wanted(reached.key) => return,
            Ok(_) => {}
            // Missed some: look.
            Err(RecvError::Lagged(_)) => return,
            // Nobody will speak any more: the poll remains.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
