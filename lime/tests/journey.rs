//! One journey without a browser: sign in, a project, a card that moves, its history, an audit file that holds.

mod product;

use std::fs;
use std::os::unix::fs::MetadataExt;

use product::api::Api;
use product::{Place, Up};
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn a_journey() {
    let place = Place::new();
    let mut up = place.up();
    journey(&place, &up).await;
    assert_eq!(up.stop(), Some(0));
}

/// As root the journey above ran as root; this one runs the same program as an ordinary user.
#[tokio::test]
async fn an_ordinary_user_makes_the_journey_from_a_temporary_directory() {
    let place = Place::new();
    let mut up = place.up_as_ordinary_user();
    let user = fs::metadata(place.home()).unwrap().uid();
    assert_ne!(user, 0);
    let postgres = up.child_named("postgres").unwrap();
    assert_eq!(fs::metadata(format!("/proc/{postgres}")).unwrap().uid(), user);
    journey(&place, &up).await;
    assert_eq!(up.stop(), Some(0));
}

async fn journey(place: &Place, up: &Up) {
    a_link_signs_in_once(&up.ready().owner_link).await;
    let another = place.run(&["owner-link", "--home", "home"]);
    assert!(another.status.success(), "{}", String::from_utf8_lossy(&another.stderr));
    a_link_signs_in_once(String::from_utf8(another.stdout).unwrap().trim()).await;

    let api = Api::sign_in(place, up);
    let project = api.create_project("JO").await;
    let ticket = api.create_ticket(project, "Travel").await;
    let command_id = Uuid::new_v4();
    let document = "mutation($input: MoveTicketInput!) { moveTicket(input: $input) { ticket { key columnKey } } }";
    let input = json!({ "commandId": command_id, "ticketId": ticket, "columnKey": "done" });
    let moved = api.ask(document, json!({ "input": input })).await;
    assert_eq!(moved["moveTicket"]["ticket"], json!({ "key": "JO-1", "columnKey": "done" }));
    assert_eq!(api.cards(project, Some(command_id)).await, [("done".to_owned(), "Travel".to_owned())]);

    an_audit_file_holds_until_it_is_changed(place, project.org);
    let replayed = place.run(&["replay", "--home", "home", "--projection", "board"]);
    assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stderr));
    assert_eq!(api.cards(project, Some(command_id)).await, [("done".to_owned(), "Travel".to_owned())]);
}

async fn a_link_signs_in_once(link: &str) {
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let first = client.get(link).send().await.unwrap();
    assert!(first.status().is_redirection(), "{first:?}");
    assert!(first.headers().contains_key("set-cookie"), "{first:?}");
    let second = client.get(link).send().await.unwrap();
    assert!(!second.headers().contains_key("set-cookie"), "a link signed in twice");
}

fn an_audit_file_holds_until_it_is_changed(place: &Place, org: Uuid) {
    let file = place.path().join("audit.jsonl");
    let path = file.to_str().unwrap();
    let exported = place.run(&["audit", "export", "--home", "home", "--org", &org.to_string(), "--out", path]);
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    let head = String::from_utf8(exported.stdout).unwrap().trim().to_owned();
    let verified = place.run(&["audit", "verify", path]);
    assert!(String::from_utf8_lossy(&verified.stdout).contains("consistent, not authenticated"), "{verified:?}");
    let verified = place.run(&["audit", "verify", path, "--head", &head]);
    assert!(String::from_utf8_lossy(&verified.stdout).contains("authenticated: it holds"), "{verified:?}");

    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("Travel", "Trouble", 1)).unwrap();
    let broken = place.run(&["audit", "verify", path]);
    assert_eq!(broken.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&broken.stderr).contains("broken at position"), "{broken:?}");
}
