//! Nothing that was promised is broken by killing any one process under load, on real servers and real processes.
//!
//! `rig` starts the product, one process a role. `load` sends commands through `driver`, which is never killed;
//! `followers` watch boards over sockets; `canary` is a projection that shows every repeat. `faults` kills and stops
//! one thing after another. Then `testkit::oracle` judges what the log, the stream, the read models and the clients
//! have against the promises of docs/ARCHITECTURE.md.
//!
//! `LIME_TEST_SEED=<number>` repeats the order of faults and commands of a failure; `LIME_TEST_LONG=1` has more
//! subscribers and commands.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test; its figures are shown"
)]

mod canary;
mod driver;
mod faults;
mod followers;
mod load;
mod processes;
mod rig;
mod settled;
mod verdict;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;
use uuid::Uuid;

use driver::Driver;
use faults::{Faults, Window};
use followers::Followers;
use load::{Load, World};
use rig::Rig;
use verdict::Verdict;

/// While faults happen. With all of them they take some fifty seconds.
const COMMANDS_A_SECOND: f64 = 40.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_promise_holds_whatever_is_killed() {
    let is_long = std::env::var_os("LIME_TEST_LONG").is_some();
    let (commands, subscribers) = if is_long { (6_000, 60) } else { (2_000, 24) };
    let seed = std::env::var("LIME_TEST_SEED").ok().map_or_else(|| rand::rng().random(), |seed| seed.parse().unwrap());
    let mut random = StdRng::seed_from_u64(seed);
    let begun = Instant::now();
    let mut rig = Rig::start(&mut random).await;
    let driver = Arc::new(Driver::new(rig.urls(), rig.create_token()));
    let world = World::set_up(&driver).await;
    let followers = Followers::start(&driver, &rig.urls(), &world, subscribers).await;
    let repository = repository(&rig, &driver, &world).await;
    let pool = rig.pool().await;

    let (load, lanes) = Load::start(&driver, &world, commands, COMMANDS_A_SECOND, seed).await;
    rig.note(format!("seed {seed}; the load begins"));
    let mut faults = Faults {
        rig: &mut rig,
        driver: &driver,
        world: &world,
        followers: &followers,
        pool: pool.clone(),
        random,
        repository,
        heads: Vec::new(),
        broken: Vec::new(),
        down: Duration::ZERO,
        windows: Vec::new(),
    };
    // Whatever becomes of it among the faults, it must end once.
    faults.start_run("Add free shipping").await;
    faults.all().await;
    let Faults { heads, broken, windows, .. } = faults;
    let drained = Utc::now();
    load.faults_are_over();
    rig.note("the faults are over");
    lanes.join_all().await;
    rig.note("the load is over");

    let mut verdict = Verdict { seed, heads, broken, windows, ..Verdict::default() };
    verdict.settle(&rig, &pool, &followers).await;
    let quiet = Utc::now();
    verdict.windows.push(Window { what: "as fast as it goes".to_owned(), from: drained, to: quiet, within: None });
    load.a_quiet_while(Duration::from_millis(20), 200).await;
    let within = Some(Duration::from_millis(100));
    verdict.windows.push(Window { what: "quiet".to_owned(), from: quiet, to: Utc::now(), within });
    verdict.settle(&rig, &pool, &followers).await;
    verdict.judge(&mut rig, &pool, &driver, followers).await;
    eprintln!("{} s in all\n{}\n{}", begun.elapsed().as_secs(), rig.fault_log(), verdict.figures);
    verdict.passes(&rig);
}

/// A repository for runs; none, loudly, where no sandbox can be made.
async fn repository(rig: &Rig, driver: &Driver, world: &World) -> Option<Uuid> {
    let providers = "query($org: UUID!) { providers(orgId: $org) { available health } }";
    let health = testkit::eventually(Duration::from_secs(20), || async {
        let read = driver.ask(providers, json!({ "org": world.org })).await;
        let provider = read["providers"][0].clone();
        (provider["health"] != "No worker is running.").then_some(provider)
    })
    .await;
    if health["available"] != true {
        assert!(std::env::var_os("LIME_REQUIRE_SANDBOX").is_none(), "no run can be executed: {health}");
        eprintln!("SKIPPED: runs, and the worker's faults with a run at work: {health}");
        return None;
    }
    let document =
        "mutation($input: ConnectRepositoryInput!) { connectRepository(input: $input) { repoConnection { id } } }";
    let input = json!({
        "commandId": Uuid::now_v7(), "projectId": world.projects[0].id, "provider": "GIT",
        "cloneUrl": rig.git.url("sample"),
    });
    let connected = driver.ask(document, json!({ "input": input })).await;
    Some(load::id(&connected["connectRepository"]["repoConnection"]["id"]))
}
