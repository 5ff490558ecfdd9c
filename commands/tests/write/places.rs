//! Where cards come to stand.

use crate::world::{World, not_found};
use commands::ticket::*;
use domain::TicketId;
use domain::limits::RANK_MAX_CHARS;
use uuid::Uuid;

async fn put(
    world: &World,
    ticket: TicketId,
    column: &str,
    after: Option<TicketId>,
    before: Option<TicketId>,
) -> String {
    let input = MoveTicket { ticket, column: column.to_owned(), after, before };
    move_ticket(&world.commands, &world.caller(), input).await.unwrap();
    world.place_of(ticket).await.1
}

async fn tickets<const N: usize>(world: &World) -> [TicketId; N] {
    let mut ids = [TicketId(Uuid::nil()); N];
    for id in &mut ids {
        *id = world.new_ticket("card").await;
    }
    ids
}

#[tokio::test]
async fn a_card_stands_between_its_neighbours_or_at_the_end() {
    let world = World::new().await;
    let [a, b, c] = tickets(&world).await;
    let (rank_a, rank_b) = (world.place_of(a).await.1, world.place_of(b).await.1);
    let between = put(&world, c, "backlog", Some(a), Some(b)).await;
    assert!(rank_a < between && between < rank_b);
    let first = put(&world, c, "backlog", None, Some(a)).await;
    assert!(first < rank_a);
    let last = put(&world, c, "backlog", Some(b), None).await;
    assert!(last > rank_b);
    let end = put(&world, a, "backlog", None, None).await;
    assert!(end > last);
    let next = world.new_ticket("card").await;
    assert!(world.place_of(next).await.1 > end);
}

#[tokio::test]
async fn a_neighbour_that_moved_away_is_left_out() {
    let world = World::new().await;
    let [a, b, c, d] = tickets(&world).await;
    put(&world, a, "done", None, None).await;
    let rank_b = world.place_of(b).await.1;
    assert!(put(&world, c, "backlog", Some(a), Some(b)).await < rank_b, "a left: before b");
    archive_ticket(&world.commands, &world.caller(), ArchiveTicket { ticket: b }).await.unwrap();
    let rank_d = world.place_of(d).await.1;
    assert!(put(&world, c, "backlog", Some(a), Some(b)).await > rank_d, "both left: at the end");
    assert!(put(&world, d, "backlog", Some(d), None).await > rank_d, "its own neighbour: at the end");
}

#[tokio::test]
async fn neighbours_that_changed_places_are_no_riddle() {
    let world = World::new().await;
    let [a, b, c] = tickets(&world).await;
    let rank_b = world.place_of(b).await.1;
    assert!(put(&world, c, "backlog", Some(b), Some(a)).await > rank_b);
}

#[tokio::test]
async fn a_neighbour_must_be_one_of_ours() {
    let world = World::new().await;
    let [a] = tickets(&world).await;
    let input =
        MoveTicket { ticket: a, column: "todo".to_owned(), after: Some(TicketId(Uuid::now_v7())), before: None };
    not_found(move_ticket(&world.commands, &world.caller(), input).await);
}

#[tokio::test]
async fn long_ranks_are_spread_and_the_order_stays() {
    let world = World::new().await;
    let [mut low, mut high, mut one, mut other] = tickets(&world).await;
    // Always between the last two: the shape that makes ranks grow fastest.
    for step in 0..260 {
        put(&world, one, "backlog", Some(low), Some(high)).await;
        let (rank_low, rank, rank_high) =
            (world.place_of(low).await.1, world.place_of(one).await.1, world.place_of(high).await.1);
        assert!(rank_low < rank && rank < rank_high, "step {step}: {rank_low} {rank} {rank_high}");
        assert!(rank.len() <= RANK_MAX_CHARS, "step {step}: {rank}");
        if step % 2 == 0 {
            (low, one, other) = (one, other, low);
        } else {
            (high, one, other) = (one, other, high);
        }
    }
    let spread = world.count("select count(*) from events where actor = 'system:rebalance'").await;
    assert!(spread > 0, "the ranks never grew long");
}

#[tokio::test]
async fn a_card_finds_room_between_two_of_the_same_rank() {
    let world = World::new().await;
    let [a, b, c, d] = tickets(&world).await;
    // Both put to the same spot by people who did not see each other.
    let first = put(&world, c, "backlog", Some(a), Some(b)).await;
    let second = put(&world, d, "backlog", Some(a), Some(b)).await;
    assert_eq!(first, second);
    let (upper, lower) = if c < d { (c, d) } else { (d, c) };
    let between = put(&world, a, "backlog", Some(upper), Some(lower)).await;
    assert!(world.place_of(upper).await.1 < between && between < world.place_of(lower).await.1);
}
