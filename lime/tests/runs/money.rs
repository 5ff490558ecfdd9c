//! What a run may cost, and with which key: the cap holds, to the micro-dollar, and says why.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::eventually;
use testkit::scripted_model::{Scenario, Script, Turn, TurnUsage};
use uuid::Uuid;

use crate::floor::{Floor, KEY, RUN};

/// Of a call that is not held shorter, at gpt-5's $1.25 and $10 a million: $0.10.
const INPUT: u64 = 1_000;
const OUTPUT: u64 = 9_875;
const CAP: u64 = 500_000;

fn turn(line: &str) -> Turn {
    let usage = TurnUsage { input: INPUT, output: OUTPUT, ..TurnUsage::default() };
    Turn { usage, ..Turn::default() }.calling("exec_command", json!({ "cmd": line, "yield_time_ms": 10_000 }))
}

fn scenario(name: &str, turns: Vec<Turn>) -> Scenario {
    Scenario { name: name.into(), when: Some(format!("[{name}]")), when_tool: None, turns, after: None, side: None }
}

fn script() -> Script {
    let endless = (0..30).map(|n| turn(&format!("echo step {n}"))).collect();
    let removed = vec![turn("sleep 3"), turn("echo never")];
    Script::new(vec![scenario("spend", endless), scenario("remove", removed)])
}

fn spender(floor: &Floor, more: Value) -> Value {
    let mut wanted = json!({
        "mode": "IMPLEMENT", "prompt": "[spend] all of it", "model": "gpt-5", "repoConnectionId": floor.repository,
    });
    wanted.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    wanted
}

/// What the vendor counted: the script's tokens, held to the bound of each question.
fn counted(floor: &Floor) -> u64 {
    let cost = |call: &testkit::scripted_model::Call| {
        let bound = call.body["max_output_tokens"].as_u64().unwrap_or(u64::MAX);
        INPUT * 125 / 100 + OUTPUT.min(bound) * 10
    };
    floor.model.calls().iter().map(cost).sum()
}

async fn in_the_table(floor: &Floor, run: Uuid) -> u64 {
    let sum = "select sum(cost_usd_micros)::bigint from model_calls where run_id = $1";
    let sum: i64 = sqlx::query_scalar(sum).bind(run).fetch_one(&floor.database().await).await.unwrap();
    sum.unsigned_abs()
}

/// Lines of the log that tell of a refused call.
fn refusals(floor: &Floor) -> usize {
    floor.up.log().matches("a call to the model was refused").count()
}

async fn of_org(floor: &Floor, name: &str) -> Vec<Value> {
    let events = floor.events(floor.project.org).await;
    events.into_iter().filter(|(event, _)| event == name).map(|(_, payload)| payload).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_stops_at_its_cap() {
    let mut floor = Floor::start(script(), &[]).await;
    let constraints = json!({ "constraints": { "maxCostUsdMicros": CAP } });
    let run = floor.start_run(spender(&floor, constraints)).await;
    let (reason, message) = floor.failure(run).await;
    assert_eq!(reason, "BUDGET");
    assert!(message.starts_with("The run was stopped: the budget of this run "), "{message}");
    assert!(message.contains("of $0.50 are spent"), "{message}");
    assert_eq!(refusals(&floor), 1, "one refused call, and no second try:\n{}", floor.up.log());

    let spent = counted(&floor);
    assert!((400_000..=CAP).contains(&spent), "{spent}");
    assert!(floor.model.calls().len() >= 5);
    let shown = floor.run(run).await;
    assert_eq!(shown["costUsdMicros"], spent);
    assert_eq!(floor.endings(run).await[0]["cost_usd_micros"], spent, "to the micro-dollar in the log");
    assert_eq!(in_the_table(&floor, run).await, spent);
    let warned: Vec<Value> = floor
        .events(run)
        .await
        .into_iter()
        .filter(|(name, _)| name == "RunBudgetWarned")
        .map(|(_, told)| told)
        .collect();
    assert_eq!(warned.len(), 1, "warned once, at four fifths");
    assert_eq!((&warned[0]["limit_usd_micros"], &warned[0]["spent_usd_micros"]), (&json!(CAP), &json!(400_000)));
    let ask = "query($id: UUID!) { agentRun(id: $id) { budgetWarned maxCostUsdMicros } }";
    let asked = floor.api.ask(ask, json!({ "id": run })).await["agentRun"].clone();
    assert_eq!(asked, json!({ "budgetWarned": true, "maxCostUsdMicros": CAP }));
    assert_eq!(floor.up.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once_never_pass_their_tickets_budget_together() {
    let mut floor = Floor::start(script(), &[("LIME_SLOTS", "2")]).await;
    let ticket = floor.api.create_ticket(floor.project, "Costly").await;
    let set = "mutation($input: BudgetInput!) { setBudget(input: $input) { version } }";
    let input = json!({
        "commandId": Uuid::new_v4(), "orgId": floor.project.org, "scope": "TICKET", "ticketId": ticket,
        "limitUsdMicros": CAP,
    });
    floor.api.ask(set, json!({ "input": input })).await;
    let of_ticket = json!({ "ticketId": ticket });
    let one = floor.start_run(spender(&floor, of_ticket.clone())).await;
    let two = floor.start_run(spender(&floor, of_ticket)).await;
    let mut spent = 0;
    for run in [one, two] {
        let (reason, message) = floor.failure(run).await;
        assert_eq!(reason, "BUDGET", "{message}");
        assert!(message.contains("the budget of the ticket"), "{message}");
        let cost = floor.run(run).await["costUsdMicros"].as_u64().unwrap();
        assert!(cost > 0, "both had their share");
        assert_eq!(in_the_table(&floor, run).await, cost);
        spent += cost;
    }
    assert_eq!(spent, counted(&floor));
    assert!((350_000..=CAP).contains(&spent), "{spent}");
    assert_eq!(refusals(&floor), 2, "one a run");
    assert_eq!(of_org(&floor, "BudgetUsedUp").await.len(), 1);
    let asked = "query($org: UUID!) { org(id: $org) { budgets { scope spentUsdMicros reservedUsdMicros } } }";
    let budgets = floor.api.ask(asked, json!({ "org": floor.project.org })).await["org"]["budgets"].clone();
    assert_eq!(budgets, json!([{ "scope": "TICKET", "spentUsdMicros": spent, "reservedUsdMicros": 0 }]));
    assert_eq!(floor.up.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orgs_key_serves_its_runs_until_it_is_removed() {
    // There is a key of the instance, which serves nobody.
    let settings = [("LIME_INSTANCE_KEY_ORGS", "none"), ("OPENAI_API_KEY", "sk-instance-0123456789")];
    let mut floor = Floor::start(script(), &settings).await;
    let (reason, message) = floor.failure(floor.start_run(spender(&floor, json!({}))).await).await;
    assert_eq!(reason, "PROVIDER_AUTH");
    let no_key =
        "There is no key for Codex: an admin of the organisation sets one under Settings, Providers & budgets.";
    assert_eq!(message, no_key);

    let set = "mutation($input: ProviderKeyInput!) { setProviderKey(input: $input) { org { providerKeys { health lastFour } } } }";
    let org = floor.project.org;
    let input = json!({ "commandId": Uuid::new_v4(), "orgId": org, "provider": "codex", "key": KEY });
    let keys = floor.api.ask(set, json!({ "input": input })).await["setProviderKey"]["org"]["providerKeys"].clone();
    assert_eq!(keys, json!([{ "health": "Accepted a moment ago.", "lastFour": &KEY[KEY.len() - 4..] }]));
    let run = floor.start_run(spender(&floor, json!({ "prompt": "[remove] the key" }))).await;
    floor.model.wait_for_calls(1, RUN).await.unwrap();
    let remove = "mutation($input: ProviderKeyRefInput!) { removeProviderKey(input: $input) { version } }";
    let input = json!({ "commandId": Uuid::new_v4(), "orgId": org, "provider": "codex" });
    floor.api.ask(remove, json!({ "input": input })).await;
    let (reason, message) = floor.failure(run).await;
    assert_eq!((reason.as_str(), message.as_str()), ("PROVIDER_AUTH", no_key));
    let calls = floor.model.calls();
    let bearer = Some(format!("Bearer {KEY}"));
    assert!(calls.len() == 1 && calls[0].credential == bearer, "the next call was not made: {calls:#?}");
    let providers = "query($org: UUID!) { providers(orgId: $org) { keyPresent available health } }";
    eventually(Duration::from_secs(10), || async {
        let shown = floor.api.ask(providers, json!({ "org": org })).await["providers"][0].clone();
        shown["keyPresent"] == false && shown["health"].as_str().unwrap().starts_with("There is no key")
    })
    .await;
    assert_eq!(floor.up.stop(), Some(0));
}
