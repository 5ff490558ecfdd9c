//! Invitations, roles, removal: the write side of an org's people.

use crate::world::{World, caller_in, new_org, not_found, rejected};
use commands::org::*;
use domain::org::{Role, SignInMethod};
use domain::{Actor, InvitationId, OrgId, ProjectId, SessionId, UserId};
use std::time::Duration;
use uuid::Uuid;

const DAY: Duration = Duration::from_hours(24);

async fn invite(world: &World, role: Role, valid_for: Duration) -> InvitationId {
    let caller = world.caller();
    invite_member(&world.commands, &caller, InviteMember { role, valid_for }).await.unwrap();
    invitation_of(&caller)
}

fn stranger() -> UserId {
    UserId(Uuid::now_v7())
}

async fn join(world: &World, role: Role) -> UserId {
    let (user, invitation) = (stranger(), invite(world, role, DAY).await);
    let caller = caller_in(world.org, Actor::User(user));
    accept_invitation(&world.commands, &caller, AcceptInvitation { invitation, user }).await.unwrap();
    user
}

#[tokio::test]
async fn an_invitation_is_for_one_person_and_never_names_anybody() {
    let world = World::new().await;
    let invitation = invite(&world, Role::Qa, DAY).await;
    let open = read_invitation(&world.commands, world.org, invitation).await.unwrap();
    assert_eq!((open.org_name.as_str(), open.role), ("Northwind", Role::Qa));
    let (ben, eve) = (stranger(), stranger());
    let by_ben = caller_in(world.org, Actor::User(ben));
    let accept = |user| AcceptInvitation { invitation, user };
    accept_invitation(&world.commands, &by_ben, accept(ben)).await.unwrap();
    // The same command again is the same answer; another person comes too late, from any process.
    assert!(accept_invitation(&world.commands, &by_ben, accept(ben)).await.unwrap().repeated);
    let by_eve = caller_in(world.org, Actor::User(eve));
    rejected(accept_invitation(&world.other_process(), &by_eve, accept(eve)).await, "INVITATION_USED");
    let fields: Vec<String> = world
        .events_of(world.org.0)
        .await
        .iter()
        .flat_map(|(_, payload)| payload.as_object().unwrap().keys().cloned().collect::<Vec<_>>())
        .collect();
    assert!(!fields.iter().any(|field| matches!(field.as_str(), "email" | "token" | "address")), "{fields:?}");
}

#[tokio::test]
async fn two_who_open_one_link_at_once_are_one_member() {
    let world = World::new().await;
    let invitation = invite(&world, Role::Dev, DAY).await;
    let (ben, eve, other) = (stranger(), stranger(), world.other_process());
    let (by_ben, by_eve) = (caller_in(world.org, Actor::User(ben)), caller_in(world.org, Actor::User(eve)));
    let both = tokio::join!(
        accept_invitation(&world.commands, &by_ben, AcceptInvitation { invitation, user: ben }),
        accept_invitation(&other, &by_eve, AcceptInvitation { invitation, user: eve }),
    );
    assert_eq!([&both.0, &both.1].iter().filter(|result| result.is_ok()).count(), 1, "{both:?}");
}

#[tokio::test]
async fn what_does_not_hold_any_more_says_why() {
    let world = World::new().await;
    let user = stranger();
    let by = || caller_in(world.org, Actor::User(user));
    let old = invite(&world, Role::Dev, Duration::ZERO).await;
    let accept = |invitation| AcceptInvitation { invitation, user };
    rejected(accept_invitation(&world.commands, &by(), accept(old)).await, "INVITATION_EXPIRED");
    let back = invite(&world, Role::Dev, DAY).await;
    revoke_invitation(&world.commands, &world.caller(), RevokeInvitation { invitation: back }).await.unwrap();
    rejected(accept_invitation(&world.commands, &by(), accept(back)).await, "INVITATION_REVOKED");
    assert!(read_invitation(&world.commands, world.org, back).await.is_err());
    let unknown = InvitationId(Uuid::now_v7());
    not_found(accept_invitation(&world.commands, &by(), accept(unknown)).await);
    // Another org's invitation is as unknown.
    let elsewhere = new_org(&world.commands, world.ann).await;
    let there = invite(&world, Role::Dev, DAY).await;
    not_found(accept_invitation(&world.commands, &caller_in(elsewhere, Actor::User(user)), accept(there)).await);
    let revoke = RevokeInvitation { invitation: there };
    not_found(revoke_invitation(&world.commands, &caller_in(elsewhere, Actor::User(world.ann)), revoke).await);
}

#[tokio::test]
async fn the_last_admin_stays_even_when_two_go_at_once() {
    let world = World::new().await;
    let remove = |user| RemoveMember { user };
    rejected(remove_member(&world.commands, &world.caller(), remove(world.ann)).await, "LAST_ADMIN");
    let demote = ChangeRole { user: world.ann, role: Role::Dev };
    rejected(change_role(&world.commands, &world.caller(), demote).await, "LAST_ADMIN");
    let ben = join(&world, Role::Admin).await;
    let (one, two, other) = (world.caller(), world.caller(), world.other_process());
    let both = tokio::join!(
        remove_member(&world.commands, &one, remove(world.ann)),
        remove_member(&other, &two, remove(ben)),
    );
    assert_eq!([&both.0, &both.1].iter().filter(|result| result.is_ok()).count(), 1, "{both:?}");
}

#[tokio::test]
async fn members_and_projects_of_elsewhere_are_not_found() {
    let world = World::new().await;
    let elsewhere = new_org(&world.commands, world.ann).await;
    let ben = join(&world, Role::Dev).await;
    let there = || caller_in(elsewhere, Actor::User(world.ann));
    not_found(change_role(&world.commands, &there(), ChangeRole { user: ben, role: Role::Qa }).await);
    not_found(remove_member(&world.commands, &there(), RemoveMember { user: ben }).await);
    let set = |user, project| SetProjectRole { user, project, role: Some(Role::Qa) };
    not_found(set_project_role(&world.commands, &there(), set(world.ann, world.project)).await);
    not_found(set_project_role(&world.commands, &world.caller(), set(ben, ProjectId(Uuid::now_v7()))).await);
    not_found(set_project_role(&world.commands, &world.caller(), set(stranger(), world.project)).await);
    set_project_role(&world.commands, &world.caller(), set(ben, world.project)).await.unwrap();
    let nowhere = caller_in(OrgId(Uuid::now_v7()), Actor::User(world.ann));
    not_found(invite_member(&world.commands, &nowhere, InviteMember { role: Role::Qa, valid_for: DAY }).await);
}

#[tokio::test]
async fn ways_in_are_recorded_for_members_only() {
    let world = World::new().await;
    let what = Access::SignIn { session: SessionId(Uuid::now_v7()), method: SignInMethod::OwnerLink };
    let record = |user| RecordAccess { user, what: what.clone() };
    let made = record_access(&world.commands, &world.caller(), record(world.ann)).await.unwrap();
    assert_eq!(made.event_ids.len(), 1);
    let nothing = record_access(&world.commands, &world.caller(), record(stranger())).await.unwrap();
    assert!(nothing.event_ids.is_empty());
    let (name, payload) = world.events_of(world.org.0).await.pop().unwrap();
    assert_eq!((name.as_str(), &payload["method"]), ("MemberSignedIn", &serde_json::json!("owner_link")));
}
