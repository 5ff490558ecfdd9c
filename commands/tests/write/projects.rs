//! Orgs, projects with their boards, repositories.

use crate::world::{World, caller_in, invalid, new_org, not_found, rejected};
use commands::org::{CreateOrg, create_org};
use commands::project::{CreateProject, create_project, default_board_of};
use commands::repo_connection::*;
use domain::repo_connection::RepoProvider;
use domain::{Actor, OrgId, ProjectId, RepoConnectionId};
use uuid::Uuid;

fn project(key: &str) -> CreateProject {
    CreateProject { key: key.to_owned(), name: "Line".to_owned() }
}

#[tokio::test]
async fn an_org_is_made_once_with_its_owner() {
    let world = World::new().await;
    let caller = caller_in(OrgId(Uuid::nil()), Actor::system("setup"));
    let input = CreateOrg { name: "Contoso".to_owned(), owner: world.ann };
    let made = create_org(&world.commands, &caller, input.clone()).await.unwrap();
    assert_eq!((made.version, made.event_ids.len()), (2, 2));
    let again = create_org(&world.commands, &caller, input).await.unwrap();
    assert!(again.repeated && again.aggregate_id == made.aggregate_id);
    let unnamed = CreateOrg { name: " ".to_owned(), owner: world.ann };
    let caller = caller_in(OrgId(Uuid::nil()), Actor::system("setup"));
    rejected(create_org(&world.commands, &caller, unnamed).await, "NAME_EMPTY");
}

#[tokio::test]
async fn a_project_comes_with_its_board() {
    let world = World::new().await;
    let caller = world.caller();
    let made = create_project(&world.commands, &caller, project("LN")).await.unwrap();
    let id = ProjectId(made.aggregate_id);
    let board = &world.events_of(default_board_of(id)).await[0];
    assert_eq!((board.0.as_str(), &board.1["project"]), ("BoardCreated", &serde_json::json!(id.to_string())));
    assert_eq!(board.1["columns"].as_array().unwrap().len(), 6);
    let again = create_project(&world.commands, &caller, project("LN")).await.unwrap();
    assert!(again.repeated && again.version == 1);
    assert_eq!(world.events_of(default_board_of(id)).await.len(), 1);
}

#[tokio::test]
async fn a_key_is_one_projects_in_its_org() {
    let world = World::new().await;
    rejected(create_project(&world.commands, &world.caller(), project("AL")).await, "KEY_TAKEN");
    invalid(create_project(&world.commands, &world.caller(), project("al")).await, "key");
    let (commands, other_process) = (&world.commands, world.other_process());
    let (one, two) = (world.caller(), world.caller());
    let both = tokio::join!(
        create_project(commands, &one, project("RACE")),
        create_project(&other_process, &two, project("RACE"))
    );
    assert_eq!([&both.0, &both.1].iter().filter(|result| result.is_ok()).count(), 1, "{both:?}");
    let elsewhere = new_org(commands, world.ann).await;
    create_project(commands, &caller_in(elsewhere, Actor::User(world.ann)), project("AL")).await.unwrap();
    // A refused project leaves no key behind.
    let unnamed = CreateProject { name: String::new(), ..project("FREE") };
    rejected(create_project(commands, &world.caller(), unnamed).await, "NAME_EMPTY");
    create_project(commands, &world.caller(), project("FREE")).await.unwrap();
}

#[tokio::test]
async fn a_key_reserved_in_vain_is_free_again() {
    let world = World::new().await;
    let reserve = "insert into project_keys (org, key, project_id, reserved_at)
                   values ($1, 'LOST', gen_random_uuid(), now() - interval '11 minutes'),
                          ($1, 'FRESH', gen_random_uuid(), now())";
    sqlx::query(reserve).bind(world.org.0).execute(&world.database.pool).await.unwrap();
    create_project(&world.commands, &world.caller(), project("LOST")).await.unwrap();
    rejected(create_project(&world.commands, &world.caller(), project("FRESH")).await, "KEY_TAKEN");
    sqlx::query("update project_keys set reserved_at = now() - interval '1 year'")
        .execute(&world.database.pool)
        .await
        .unwrap();
    rejected(create_project(&world.commands, &world.caller(), project("LOST")).await, "KEY_TAKEN");
}

#[tokio::test]
async fn a_repository_is_connected_and_disconnected() {
    let world = World::new().await;
    let input = |clone_url: &str| ConnectRepository {
        project: world.project,
        provider: RepoProvider::Git,
        external_id: None,
        clone_url: Some(clone_url.to_owned()),
    };
    let (commands, caller) = (&world.commands, || world.caller());
    let url = "https://git.example/northwind/gateway.git";
    let connected = connect_repository(commands, &caller(), input(url)).await.unwrap();
    let repo_connection = RepoConnectionId(connected.aggregate_id);
    let (_, event) = world.events_of(repo_connection).await.remove(0);
    assert_eq!((&event["name"], &event["clone_url"]), (&"northwind/gateway".into(), &url.into()));
    invalid(connect_repository(commands, &caller(), input("https://evil.example/a")).await, "cloneUrl");
    let gone = DisconnectRepository { repo_connection };
    assert_eq!(disconnect_repository(commands, &caller(), gone).await.unwrap().version, 2);
    assert!(disconnect_repository(commands, &caller(), gone).await.unwrap().event_ids.is_empty());
    let unknown = DisconnectRepository { repo_connection: RepoConnectionId(Uuid::now_v7()) };
    not_found(disconnect_repository(commands, &caller(), unknown).await);
}
