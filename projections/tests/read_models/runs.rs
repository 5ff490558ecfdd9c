use crate::story::{Story, ended};
use domain::agent_run::{
    AcceptedItem, AgentRunEvent, ChangedFile, RunArtifactProduced, RunBudgetWarned, RunCancelRequested, RunMode,
    RunOutcome, RunPlanAccepted, RunPlanItemProposed, RunWork,
};
use domain::org::Role;
use domain::ticket::TicketKind;
use domain::{ArtifactId, ConversationId, OrgId, PlanItemId, RunId, TicketId};
use projections::runs::{NAME, RunFilter, RunState};
use uuid::Uuid;

#[tokio::test]
async fn a_run_is_followed_from_request_to_end() {
    let story = Story::begin().await;
    let (org, ticket) = (story.log.org, story.ticket(1, "Rate limit").await);
    let run = story.request(RunMode::Implement, Some(ticket)).await;
    story.shown_by(NAME).await;
    let queued = story.reads.run(org, run).await.unwrap().unwrap();
    assert_eq!(
        (queued.state, queued.version, queued.requested_by.clone()),
        (RunState::Queued, 1, story.log.actor.clone())
    );
    assert_eq!(queued.ticket.as_ref().unwrap().id, ticket);
    assert_eq!((queued.base_ref.as_deref(), queued.started_at), (Some("main"), None));

    story.start_work(run, Some("al/AL-1")).await;
    let warning = RunBudgetWarned { token: 1, limit_usd_micros: 1_250, spent_usd_micros: 1_000 };
    story
        .say(run, [AgentRunEvent::RunBudgetWarned(warning), AgentRunEvent::RunCancelRequested(RunCancelRequested {})])
        .await;
    story.shown_by(NAME).await;
    let working = story.reads.run(org, run).await.unwrap().unwrap();
    assert_eq!((working.state, working.cancel_requested, working.scripted), (RunState::Working, true, true));
    assert_eq!((working.stations_reached, working.program.as_deref()), (2, Some("codex 0.169.0")));
    assert!(working.budget_warned && !queued.budget_warned);
    assert!(working.started_at.is_some() && working.worker.is_some());

    let diff = ArtifactId(Uuid::now_v7());
    let artifact = RunArtifactProduced {
        token: 1,
        artifact: diff,
        name: "diff".to_owned(),
        mime: "text/x-diff".to_owned(),
        size_bytes: 12,
        digest: "ab".repeat(32),
    };
    let file = ChangedFile { path: "a.rs".to_owned(), status: "modified".to_owned(), additions: 3, deletions: 1 };
    let work = RunWork {
        branch: "al/AL-1".to_owned(),
        head_commit: "f00d".to_owned(),
        additions: 3,
        deletions: 1,
        files: vec![file.clone()],
        diff,
    };
    let end = domain::agent_run::RunEnded { work: Some(work), ..ended(RunOutcome::Succeeded, 1_234) };
    let said = story.say(run, [AgentRunEvent::RunArtifactProduced(artifact), AgentRunEvent::RunEnded(end)]).await;
    story.shown_by(NAME).await;
    let done = story.reads.run(org, run).await.unwrap().unwrap();
    assert_eq!((done.state, done.ended_at, done.cost_usd_micros), (RunState::Succeeded, Some(said[1].at), 1_234));
    assert_eq!((done.summary.as_deref(), done.usage.input_tokens, done.transcript_count), (Some("Done."), 10, 3));
    let changes = done.changes.unwrap();
    assert_eq!((changes.additions, changes.deletions, changes.artifact), (3, 1, diff));
    assert_eq!(changes.files, [file]);
    assert_eq!(done.head_commit.as_deref(), Some("f00d"));
    let artifacts = story.reads.artifacts(org, &[run]).await.unwrap();
    assert_eq!((artifacts[0].id, artifacts[0].name.as_str(), artifacts[0].size_bytes), (diff, "diff", 12));
    let by_digest = story.reads.artifact_by_digest(org, &"ab".repeat(32)).await.unwrap();
    assert_eq!(by_digest.as_ref(), artifacts.first());
    assert_eq!(story.reads.artifact_by_digest(OrgId(Uuid::now_v7()), &"ab".repeat(32)).await.unwrap(), None);
    story.equals_its_rebuild().await;
}

#[tokio::test]
async fn a_plan_has_its_items_and_the_tickets_that_they_became() {
    let story = Story::begin().await;
    let run = story.request(RunMode::Plan, None).await;
    let items: Vec<_> = (0..3).map(|_| PlanItemId(Uuid::now_v7())).collect();
    let proposed = |number: usize| {
        AgentRunEvent::RunPlanItemProposed(RunPlanItemProposed {
            token: 1,
            item: items[number],
            parent: (number > 0).then(|| items[0]),
            kind: if number == 0 { TicketKind::Epic } else { TicketKind::Story },
            title: format!("Item {number}"),
            description_md: String::new(),
            acceptance_criteria: vec!["It works".to_owned()],
            owner_role: Role::Dev,
            column: "todo".to_owned(),
        })
    };
    story.say(run, [proposed(0), proposed(1), proposed(2)]).await;
    let ticket = TicketId(Uuid::now_v7());
    let accepted = RunPlanAccepted { tickets: vec![AcceptedItem { item: items[1], ticket }] };
    story.say(run, [AgentRunEvent::RunPlanAccepted(accepted)]).await;
    story.shown_by(NAME).await;
    let read = story.reads.plan_items(story.log.org, &[run]).await.unwrap();
    assert_eq!(read.iter().map(|item| item.id).collect::<Vec<_>>(), items);
    assert_eq!(read.iter().map(|item| item.accepted_ticket).collect::<Vec<_>>(), [None, Some(ticket), None]);
    assert_eq!((read[1].parent, read[1].kind, read[1].owner_role), (Some(items[0]), TicketKind::Story, Role::Dev));
    assert_eq!(story.reads.plan_items(OrgId(Uuid::now_v7()), &[run]).await.unwrap(), []);
    story.equals_its_rebuild().await;
}

#[tokio::test]
async fn runs_are_listed_newest_first_by_filter_and_page() {
    let story = Story::begin().await;
    let (org, ticket) = (story.log.org, story.ticket(1, "Rate limit").await);
    let mut runs = Vec::new();
    for number in 0..6 {
        let on = (number % 2 == 0).then_some(ticket);
        runs.push(story.request(if number < 3 { RunMode::Ask } else { RunMode::Review }, on).await);
    }
    story.end(runs[5], RunOutcome::Cancelled, 0).await;
    story.shown_by(NAME).await;
    let list = async |filter: RunFilter, first, before| {
        let page = story.reads.runs(org, &filter, first, before).await.unwrap();
        let last = page.nodes.last().map(|run| run.requested_position);
        (page.nodes.iter().map(|run| run.id).collect::<Vec<RunId>>(), page.has_next, last)
    };
    let (first, more, last) = list(RunFilter::default(), 4, None).await;
    assert_eq!((first, more), (vec![runs[5], runs[4], runs[3], runs[2]], true));
    let (rest, more, _) = list(RunFilter::default(), 4, last).await;
    assert_eq!((rest, more), (vec![runs[1], runs[0]], false));
    let filter = RunFilter { ticket: Some(ticket), mode: Some(RunMode::Ask), ..RunFilter::default() };
    assert_eq!(list(filter, 9, None).await.0, [runs[2], runs[0]]);
    let filter = RunFilter { state: Some(RunState::Cancelled), ..RunFilter::default() };
    assert_eq!(list(filter, 9, None).await.0, [runs[5]]);
    let filter = RunFilter { user: Some(story.owner), project: Some(story.project), ..RunFilter::default() };
    assert_eq!(list(filter, 9, None).await.0.len(), 6);
    let filter = RunFilter { provider: Some("claude".to_owned()), ..RunFilter::default() };
    assert_eq!(list(filter, 9, None).await.0, []);
    assert_eq!(story.reads.runs(OrgId(Uuid::now_v7()), &RunFilter::default(), 9, None).await.unwrap().nodes, []);
    assert_eq!(story.reads.org_of_run(runs[0]).await.unwrap(), Some(org));
}

#[tokio::test]
async fn a_conversation_is_named_by_its_first_prompt() {
    let story = Story::begin().await;
    let conversation = ConversationId(Uuid::now_v7());
    for prompt in ["  Plan the limiter\nin detail", "And now?"] {
        let requested = domain::agent_run::RunRequested {
            conversation: Some(conversation),
            prompt: prompt.to_owned(),
            ..story.requested(RunMode::Plan, None)
        };
        story.say(RunId(Uuid::now_v7()), [AgentRunEvent::RunRequested(requested)]).await;
    }
    story.shown_by(NAME).await;
    let (org, reads) = (story.log.org, &story.reads);
    let page = reads.conversations(org, story.project, 5, None).await.unwrap();
    assert_eq!(page.nodes.iter().map(|talk| talk.title.as_str()).collect::<Vec<_>>(), ["Plan the limiter"]);
    assert_eq!(reads.conversation(org, conversation).await.unwrap().as_ref(), page.nodes.first());
    let filter = RunFilter { conversation: Some(conversation), ..RunFilter::default() };
    assert_eq!(reads.runs(org, &filter, 5, None).await.unwrap().nodes.len(), 2);
    assert_eq!(reads.conversations(OrgId(Uuid::now_v7()), story.project, 5, None).await.unwrap().nodes, []);
}

#[tokio::test]
async fn changes_of_runs_follow_a_cursor() {
    let story = Story::begin().await;
    let run = story.request(RunMode::Ask, None).await;
    let start = story.shown_by(NAME).await;
    story.start_work(run, None).await;
    story.end(run, RunOutcome::Succeeded, 1).await;
    let end = story.shown_by(NAME).await;
    let read = |org, after, limit| story.reads.runs_changes(org, story.project, after, limit);
    let changes = read(story.log.org, start, 10).await.unwrap();
    assert_eq!(
        changes.items.iter().map(|change| change.position).collect::<Vec<_>>(),
        [start + 1, start + 2, start + 3]
    );
    assert!(changes.items.iter().all(|change| change.run.state == RunState::Succeeded && change.run.id == run));
    assert_eq!((changes.position, changes.more), (end, false));
    assert!(read(story.log.org, start, 2).await.unwrap().more);
    assert!(read(story.log.org, end + 1, 2).await.unwrap().resync);
    assert_eq!(read(OrgId(Uuid::now_v7()), 0, 10).await.unwrap().items, []);
}

#[tokio::test]
async fn a_transcript_is_read_in_order_from_where_one_was() {
    let story = Story::begin().await;
    let (org, run) = (story.log.org, RunId(Uuid::now_v7()));
    assert_eq!(story.reads.transcript_last_seq(org, run).await.unwrap(), 0);
    for seq in 1..=5_i64 {
        sqlx::query("insert into run_transcript values ($1, $2, $3, now(), 'message', '{\"text\": \"Hello\"}')")
            .bind(org.as_uuid())
            .bind(run.as_uuid())
            .bind(seq)
            .execute(&story.database.pool)
            .await
            .unwrap();
    }
    let events = story.reads.transcript(org, run, 2, 2).await.unwrap();
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [3, 4]);
    assert_eq!((events[0].kind.as_str(), &events[0].payload["text"]), ("message", &serde_json::json!("Hello")));
    assert_eq!(story.reads.transcript_last_seq(org, run).await.unwrap(), 5);
    assert!(story.reads.transcript(OrgId(Uuid::now_v7()), run, 0, 9).await.unwrap().is_empty());
}
