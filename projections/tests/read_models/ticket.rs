use crate::story::Story;
use chrono::DateTime;
use domain::agent_run::{AgentRunEvent, RunCostReached, RunMode, RunOutcome, TokenUsage};
use domain::ticket::{
    PlannedBy, Priority, TicketCommented, TicketDescribed, TicketDueDateSet, TicketEstimated, TicketEvent, TicketKind,
    TicketReparented, TicketRetitled,
};
use domain::{Actor, CommentId, OrgId, PlanItemId, RunId, TicketId, UserId};
use projections::ticket::NAME;
use uuid::Uuid;

#[tokio::test]
async fn a_ticket_has_all_that_was_said_of_it() {
    let story = Story::begin().await;
    let (epic, ticket) = (story.ticket(1, "Epic").await, TicketId(Uuid::now_v7()));
    let planned_by = PlannedBy { run: RunId(Uuid::now_v7()), item: PlanItemId(Uuid::now_v7()) };
    let assignee = UserId(Uuid::now_v7());
    let created = domain::ticket::TicketCreated {
        kind: TicketKind::Story,
        description_md: "# Why".to_owned(),
        parent: Some(epic),
        labels: vec!["api".to_owned()],
        priority: Some(Priority::Low),
        assignee: Some(assignee),
        estimate: Some(3),
        planned_by: Some(planned_by.clone()),
        ..story.created(2, "Rate limit")
    };
    let made = story.say(ticket, [TicketEvent::TicketCreated(created)]).await;
    story.shown_by(NAME).await;
    let now = story.reads.ticket(story.log.org, ticket).await.unwrap().unwrap();
    assert_eq!((now.key.as_str(), now.title.as_str(), now.kind), ("AL-2", "Rate limit", TicketKind::Story));
    assert_eq!((now.description_md.as_str(), now.parent, now.estimate), ("# Why", Some(epic), Some(3)));
    assert_eq!((now.priority, now.assignee, now.delegate), (Some(Priority::Low), Some(assignee), None));
    assert_eq!((now.project, now.board, now.labels), (story.project, story.board, vec!["api".to_owned()]));
    assert_eq!((now.created_at, now.updated_at), (made[0].at, made[0].at));
    assert_eq!((now.created_by, now.planned_by), (story.log.actor.clone(), Some(planned_by)));
    assert_eq!((now.version, now.archived, now.position), (1, false, made[0].position));

    let due_on = DateTime::parse_from_rfc3339("2026-03-01T00:00:00Z").unwrap().to_utc();
    let last = story
        .say(
            ticket,
            [
                TicketEvent::TicketDescribed(TicketDescribed { description_md: String::new() }),
                TicketEvent::TicketEstimated(TicketEstimated { estimate: None }),
                TicketEvent::TicketDueDateSet(TicketDueDateSet { due_on: Some(due_on) }),
                TicketEvent::TicketReparented(TicketReparented { parent: None }),
            ],
        )
        .await;
    story.shown_by(NAME).await;
    let by_key = story.reads.ticket_by_key(story.log.org, "AL-2").await.unwrap().unwrap();
    assert_eq!(story.reads.ticket(story.log.org, ticket).await.unwrap().unwrap(), by_key);
    assert_eq!((by_key.due_on, by_key.estimate, by_key.parent, by_key.version), (Some(due_on), None, None, 5));
    assert_eq!(by_key.updated_at, last[3].at);
    story.equals_its_rebuild().await;
}

#[tokio::test]
async fn children_refs_and_comments_are_read_in_order() {
    let story = Story::begin().await;
    let epic = story.ticket(1, "Epic").await;
    let mut children = Vec::new();
    for number in [12, 3, 7] {
        let child = TicketId(Uuid::now_v7());
        let created = domain::ticket::TicketCreated { parent: Some(epic), ..story.created(number, "Child") };
        story.say(child, [TicketEvent::TicketCreated(created)]).await;
        children.push(child);
    }
    story.say(children[2], [TicketEvent::TicketArchived(domain::ticket::TicketArchived {})]).await;
    let agent = Actor::Run(RunId(Uuid::now_v7()));
    for number in 0..5 {
        let comment = TicketCommented { comment: CommentId(Uuid::now_v7()), body_md: number.to_string() };
        story.say_by(&agent, epic, [TicketEvent::TicketCommented(comment)]).await;
    }
    story.shown_by(NAME).await;
    let org = story.log.org;
    let read = story.reads.children(org, epic, 10).await.unwrap();
    assert_eq!(read.iter().map(|child| child.key.as_str()).collect::<Vec<_>>(), ["AL-3", "AL-12"]);
    assert_eq!(story.reads.children(org, epic, 1).await.unwrap().len(), 1);
    let refs = story.reads.ticket_refs(org, &[children[2], TicketId(Uuid::now_v7())]).await.unwrap();
    assert_eq!(
        refs.iter().map(|child| (child.id, child.column.as_str())).collect::<Vec<_>>(),
        [(children[2], "backlog")]
    );
    let comments = story.reads.comments(org, epic, 3).await.unwrap();
    assert_eq!(comments.iter().map(|comment| comment.body_md.as_str()).collect::<Vec<_>>(), ["2", "3", "4"]);
    assert_eq!(comments[0].author, agent);
    assert_eq!(story.reads.ticket(org, epic).await.unwrap().unwrap().comment_count, 5);
}

#[tokio::test]
async fn the_history_names_each_event_with_what_it_said_and_the_runs_facts() {
    let story = Story::begin().await;
    let ticket = story.ticket(1, "Rate limit").await;
    let retitled = TicketEvent::TicketRetitled(TicketRetitled { title: "Limit rates".to_owned() });
    let said = story.say(ticket, [retitled]).await;
    let run = story.request(RunMode::Implement, Some(ticket)).await;
    story.start_work(run, Some("al/AL-1")).await;
    let cost = RunCostReached { token: 1, usage: TokenUsage::default(), cost_usd_micros: 70 };
    story.say(run, [AgentRunEvent::RunCostReached(cost)]).await;
    story.end(run, RunOutcome::Succeeded, 100).await;
    let end = story.shown_by(NAME).await;
    let org = story.log.org;

    let page = story.reads.history(org, ticket, 3, None).await.unwrap().unwrap();
    assert!(page.has_next);
    let actions: Vec<_> = page.nodes.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["RunEnded", "RunWorkStarted", "RunRequested"]);
    assert_eq!(page.nodes[0].actor, Actor::Run(run));
    let page = story.reads.history(org, ticket, 3, Some(page.nodes[2].position)).await.unwrap().unwrap();
    assert!(!page.has_next);
    let entry = &page.nodes[0];
    assert_eq!((entry.action.as_str(), entry.event_id), ("TicketRetitled", said[0].event_id));
    assert_eq!((entry.at, entry.actor.clone()), (said[0].at, story.log.actor.clone()));
    assert_eq!(entry.payload, serde_json::json!({"title": "Limit rates"}));
    assert_eq!(page.nodes[1].action, "TicketCreated");

    // Live readers hear of everything that changes the page.
    let changes = story.reads.ticket_changes(org, ticket, said[0].position, 100).await.unwrap().unwrap();
    let actions: Vec<_> = changes.items.iter().map(|change| change.entry.action.as_str()).collect();
    assert_eq!(actions, ["RunRequested", "RunLeased", "RunWorkStarted", "RunCostReached", "RunEnded"]);
    assert_eq!((changes.position, changes.more, changes.resync), (end, false, false));
    let piece = story.reads.ticket_changes(org, ticket, 0, 2).await.unwrap().unwrap();
    assert_eq!((piece.items.len(), piece.more), (2, true));
    assert!(story.reads.ticket_changes(org, ticket, end + 1, 2).await.unwrap().unwrap().resync);
    let now = story.reads.ticket(org, ticket).await.unwrap().unwrap();
    assert_eq!((now.cost_usd_micros, now.branch.as_deref()), (100, Some("al/AL-1")));
}

#[tokio::test]
async fn a_foreign_org_sees_no_ticket() {
    let story = Story::begin().await;
    let ticket = story.ticket(1, "Rate limit").await;
    story.shown_by(NAME).await;
    let foreign = OrgId(Uuid::now_v7());
    let reads = &story.reads;
    assert_eq!(reads.ticket(foreign, ticket).await.unwrap(), None);
    assert_eq!(reads.ticket_by_key(foreign, "AL-1").await.unwrap(), None);
    assert_eq!(reads.ticket_refs(foreign, &[ticket]).await.unwrap(), []);
    assert_eq!(reads.history(foreign, ticket, 9, None).await.unwrap(), None);
    assert_eq!(reads.ticket_changes(foreign, ticket, 0, 9).await.unwrap(), None);
    assert_eq!(reads.org_of_ticket(ticket).await.unwrap(), Some(story.log.org));
    assert_eq!(reads.org_of_ticket(TicketId(Uuid::now_v7())).await.unwrap(), None);
}
