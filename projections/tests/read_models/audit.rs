use crate::story::Story;
use domain::ticket::{TicketEvent, TicketRetitled};
use domain::{Actor, AggregateKind, OrgId};
use projections::audit::{AuditFilter, NAME};
use uuid::Uuid;

#[tokio::test]
async fn every_event_of_the_org_is_there_with_who_what_and_the_chains_hash() {
    let story = Story::begin().await;
    let ticket = story.ticket(1, "Rate limit").await;
    let agent = Actor::system("setup");
    let retitled = TicketEvent::TicketRetitled(TicketRetitled { title: "Limit".to_owned() });
    let said = story.say_by(&agent, ticket, [retitled]).await;
    let foreign = story.log.of(OrgId(Uuid::now_v7()));
    let stranger = domain::org::OrgEvent::OrgCreated(domain::org::OrgCreated { name: "Acme".to_owned() });
    foreign.append(foreign.org, [stranger.into()]).await.unwrap();
    story.shown_by(NAME).await;
    let org = story.log.org;
    let list = async |filter: AuditFilter, first, before| {
        let page = story.reads.audit_log(org, &filter, first, before).await.unwrap();
        (page.nodes, page.has_next)
    };

    let (all, more) = list(AuditFilter::default(), 100, None).await;
    assert!(!more);
    let actions: Vec<_> = all.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(
        actions,
        ["TicketRetitled", "TicketCreated", "BoardCreated", "ProjectCreated", "MemberJoined", "OrgCreated"]
    );
    assert_eq!(all.iter().map(|entry| entry.org_position).collect::<Vec<_>>(), [6, 5, 4, 3, 2, 1]);
    let entry = &all[0];
    assert_eq!((entry.position, entry.event_id, entry.at), (said[0].position, said[0].event_id, said[0].at));
    assert_eq!(
        (entry.actor.clone(), entry.target_type, entry.target_id),
        (agent.clone(), AggregateKind::Ticket, ticket.as_uuid())
    );
    assert_eq!((entry.target_key.as_deref(), entry.hash.as_str()), (Some("AL-1"), "07".repeat(32).as_str()));
    assert_eq!(entry.payload, serde_json::json!({"title": "Limit"}));
    assert_eq!(entry.command_id, said[0].metadata.command_id);

    let (page, more) = list(AuditFilter::default(), 4, None).await;
    assert_eq!((page.as_slice(), more), (&all[..4], true));
    let (page, more) = list(AuditFilter::default(), 4, Some(page[3].org_position)).await;
    assert_eq!((page.as_slice(), more), (&all[4..], false));

    let filter = AuditFilter { actor: Some(agent), ..AuditFilter::default() };
    assert_eq!(list(filter, 9, None).await.0, all[..1]);
    let filter = AuditFilter { action: Some("BoardCreated".to_owned()), ..AuditFilter::default() };
    assert_eq!(list(filter, 9, None).await.0, all[2..3]);
    let filter = AuditFilter { target_type: Some("Org".to_owned()), ..AuditFilter::default() };
    assert_eq!(list(filter, 9, None).await.0, all[4..]);
    let filter = AuditFilter { target_id: Some(ticket.as_uuid()), to: Some(said[0].at), ..AuditFilter::default() };
    assert_eq!(list(filter, 9, None).await.0, all[1..2]);
    let filter = AuditFilter { from: Some(said[0].at), ..AuditFilter::default() };
    assert_eq!(list(filter, 9, None).await.0, all[..1]);
}
