use super::*;
use crate::decider::Rejection;
use crate::event::{AggregateKind, DomainEvent};
use crate::given::{Given, at, given, uuid};
use crate::ids::{InvitationId, ProjectId, SessionId, TokenId, UserId};
use crate::limits::{INVITATIONS_MAX, MEMBERS_MAX};
use crate::text::LineProblem;

const ANN: u128 = 7;
const BEN: u128 = 8;

fn user(n: u128) -> UserId {
    UserId(uuid(n))
}

fn invitation(n: u128) -> InvitationId {
    InvitationId(uuid(n))
}

fn joined(n: u128, role: Role) -> OrgEvent {
    MemberJoined { user: user(n), role, invitation: None }.into()
}

fn create(name: &str) -> OrgCommand {
    OrgCommand::Create(CreateOrg { name: name.to_owned(), owner: user(ANN) })
}

/// Ann is its admin.
fn northwind(more: impl IntoIterator<Item = OrgEvent>) -> Given<Org> {
    given([OrgCreated { name: "Northwind".to_owned() }.into(), joined(ANN, Role::Admin)].into_iter().chain(more))
}

fn role_of(n: u128, role: Role) -> OrgCommand {
    OrgCommand::ChangeRole(ChangeRole { user: user(n), role })
}

/// Commands come at second 1,000.
fn invited(expires_at_s: i64) -> OrgEvent {
    MemberInvited { invitation: invitation(50), role: Role::Dev, expires_at: at(expires_at_s) }.into()
}

fn accept_by(n: u128) -> OrgCommand {
    OrgCommand::AcceptInvitation(AcceptInvitation { invitation: invitation(50), user: user(n) })
}

#[test]
fn its_owner_is_its_first_member() {
    let org = given::<Org>([])
        .when(create(" Northwind "))
        .then([OrgCreated { name: "Northwind".to_owned() }.into(), joined(ANN, Role::Admin)])
        .state;
    assert!(org.is_member(user(ANN)) && !org.is_member(user(BEN)));
}

#[test]
fn it_is_made_once_and_has_a_name() {
    given::<Org>([OrgCreated { name: "A".to_owned() }.into()]).when(create("B")).then_rejected(OrgRejection::Exists);
    given::<Org>([]).when(create("\n")).then_rejected(OrgRejection::Name(LineProblem::Empty));
    assert_eq!(OrgRejection::Name(LineProblem::Empty).reason(), "NAME_EMPTY");
}

#[test]
fn an_invitation_lets_one_person_in() {
    let role = Role::Dev;
    let invite = InviteMember { invitation: invitation(50), role, expires_at: at(2_000) };
    let after = northwind([])
        .when(OrgCommand::Invite(invite))
        .then([invited(2_000)])
        .when(accept_by(BEN))
        .then([MemberJoined { user: user(BEN), role, invitation: Some(invitation(50)) }.into()]);
    assert_eq!(after.state.members.get(&user(BEN)), Some(&role));
    Given::from(&after).when(accept_by(9)).then_rejected(OrgRejection::InvitationUsed);
    after.when(OrgCommand::RevokeInvitation(invitation(50))).then_rejected(OrgRejection::InvitationUsed);
}

#[test]
fn an_invitation_that_does_not_hold_says_why() {
    northwind([]).when(accept_by(BEN)).then_rejected(OrgRejection::NoInvitation);
    northwind([invited(1_000)]).when(accept_by(BEN)).then_rejected(OrgRejection::InvitationExpired);
    northwind([invited(2_000)])
        .when(OrgCommand::RevokeInvitation(invitation(50)))
        .then_once()
        .when(accept_by(BEN))
        .then_rejected(OrgRejection::InvitationRevoked);
    // Who is in already does not use it up.
    let ann = northwind([invited(2_000)]);
    Given::from(&ann).when(accept_by(ANN)).then_rejected(OrgRejection::AlreadyMember);
    ann.when(accept_by(BEN)).then_exactly_one();
}

#[test]
fn there_are_bounds_to_people_and_invitations() {
    let many = (0..INVITATIONS_MAX).map(|n| {
        let invitation = invitation(1_000 + n as u128);
        MemberInvited { invitation, role: Role::Qa, expires_at: at(2_000) }.into()
    });
    let invite = InviteMember { invitation: invitation(50), role: Role::Dev, expires_at: at(2_000) };
    northwind(many).when(OrgCommand::Invite(invite.clone())).then_rejected(OrgRejection::TooManyInvitations);
    let old = (0..INVITATIONS_MAX).map(|n| {
        let invitation = invitation(1_000 + n as u128);
        MemberInvited { invitation, role: Role::Qa, expires_at: at(900) }.into()
    });
    northwind(old).when(OrgCommand::Invite(invite)).then_exactly_one();
    let people = (1..MEMBERS_MAX).map(|n| joined(10_000 + n as u128, Role::Dev)).chain([invited(2_000)]);
    northwind(people).when(accept_by(BEN)).then_rejected(OrgRejection::Full);
}

#[test]
fn a_role_is_changed_once() {
    let org = northwind([joined(BEN, Role::Dev)]).when(role_of(BEN, Role::Qa)).then_once();
    assert_eq!(org.state.members.get(&user(BEN)), Some(&Role::Qa));
    org.when(role_of(9, Role::Qa)).then_rejected(OrgRejection::NoMember);
}

#[test]
fn the_last_admin_stays() {
    let org = northwind([joined(BEN, Role::Dev)]);
    for command in [role_of(ANN, Role::Dev), OrgCommand::Remove(user(ANN))] {
        Given::from(&org).when(command).then_rejected(OrgRejection::LastAdmin);
    }
    Given::from(&org).when(role_of(ANN, Role::Admin)).then_nothing();
    // With another admin either may go, and then the other may not.
    org.when(role_of(BEN, Role::Admin))
        .then_once()
        .when(OrgCommand::Remove(user(ANN)))
        .then([MemberRemoved { user: user(ANN) }.into()])
        .when(role_of(BEN, Role::Pm))
        .then_rejected(OrgRejection::LastAdmin);
}

#[test]
fn who_is_removed_keeps_nothing_and_may_be_invited_again() {
    let project = ProjectId(uuid(2));
    let set = SetProjectRole { user: user(BEN), project, role: Some(Role::Qa) };
    let org = northwind([joined(BEN, Role::Dev), invited(2_000)])
        .when(OrgCommand::SetProjectRole(set))
        .then_once()
        .when(OrgCommand::Remove(user(BEN)))
        .then([MemberRemoved { user: user(BEN) }.into()]);
    assert!(org.state.project_roles.is_empty());
    Given::from(&org).when(OrgCommand::Remove(user(BEN))).then_rejected(OrgRejection::NoMember);
    org.when(accept_by(BEN)).then_exactly_one();
}

#[test]
fn a_role_in_a_project_is_set_and_taken_back() {
    let project = ProjectId(uuid(2));
    let set = |n, role| OrgCommand::SetProjectRole(SetProjectRole { user: user(n), project, role });
    let org = northwind([joined(BEN, Role::Dev)]).when(set(BEN, Some(Role::Qa))).then_once();
    assert_eq!(org.state.project_role(user(BEN), project), Some(Role::Qa));
    let org = org.when(set(BEN, None)).then_once();
    assert_eq!(org.state.project_role(user(BEN), project), None);
    org.when(set(9, Some(Role::Qa))).then_rejected(OrgRejection::NoMember);
}

#[test]
fn what_members_do_with_the_ways_in_is_written_down() {
    let session = SessionId(uuid(60));
    let sign_in = Recorded::SignIn { session, method: SignInMethod::Github };
    let by = |n, what: &Recorded| OrgCommand::Record(Record { user: user(n), what: what.clone() });
    northwind([]).when(by(ANN, &sign_in)).then([MemberSignedIn {
        user: user(ANN),
        session,
        method: SignInMethod::Github,
    }
    .into()]);
    northwind([]).when(by(BEN, &sign_in)).then_nothing();
    for what in [
        Recorded::SessionRevoked { session },
        Recorded::TokenRevoked { token: TokenId(uuid(61)) },
        Recorded::TokenCreated { token: TokenId(uuid(61)), role: None, scopes: vec![], expires_at: None },
    ] {
        northwind([]).when(by(ANN, &what)).then_exactly_one();
    }
}

#[test]
fn a_refusal_is_written_down_where_the_org_knew_the_way_in() {
    let (open, token) = (InvitationId(uuid(70)), Some(TokenId(uuid(61))));
    let refused = |reason, n, invitation| {
        let (user, token) = (Some(user(n)), token);
        OrgCommand::RecordRefusal(SignInRefused { reason, user, invitation, token, session: None })
    };
    let left = || northwind([joined(BEN, Role::Dev), MemberRemoved { user: user(BEN) }.into()]);
    left().when(refused(RefusalReason::NoMember, BEN, None)).then_exactly_one();
    left().when(refused(RefusalReason::TokenRevoked, ANN, None)).then_exactly_one();
    // Not yet to be seen everywhere, a stranger, somebody who came back, an invitation of nobody's.
    left().when(refused(RefusalReason::NoMember, ANN, None)).then_nothing();
    left().when(refused(RefusalReason::NoMember, 9, None)).then_nothing();
    left().when(refused(RefusalReason::TokenExpired, 9, Some(open))).then_nothing();
    let back = northwind([joined(BEN, Role::Dev), MemberRemoved { user: user(BEN) }.into(), joined(BEN, Role::Qa)]);
    back.when(refused(RefusalReason::NoMember, BEN, None)).then_nothing();
}

#[test]
fn who_joined_before_there_were_invitations_is_still_read() {
    let payload = format!("{{\"user\":\"{}\",\"role\":\"admin\"}}", uuid(ANN));
    let read = DomainEvent::decode(AggregateKind::Org, "MemberJoined", 1, &payload);
    assert_eq!(read.ok(), Some(joined(ANN, Role::Admin).into()));
}

fn budget(scope: BudgetScope, limit: impl Into<Option<u64>>) -> OrgEvent {
    BudgetSet { scope, limit_usd_micros: limit.into() }.into()
}

fn noted(scope: BudgetScope, day: u32, spent_usd_micros: u64) -> NoteSpending {
    let day = chrono::NaiveDate::from_ymd_opt(2027, 1, day).filter(|_| scope.is_daily());
    NoteSpending { scope, day, limit_usd_micros: 100, spent_usd_micros, refused: false }
}

#[test]
fn a_budget_warns_at_four_fifths_and_says_when_it_is_used_up_once_a_day() {
    let scope = BudgetScope::Org;
    let note = |day, spent| OrgCommand::NoteSpending(noted(scope, day, spent));
    let NoteSpending { day, .. } = noted(scope, 5, 0);
    let warned = BudgetWarned { scope, day, limit_usd_micros: 100, spent_usd_micros: 80 };
    let used_up = BudgetUsedUp { scope, day, limit_usd_micros: 100, spent_usd_micros: 100 };
    northwind([budget(scope, 100)])
        .when(note(5, 79))
        .then_nothing()
        .when(note(5, 80))
        .then([warned.into()])
        .when(note(5, 99))
        .then_nothing()
        .when(note(5, 100))
        .then([used_up.into()])
        .when(note(5, 120))
        .then_nothing()
        .when(note(5, 85))
        .then_nothing()
        .when(note(6, 80))
        .then_exactly_one();
}

#[test]
fn a_call_that_was_refused_uses_a_budget_up_and_another_limit_begins_anew() {
    let scope = BudgetScope::Ticket { ticket: crate::ids::TicketId(uuid(20)) };
    let refused = || OrgCommand::NoteSpending(NoteSpending { refused: true, ..noted(scope, 5, 70) });
    northwind([]).when(refused()).then_nothing();
    northwind([budget(scope, 99)]).when(refused()).then_nothing();
    northwind([budget(scope, 100)])
        .when(refused())
        .then_once()
        .when(OrgCommand::SetBudget(SetBudget { scope, limit_usd_micros: Some(200) }))
        .then([budget(scope, 200)])
        .when(OrgCommand::NoteSpending(NoteSpending { limit_usd_micros: 200, ..noted(scope, 5, 160) }))
        .then_exactly_one();
}

#[test]
fn budgets_are_set_and_taken_away_within_bounds() {
    let scope = |n: u128| BudgetScope::Ticket { ticket: crate::ids::TicketId(uuid(n)) };
    let set = |n, limit| OrgCommand::SetBudget(SetBudget { scope: scope(n), limit_usd_micros: limit });
    northwind([]).when(set(1, None)).then_nothing().when(set(1, Some(0))).then_once();
    let full = northwind((0..crate::limits::BUDGETS_MAX).map(|n| budget(scope(n as u128), 1)));
    Given::from(&full).when(set(5_000, Some(1))).then_rejected(OrgRejection::TooManyBudgets);
    Given::from(&full).when(set(5, Some(2))).then_once();
    full.when(set(5, None)).then([budget(scope(5), None)]).when(set(5_000, Some(1))).then_once();
}

#[test]
fn a_provider_key_is_named_and_never_told() {
    let key = |n| crate::ids::ProviderKeyId(uuid(n));
    let set = |provider: &str, n| {
        let (provider, known_providers) = (provider.to_owned(), vec!["codex".to_owned()]);
        OrgCommand::SetProviderKey(SetProviderKey {
            provider,
            known_providers,
            key: key(n),
            last_four: "wxyz".to_owned(),
        })
    };
    let provider = || "codex".to_owned();
    let rejection = OrgRejection::UnknownProvider { provider: "other".to_owned() };
    northwind([]).when(set("other", 60)).then_rejected(rejection);
    northwind([])
        .when(OrgCommand::RemoveProviderKey(provider()))
        .then_nothing()
        .when(set("codex", 60))
        .then_once()
        .when(set("codex", 61))
        .then([ProviderKeySet { provider: provider(), key: key(61), last_four: "wxyz".to_owned() }.into()])
        .when(OrgCommand::RemoveProviderKey(provider()))
        .then([ProviderKeyRemoved { provider: provider(), key: key(61) }.into()]);
}

#[test]
fn its_days_are_those_of_a_zone_that_there_is() {
    let set = |zone: &str, known| OrgCommand::SetTimeZone(SetTimeZone { time_zone: zone.to_owned(), known });
    northwind([]).when(set("Europe/Nowhere", false)).then_rejected(OrgRejection::UnknownTimeZone);
    let after = northwind([]).when(set("UTC", true)).then_nothing().when(set("Asia/Tokyo", true)).then_once();
    assert_eq!(after.state.time_zone(), "Asia/Tokyo");
}
