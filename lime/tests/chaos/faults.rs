//! What goes wrong, one thing after another, and what must hold while it does.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde_json::json;
use sqlx::PgPool;
use testkit::oracle::{Broken, Head, Log, order};
use testkit::slack;
use uuid::Uuid;

use crate::driver::{Driver, Outcome};
use crate::followers::Followers;
use crate::load::{World, id};
use crate::processes::{command_line, is_alive, tree};
use crate::rig::{GATEWAYS, RUN_LEASE, Rig};
use crate::settled;

/// Each role, each server, one after another; a stopped leader; a stopped worker; a store that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    KillGateway,
    KillLedger,
    KillProjector,
    KillReactor,
    KillWorker,
    KillPostgres,
    KillNats,
    WipeNats,
    StopLedger,
    StopWorker,
}

const ALL: [Fault; 10] = [
    Fault::KillGateway,
    Fault::KillLedger,
    Fault::KillProjector,
    Fault::KillReactor,
    Fault::KillWorker,
    Fault::KillPostgres,
    Fault::KillNats,
    Fault::WipeNats,
    Fault::StopLedger,
    Fault::StopWorker,
];

/// R5's number while a component restarts.
const DELIVERED: Duration = Duration::from_secs(2);
/// How long the ledger's leader is stopped.
const LEADER_STOPPED: Duration = Duration::from_secs(10);
/// After this part of it a second process of the ledger is there to take over.
const WITHOUT_LEADER: Duration = Duration::from_secs(5);

pub(crate) struct Faults<'a> {
    pub(crate) rig: &'a mut Rig,
    pub(crate) driver: &'a Driver,
    pub(crate) world: &'a World,
    pub(crate) followers: &'a Followers,
    pub(crate) pool: PgPool,
    pub(crate) random: StdRng,
    /// None where no sandbox can be made.
    pub(crate) repository: Option<Uuid>,
    pub(crate) heads: Vec<Head>,
    pub(crate) broken: Vec<Broken>,
    /// How long the last fault kept something away.
    pub(crate) down: Duration,
    /// When each was.
    pub(crate) windows: Vec<Window>,
}

/// A fault, until all had caught up.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    pub(crate) what: String,
    pub(crate) from: DateTime<Utc>,
    pub(crate) to: DateTime<Utc>,
    /// What is recorded meanwhile reaches 99 of 100 subscribers so soon; none where nothing is promised.
    pub(crate) within: Option<Duration>,
}

impl Faults<'_> {
    /// Every fault once, in an order of the seed's.
    pub(crate) async fn all(&mut self) {
        let mut faults = ALL;
        faults.shuffle(&mut self.random);
        for fault in faults {
            self.heads.push(head(&self.pool).await);
            self.rig.note(format!("{fault:?}"));
            let from = Utc::now();
            match fault {
                Fault::KillGateway => self.kill(&GATEWAYS[..1]).await,
                Fault::KillLedger => self.kill(&["ledger"]).await,
                Fault::KillProjector => self.kill(&["projector", "canary"]).await,
                Fault::KillReactor => self.kill(&["reactor"]).await,
                Fault::KillWorker => self.kill_worker().await,
                Fault::KillPostgres => self.kill_postgres().await,
                Fault::KillNats => self.kill_nats(false).await,
                Fault::WipeNats => self.kill_nats(true).await,
                Fault::StopLedger => self.stop_ledger().await,
                Fault::StopWorker => self.stop_worker().await,
            }
            for ended in self.rig.ended_by_themselves() {
                self.broken.push(Broken::NotSo { promise: "R9", what: format!("{fault:?}: {ended}") });
            }
            // The next one meets a product that is whole again, and none gets the blame of the one before.
            let to = Utc::now();
            let read_side = settled::reached(&self.pool).await;
            self.caught_up("the read side", read_side);
            let subscribers = settled::delivered(&self.pool, self.followers).await;
            self.caught_up("every subscriber", subscribers);
            // The promise counts from the moment at which the role is started again.
            let is_restart = matches!(
                fault,
                Fault::KillGateway | Fault::KillLedger | Fault::KillProjector | Fault::KillReactor | Fault::KillNats
            );
            let within = is_restart.then(|| DELIVERED + self.down);
            self.windows.push(Window { what: format!("{fault:?}"), from, to, within });
        }
    }

    fn caught_up(&mut self, who: &str, how: Result<Duration, Broken>) {
        match how {
            Ok(took) => self.rig.note(format!("{who} has everything {:.2} s later", took.as_secs_f64())),
            Err(broken) => self.broken.push(broken),
        }
    }

    async fn a_moment(&mut self, millis: std::ops::Range<u64>) {
        self.down = Duration::from_millis(self.random.random_range(millis));
        tokio::time::sleep(self.down).await;
    }

    async fn kill(&mut self, roles: &[&'static str]) {
        for role in roles {
            self.rig.kill(role);
        }
        self.a_moment(300..1_500).await;
        for role in roles {
            self.rig.start_role(role);
        }
        self.rig.note(format!("{roles:?} started again"));
    }

    /// R9: it is said honestly and soon, nothing ends, and work goes on soon after.
    async fn kill_postgres(&mut self) {
        let killed = Instant::now();
        self.rig.postgres.kill();
        self.a_moment(2_500..4_000).await;
        let restarting = Instant::now();
        self.rig.postgres.restart().await.unwrap();
        let back = Instant::now();
        self.rig.note(format!("PostgreSQL answers again, after {:.2} s", (back - killed).as_secs_f64()));
        let limit = Duration::from_secs(3).mul_f64(slack());
        let first = loop {
            if let Some(first) = self.driver.acknowledged(back, Instant::now()).first() {
                break *first - back;
            }
            if back.elapsed() > limit {
                break back.elapsed();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        self.rig.note(format!("commands are acknowledged {:.2} s after that", first.as_secs_f64()));
        self.broken.extend(Broken::unless_within(
            "R9",
            "the first acknowledgement after PostgreSQL was back",
            first,
            limit,
        ));
        // A backend may finish what it was at when its postmaster died; after this none is left.
        let dead = killed + Duration::from_millis(500);
        let mut told = 0;
        for attempt in self.driver.attempts().iter().filter(|attempt| (dead..restarting).contains(&attempt.sent)) {
            let what = format!("a command without PostgreSQL was answered with {:?}", attempt.outcome);
            let limit = Duration::from_secs(2).mul_f64(slack());
            match attempt.outcome {
                Outcome::Unavailable => told += 1,
                Outcome::Acknowledged if attempt.ended() < restarting => {
                    self.broken.push(Broken::NotSo { promise: "R9", what: what.clone() });
                }
                Outcome::Acknowledged => {}
                Outcome::Disconnected | Outcome::Hung | Outcome::Refused => {
                    self.broken.push(Broken::NotSo { promise: "R9", what: what.clone() });
                }
            }
            self.broken.extend(Broken::unless_within("R9", &what, attempt.took, limit));
        }
        self.rig.note(format!("{told} times UNAVAILABLE was the answer"));
        if told == 0 {
            let what = "nobody was told that PostgreSQL was away".to_owned();
            self.broken.push(Broken::NotSo { promise: "R9", what });
        }
    }

    /// R8: commands are acknowledged as ever, and the stream is whole soon after NATS is back.
    async fn kill_nats(&mut self, wipe: bool) {
        let killed = Instant::now();
        self.rig.nats.kill();
        if wipe {
            std::fs::remove_dir_all(self.rig.nats.store()).unwrap();
        }
        self.a_moment(2_000..3_500).await;
        self.acknowledged_steadily("R8", "without NATS", killed);
        self.rig.nats.restart().await.unwrap();
        self.rig.note("NATS is there again");
        let head = settled::head(&self.pool).await;
        match settled::copied(&self.rig.nats, head).await {
            Ok(took) => self.rig.note(format!("the stream is whole {:.2} s later", took.as_secs_f64())),
            Err(broken) => self.broken.push(broken),
        }
    }

    /// Acknowledged from `from` until now without a noticeable pause.
    fn acknowledged_steadily(&mut self, promise: &'static str, when: &str, from: Instant) {
        let now = Instant::now();
        let acknowledged = self.driver.acknowledged(from, now);
        let ends = acknowledged.iter().copied().chain([now]);
        let begins = [from].into_iter().chain(acknowledged.iter().copied());
        let longest = begins.zip(ends).map(|(begin, end)| end - begin).max().unwrap_or_default();
        self.rig.note(format!(
            "{} commands acknowledged {when} in {:.1} s, the longest pause {:.2} s",
            acknowledged.len(),
            (now - from).as_secs_f64(),
            longest.as_secs_f64()
        ));
        let what = format!("the longest pause between acknowledgements {when}");
        self.broken.extend(Broken::unless_within(promise, &what, longest, Duration::from_secs(1).mul_f64(slack())));
    }

    /// The leader is stopped: commands are acknowledged all the same, a standby takes over, and the leader that wakes
    /// up writes nothing more.
    async fn stop_ledger(&mut self) {
        let stopped = Instant::now();
        self.rig.pause("ledger");
        tokio::time::sleep(WITHOUT_LEADER).await;
        let unled = settled::head(&self.pool).await;
        self.rig.start_role("ledger-standby");
        tokio::time::sleep(LEADER_STOPPED.saturating_sub(stopped.elapsed())).await;
        self.acknowledged_steadily("R1", "while the ledger's leader was stopped", stopped);
        if let Err(broken) = settled::placed_after(&self.pool, unled).await {
            self.broken.push(broken);
        }
        let epoch = epoch(&self.pool).await;
        self.rig.resume("ledger");
        self.rig.note("the stopped leader goes on");
        // Time for it to do harm, if it could.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let after = self::epoch(&self.pool).await;
        if after != epoch {
            let what = format!("the leader that was stopped took the ledger back: epoch {epoch}, then {after}");
            self.broken.push(Broken::NotSo { promise: "R2", what });
        }
        let before = settled::head(&self.pool).await;
        self.rig.kill("ledger-standby");
        self.rig.note("the leader that took over is killed");
        if let Err(broken) = settled::placed_after(&self.pool, before).await {
            self.broken.push(broken);
        }
    }

    /// R6 and R7: its agent is gone with it, and its run is not left behind.
    async fn kill_worker(&mut self) {
        let Some(run) = self.run_at_work().await else { return self.kill(&["worker"]).await };
        let processes = tree(self.rig.pid("worker"));
        let killed = Instant::now();
        self.rig.kill("worker");
        self.gone(&processes, killed, Duration::from_secs(1)).await;
        self.ended_as_lost(run, killed).await;
        self.rig.start_role("worker");
        self.rig.note("the worker is started again");
    }

    /// R7: a worker that slept through its lease ends its agent and writes nothing more.
    async fn stop_worker(&mut self) {
        let Some(run) = self.run_at_work().await else { return };
        let processes = tree(self.rig.pid("worker"));
        let stopped = Instant::now();
        self.rig.pause("worker");
        self.ended_as_lost(run, stopped).await;
        let resumed = Instant::now();
        self.rig.resume("worker");
        self.rig.note("the worker goes on");
        self.gone(&processes, resumed, RUN_LEASE + Duration::from_secs(1)).await;
    }

    /// A run whose agent's command is running in the sandbox right now.
    async fn run_at_work(&mut self) -> Option<Uuid> {
        let run = self.start_run("Take your time. [slow]").await?;
        let begun = Instant::now();
        loop {
            let worker = self.rig.pid("worker");
            if tree(worker).into_iter().any(|pid| command_line(pid).contains("sleep\x00300")) {
                self.rig.note(format!("run {run} is at work"));
                return Some(run);
            }
            let (state, failure) = self.state(run).await;
            assert_ne!(state, "FAILED", "a run did not begin: {failure}\n{}", self.rig.log_ends());
            assert!(begun.elapsed() < Duration::from_secs(60).mul_f64(slack()), "{state}\n{}", self.rig.log_ends());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// On a ticket's card, so that the board's subscribers follow it too.
    pub(crate) async fn start_run(&self, prompt: &str) -> Option<Uuid> {
        let repository = self.repository?;
        let document = "mutation($input: StartRunInput!) { startRun(input: $input) { run { id } } }";
        let input = json!({
            "commandId": Uuid::now_v7(), "projectId": self.world.projects[0].id, "mode": "IMPLEMENT",
            "provider": "codex", "prompt": prompt, "repoConnectionId": repository,
            "ticketId": self.world.contended[0],
        });
        let started = self.driver.ask(document, json!({ "input": input })).await;
        Some(id(&started["startRun"]["run"]["id"]))
    }

    async fn state(&self, run: Uuid) -> (String, String) {
        let document = "query($id: UUID!) { agentRun(id: $id) { state failure { reason message } } }";
        let read = self.driver.ask(document, json!({ "id": run })).await;
        let run = &read["agentRun"];
        (run["state"].as_str().unwrap().to_owned(), run["failure"].to_string())
    }

    async fn ended_as_lost(&mut self, run: Uuid, since: Instant) {
        let limit = (RUN_LEASE + Duration::from_secs(5)).mul_f64(slack());
        loop {
            let (state, failure) = self.state(run).await;
            if state == "FAILED" {
                let took = since.elapsed();
                self.rig.note(format!("its run ended {:.2} s later: {failure}", took.as_secs_f64()));
                self.broken.extend(Broken::unless_within("R6", "the ending of a lost run", took, limit));
                if !failure.contains("WORKER_LOST") {
                    self.broken.push(Broken::NotSo { promise: "R6", what: format!("run {run} failed as {failure}") });
                }
                return;
            }
            if since.elapsed() > limit {
                self.broken.push(Broken::NotSo { promise: "R6", what: format!("run {run} is still {state}") });
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn gone(&mut self, processes: &[u32], since: Instant, limit: Duration) {
        let limit = limit.mul_f64(slack());
        while processes.iter().any(|pid| is_alive(*pid)) && since.elapsed() <= limit {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let took = since.elapsed();
        self.rig.note(format!("{} processes of the sandbox gone in {:.2} s", processes.len(), took.as_secs_f64()));
        self.broken.extend(Broken::unless_within("R7", "the end of the sandbox", took, limit));
    }
}

async fn head(pool: &PgPool) -> Head {
    let log = Log::read(pool).await.unwrap();
    order::head_at(&log, log.head())
}

async fn epoch(pool: &PgPool) -> i64 {
    sqlx::query_scalar("select epoch from ledger_state").fetch_one(pool).await.unwrap()
}
