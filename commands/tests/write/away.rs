//! PostgreSQL away, and space running out: honest answers, and on again afterwards.

use crate::world::{World, caller_in, commands_on, new_org, settings, ticket};
use commands::project::{CreateProject, create_project};
use commands::ticket::{CommentOnTicket, comment_on_ticket, create_ticket};
use commands::{CommandError, CommandSettings};
use domain::{Actor, ProjectId, TicketId, UserId};
use feed::hints::Hints;
use std::time::{Duration, Instant};
use testkit::{PrivatePostgres, slack};
use uuid::Uuid;

#[tokio::test]
async fn storage_low_is_said_and_over_when_it_is_over() {
    let world = World::new().await;
    world.commands.set_storage_low(true);
    let refused = create_ticket(&world.commands, &world.caller(), ticket(world.project, "x")).await;
    assert!(matches!(refused, Err(CommandError::StorageLow)));
    world.commands.set_storage_low(false);
    create_ticket(&world.commands, &world.caller(), ticket(world.project, "x")).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_away_is_unavailable_within_two_seconds_and_then_back() {
    let mut postgres = PrivatePostgres::start().await.unwrap();
    // As production has it: its own patience, not the test's.
    let settings = CommandSettings { patience: CommandSettings::default().patience, ..settings() };
    let objects = tempfile::tempdir().unwrap();
    let commands = commands_on(&postgres.pool().await.unwrap(), &Hints::local(), objects.path(), settings);
    let ann = UserId(Uuid::now_v7());
    let org = new_org(&commands, ann).await;
    let caller = || caller_in(org, Actor::User(ann));
    let input = CreateProject { key: "AL".to_owned(), name: "Line".to_owned() };
    let project = ProjectId(create_project(&commands, &caller(), input).await.unwrap().aggregate_id);
    let made = create_ticket(&commands, &caller(), ticket(project, "One")).await.unwrap();
    let say = |text: &str| CommentOnTicket { ticket: TicketId(made.aggregate_id), body_md: text.to_owned() };
    let deadline = Duration::from_secs(2).mul_f64(slack());

    // Hanging: nothing answers, nothing is refused either.
    postgres.pause().unwrap();
    let paused = caller();
    let asked = Instant::now();
    let answers =
        futures::future::join_all((0..20).map(|_| comment_on_ticket(&commands, &paused, say("paused")))).await;
    assert!(asked.elapsed() < deadline, "{:?}", asked.elapsed());
    assert!(answers.iter().all(|answer| matches!(answer, Err(CommandError::Unavailable { .. }))), "{answers:?}");
    postgres.resume().unwrap();
    let said =
        testkit::eventually(Duration::from_secs(3), || comment_on_ticket(&commands, &paused, say("paused"))).await;
    assert_eq!(said.version, 2, "however often it was sent: once");

    // Gone.
    postgres.kill();
    let gone = caller();
    let asked = Instant::now();
    let answer = comment_on_ticket(&commands, &gone, say("gone")).await;
    assert!(asked.elapsed() < deadline, "{:?}", asked.elapsed());
    assert!(matches!(answer, Err(CommandError::Unavailable { .. })), "{answer:?}");
    postgres.restart().await.unwrap();
    let said = testkit::eventually(Duration::from_secs(3), || comment_on_ticket(&commands, &gone, say("gone"))).await;
    assert_eq!(said.version, 3);
}
