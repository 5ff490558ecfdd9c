use crate::story::Story;
use chrono::TimeDelta;
use domain::agent_run::RunMode;
use domain::ticket::{TicketArchived, TicketCommented, TicketEvent, TicketRetitled};
use domain::{CommentId, TicketId};
use feed::runner::{self, Runner};
use projections::Retention;
use projections::board::{BoardChange, BoardProjection, ChangedOnBoard, NAME};
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

fn retitled(title: &str) -> TicketEvent {
    TicketEvent::TicketRetitled(TicketRetitled { title: title.to_owned() })
}

fn ticket_of(change: &BoardChange) -> Option<TicketId> {
    match &change.what {
        ChangedOnBoard::Card(card) => Some(card.ticket),
        ChangedOnBoard::Removed(ticket) => Some(*ticket),
        ChangedOnBoard::Board => None,
    }
}

#[tokio::test]
async fn each_event_is_one_change_in_order_with_the_card_as_it_is_now() {
    let story = Story::begin().await;
    let (one, other) = (story.ticket(1, "One").await, story.ticket(2, "Other").await);
    let start = story.shown_by(NAME).await;
    let first = story.say(one, [retitled("a")]).await;
    let comment = TicketCommented { comment: CommentId(Uuid::now_v7()), body_md: String::new() };
    story.say(other, [retitled("b"), TicketEvent::TicketCommented(comment)]).await;
    story.say(one, [retitled("c")]).await;
    let run = story.request(RunMode::Implement, Some(one)).await;
    story.say(other, [TicketEvent::TicketArchived(TicketArchived {})]).await;
    let end = story.shown_by(NAME).await;

    let read = |after, limit| story.reads.board_changes(story.log.org, story.board, after, limit);
    let changes = read(start, 100).await.unwrap().unwrap();
    assert!(!changes.resync && !changes.more);
    assert_eq!(changes.position, end);
    let positions: Vec<_> = changes.items.iter().map(|change| change.position).collect();
    assert_eq!(positions, (start + 1..=end).collect::<Vec<_>>());
    let tickets: Vec<_> = changes.items.iter().filter_map(ticket_of).collect();
    assert_eq!(tickets, [one, other, other, one, one, other]);
    assert_eq!(changes.items[0].command_id, first[0].metadata.command_id);
    let ChangedOnBoard::Card(card) = &changes.items[0].what else { panic!("{:?}", changes.items[0]) };
    assert_eq!((card.title.as_str(), card.version), ("c", 3), "as it is now, not as it was");
    assert_eq!(card.run.as_ref().unwrap().run, run);
    assert_eq!(changes.items[5].what, ChangedOnBoard::Removed(other));
    assert_eq!(changes.items[1].what, ChangedOnBoard::Removed(other), "it has left meanwhile");

    // In pieces it is the same.
    let mut pieces = Vec::new();
    let mut after = start;
    loop {
        let piece = read(after, 2).await.unwrap().unwrap();
        let Some(last) = piece.items.last() else { break };
        assert_eq!(piece.more, last.position < end);
        after = last.position;
        pieces.extend(piece.items);
    }
    assert_eq!(pieces, changes.items);

    // From the beginning: the board itself comes first.
    let all = read(0, 100).await.unwrap().unwrap();
    assert_eq!(all.items[0].what, ChangedOnBoard::Board);
    assert_eq!(all.items.len(), changes.items.len() + 3);
    // A cursor from another log.
    assert!(read(end + 1, 100).await.unwrap().unwrap().resync);
}

async fn kept(pool: &PgPool) -> Vec<i64> {
    let schema: String = sqlx::query_scalar(
        "select pg_schema from projection_generations where projection = 'board' and state = 'live'",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    sqlx::query_scalar(&format!("select position from {schema}.board_changes order by position"))
        .fetch_all(pool)
        .await
        .unwrap()
}

/// A board of its own retention, over a story's log; the story's own projections are for the fixture only.
async fn with_retention(changes: Retention, story: &Story) -> (PgPool, tokio_util::sync::DropGuard) {
    let cancel = CancellationToken::new();
    let pool = story.database.pool.clone();
    let board = Arc::new(BoardProjection { changes });
    tokio::spawn(Runner::new(pool.clone(), None, story.hints.clone(), board).run(cancel.clone()));
    (pool, cancel.drop_guard())
}

#[tokio::test]
async fn changes_are_kept_by_count_and_age_and_a_cursor_behind_them_must_resync() {
    let story = Story::without_projections().await;
    let by_count = Retention { count: 10, age: TimeDelta::days(7), every: 4 };
    let (pool, _runner) = with_retention(by_count, &story).await;
    let ticket = story.ticket(1, "One").await;
    for number in 0..40 {
        story.say(ticket, [retitled(&number.to_string())]).await;
    }
    let end = story.shown_by(NAME).await;
    let kept_now = kept(&pool).await;
    assert!((10..=14).contains(&kept_now.len()), "{kept_now:?}");
    let oldest = kept_now[0].unsigned_abs();
    let read = |after| story.reads.board_changes(story.log.org, story.board, after, 100);
    assert!(read(oldest - 2).await.unwrap().unwrap().resync);
    let reaching = read(oldest - 1).await.unwrap().unwrap();
    assert!(!reaching.resync);
    assert_eq!(reaching.items.len(), kept_now.len());

    // Built again in large steps, the same ones are kept.
    let board = BoardProjection { changes: by_count };
    let live = runner::live_digest(&pool, &board).await.unwrap().unwrap();
    assert_eq!(runner::rebuild_digest(&pool, &board, end).await.unwrap(), live);

    // By age: an event eight days later leaves nothing older than a week behind.
    let at = chrono::DateTime::parse_from_rfc3339("2026-01-09T00:00:00Z").unwrap().to_utc();
    for _ in 0..4 {
        story.log.append_at(ticket, [retitled("later").into()], Some(at)).await.unwrap();
    }
    story.hints.committed();
    let end = story.shown_by(NAME).await;
    testkit::eventually(Duration::from_secs(5), || async { kept(&pool).await.len() <= 4 }).await;
    assert!(read(end - 10).await.unwrap().unwrap().resync);
    let live = runner::live_digest(&pool, &board).await.unwrap().unwrap();
    assert_eq!(runner::rebuild_digest(&pool, &board, end).await.unwrap(), live);
}
