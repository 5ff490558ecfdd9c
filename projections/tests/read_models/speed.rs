use crate::story::Story;
use domain::ticket::TicketEvent;
use domain::{DomainEvent, TicketId};
use projections::board::NAME;
use std::time::{Duration, Instant};
use uuid::Uuid;

const CARDS: u64 = 10_000;

/// A deadline promise, with slack: the board of 10,000 cards opens at once.
#[tokio::test]
async fn a_board_of_ten_thousand_cards_is_one_quick_read() {
    let story = Story::begin().await;
    for chunk in (1..=CARDS).collect::<Vec<_>>().chunks(1_000) {
        // One stream is enough for the fixture's version; the projection only looks at ids.
        story
            .bulk(chunk.iter().map(|number| {
                let created = TicketEvent::TicketCreated(story.created(*number, "One of many"));
                (TicketId(Uuid::now_v7()), DomainEvent::Ticket(created))
            }))
            .await;
    }
    story.shown_by(NAME).await;
    let mut best = Duration::MAX;
    for _ in 0..3 {
        let began = Instant::now();
        let board = story.reads.board(story.log.org, story.board).await.unwrap().unwrap();
        best = best.min(began.elapsed());
        assert_eq!(board.columns[0].cards.len() as u64, CARDS);
    }
    println!("read {CARDS} cards in {best:?}");
    assert!(best < Duration::from_millis(250).mul_f64(testkit::slack()), "{best:?}");
}
