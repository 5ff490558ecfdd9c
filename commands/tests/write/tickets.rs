//! Each command on a ticket, once through.

use crate::world::{World, invalid, rejected, ticket};
use commands::ticket::*;
use domain::UserId;
use domain::ticket::{EditTicket as Changes, Priority};
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn a_ticket_lives_its_life() {
    let world = World::new().await;
    let (commands, caller) = (&world.commands, || world.caller());
    let id = world.new_ticket("Rate limit").await;
    let changes =
        Changes { title: Some("Limit".to_owned()), priority: Some(Some(Priority::High)), ..Changes::default() };
    let edited = edit_ticket(commands, &caller(), EditTicket { ticket: id, changes }).await.unwrap();
    assert_eq!((edited.version, edited.event_ids.len(), edited.rows.len()), (3, 2, 2));
    let (column, after, before) = ("todo".to_owned(), None, None);
    move_ticket(commands, &caller(), MoveTicket { ticket: id, column, after, before }).await.unwrap();
    assign_ticket(commands, &caller(), AssignTicket { ticket: id, assignee: Some(world.ann) }).await.unwrap();
    let provider = Some("codex".to_owned());
    delegate_ticket(commands, &caller(), DelegateTicket { ticket: id, provider }).await.unwrap();
    let body_md = "Why now?".to_owned();
    comment_on_ticket(commands, &caller(), CommentOnTicket { ticket: id, body_md }).await.unwrap();
    archive_ticket(commands, &caller(), ArchiveTicket { ticket: id }).await.unwrap();
    let again = archive_ticket(commands, &caller(), ArchiveTicket { ticket: id }).await.unwrap();
    assert_eq!((again.version, again.event_ids.len(), again.repeated), (8, 0, false), "it is so already");
    restore_ticket(commands, &caller(), RestoreTicket { ticket: id }).await.unwrap();
    let events = world.events_of(id).await;
    let types: Vec<&str> = events.iter().map(|(event_type, _)| event_type.as_str()).collect();
    assert_eq!(
        types,
        [
            "TicketCreated",
            "TicketRetitled",
            "TicketPrioritised",
            "TicketMoved",
            "TicketAssigned",
            "TicketDelegated",
            "TicketCommented",
            "TicketArchived",
            "TicketRestored"
        ]
    );
    assert_eq!(events[0].1["key"], "AL-1");
    assert_eq!(events[3].1, json!({"from": "backlog", "to": "todo", "rank": "a2"}));
    assert_eq!(events[8].1, json!({"column": "todo", "rank": "a3"}));
}

#[tokio::test]
async fn each_ticket_has_its_number_and_its_place_at_the_end() {
    let world = World::new().await;
    let create = |n: u32| {
        let (commands, caller, input) = (world.commands.clone(), world.caller(), ticket(world.project, &n.to_string()));
        tokio::spawn(async move { create_ticket(&commands, &caller, input).await.unwrap().aggregate_id })
    };
    let mut ids = Vec::new();
    for handle in (0..40).map(create).collect::<Vec<_>>() {
        ids.push(handle.await.unwrap());
    }
    let mut keys = std::collections::BTreeSet::new();
    let mut ranks = std::collections::BTreeSet::new();
    for id in ids {
        let (_, created) = world.events_of(id).await.remove(0);
        keys.insert(created["number"].as_u64().unwrap());
        ranks.insert(created["rank"].as_str().unwrap().to_owned());
    }
    assert_eq!(keys, (1..=40).collect());
    assert_eq!(ranks.len(), 40);
}

#[tokio::test]
async fn what_breaks_a_rule_is_rejected_by_name() {
    let world = World::new().await;
    let (commands, caller) = (&world.commands, || world.caller());
    let id = world.new_ticket("Rate limit").await;
    let create = async |title: &str| create_ticket(commands, &caller(), ticket(world.project, title)).await;
    rejected(create(" ").await, "TITLE_EMPTY");
    rejected(create(&"x".repeat(301)).await, "TITLE_TOO_LONG");
    rejected(create(&"x".repeat(200_000)).await, "TITLE_TOO_LONG");
    rejected(create("a\u{202e}b").await, "TITLE_BIDI");
    let (column, after, before) = ("nowhere".to_owned(), None, None);
    rejected(
        move_ticket(commands, &caller(), MoveTicket { ticket: id, column, after, before }).await,
        "UNKNOWN_COLUMN",
    );
    let stranger = Some(UserId(Uuid::now_v7()));
    rejected(assign_ticket(commands, &caller(), AssignTicket { ticket: id, assignee: stranger }).await, "NOT_A_MEMBER");
    let provider = Some("hal".to_owned());
    rejected(delegate_ticket(commands, &caller(), DelegateTicket { ticket: id, provider }).await, "UNKNOWN_PROVIDER");
    let description_md = "x".repeat(100_001);
    let input = CreateTicket { description_md, ..ticket(world.project, "x") };
    rejected(create_ticket(commands, &caller(), input).await, "DESCRIPTION_TOO_LONG");
    let input = CreateTicket { description_md: "x".repeat(300_000), ..ticket(world.project, "x") };
    invalid(create_ticket(commands, &caller(), input).await, "descriptionMd");
    archive_ticket(commands, &caller(), ArchiveTicket { ticket: id }).await.unwrap();
    let body_md = "late".to_owned();
    rejected(comment_on_ticket(commands, &caller(), CommentOnTicket { ticket: id, body_md }).await, "ARCHIVED");
}

#[tokio::test]
async fn a_parent_stands_above_in_the_same_project() {
    let world = World::new().await;
    let (commands, caller) = (&world.commands, || world.caller());
    let (top, middle, bottom) =
        (world.new_ticket("top").await, world.new_ticket("middle").await, world.new_ticket("bottom").await);
    let below =
        |ticket, parent| EditTicket { ticket, changes: Changes { parent: Some(Some(parent)), ..Changes::default() } };
    edit_ticket(commands, &caller(), below(middle, top)).await.unwrap();
    edit_ticket(commands, &caller(), below(bottom, middle)).await.unwrap();
    rejected(edit_ticket(commands, &caller(), below(top, bottom)).await, "PARENT_BELOW");
    rejected(edit_ticket(commands, &caller(), below(top, top)).await, "PARENT_BELOW");
    let other = world.new_project("OT").await;
    let input = CreateTicket { parent: Some(top), ..ticket(other, "elsewhere") };
    rejected(create_ticket(commands, &caller(), input).await, "PARENT_ELSEWHERE");
}
