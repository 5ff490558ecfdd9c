//! Budgets: who sets them, and how they stand.

use crate::members::{id, join};
use crate::support::{App, code};
use serde_json::{Value, json};
use uuid::Uuid;

const SET: &str = "mutation($i: BudgetInput!) { setBudget(input: $i) { version org { budgets { scope projectId ticketId limitUsdMicros spentUsdMicros reservedUsdMicros state renewsAt ticket { key } setBy { name } } } } }";
const ZONE: &str = "mutation($o: UUID!, $z: String!, $c: UUID!) { setTimeZone(input: {commandId: $c, orgId: $o, timeZone: $z}) { org { timeZone } } }";
const TODAY: &str = "query($o: UUID!) { org(id: $o) { timeZone budgetToday { limitUsdMicros spentUsdMicros reservedUsdMicros state renewsAt } } }";

fn budget(app: &App, scope: &str, limit: Value, more: Value) -> Value {
    let mut input = json!({ "commandId": id(), "orgId": app.org, "scope": scope, "limitUsdMicros": limit });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "i": input })
}

/// A call to a model as a worker keeps it: settled so many hours ago, or under way for a run whose lease is held.
async fn call(app: &App, project: Uuid, ticket: Uuid, amount: i64, settled_hours_ago: Option<i32>) {
    let run = Uuid::now_v7();
    sqlx::query(
        "insert into run_leases (run_id, org, worker_id, token, expires_at) values ($1, $2, $1, 1, now() + interval '1 min')",
    )
    .bind(run)
    .bind(app.org)
    .execute(&app.pool)
    .await
    .unwrap();
    sqlx::query(
        "insert into model_calls (call_id, org, project_id, ticket_id, run_id, token, reserved_usd_micros,
                                  cost_usd_micros, settled_at)
         values ($1, $2, $3, $4, $1, 1, $5, case when $6::int is null then null else $5 end,
                 now() - make_interval(hours => $6))",
    )
    .bind(run)
    .bind(app.org)
    .bind(project)
    .bind(ticket)
    .bind(amount)
    .bind(settled_hours_ago)
    .execute(&app.pool)
    .await
    .unwrap();
}

#[tokio::test]
async fn budgets_say_what_is_spent_and_set_aside() {
    let app = App::start().await;
    let project = app.project("BU").await;
    let ticket = app.ticket(project, "costly").await;
    let other = app.ticket(project, "cheap").await;
    let none = app.data(TODAY, json!({ "o": app.org })).await;
    assert_eq!(none["org"], json!({ "timeZone": "UTC", "budgetToday": null }));
    call(&app, project, ticket, 800_000, Some(0)).await;
    call(&app, project, other, 100_000, Some(0)).await;
    call(&app, project, ticket, 50_000, None).await;
    call(&app, project, ticket, 7_000_000, Some(49)).await;

    app.data(SET, budget(&app, "ORG", json!(1_000_000), json!({}))).await;
    app.data(SET, budget(&app, "RUN", json!(500_000), json!({}))).await;
    app.data(SET, budget(&app, "PROJECT", json!(900_000), json!({ "projectId": project }))).await;
    let set = app.data(SET, budget(&app, "TICKET", json!(20_000_000), json!({ "ticketId": ticket }))).await;
    let budgets = &set["setBudget"]["org"]["budgets"];
    let stand = |at: usize| {
        let budget = &budgets[at];
        (
            budget["scope"].as_str().unwrap(),
            budget["spentUsdMicros"].as_u64(),
            budget["reservedUsdMicros"].as_u64(),
            budget["state"].as_str().unwrap(),
            budget["renewsAt"].is_string(),
        )
    };
    assert_eq!(stand(0), ("ORG", Some(900_000), Some(50_000), "WARNING", true));
    assert_eq!(stand(1), ("RUN", None, None, "OK", false));
    assert_eq!(stand(2), ("PROJECT", Some(900_000), Some(50_000), "USED_UP", true));
    assert_eq!(stand(3), ("TICKET", Some(7_800_000), Some(50_000), "OK", false));
    assert_eq!((&budgets[3]["ticket"]["key"], &budgets[0]["setBy"]["name"]), (&json!("BU-1"), &json!("Owner")));
    // A reservation ends with its lease.
    sqlx::query("update run_leases set expires_at = now() - interval '1 s'").execute(&app.pool).await.unwrap();
    let today = app.data(TODAY, json!({ "o": app.org })).await;
    assert_eq!(today["org"]["budgetToday"]["reservedUsdMicros"], 0);

    let gone = app.data(SET, budget(&app, "PROJECT", Value::Null, json!({ "projectId": project }))).await;
    assert_eq!(gone["setBudget"]["org"]["budgets"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_day_is_one_of_the_orgs_time_zone() {
    let app = App::start().await;
    app.data(SET, budget(&app, "ORG", json!(1_000_000), json!({}))).await;
    let zones = ["Pacific/Kiritimati", "Asia/Tokyo", "Europe/Berlin", "America/Los_Angeles", "Pacific/Pago_Pago"];
    for zone in zones {
        let set = app.data(ZONE, json!({ "o": app.org, "z": zone, "c": id() })).await;
        assert_eq!(set["setTimeZone"]["org"]["timeZone"], zone);
        let today = app.data(TODAY, json!({ "o": app.org })).await;
        let renews = today["org"]["budgetToday"]["renewsAt"].as_str().unwrap();
        let midnight: bool = sqlx::query_scalar(
            "select ($1::timestamptz at time zone $2)::time = '00:00' and $1::timestamptz > now()
                    and $1::timestamptz <= now() + interval '25 hours'",
        )
        .bind(renews)
        .bind(zone)
        .fetch_one(&app.pool)
        .await
        .unwrap();
        assert!(midnight, "{renews} in {zone}");
    }
    for zone in ["Europe/Nowhere", "UTC+3", "'; drop table users", "EST5EDT4"] {
        let refused = app.gql(ZONE, json!({ "o": app.org, "z": zone, "c": id() })).await;
        assert_eq!(refused["errors"][0]["extensions"]["reason"], "UNKNOWN_TIME_ZONE", "{refused}");
    }
}

#[tokio::test]
async fn only_admins_set_budgets_and_everybody_sees_them() {
    let app = App::start().await;
    let project = app.project("BU").await;
    let (pm, _) = join(&app, "Pat", "PM").await;
    assert_eq!(code(&pm.gql(SET, budget(&app, "ORG", json!(1), json!({}))).await), "DENIED");
    assert_eq!(code(&pm.gql(ZONE, json!({ "o": app.org, "z": "UTC", "c": id() })).await), "DENIED");
    app.data(SET, budget(&app, "ORG", json!(0), json!({}))).await;
    let seen = pm.gql(TODAY, json!({ "o": app.org })).await;
    assert_eq!(seen["data"]["org"]["budgetToday"]["state"], "USED_UP", "{seen}");
    for (scope, limit, more, field) in [
        ("PROJECT", json!(1), json!({}), "projectId"),
        ("TICKET", json!(1), json!({}), "ticketId"),
        ("ORG", json!(1), json!({ "projectId": project }), "scope"),
        ("RUN", json!(1), json!({ "ticketId": Uuid::now_v7() }), "scope"),
    ] {
        let refused = app.gql(SET, budget(&app, scope, limit, more)).await;
        assert_eq!(code(&refused), "INVALID", "{refused}");
        assert_eq!(refused["errors"][0]["extensions"]["field"], field, "{refused}");
    }
    let negative = app.gql(SET, budget(&app, "ORG", json!(-1), json!({}))).await;
    assert_eq!(code(&negative), "INVALID", "{negative}");
}
