use crate::story::Story;
use domain::ticket::{TicketEvent, TicketRetitled};
use domain::{Actor, CommandId, OrgId};
use projections::{CommandPlace, Reads, Waited, board, ticket};
use std::time::Duration;
use uuid::Uuid;

const SHORT: Duration = Duration::from_millis(60);

#[tokio::test]
async fn a_read_can_wait_for_a_position_and_for_what_a_command_did() {
    let story = Story::begin().await;
    let id = story.ticket(1, "One").await;
    let events = ["a", "b"].map(|title| TicketEvent::TicketRetitled(TicketRetitled { title: title.to_owned() }));
    let said = story.say(id, events).await;
    let (command, last) = (said[0].metadata.command_id, said[1].position);
    let (orgs, actor, reads) = ([OrgId(Uuid::nil()), story.log.org], &story.log.actor, &story.reads);
    let limit = Duration::from_secs(2).mul_f64(testkit::slack());
    let waited = reads.wait_for_command(ticket::NAME, &orgs, actor, command, limit).await.unwrap();
    assert!(matches!(waited, Waited::Reached(position) if position >= last), "{waited:?}");
    assert_eq!(reads.ticket(story.log.org, id).await.unwrap().unwrap().title, "b");
    assert_eq!(reads.place_of_command(&orgs, actor, command).await.unwrap(), CommandPlace::At(last));

    // Foreign orgs, other actors and unknown ids wait for nothing.
    let unknown = CommandPlace::Unknown;
    assert_eq!(reads.place_of_command(&orgs[..1], actor, command).await.unwrap(), unknown);
    assert_eq!(reads.place_of_command(&orgs, &Actor::system("else"), command).await.unwrap(), unknown);
    let nobody = CommandId(Uuid::now_v7());
    assert_eq!(reads.wait_for_command(board::NAME, &orgs, actor, nobody, limit).await.unwrap(), Waited::Unknown);
    assert_eq!(reads.wait_for(board::NAME, last + 1_000, SHORT).await.unwrap(), Waited::TimedOut);
}

#[tokio::test]
async fn a_command_without_a_position_yet_is_committed() {
    let story = Story::without_projections().await;
    let command = CommandId(Uuid::now_v7());
    sqlx::query(
        "insert into events (event_id, org, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, \
         metadata, actor, recorded_at, command_id, index_in_command) \
         values ($1, $2, 'Org', $3, 9, 'OrgCreated', '1', '{}', '{}', $4, now(), $5, 0)",
    )
    .bind(Uuid::now_v7())
    .bind(story.log.org.as_uuid())
    .bind(story.log.org.to_string())
    .bind(story.log.actor.to_string())
    .bind(command.as_uuid())
    .execute(&story.database.pool)
    .await
    .unwrap();
    let (orgs, reads): (_, &Reads) = ([story.log.org], &story.reads);
    let place = reads.place_of_command(&orgs, &story.log.actor, command).await.unwrap();
    assert_eq!(place, CommandPlace::Committed);
    let waited = reads.wait_for_command(board::NAME, &orgs, &story.log.actor, command, SHORT).await.unwrap();
    assert_eq!(waited, Waited::TimedOut);
    // Nothing is built here: that is said, not hidden.
    assert!(reads.board(story.log.org, story.board).await.is_err());
}
