//! Stale only if something since changed the same.

use crate::world::{World, caller_in, invalid};
use commands::CommandError;
use commands::ticket::*;
use domain::ticket::EditTicket as Changes;
use domain::{Actor, TicketId, Version};

async fn at_version(world: &World, id: TicketId, version: Version, what: &str) -> Result<Version, CommandError> {
    let caller = world.caller().expecting(Some(version));
    let commands = &world.commands;
    let changes = |title: Option<&str>, estimate| EditTicket {
        ticket: id,
        changes: Changes { title: title.map(str::to_owned), estimate, ..Changes::default() },
    };
    let answer = match what {
        "move" => {
            let (column, after, before) = ("done".to_owned(), None, None);
            move_ticket(commands, &caller, MoveTicket { ticket: id, column, after, before }).await
        }
        "retitle" => edit_ticket(commands, &caller, changes(Some("Mine"), None)).await,
        "estimate" => edit_ticket(commands, &caller, changes(None, Some(Some(13)))).await,
        "both" => edit_ticket(commands, &caller, changes(Some("Both"), Some(Some(21)))).await,
        "assign" => assign_ticket(commands, &caller, AssignTicket { ticket: id, assignee: Some(world.ann) }).await,
        "comment" => {
            comment_on_ticket(commands, &caller, CommentOnTicket { ticket: id, body_md: "x".to_owned() }).await
        }
        "archive" => archive_ticket(commands, &caller, ArchiveTicket { ticket: id }).await,
        other => panic!("{other}"),
    };
    answer.map(|accepted| accepted.version)
}

#[tokio::test]
async fn each_pair_of_changes_meets_or_does_not() {
    let world = World::new().await;
    // What another did after version 1, what I do expecting version 1, and which facet I lost.
    let table = [
        ("comment", "move", None),
        ("retitle", "move", None),
        ("move", "move", Some("place")),
        ("move", "comment", None),
        ("move", "retitle", None),
        ("retitle", "retitle", Some("title")),
        ("retitle", "estimate", None),
        ("estimate", "both", Some("estimate")),
        ("both", "retitle", Some("title")),
        ("assign", "assign", Some("assignee")),
        ("assign", "archive", None),
    ];
    for (theirs, mine, lost) in table {
        let id = world.new_ticket("Theirs").await;
        at_version(&world, id, 1, theirs).await.unwrap();
        match (at_version(&world, id, 1, mine).await, lost) {
            (Ok(_), None) => {}
            (Err(CommandError::Stale { by, version, facet, at }), Some(lost)) => {
                assert_eq!((by, facet), (Actor::User(world.ann), lost), "{theirs} then {mine}");
                assert!(version > 1 && (chrono::Utc::now() - at).num_minutes() < 5);
            }
            (other, _) => panic!("{theirs} then {mine}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn it_says_who_changed_it() {
    let world = World::new().await;
    let id = world.new_ticket("One").await;
    let (column, after, before) = ("todo".to_owned(), None, None);
    let robot = caller_in(world.org, Actor::system("robot"));
    let input = MoveTicket { ticket: id, column, after, before };
    // Through another process: this one's cache has not seen it.
    move_ticket(&world.other_process(), &robot, input).await.unwrap();
    let stale = at_version(&world, id, 1, "move").await.unwrap_err();
    assert!(matches!(&stale, CommandError::Stale { by, version: 2, .. } if *by == Actor::system("robot")), "{stale:?}");
    assert_eq!(at_version(&world, id, 2, "move").await.unwrap(), 3);
}

#[tokio::test]
async fn a_version_that_never_was_is_invalid() {
    let world = World::new().await;
    let id = world.new_ticket("One").await;
    let (column, after, before) = ("todo".to_owned(), None, None);
    let caller = world.caller().expecting(Some(99));
    let input = MoveTicket { ticket: id, column, after, before };
    invalid(move_ticket(&world.commands, &caller, input).await, "expectedVersion");
}

#[tokio::test]
async fn what_another_process_did_is_seen_before_an_answer() {
    let world = World::new().await;
    let id = world.new_ticket("One").await;
    let there = world.other_process();
    archive_ticket(&there, &world.caller(), ArchiveTicket { ticket: id }).await.unwrap();
    // This process still holds version 1 in memory: the append finds out.
    let body_md = "late".to_owned();
    let late = comment_on_ticket(&world.commands, &world.caller(), CommentOnTicket { ticket: id, body_md }).await;
    crate::world::rejected(late, "ARCHIVED");
    restore_ticket(&there, &world.caller(), RestoreTicket { ticket: id }).await.unwrap();
    // Its memory says archived: it looks before it refuses.
    let body_md = "now".to_owned();
    comment_on_ticket(&world.commands, &world.caller(), CommentOnTicket { ticket: id, body_md }).await.unwrap();
}
