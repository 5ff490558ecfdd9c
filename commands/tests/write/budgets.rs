//! What calls to models may cost: set aside under one lock, freed with the lease, counted by the org's own days.

use crate::world::{World, caller_in, new_org, not_found, rejected};
use commands::budget::*;
use domain::org::{BudgetLevel, BudgetScope};
use domain::{Actor, ProjectId, RunId, TicketId, UserId};
use uuid::Uuid;

const WANTED: Wanted = Wanted { least: 10, enough: 10, most: 10 };

/// A run whose worker holds its lease.
async fn leased(world: &World, ticket: Option<TicketId>) -> Call {
    let run = RunId(Uuid::now_v7());
    sqlx::query(
        "insert into run_leases (run_id, org, worker_id, token, expires_at) values ($1, $2, $1, 1, now() + interval '5 min')",
    )
    .bind(run.0)
    .bind(world.org.0)
    .execute(&world.database.pool)
    .await
    .unwrap();
    Call { org: world.org, project: world.project, ticket, run, token: 1 }
}

fn spending(world: &World) -> Spending {
    Spending::new(world.database.pool.clone())
}

fn limits(ticket: u64) -> Limits {
    Limits { ticket: Some(ticket), time_zone: "UTC".to_owned(), ..Limits::default() }
}

async fn reserve(world: &World, call: &Call, limits: &Limits, wanted: Wanted) -> (Uuid, Reserve) {
    let id = Uuid::now_v7();
    (id, spending(world).reserve(id, call, limits, wanted).await.unwrap())
}

fn amount(answer: Reserve) -> Option<u64> {
    match answer {
        Reserve::Reserved(reserved) => Some(reserved.amount_usd_micros),
        Reserve::Waits(_) | Reserve::Refused(_) | Reserve::LeaseLost => None,
    }
}

async fn set(world: &World, scope: BudgetScope, limit: Option<u64>) {
    set_budget(&world.commands, &world.caller(), SetBudget { scope, limit_usd_micros: limit }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_on_one_tickets_budget_never_pass_it_together() {
    let world = World::new().await;
    let ticket = Some(world.new_ticket("costly").await);
    let (one, two) = (leased(&world, ticket).await, leased(&world, ticket).await);
    let limits = limits(1_000);
    // Forty calls of 10 a run, each settled at once at 7 to 10: all at the same time from several connections.
    let call = |call: Call, n: u64| {
        let (world, limits) = (&world, &limits);
        async move {
            let (id, answer) = reserve(world, &call, limits, Wanted { least: 40, enough: 40, most: 40 }).await;
            let spent: i64 = sqlx::query_scalar(
                "select coalesce(sum(coalesce(cost_usd_micros, reserved_usd_micros)), 0)::bigint from model_calls",
            )
            .fetch_one(&world.database.pool)
            .await
            .unwrap();
            assert!(spent <= 1_000, "{spent}");
            if amount(answer).is_some() {
                spending(world).settle(id, 37 + n % 4).await.unwrap();
            }
            answer
        }
    };
    let calls = (0..80_u64).map(|n| call(if n % 2 == 0 { one } else { two }, n));
    let answers = futures::future::join_all(calls).await;
    let paid = answers.iter().filter(|answer| amount(**answer).is_some()).count();
    assert!((20..=27).contains(&paid), "{paid}");
    let standing = spending(&world).spent(&one, &limits).await.unwrap();
    assert!(standing[0].spent_usd_micros > 900 && standing[0].spent_usd_micros <= 1_000, "{standing:?}");
    let both: i64 = world.count("select count(distinct run_id) from model_calls").await;
    assert_eq!(both, 2);
}

#[tokio::test]
async fn what_is_left_is_given_and_what_others_hold_is_waited_for() {
    let world = World::new().await;
    let (one, two) = (leased(&world, None).await, leased(&world, None).await);
    let limits = Limits { org: Some(100), time_zone: "UTC".to_owned(), ..Limits::default() };
    let wanted = Wanted { least: 20, enough: 50, most: 500 };
    let (first, answer) = reserve(&world, &one, &limits, wanted).await;
    assert_eq!(amount(answer), Some(50), "enough, and something is left for others");
    let (_, answer) = reserve(&world, &two, &limits, wanted).await;
    assert_eq!(amount(answer), Some(50));
    let (_, answer) = reserve(&world, &two, &limits, wanted).await;
    assert!(matches!(answer, Reserve::Waits(over) if over.spent_usd_micros == 0), "{answer:?}");
    spending(&world).settle(first, 30).await.unwrap();
    spending(&world).settle(first, 90).await.unwrap();
    let (_, answer) = reserve(&world, &two, &limits, wanted).await;
    assert_eq!(amount(answer), Some(20), "settled once, at 30");
    // Under a lease that ended, all of it is free again; what was spent stays spent.
    sqlx::query("update run_leases set expires_at = now() where run_id = $1")
        .bind(two.run.0)
        .execute(&world.database.pool)
        .await
        .unwrap();
    let (_, answer) = reserve(&world, &one, &limits, Wanted { least: 70, enough: 70, most: 70 }).await;
    assert_eq!(amount(answer), Some(70));
    assert_eq!(reserve(&world, &two, &limits, wanted).await.1, Reserve::LeaseLost);
    sqlx::query("update run_leases set released = true").execute(&world.database.pool).await.unwrap();
    assert_eq!(reserve(&world, &one, &limits, wanted).await.1, Reserve::LeaseLost);
}

#[tokio::test]
async fn the_strictest_of_all_budgets_counts_and_is_named() {
    let world = World::new().await;
    let ticket = world.new_ticket("costly").await;
    let call = leased(&world, Some(ticket)).await;
    set(&world, BudgetScope::Org, Some(1_000)).await;
    set(&world, BudgetScope::Project { project: world.project }, Some(200)).await;
    set(&world, BudgetScope::Ticket { ticket }, Some(50)).await;
    set(&world, BudgetScope::EachRun, Some(300)).await;
    let of = |asked| limits_of(&world.commands, world.org, &call, asked);
    let limits = of(None).await.unwrap();
    assert_eq!((limits.org, limits.project, limits.ticket, limits.run), (Some(1_000), Some(200), Some(50), Some(300)));
    assert_eq!(of(Some(7)).await.unwrap().run, Some(7));
    assert_eq!(of(Some(900)).await.unwrap().run, Some(300));
    let (_, answer) = reserve(&world, &call, &limits, Wanted { least: 60, enough: 60, most: 60 }).await;
    assert!(matches!(answer, Reserve::Refused(over) if over.scope == BudgetScope::Ticket { ticket }), "{answer:?}");
    let (id, answer) = reserve(&world, &call, &limits, Wanted { least: 5, enough: 60, most: 60 }).await;
    let Reserve::Reserved(reserved) = answer else { panic!("{answer:?}") };
    let tightest = reserved.tightest.unwrap();
    assert_eq!((reserved.amount_usd_micros, tightest.scope), (50, BudgetScope::Ticket { ticket }));
    spending(&world).settle(id, 41).await.unwrap();
    let standing = spending(&world).standing(world.org, "UTC", &[ticket.0]).await.unwrap();
    let level = |scope, limit| standing.of(scope, limit).map(|standing| standing.level);
    assert_eq!(level(BudgetScope::Ticket { ticket }, 50), Some(BudgetLevel::Warning));
    assert_eq!(level(BudgetScope::Org, 1_000), Some(BudgetLevel::Fine));
    assert_eq!(level(BudgetScope::EachRun, 1), None);
    // Another ticket of the project is bounded by the project, not by this one.
    let other = world.new_ticket("another").await;
    let beside = leased(&world, Some(other)).await;
    let beside_limits = limits_of(&world.commands, world.org, &beside, None).await.unwrap();
    assert_eq!(beside_limits.ticket, None);
    let (_, answer) = reserve(&world, &beside, &beside_limits, Wanted { least: 160, enough: 160, most: 160 }).await;
    let project = BudgetScope::Project { project: world.project };
    assert!(
        matches!(answer, Reserve::Refused(over) if over.scope == project && over.spent_usd_micros == 41),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_daily_budget_begins_anew_at_the_orgs_midnight() {
    let world = World::new().await;
    let call = leased(&world, None).await;
    let in_zone = |zone: &str| Limits { org: Some(10), time_zone: zone.to_owned(), ..Limits::default() };
    let (id, answer) = reserve(&world, &call, &in_zone("UTC"), WANTED).await;
    assert_eq!(amount(answer), Some(10));
    spending(&world).settle(id, 10).await.unwrap();
    for (settled, spent) in [("interval '0 s'", 10), ("- interval '1 s'", 0)] {
        // At, and just before, the last midnight of a zone.
        for zone in ["Asia/Tokyo", "America/New_York", "UTC"] {
            let settle = format!(
                "update model_calls set settled_at = (date_trunc('day', now() at time zone '{zone}') {}{settled}) at time zone '{zone}'",
                if settled.starts_with('-') { "" } else { "+ " },
            );
            sqlx::query(&settle).execute(&world.database.pool).await.unwrap();
            let standing = spending(&world).spent(&call, &in_zone(zone)).await.unwrap();
            assert_eq!(standing[0].spent_usd_micros, spent, "{settled} of {zone}");
            assert!(standing[0].day.is_some());
        }
    }
    let zone = async |name: &str| {
        set_time_zone(&world.commands, &world.caller(), SetTimeZone { time_zone: name.to_owned() }).await
    };
    zone("Asia/Tokyo").await.unwrap();
    assert_eq!(limits_of(&world.commands, world.org, &call, None).await.unwrap().time_zone, "Asia/Tokyo");
    rejected(zone("Mars/Olympus").await, "UNKNOWN_TIME_ZONE");
}

#[tokio::test]
async fn people_are_warned_once_and_told_when_it_is_used_up() {
    let world = World::new().await;
    set(&world, BudgetScope::Org, Some(100)).await;
    let note = |spent, refused| {
        let day = chrono::NaiveDate::from_ymd_opt(2026, 11, 22);
        let note =
            NoteSpending { scope: BudgetScope::Org, day, limit_usd_micros: 100, spent_usd_micros: spent, refused };
        let caller = caller_in(world.org, Actor::system("test"));
        let commands = world.commands.clone();
        async move { note_spending(&commands, &caller, note).await.unwrap() }
    };
    for (spent, refused) in [(10, false), (80, false), (85, false), (90, true), (100, false), (100, true)] {
        note(spent, refused).await;
    }
    let names: Vec<String> = world.events_of(world.org.0).await.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names[2..], ["BudgetSet", "BudgetWarned", "BudgetUsedUp"]);
}

#[tokio::test]
async fn what_belongs_to_another_org_is_not_found() {
    let world = World::new().await;
    let stranger = UserId(Uuid::now_v7());
    let org = new_org(&world.commands, stranger).await;
    let caller = || caller_in(org, Actor::User(stranger));
    let ticket = world.new_ticket("ours").await;
    for scope in [
        BudgetScope::Project { project: world.project },
        BudgetScope::Ticket { ticket },
        BudgetScope::Project { project: ProjectId(Uuid::now_v7()) },
    ] {
        let set = SetBudget { scope, limit_usd_micros: Some(1) };
        not_found(set_budget(&world.commands, &caller(), set).await);
    }
    // The same command again is the same answer.
    let (caller, set) = (caller(), SetBudget { scope: BudgetScope::Org, limit_usd_micros: Some(1) });
    assert!(!set_budget(&world.commands, &caller, set.clone()).await.unwrap().repeated);
    assert!(set_budget(&world.commands, &caller, set).await.unwrap().repeated);
}
