use crate::story::Story;
use domain::board::{BoardCreated, BoardEvent};
use domain::org::{
    BudgetScope, BudgetSet, InvitationRevoked, MemberInvited, MemberJoined, MemberRemoved, MemberRoleChanged,
    MemberRoleSet, MemberSignedIn, OrgCreated, OrgEvent, OrgTimeZoneSet, ProviderKeyRemoved, ProviderKeySet, Role,
    SignInMethod,
};
use domain::repo_connection::{RepoConnectionEvent, RepoProvider, RepositoryConnected, RepositoryDisconnected};
use domain::{Actor, BoardId, InvitationId, OrgId, ProviderKeyId, SessionId, TicketId, UserId};
use projections::org_directory::NAME;
use uuid::Uuid;

#[tokio::test]
async fn an_org_lists_its_members_projects_and_boards() {
    let story = Story::begin().await;
    let (org, user) = (story.log.org, UserId(Uuid::now_v7()));
    story.say(org, [OrgEvent::MemberJoined(MemberJoined { user, role: Role::Dev, invitation: None })]).await;
    let second = BoardId(Uuid::now_v7());
    let board = BoardCreated { project: story.project, name: "Another".to_owned(), columns: crate::story::columns() };
    story.say(second, [BoardEvent::BoardCreated(board)]).await;
    // Another org, with one of the same people.
    let other = OrgId(Uuid::now_v7());
    let joined = OrgEvent::MemberJoined(MemberJoined { user, role: Role::Admin, invitation: None });
    let made = [OrgEvent::OrgCreated(OrgCreated { name: "Acme".to_owned() }), joined];
    story.log.of(other).append(other, made.map(Into::into)).await.unwrap();
    story.shown_by(NAME).await;

    let reads = &story.reads;
    let read = reads.org(org).await.unwrap().unwrap();
    assert_eq!((read.name.as_str(), read.version), ("Northwind", 3));
    let members: Vec<_> = reads.members(org).await.unwrap().iter().map(|m| (m.user, m.role)).collect();
    assert_eq!(members, [(story.owner, Role::Admin), (user, Role::Dev)]);
    let orgs: Vec<_> = reads.orgs_of(user).await.unwrap().into_iter().map(|(org, role)| (org.name, role)).collect();
    assert_eq!(orgs, [("Northwind".to_owned(), Role::Dev), ("Acme".to_owned(), Role::Admin)], "as they joined");
    assert_eq!(reads.role_of(user, org).await.unwrap(), Some(Role::Dev));
    assert_eq!(reads.role_of(story.owner, other).await.unwrap(), None);
    let projects = reads.projects(org).await.unwrap();
    assert_eq!(projects.len(), 1);
    assert_eq!((projects[0].key.as_str(), projects[0].default_board), ("AL", story.board));
    assert_eq!(reads.project(org, story.project).await.unwrap().as_ref(), projects.first());
    assert_eq!(reads.project(other, story.project).await.unwrap(), None);
    assert_eq!(reads.org_of_project(story.project).await.unwrap(), Some(org));
    let boards: Vec<_> = reads.boards(org, story.project).await.unwrap().into_iter().map(|board| board.id).collect();
    assert_eq!(boards, [story.board, second]);
    assert_eq!(reads.boards(other, story.project).await.unwrap(), []);
    story.equals_its_rebuild().await;
}

#[tokio::test]
async fn repositories_come_and_go() {
    let story = Story::begin().await;
    let connected = RepositoryConnected {
        project: story.project,
        provider: RepoProvider::Git,
        external_id: None,
        clone_url: "https://git.example/northwind/gateway".to_owned(),
        name: "northwind/gateway".to_owned(),
    };
    story.say(story.repo, [RepoConnectionEvent::RepositoryConnected(connected)]).await;
    story.shown_by(NAME).await;
    let (org, reads) = (story.log.org, &story.reads);
    let read = reads.repo_connections(org, story.project).await.unwrap().remove(0);
    assert_eq!((read.id, read.name.as_str(), read.provider), (story.repo, "northwind/gateway", RepoProvider::Git));
    assert_eq!(read.disconnected_at, None);
    let gone = story.say(story.repo, [RepoConnectionEvent::RepositoryDisconnected(RepositoryDisconnected {})]).await;
    story.shown_by(NAME).await;
    let read = reads.repo_connection(org, story.repo).await.unwrap().unwrap();
    assert_eq!((read.disconnected_at, read.version), (Some(gone[0].at), 2));
    assert_eq!(reads.repo_connection(OrgId(Uuid::now_v7()), story.repo).await.unwrap(), None);
    assert_eq!(reads.org_of_repo_connection(story.repo).await.unwrap(), Some(org));
}

#[tokio::test]
async fn people_are_invited_join_change_and_go() {
    let story = Story::begin().await;
    let (org, ben, reads) = (story.log.org, UserId(Uuid::now_v7()), &story.reads);
    let expires_at = "2030-01-01T00:00:00Z".parse().unwrap();
    let (one, two) = (InvitationId(Uuid::now_v7()), InvitationId(Uuid::now_v7()));
    let invited = |invitation, role| OrgEvent::MemberInvited(MemberInvited { invitation, role, expires_at });
    let said = story.say(org, [invited(one, Role::Dev), invited(two, Role::Qa)]).await;
    story.shown_by(NAME).await;
    let open = reads.invitations(org).await.unwrap();
    assert_eq!(
        open.iter().map(|invitation| (invitation.id, invitation.role)).collect::<Vec<_>>(),
        [(two, Role::Qa), (one, Role::Dev)]
    );
    assert_eq!((&open[0].invited_by, open[0].expires_at), (&said[1].actor, expires_at));
    assert_eq!(reads.invitations(OrgId(Uuid::now_v7())).await.unwrap(), []);

    let joined = MemberJoined { user: ben, role: Role::Dev, invitation: Some(one) };
    let set = |role| OrgEvent::MemberRoleSet(MemberRoleSet { user: ben, project: story.project, role });
    let session = SessionId(Uuid::now_v7());
    let signed_in = MemberSignedIn { user: ben, session, method: SignInMethod::Invitation };
    story
        .say(
            org,
            [
                OrgEvent::MemberJoined(joined),
                OrgEvent::InvitationRevoked(InvitationRevoked { invitation: two }),
                OrgEvent::MemberSignedIn(signed_in),
                OrgEvent::MemberRoleChanged(MemberRoleChanged { user: ben, role: Role::Pm }),
                set(Some(Role::Qa)),
            ],
        )
        .await;
    story.shown_by(NAME).await;
    assert_eq!(reads.invitations(org).await.unwrap(), []);
    let members = reads.members(org).await.unwrap();
    assert_eq!((members[1].user, members[1].role), (ben, Role::Pm));
    assert_eq!(members[1].project_roles, [(story.project, Role::Qa)]);
    assert_eq!(reads.role_of(ben, org).await.unwrap(), Some(Role::Pm));
    assert_eq!(reads.role_in_project(ben, org, story.project).await.unwrap(), Some(Role::Qa));
    assert_eq!(reads.role_in_project(story.owner, org, story.project).await.unwrap(), Some(Role::Admin));
    assert!(matches!(open[0].invited_by, Actor::User(_)));

    story.say(org, [set(None), set(Some(Role::Dev)), OrgEvent::MemberRemoved(MemberRemoved { user: ben })]).await;
    story.shown_by(NAME).await;
    assert_eq!(reads.role_of(ben, org).await.unwrap(), None);
    assert_eq!(reads.role_in_project(ben, org, story.project).await.unwrap(), None);
    assert_eq!(reads.members(org).await.unwrap().len(), 1);
    story.equals_its_rebuild().await;
}

#[tokio::test]
async fn keys_budgets_and_days_are_those_that_were_set_last() {
    let story = Story::begin().await;
    let (org, reads, ticket) = (story.log.org, &story.reads, TicketId(Uuid::now_v7()));
    let key = |last_four: &str| {
        let (provider, key) = ("codex".to_owned(), ProviderKeyId(Uuid::now_v7()));
        ProviderKeySet { provider, key, last_four: last_four.to_owned() }
    };
    let (old, new) = (key("0001"), key("0002"));
    let budget = |scope, limit_usd_micros| OrgEvent::BudgetSet(BudgetSet { scope, limit_usd_micros });
    let project = BudgetScope::Project { project: story.project };
    let said = story
        .say(
            org,
            [
                OrgEvent::ProviderKeySet(old),
                OrgEvent::ProviderKeySet(new.clone()),
                budget(BudgetScope::Ticket { ticket }, Some(3)),
                budget(project, Some(2)),
                budget(BudgetScope::EachRun, Some(4)),
                budget(BudgetScope::Org, Some(1)),
                budget(project, Some(20)),
                OrgEvent::OrgTimeZoneSet(OrgTimeZoneSet { time_zone: "Asia/Tokyo".to_owned() }),
            ],
        )
        .await;
    story.shown_by(NAME).await;
    let keys = reads.provider_keys(org).await.unwrap();
    assert_eq!((keys.len(), keys[0].key, keys[0].last_four.as_str()), (1, new.key, "0002"));
    assert_eq!((&keys[0].set_by, keys[0].set_at), (&said[1].actor, said[1].at));
    let budgets = async || {
        let budgets = reads.budgets(org).await.unwrap();
        budgets.into_iter().map(|budget| (budget.scope, budget.limit_usd_micros)).collect::<Vec<_>>()
    };
    let of_ticket = (BudgetScope::Ticket { ticket }, 3);
    assert_eq!(budgets().await, [(BudgetScope::Org, 1), (BudgetScope::EachRun, 4), (project, 20), of_ticket]);
    assert_eq!(reads.org(org).await.unwrap().unwrap().time_zone, "Asia/Tokyo");
    assert_eq!(reads.budgets(OrgId(Uuid::now_v7())).await.unwrap(), []);

    let removed = ProviderKeyRemoved { provider: "codex".to_owned(), key: new.key };
    story
        .say(org, [OrgEvent::ProviderKeyRemoved(removed), budget(project, None), budget(BudgetScope::Org, None)])
        .await;
    story.shown_by(NAME).await;
    assert_eq!(reads.provider_keys(org).await.unwrap(), []);
    assert_eq!(budgets().await, [(BudgetScope::EachRun, 4), of_ticket]);
    story.equals_its_rebuild().await;
}
