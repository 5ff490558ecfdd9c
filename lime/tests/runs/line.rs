//! The line once, end to end: a prompt becomes tickets, a ticket becomes a branch with a commit.

use std::collections::BTreeMap;
use std::process::Command;

use ring::digest::{Context, SHA256};
use serde_json::{Value, json};
use testkit::eventually;
use testkit::scripted_model::Script;
use uuid::Uuid;

use crate::floor::{Floor, RUN};
use crate::product::api::Project;
use crate::socket::Listener;

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_becomes_tickets_and_a_ticket_becomes_a_branch() {
    let mut floor = Floor::start(Script::builtin().unwrap(), &[]).await;
    let codex = eventually(RUN, || async {
        let providers = "query($org: UUID!) { providers(orgId: $org) { id available scripted keyPresent health } }";
        let found = floor.api.ask(providers, json!({ "org": floor.project.org })).await["providers"][0].clone();
        if found["available"] == true { Ok(found) } else { Err(format!("{found}")) }
    })
    .await;
    assert_eq!((&codex["id"], &codex["scripted"], &codex["keyPresent"]), (&json!("codex"), &json!(true), &json!(true)));
    a_prompt_becomes_tickets(&floor).await;
    a_ticket_becomes_a_branch(&floor).await;
    assert_eq!(floor.up.stop(), Some(0));
}

async fn a_prompt_becomes_tickets(floor: &Floor) {
    let run = floor.start_run(json!({ "mode": "PLAN", "prompt": "Ship large orders for free." })).await;
    let planned = floor.succeeded(run).await;
    let plan = planned["plan"].as_array().unwrap();
    assert_eq!(kinds(plan), [("EPIC", 1), ("STORY", 3), ("TASK", 9)].into());
    assert!(plan.iter().all(|item| item["acceptedTicket"].is_null()));
    assert!(cards(floor).await.is_empty(), "nothing is on the board before a person says so");
    assert!(planned["summary"].as_str().unwrap().starts_with("The plan stands"), "{planned:#}");
    holds_the_rules(floor, run, &planned).await;

    let accept =
        "mutation($input: AcceptPlanInput!) { acceptPlan(input: $input) { version tickets { id key kind title } } }";
    let input = json!({ "input": { "commandId": Uuid::new_v4(), "runId": run } });
    let accepted = floor.api.ask(accept, input.clone()).await["acceptPlan"].clone();
    assert_eq!(kinds(accepted["tickets"].as_array().unwrap()), kinds(plan));

    let board = eventually(RUN, || async {
        let board = cards(floor).await;
        if board.len() == 13 { Ok(board) } else { Err(board.len()) }
    })
    .await;
    assert_eq!(kinds(&board), kinds(plan));
    the_tickets_hang_together_as_planned(floor, plan, &board).await;

    let events = events_so_far(floor).await;
    let again = floor.api.ask(accept, input).await["acceptPlan"].clone();
    assert_eq!(again["tickets"], accepted["tickets"]);
    // Another command with the same wish finds all of it there.
    let other = json!({ "input": { "commandId": Uuid::new_v4(), "runId": run } });
    floor.api.ask(accept, other).await;
    assert_eq!(events_so_far(floor).await, events, "accepted twice, something was written twice");
    assert_eq!(cards(floor).await, board);
}

/// Each ticket's parent on the board is the ticket of its item's parent in the plan.
async fn the_tickets_hang_together_as_planned(floor: &Floor, plan: &[Value], board: &[Value]) {
    let titles: BTreeMap<&str, &str> =
        plan.iter().map(|item| (item["id"].as_str().unwrap(), item["title"].as_str().unwrap())).collect();
    let mut planned: Vec<(&str, Option<&str>)> = plan
        .iter()
        .map(|item| (item["title"].as_str().unwrap(), item["parentId"].as_str().map(|parent| titles[parent])))
        .collect();
    let mut found = Vec::new();
    for card in board {
        let document = "query($id: UUID!) { ticket(id: $id) { title parent { title kind } } }";
        let ticket = floor.api.ask(document, json!({ "id": card["ticketId"] })).await["ticket"].clone();
        let above = match card["kind"].as_str().unwrap() {
            "EPIC" => Value::Null,
            "STORY" => json!("EPIC"),
            _ => json!("STORY"),
        };
        assert_eq!(ticket["parent"]["kind"], above, "{ticket}");
        found.push((ticket["title"].clone(), ticket["parent"]["title"].clone()));
    }
    let mut found: Vec<(&str, Option<&str>)> =
        found.iter().map(|(title, parent)| (title.as_str().unwrap(), parent.as_str())).collect();
    planned.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, planned);
}

async fn a_ticket_becomes_a_branch(floor: &Floor) {
    let ticket = floor.api.create_ticket(floor.project, "Ship large orders for free").await;
    let base = floor.git.git("sample", &["rev-parse", "main"]).unwrap();
    let run = floor
        .start_run(json!({
            "mode": "IMPLEMENT", "ticketId": ticket, "repoConnectionId": floor.repository, "baseRef": "main",
        }))
        .await;
    let document = "query($id: UUID!) { runEvents(runId: $id) { cursor events { seq } } }";
    let page = floor.api.ask(document, json!({ "id": run })).await["runEvents"].clone();
    let subscription = "subscription($id: UUID!, $after: Cursor) \
        { runEvents(runId: $id, after: $after) { live resync event { seq type } } }";
    let listener = Listener::to(&floor.api, subscription, json!({ "id": run, "after": page["cursor"] })).await;

    let done = floor.succeeded(run).await;
    let (branch, head) = (done["branch"].as_str().unwrap(), done["headCommit"].as_str().unwrap());
    assert!(branch.starts_with("al/RU-") && branch.ends_with("-ship-large-orders-for-free"), "{branch}");
    assert_eq!((&done["scripted"], &done["ticketId"]), (&json!(true), &json!(ticket)));
    assert!(done["summary"].as_str().unwrap().contains("`order_price_cents` takes the order's total"), "{done:#}");
    let diff = &done["diff"];
    let file = |path: &str, additions, deletions| json!({ "path": path, "additions": additions, "deletions": deletions, "status": "modified" });
    assert_eq!(diff["files"], json!([file("rates.py", 8, 0), file("test_rates.py", 7, 1)]));
    assert_eq!((&diff["additions"], &diff["deletions"]), (&json!(15), &json!(1)));
    assert!(diff["unified"].as_str().unwrap().contains("\n+FREE_FROM_CENTS = 5_000\n"), "{diff:#}");
    assert!(done["usage"]["inputTokens"].as_u64().unwrap() >= 5_300, "{done:#}");
    assert!(done["costUsdMicros"].as_u64().unwrap() > 0);
    let artifact = &done["artifacts"][0];
    let stored = floor.api.file(artifact["digest"].as_str().unwrap()).await;
    assert_eq!(stored, diff["unified"].as_str().unwrap());

    the_commit_is_in_the_hosts_own_repository(floor, run, branch, head, &base).await;
    assert_eq!(floor.git.git("sample", &["for-each-ref", "--format=%(refname)"]).unwrap(), "refs/heads/main");
    let card = cards(floor).await.into_iter().find(|card| card["ticketId"] == json!(ticket)).unwrap();
    assert_eq!((&card["run"]["state"], &card["branch"]), (&json!("SUCCEEDED"), &json!(branch)));

    let transcript = holds_the_rules(floor, run, &done).await;
    for kind in ["MESSAGE", "LOG", "TOOL", "DIFF", "USAGE"] {
        assert!(transcript.iter().any(|event| event["type"] == kind), "no {kind}");
    }
    let of_the_branch = |event: &&Value| event["type"] == "DIFF" && event["data"]["scope"] == "branch";
    assert_eq!(transcript.iter().filter(of_the_branch).count(), 1);
    the_subscription_saw_each_event_once(&page, &listener, done["lastSeq"].as_u64().unwrap()).await;
}

async fn the_commit_is_in_the_hosts_own_repository(floor: &Floor, run: Uuid, branch: &str, head: &str, base: &str) {
    let repository = floor.place.home().join(format!("work/runs/{run}-1/host.git"));
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("--git-dir").arg(&repository).args(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(git(&["rev-parse", &format!("refs/heads/{branch}")]), head);
    assert_eq!(git(&["rev-list", &format!("{base}..{head}")]), head, "one commit on the base");
    assert_eq!(git(&["log", "-1", "--format=%an: %s", head]), "Codex: rates: Ship orders of 50.00 and more for free");
    // What the agent wrote elsewhere is gone.
    let mut left: Vec<String> = std::fs::read_dir(repository.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["host.git"]);
    assert_eq!(floor.events(run).await.iter().filter(|(name, _)| name == "RunLeased").count(), 1);
}

/// The rules of docs/run-events.md, and the digest by which the log vouches for the transcript, computed here anew.
async fn holds_the_rules(floor: &Floor, run: Uuid, ended: &Value) -> Vec<Value> {
    let transcript = floor.transcript(run).await;
    let seqs: Vec<u64> = transcript.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=ended["lastSeq"].as_u64().unwrap()).collect::<Vec<_>>());
    assert!(transcript.iter().any(|event| event["type"] == "DIFF" || event["type"] == "ARTIFACT"));
    let endings = floor.endings(run).await;
    assert_eq!(endings.len(), 1, "a run ends once");
    let rows: Vec<(i64, i64, String, String)> = sqlx::query_as(
        "select seq, (extract(epoch from at) * 1000000)::bigint, type, payload::text from run_transcript \
         where run_id = $1 order by seq",
    )
    .bind(run)
    .fetch_all(&floor.database().await)
    .await
    .unwrap();
    let mut hash = Context::new(&SHA256);
    hash.update(b"lime.transcript.v1\0");
    for (seq, at_micros, kind, payload) in &rows {
        hash.update(&seq.to_be_bytes());
        hash.update(&at_micros.to_be_bytes());
        for text in [kind, payload] {
            hash.update(&u32::try_from(text.len()).unwrap().to_be_bytes());
            hash.update(text.as_bytes());
        }
    }
    assert_eq!(endings[0]["transcript_count"], rows.len());
    assert_eq!(endings[0]["transcript_digest"], hex::encode(hash.finish()));
    let shown = |event: &Value| json!({ "text": event["text"], "data": event["data"] });
    let stored: Vec<Value> = rows.iter().map(|row| serde_json::from_str(&row.3).unwrap()).collect();
    assert_eq!(transcript.iter().map(shown).collect::<Vec<_>>(), stored, "the API shows something else");
    transcript
}

async fn the_subscription_saw_each_event_once(page: &Value, listener: &Listener, last: u64) {
    let seq = |event: &Value| event["seq"].as_u64();
    let read: Vec<u64> = page["events"].as_array().unwrap().iter().filter_map(seq).collect();
    let all: Vec<u64> = (1..=last).collect();
    let heard = || listener.items("runEvents").iter().filter_map(|item| seq(&item["event"])).collect::<Vec<_>>();
    eventually(RUN, || async { if heard().last() == Some(&last) { Ok(()) } else { Err(heard()) } }).await;
    assert_eq!([read.clone(), heard()].concat(), all);
    let items = listener.items("runEvents");
    assert!(items.iter().all(|item| item["resync"] == false));
    assert_eq!(items.iter().filter(|item| item["live"] == true && item["event"].is_null()).count(), 1);
    let live = items.iter().position(|item| item["live"] == true).unwrap();
    assert!(items.len() - live > 5, "it was watched while it ran");
}

fn kinds(items: &[Value]) -> BTreeMap<&str, usize> {
    items.iter().fold(BTreeMap::new(), |mut counts, item| {
        *counts.entry(item["kind"].as_str().unwrap()).or_default() += 1;
        counts
    })
}

async fn cards(floor: &Floor) -> Vec<Value> {
    let Project { id, .. } = floor.project;
    let document = "query($id: UUID!) { board(projectId: $id) { columns { cards { ticketId title kind columnKey branch \
                    run { state } } } } }";
    let board = floor.api.ask(document, json!({ "id": id })).await["board"].clone();
    let columns = board["columns"].as_array().unwrap();
    columns.iter().flat_map(|column| column["cards"].as_array().unwrap().clone()).collect()
}

async fn events_so_far(floor: &Floor) -> i64 {
    sqlx::query_scalar("select count(*) from events").fetch_one(&floor.database().await).await.unwrap()
}
