//! The same command gets the same answer, however often and from however many it comes.

use crate::world::{World, invalid, rejected, ticket};
use commands::ticket::*;
use commands::{Accepted, Caller};
use domain::{Actor, CommandId};
use std::collections::HashSet;
use uuid::Uuid;

fn same(first: &Accepted, again: &Accepted) {
    assert!(!first.repeated && again.repeated);
    assert_eq!(&Accepted { repeated: false, ..again.clone() }, first);
}

#[tokio::test]
async fn a_repeated_command_gets_the_same_answer() {
    let world = World::new().await;
    let caller = world.caller();
    let created = create_ticket(&world.commands, &caller, ticket(world.project, "One")).await.unwrap();
    same(&created, &create_ticket(&world.commands, &caller, ticket(world.project, "One")).await.unwrap());
    let id = domain::TicketId(created.aggregate_id);
    let (caller, body_md) = (world.caller(), "Hello".to_owned());
    let comment = CommentOnTicket { ticket: id, body_md };
    let first = comment_on_ticket(&world.commands, &caller, comment.clone()).await.unwrap();
    archive_ticket(&world.commands, &world.caller(), ArchiveTicket { ticket: id }).await.unwrap();
    // Asked afresh it would be rejected by now.
    same(&first, &comment_on_ticket(&world.commands, &caller, comment.clone()).await.unwrap());
    let elsewhere = world.other_process();
    same(&first, &comment_on_ticket(&elsewhere, &caller, comment).await.unwrap());
    assert_eq!(world.events_of(id).await.len(), 3);
}

#[tokio::test]
async fn a_command_of_several_events_is_answered_whole() {
    let world = World::new().await;
    let id = world.new_ticket("One").await;
    let caller = world.caller();
    let changes = domain::ticket::EditTicket {
        title: Some("Two".to_owned()),
        estimate: Some(Some(5)),
        labels: Some(vec!["x".to_owned()]),
        ..domain::ticket::EditTicket::default()
    };
    let edit = EditTicket { ticket: id, changes };
    let first = edit_ticket(&world.commands, &caller, edit.clone()).await.unwrap();
    assert_eq!(first.event_ids.len(), 3);
    same(&first, &edit_ticket(&world.commands, &caller, edit).await.unwrap());
}

#[tokio::test]
async fn the_same_id_with_other_input_is_invalid() {
    let world = World::new().await;
    let caller = world.caller();
    create_ticket(&world.commands, &caller, ticket(world.project, "One")).await.unwrap();
    invalid(create_ticket(&world.commands, &caller, ticket(world.project, "Two")).await, "commandId");
    let id = world.new_ticket("Three").await;
    invalid(archive_ticket(&world.commands, &caller, ArchiveTicket { ticket: id }).await, "commandId");
    // Leaving a field and clearing it are two different inputs.
    let edit = |estimate| EditTicket {
        ticket: id,
        changes: domain::ticket::EditTicket {
            title: Some("Four".to_owned()),
            estimate,
            ..domain::ticket::EditTicket::default()
        },
    };
    let caller = world.caller();
    edit_ticket(&world.commands, &caller, edit(None)).await.unwrap();
    invalid(edit_ticket(&world.commands, &caller, edit(Some(None))).await, "commandId");
}

#[tokio::test]
async fn an_id_belongs_to_its_actor() {
    let world = World::new().await;
    let caller = world.caller();
    let first = create_ticket(&world.commands, &caller, ticket(world.project, "One")).await.unwrap();
    let other = Caller { actor: Actor::system("test"), ..caller };
    let second = create_ticket(&world.commands, &other, ticket(world.project, "Two")).await.unwrap();
    assert_ne!(first.aggregate_id, second.aggregate_id);
}

#[tokio::test]
async fn a_rejection_is_not_remembered() {
    let world = World::new().await;
    let id = world.new_ticket("One").await;
    archive_ticket(&world.commands, &world.caller(), ArchiveTicket { ticket: id }).await.unwrap();
    let (caller, body_md) = (world.caller(), "Hello".to_owned());
    let comment = CommentOnTicket { ticket: id, body_md };
    rejected(comment_on_ticket(&world.commands, &caller, comment.clone()).await, "ARCHIVED");
    restore_ticket(&world.commands, &world.caller(), RestoreTicket { ticket: id }).await.unwrap();
    assert!(!comment_on_ticket(&world.commands, &caller, comment).await.unwrap().repeated);
}

#[tokio::test]
async fn at_once_from_many_it_happens_once() {
    let world = World::new().await;
    let processes = [world.commands.clone(), world.other_process(), world.other_process()];
    let id = world.new_ticket("One").await;
    let caller = world.caller();
    let send = |n: usize| {
        let (commands, caller) = (processes[n % 3].clone(), caller.clone());
        let comment = CommentOnTicket { ticket: id, body_md: "Hello".to_owned() };
        tokio::spawn(async move { comment_on_ticket(&commands, &caller, comment).await.unwrap() })
    };
    let mut answers = Vec::new();
    for handle in (0..30).map(send).collect::<Vec<_>>() {
        answers.push(handle.await.unwrap());
    }
    assert_eq!(answers.iter().filter(|answer| !answer.repeated).count(), 1);
    let alike: HashSet<_> = answers.iter().map(|answer| (answer.version, answer.event_ids.clone())).collect();
    assert_eq!((alike.len(), world.events_of(id).await.len()), (1, 2));
}

#[tokio::test]
async fn many_at_one_stream_all_come_in() {
    let world = World::new().await;
    let processes = [world.commands.clone(), world.other_process()];
    let id = world.new_ticket("One").await;
    let send = |n: usize| {
        let (commands, caller) = (processes[n % 2].clone(), world.caller());
        let comment = CommentOnTicket { ticket: id, body_md: n.to_string() };
        tokio::spawn(async move {
            loop {
                match comment_on_ticket(&commands, &caller, comment.clone()).await {
                    // Two processes at one ticket may outrun each other; the same command again is safe.
                    Err(commands::CommandError::Unavailable { .. }) => {}
                    other => return other.unwrap().version,
                }
            }
        })
    };
    let mut versions = HashSet::new();
    for handle in (0..100).map(send).collect::<Vec<_>>() {
        versions.insert(handle.await.unwrap());
    }
    assert_eq!(versions, (2..=101).collect());
}

#[tokio::test]
async fn the_position_is_told_when_it_is_known() {
    let world = World::new().await;
    let caller = world.caller();
    let made = create_ticket(&world.commands, &caller, ticket(world.project, "One")).await.unwrap();
    assert_eq!(made.position, None, "nothing sequences here");
    let insert = "insert into ledger (position, event_row, event_id, org, org_position, prev_hash, hash)
                  values (77, $1, $2, $3, 1, $4, $4)";
    sqlx::query(insert)
        .bind(made.rows[0])
        .bind(made.event_ids[0].0)
        .bind(world.org.0)
        .bind(vec![0_u8; 32])
        .execute(&world.database.pool)
        .await
        .unwrap();
    let again = create_ticket(&world.commands, &caller, ticket(world.project, "One")).await.unwrap();
    assert_eq!(again.position, Some(77));
    // In the stored metadata: what the request said about itself.
    let metadata: serde_json::Value = sqlx::query_scalar("select metadata from events where event_id = $1")
        .bind(made.event_ids[0].0)
        .fetch_one(&world.database.pool)
        .await
        .unwrap();
    assert_eq!(metadata["command_id"], caller.command_id.to_string());
    assert_eq!(metadata["correlation_id"], caller.correlation_id.to_string());
}

#[tokio::test]
async fn a_hint_brings_the_position() {
    let world = World::new().await;
    let settings =
        commands::CommandSettings { position_wait: std::time::Duration::from_secs(30), ..crate::world::settings() };
    let objects = tempfile::tempdir().unwrap();
    let commands = crate::world::commands_on(&world.database.pool, &world.hints, objects.path(), settings);
    let mut committed = world.hints.on_committed();
    let (hints, pool) = (world.hints.clone(), world.database.pool.clone());
    let sequencer = tokio::spawn(async move {
        committed.changed().await.unwrap();
        let row: i64 = sqlx::query_scalar("select max(id) from events").fetch_one(&pool).await.unwrap();
        hints.sequenced(&[(row, 5)]);
    });
    let caller = Caller::new(world.org, Actor::User(world.ann), CommandId(Uuid::now_v7()));
    let made = create_ticket(&commands, &caller, ticket(world.project, "One")).await.unwrap();
    sequencer.await.unwrap();
    assert_eq!(made.position, Some(5));
}
