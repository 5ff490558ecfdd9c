//! The rules of a ticket, said by example.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use crate::decider::{Decider, Rejection};
use crate::given::{Given, uuid};
use crate::text::LineProblem;
use crate::{BoardId, CommentId, ProjectId, TicketId, UserId};

fn given(events: impl IntoIterator<Item = TicketEvent>) -> Given<Ticket> {
    crate::given::given(events)
}

fn columns() -> Vec<String> {
    ["backlog", "todo", "done"].map(str::to_owned).to_vec()
}

fn new() -> CreateTicket {
    CreateTicket {
        project: ProjectId(uuid(10)),
        board: BoardId(uuid(11)),
        key: "AL-12".to_owned(),
        number: 12,
        title: "Rate limit the API".to_owned(),
        kind: TicketKind::Task,
        description_md: String::new(),
        column: "backlog".to_owned(),
        board_columns: columns(),
        rank: "a1".to_owned(),
        parent: None,
        parent_facts: ParentFacts::default(),
        labels: vec![],
        priority: None,
        assignee: None,
        assignee_is_member: false,
        estimate: None,
        planned_by: None,
    }
}

fn create(change: impl FnOnce(&mut CreateTicket)) -> TicketCommand {
    let mut command = new();
    change(&mut command);
    TicketCommand::Create(Box::new(command))
}

fn created() -> TicketEvent {
    let events = Ticket::default().decide(&create(|_| {}), &crate::given::context()).unwrap();
    events[0].clone()
}

fn archived() -> TicketEvent {
    TicketArchived {}.into()
}

fn move_to(column: &str, rank: &str) -> TicketCommand {
    TicketCommand::Move(MoveTicket { to: column.to_owned(), board_columns: columns(), rank: rank.to_owned() })
}

fn edit(change: impl FnOnce(&mut EditTicket)) -> TicketCommand {
    let mut edit = EditTicket::default();
    change(&mut edit);
    TicketCommand::Edit(edit, ParentFacts::default())
}

fn comment(body: &str) -> TicketCommand {
    TicketCommand::Comment(CommentOnTicket { comment: CommentId(uuid(30)), body_md: body.to_owned() })
}

fn assign(user: Option<u128>, assignee_is_member: bool) -> TicketCommand {
    TicketCommand::Assign(AssignTicket { assignee: user.map(|n| UserId(uuid(n))), assignee_is_member })
}

fn delegate(provider: Option<&str>) -> TicketCommand {
    let known_providers = vec!["codex".to_owned()];
    TicketCommand::Delegate(DelegateTicket { provider: provider.map(str::to_owned), known_providers })
}

fn restore() -> TicketCommand {
    TicketCommand::Restore(RestoreTicket { board_columns: columns(), rank: "a9".to_owned() })
}

#[test]
fn it_is_created_clean() {
    let command = create(|c| {
        c.title = "  Rate\u{0} limit ".to_owned();
        c.labels = vec!["b".to_owned(), "a ".to_owned(), "b".to_owned()];
    });
    let ticket = given([]).when(command);
    let ticket = ticket.then([TicketCreated {
        title: "Rate limit".to_owned(),
        labels: vec!["a".to_owned(), "b".to_owned()],
        ..match created() {
            TicketEvent::TicketCreated(created) => created,
            other => panic!("{other:?}"),
        }
    }
    .into()]);
    ticket.when(create(|_| {})).then_rejected(TicketRejection::Exists);
}

#[test]
fn it_is_not_created_against_the_rules() {
    let refused = |change: fn(&mut CreateTicket), rejection: TicketRejection| {
        given([]).when(create(change)).then_rejected(rejection);
    };
    refused(|c| c.title.clear(), TicketRejection::Title(LineProblem::Empty));
    refused(|c| c.title = "x".repeat(301), TicketRejection::Title(LineProblem::TooLong { max_chars: 300 }));
    refused(|c| c.title = "\u{202e}x".to_owned(), TicketRejection::Title(LineProblem::Bidi));
    refused(|c| c.description_md = "x".repeat(100_001), TicketRejection::DescriptionTooLong);
    refused(|c| c.column = "nowhere".to_owned(), TicketRejection::UnknownColumn { column: "nowhere".to_owned() });
    refused(|c| c.labels = (0..31).map(|n| n.to_string()).collect(), TicketRejection::TooManyLabels);
    refused(|c| c.labels = vec![" ".to_owned()], TicketRejection::Label(LineProblem::Empty));
    refused(|c| c.estimate = Some(1_001), TicketRejection::EstimateTooLarge);
    refused(|c| c.assignee = Some(UserId(uuid(5))), TicketRejection::NotAMember);
    refused(|c| c.parent_facts.elsewhere = true, TicketRejection::ParentElsewhere);
}

#[test]
fn what_was_never_created_knows_no_command() {
    for command in [move_to("done", "a5"), edit(|_| {}), comment("x"), TicketCommand::Archive, restore()] {
        given([]).when(command).then_rejected(TicketRejection::Unknown);
    }
}

#[test]
fn it_moves() {
    let (from, to, rank) = ("backlog".to_owned(), "done".to_owned(), "a5".to_owned());
    given([created()]).when(move_to("done", "a5")).then([TicketMoved { from, to, rank }.into()]);
    given([created()]).when(move_to("done", "a5")).then_once();
    given([created()]).when(move_to("backlog", "a1")).then_nothing();
}

#[test]
fn it_moves_only_where_there_is_a_column() {
    let rejection = TicketRejection::UnknownColumn { column: "nowhere".to_owned() };
    assert_eq!(rejection.reason(), "UNKNOWN_COLUMN");
    given([created()]).when(move_to("nowhere", "a5")).then_rejected(rejection);
}

#[test]
fn an_archived_ticket_cannot_be_changed() {
    for command in [move_to("done", "a5"), edit(|_| {}), comment("x"), assign(None, false), delegate(None)] {
        given([created(), archived()]).when(command).then_rejected(TicketRejection::Archived);
    }
}

#[test]
fn it_is_archived_and_restored_where_it_was() {
    let ticket = given([created()]).when(TicketCommand::Archive).then_once();
    let back =
        ticket.when(restore()).then([TicketRestored { column: "backlog".to_owned(), rank: "a9".to_owned() }.into()]);
    assert!(!back.state.archived && back.state.rank == "a9");
    back.when(restore()).then_nothing();
}

#[test]
fn it_is_restored_into_the_first_column_when_its_own_is_gone() {
    let board_columns = vec!["ideas".to_owned(), "done".to_owned()];
    let command = TicketCommand::Restore(RestoreTicket { board_columns, rank: "a9".to_owned() });
    given([created(), archived()]).when(command).then([TicketRestored {
        column: "ideas".to_owned(),
        rank: "a9".to_owned(),
    }
    .into()]);
}

#[test]
fn an_edit_is_one_event_for_each_field_that_changes() {
    let command = edit(|e| {
        e.title = Some("Limit the API".to_owned());
        e.description_md = Some(String::new());
        e.kind = Some(TicketKind::Bug);
        e.priority = Some(Some(Priority::High));
        e.estimate = Some(None);
        e.labels = Some(vec!["api".to_owned()]);
    });
    given([created()]).when(command.clone()).then([
        TicketRetitled { title: "Limit the API".to_owned() }.into(),
        TicketKindChanged { kind: TicketKind::Bug }.into(),
        TicketLabelled { labels: vec!["api".to_owned()] }.into(),
        TicketPrioritised { priority: Some(Priority::High) }.into(),
    ]);
    given([created()]).when(command).then_once();
}

#[test]
fn a_ticket_cannot_stand_below_itself() {
    let edit = EditTicket { parent: Some(Some(TicketId(uuid(9)))), ..EditTicket::default() };
    let below = ParentFacts { below: true, elsewhere: false };
    let command = TicketCommand::Edit(edit.clone(), below);
    given([created()]).when(command).then_rejected(TicketRejection::ParentBelow);
    given([created()]).when(TicketCommand::Edit(edit, ParentFacts::default())).then_once();
}

#[test]
fn it_is_assigned_to_members_and_delegated_to_known_agents() {
    let ticket = given([created()]).when(assign(Some(5), true)).then_once();
    let ticket = ticket.when(delegate(Some("codex"))).then_once();
    assert_eq!((ticket.state.assignee, ticket.state.delegate.as_deref()), (Some(UserId(uuid(5))), Some("codex")));
    let ticket = ticket.when(assign(None, false)).then_once().when(delegate(None)).then_once();
    assert_eq!((ticket.state.assignee, ticket.state.delegate), (None, None));
    given([created()]).when(assign(Some(5), false)).then_rejected(TicketRejection::NotAMember);
    let unknown = TicketRejection::UnknownProvider { provider: "hal".to_owned() };
    given([created()]).when(delegate(Some("hal"))).then_rejected(unknown);
}

#[test]
fn saying_the_same_twice_is_two_comments() {
    let said: TicketEvent = TicketCommented { comment: CommentId(uuid(30)), body_md: "Looks good".to_owned() }.into();
    given([created()]).when(comment("Looks good\r\n")).then([said.clone()]).when(comment("Looks good")).then([said]);
    given([created()]).when(comment(" \n")).then_rejected(TicketRejection::CommentEmpty);
    given([created()]).when(comment(&"x".repeat(100_001))).then_rejected(TicketRejection::CommentTooLong);
}

#[test]
fn only_what_a_command_sets_can_make_it_stale() {
    let moved = given([created()]).when(move_to("done", "a5")).then_once();
    let ticket =
        moved
            .when(comment("x"))
            .then([TicketCommented { comment: CommentId(uuid(30)), body_md: "x".to_owned() }.into()]);
    let last = |facet| ticket.state.last_change(facet).map(|change| change.version);
    assert_eq!(Ticket::facets(&move_to("todo", "a2")), [TicketFacet::Place]);
    assert_eq!((last(TicketFacet::Place), last(TicketFacet::Title)), (Some(2), None));
    assert_eq!(Ticket::facets(&comment("x")), []);
    assert_eq!(Ticket::facets(&edit(|e| e.title = Some("x".to_owned()))), [TicketFacet::Title]);
    assert_eq!(Ticket::facets(&TicketCommand::Archive), [TicketFacet::Archived]);
}
