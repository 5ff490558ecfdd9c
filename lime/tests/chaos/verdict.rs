//! All the oracle's judgements together, and what is said when one goes against the product.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use testkit::oracle::effects::{Rows, judge_canary, judge_rebuild};
use testkit::oracle::{Broken, Head, Log, Subscriber, answers, copy, delivery, order, runs};
use testkit::slack;

use crate::canary;
use crate::driver::{Driver, Outcome};
use crate::faults::Window;
use crate::followers::Followers;
use crate::rig::Rig;
use crate::settled;

/// Of what was answered, one in so many is sent again.
const REPEATED: usize = 8;
const SHOWN: usize = 20;

#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) seed: u64,
    /// The log before each fault.
    pub(crate) heads: Vec<Head>,
    pub(crate) broken: Vec<Broken>,
    pub(crate) windows: Vec<Window>,
    pub(crate) figures: String,
}

impl Verdict {
    /// Waits until every projection, the stream and every subscriber have everything.
    pub(crate) async fn settle(&mut self, rig: &Rig, pool: &PgPool, followers: &Followers) {
        self.broken.extend(settled::reached(pool).await.err());
        let head = settled::head(pool).await;
        self.broken.extend(settled::copied(&rig.nats, head).await.err());
        self.broken.extend(settled::delivered(pool, followers).await.err());
    }

    pub(crate) async fn judge(&mut self, rig: &mut Rig, pool: &PgPool, driver: &Driver, followers: Followers) {
        let (repeated, refused) = driver.repeat(REPEATED).await;
        self.broken.extend(refused);
        let log = Log::read(pool).await.unwrap();
        let sent = driver.sent();
        self.broken.extend(answers::judge(&log, &sent, &repeated));
        self.broken.extend(order::judge(&log));
        self.broken.extend(order::judge_history(&log, &self.heads));
        self.judge_rows(&log, pool).await;
        match canary::read(pool).await {
            Ok((_, canary)) => self.broken.extend(judge_canary(&log, &canary)),
            Err(error) => self.broken.push(Broken::NotSo { promise: "R4", what: format!("{error:#}") }),
        }
        let changes = delivery::changes_of_boards(&log);
        let ends = changes.iter().filter_map(|(board, places)| Some((*board, *places.last()?)));
        let ends: HashMap<_, _> = ends.collect();
        let subscribers = followers.finish(ends, Duration::from_secs(10).mul_f64(slack())).await;
        for subscriber in &subscribers {
            let changes = changes.get(&subscriber.board).cloned().unwrap_or_default();
            self.broken.extend(delivery::judge(&changes, subscriber));
        }
        self.judge_latency(&log, &subscribers);
        self.broken.extend(runs::judge(&log));
        match settled::messages(&rig.nats).await {
            Ok((first, messages)) => self.broken.extend(copy::judge(&log, first, &messages)),
            Err(error) => self.broken.push(Broken::NotSo { promise: "R8", what: format!("{error:#}") }),
        }
        let ended = rig.ended_by_themselves();
        self.broken.extend(ended.into_iter().map(|what| Broken::NotSo { promise: "R9", what }));
        self.count(&log, driver, repeated.len(), &subscribers);
    }

    async fn judge_rows(&mut self, log: &Log, pool: &PgPool) {
        for (name, live) in projections::digests(pool).await.unwrap() {
            let rebuilt = projections::rebuild_digest(pool, name, live.position).await.unwrap();
            let live = Rows { position: live.position, sha256: live.sha256 };
            let rebuilt = Rows { position: rebuilt.position, sha256: rebuilt.sha256 };
            self.broken.extend(judge_rebuild(name, log.head(), &live, &rebuilt));
        }
    }

    fn judge_latency(&mut self, log: &Log, subscribers: &[Subscriber]) {
        let everything = delivery::latencies(log, subscribers, DateTime::UNIX_EPOCH, Utc::now());
        self.say(&format!("record → subscriber, faults and all: {}", spread(&everything)));
        for Window { what, from, to, within } in self.windows.clone() {
            let took = delivery::latencies(log, subscribers, from, to);
            self.say(&format!("record → subscriber, {what}: {}", spread(&took)));
            let p99 = delivery::percentile(&took, 0.99).and_then(|took| took.to_std().ok()).unwrap_or_default();
            if let Some(limit) = within {
                let what = format!("99 of 100 deliveries, {what}");
                self.broken.extend(Broken::unless_within("R5", &what, p99, limit.mul_f64(slack())));
            }
        }
    }

    fn count(&mut self, log: &Log, driver: &Driver, repeated: usize, subscribers: &[Subscriber]) {
        let attempts = driver.attempts();
        let count = |outcome| attempts.iter().filter(|attempt| attempt.outcome == outcome).count();
        self.say(&format!(
            "{} commands in {} requests ({} unavailable, {} disconnected, {} hung), {repeated} sent again; {} events",
            driver.sent().len(),
            attempts.len(),
            count(Outcome::Unavailable),
            count(Outcome::Disconnected),
            count(Outcome::Hung),
            log.head(),
        ));
        let connections: u32 = subscribers.iter().map(|subscriber| subscriber.connections).sum();
        let received: usize = subscribers.iter().map(|subscriber| subscriber.received.len()).sum();
        let resyncs: usize = subscribers.iter().map(|subscriber| subscriber.resyncs.len()).sum();
        self.say(&format!(
            "{} subscribers over {connections} sockets got {received} changes, {resyncs} resyncs",
            subscribers.len()
        ));
    }

    fn say(&mut self, line: &str) {
        self.figures.push_str(line);
        self.figures.push('\n');
    }

    /// # Panics
    /// With the seed, the fault log and what is broken, unless nothing is.
    pub(crate) fn passes(&self, rig: &Rig) {
        let Some(first) = self.broken.first() else { return };
        let shown: Vec<_> =
            self.broken.iter().take(SHOWN).map(|broken| format!("{}: {broken}", broken.promise())).collect();
        panic!(
            "{} is broken (LIME_TEST_SEED={}), {} findings:\n{}\n\nwhat happened:\n{}\n\n{}\n{}",
            first.promise(),
            self.seed,
            self.broken.len(),
            shown.join("\n"),
            rig.fault_log(),
            self.figures,
            rig.log_ends(),
        );
    }
}

fn spread(took: &[TimeDelta]) -> String {
    let at = |share| delivery::percentile(took, share).unwrap_or_default().num_milliseconds();
    format!("p50 {} ms, p99 {} ms, longest {} ms of {}", at(0.5), at(0.99), at(1.0), took.len())
}
