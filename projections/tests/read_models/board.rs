use crate::story::Story;
use domain::agent_run::{AgentRunEvent, FailureReason, RunCostReached, RunMode, RunOutcome, TokenUsage};
use domain::ticket::{
    PlannedBy, Priority, TicketArchived, TicketAssigned, TicketCommented, TicketDelegated, TicketDescribed,
    TicketEvent, TicketKind, TicketKindChanged, TicketLabelled, TicketMoved, TicketPrioritised, TicketRestored,
    TicketRetitled,
};
use domain::{BoardId, CommentId, OrgId, PlanItemId, RunId, TicketId, UserId};
use projections::board::{Board, Card, NAME};
use projections::runs::RunState;
use uuid::Uuid;

async fn shown(story: &Story) -> Board {
    story.shown_by(NAME).await;
    story.reads.board(story.log.org, story.board).await.unwrap().unwrap()
}

fn card(board: &Board, ticket: TicketId) -> &Card {
    board.columns.iter().flat_map(|column| &column.cards).find(|card| card.ticket == ticket).unwrap()
}

#[tokio::test]
async fn a_card_shows_what_its_ticket_says() {
    let story = Story::begin().await;
    let ticket = story.ticket(1, "Old title").await;
    let assignee = UserId(Uuid::now_v7());
    let said = story
        .say(
            ticket,
            [
                TicketEvent::TicketRetitled(TicketRetitled { title: "Rate limit".to_owned() }),
                TicketEvent::TicketDescribed(TicketDescribed { description_md: "Why".to_owned() }),
                TicketEvent::TicketKindChanged(TicketKindChanged { kind: TicketKind::Bug }),
                TicketEvent::TicketLabelled(TicketLabelled { labels: vec!["api".to_owned(), "limits".to_owned()] }),
                TicketEvent::TicketPrioritised(TicketPrioritised { priority: Some(Priority::Urgent) }),
                TicketEvent::TicketAssigned(TicketAssigned { assignee: Some(assignee) }),
                TicketEvent::TicketDelegated(TicketDelegated { provider: Some("codex".to_owned()) }),
                TicketEvent::TicketCommented(TicketCommented {
                    comment: CommentId(Uuid::now_v7()),
                    body_md: "Hm".to_owned(),
                }),
                TicketEvent::TicketMoved(TicketMoved {
                    from: "backlog".to_owned(),
                    to: "todo".to_owned(),
                    rank: "b".to_owned(),
                }),
            ],
        )
        .await;
    let board = shown(&story).await;
    assert_eq!((board.project, board.name.as_str()), (story.project, "Board"));
    let keys: Vec<_> = board.columns.iter().map(|column| (column.key.as_str(), column.wip_limit)).collect();
    assert_eq!(keys[..2], [("backlog", None), ("todo", Some(3))]);
    assert_eq!(keys.len(), 6);
    assert!(board.columns[0].cards.is_empty());
    let last = said.last().unwrap();
    assert_eq!(board.position, last.position);
    let expected = Card {
        ticket,
        key: "AL-1".to_owned(),
        version: 10,
        position: last.position,
        title: "Rate limit".to_owned(),
        kind: TicketKind::Bug,
        column: "todo".to_owned(),
        rank: "b".to_owned(),
        priority: Some(Priority::Urgent),
        labels: vec!["api".to_owned(), "limits".to_owned()],
        assignee: Some(assignee),
        delegate: Some("codex".to_owned()),
        repo: None,
        branch: None,
        run: None,
        cost_usd_micros: 0,
        stations_reached: 0,
        comment_count: 1,
    };
    assert_eq!(board.columns[1].cards, [expected]);

    story
        .say(
            ticket,
            [
                TicketEvent::TicketPrioritised(TicketPrioritised { priority: None }),
                TicketEvent::TicketAssigned(TicketAssigned { assignee: None }),
                TicketEvent::TicketDelegated(TicketDelegated { provider: None }),
            ],
        )
        .await;
    let board = shown(&story).await;
    let card = card(&board, ticket);
    assert_eq!((card.priority, card.assignee, &card.delegate, card.version), (None, None, &None, 13));
    story.equals_its_rebuild().await;
}

#[tokio::test]
async fn an_archived_card_leaves_and_a_restored_one_returns() {
    let story = Story::begin().await;
    let ticket = story.ticket(1, "Rate limit").await;
    story.say(ticket, [TicketEvent::TicketArchived(TicketArchived {})]).await;
    assert!(shown(&story).await.columns.iter().all(|column| column.cards.is_empty()));
    let restored = TicketRestored { column: "qa".to_owned(), rank: "z".to_owned() };
    story.say(ticket, [TicketEvent::TicketRestored(restored)]).await;
    let board = shown(&story).await;
    let card = card(&board, ticket);
    assert_eq!((card.column.as_str(), card.rank.as_str(), card.version), ("qa", "z", 3));
}

#[tokio::test]
async fn cards_stand_by_rank_bytewise_and_by_id_where_ranks_are_equal() {
    let story = Story::begin().await;
    let mut tickets = Vec::new();
    for (number, rank) in [(1, "b"), (2, "a"), (3, "B"), (4, "a0"), (5, "a")] {
        let ticket = TicketId(Uuid::from_u128(1_000 - u128::from(number)));
        let created = domain::ticket::TicketCreated { rank: rank.to_owned(), ..story.created(number, rank) };
        story.say(ticket, [TicketEvent::TicketCreated(created)]).await;
        tickets.push(ticket);
    }
    let board = shown(&story).await;
    let order: Vec<_> = board.columns[0].cards.iter().map(|card| card.ticket).collect();
    assert_eq!(order, [tickets[2], tickets[4], tickets[1], tickets[3], tickets[0]]);
}

#[tokio::test]
async fn a_card_whose_column_is_not_on_the_board_stands_in_the_first() {
    let story = Story::begin().await;
    let ticket = TicketId(Uuid::now_v7());
    let created = domain::ticket::TicketCreated { column: "gone".to_owned(), ..story.created(1, "Lost") };
    story.say(ticket, [TicketEvent::TicketCreated(created)]).await;
    let board = shown(&story).await;
    assert_eq!(board.columns[0].cards[0].ticket, ticket);
}

#[tokio::test]
async fn runs_show_on_their_card_as_badge_branch_stations_and_cost() {
    let story = Story::begin().await;
    let ticket = story.ticket(1, "Rate limit").await;
    let first = story.request(RunMode::Implement, Some(ticket)).await;
    let board = shown(&story).await;
    let badge = card(&board, ticket).run.clone().unwrap();
    assert_eq!((badge.run, badge.state, badge.mode), (first, RunState::Queued, RunMode::Implement));
    assert_eq!((badge.provider.as_str(), badge.stations_reached), ("codex", 0));
    let repo = card(&board, ticket).repo.clone().unwrap();
    assert_eq!((repo.id, repo.name.as_str()), (story.repo, "northwind/gateway"));
    assert_eq!(card(&board, ticket).version, 1, "a run does not change the ticket's version");

    story.start_work(first, Some("al/AL-1-rate-limit")).await;
    let usage = TokenUsage { input_tokens: 1, cached_input_tokens: 0, output_tokens: 1 };
    let cost = RunCostReached { token: 1, usage, cost_usd_micros: 700 };
    story.say(first, [AgentRunEvent::RunCostReached(cost)]).await;
    let board = shown(&story).await;
    let now = card(&board, ticket);
    assert_eq!(now.branch.as_deref(), Some("al/AL-1-rate-limit"));
    assert_eq!((now.cost_usd_micros, now.stations_reached), (700, 2));
    assert_eq!(now.run.as_ref().unwrap().state, RunState::Working);

    let failed = RunOutcome::Failed { reason: FailureReason::Budget, message: "Too dear".to_owned() };
    story.end(first, failed, 900).await;
    let failure = card(&shown(&story).await, ticket).run.clone().unwrap().failure.unwrap();
    assert_eq!((failure.reason, failure.message.as_str()), (FailureReason::Budget, "Too dear"));

    // The next one takes the badge, and adds its cost.
    let second = story.request(RunMode::Review, Some(ticket)).await;
    story.start_work(second, None).await;
    story.end(second, RunOutcome::Succeeded, 50).await;
    let board = shown(&story).await;
    let now = card(&board, ticket);
    let badge = now.run.clone().unwrap();
    assert_eq!((badge.run, badge.state, badge.failure), (second, RunState::Succeeded, None));
    assert_eq!((now.cost_usd_micros, now.stations_reached), (950, 4));
    assert_eq!(now.branch.as_deref(), Some("al/AL-1-rate-limit"));
    assert!(now.repo.is_some());

    // A run of no ticket, and one of a ticket that is not there, change no card.
    let stray = story.request(RunMode::Plan, None).await;
    story.start_work(stray, None).await;
    let lost = story.request(RunMode::Ask, Some(TicketId(Uuid::now_v7()))).await;
    story.end(lost, RunOutcome::Cancelled, 5).await;
    assert_eq!(card(&shown(&story).await, ticket), now);
    story.equals_its_rebuild().await;
}

#[tokio::test]
async fn a_ticket_from_a_plan_has_reached_the_first_station() {
    let story = Story::begin().await;
    let ticket = TicketId(Uuid::now_v7());
    let planned_by = Some(PlannedBy { run: RunId(Uuid::now_v7()), item: PlanItemId(Uuid::now_v7()) });
    let created = domain::ticket::TicketCreated { planned_by, ..story.created(1, "Planned") };
    story.say(ticket, [TicketEvent::TicketCreated(created)]).await;
    assert_eq!(card(&shown(&story).await, ticket).stations_reached, 1);
}

#[tokio::test]
async fn a_foreign_org_sees_no_board() {
    let story = Story::begin().await;
    story.shown_by(NAME).await;
    let foreign = OrgId(Uuid::now_v7());
    let reads = &story.reads;
    assert_eq!(reads.board(foreign, story.board).await.unwrap(), None);
    assert_eq!(reads.board_changes(foreign, story.board, 0, 10).await.unwrap(), None);
    assert_eq!(reads.default_board(foreign, story.project).await.unwrap(), None);
    assert_eq!(reads.default_board(story.log.org, story.project).await.unwrap(), Some(story.board));
    assert_eq!(reads.org_of_board(story.board).await.unwrap(), Some(story.log.org));
    assert_eq!(reads.org_of_board(BoardId(Uuid::now_v7())).await.unwrap(), None);
}
