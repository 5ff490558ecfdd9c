//! The commands that need no running product, and what they say when there is none.

mod product;

use std::fs;

use product::Place;

#[test]
fn config_shows_values_with_their_source_and_masks_secrets() {
    let place = Place::new();
    fs::write(place.path().join("lime.toml"), "slots = 7").unwrap();
    let mut command = place.lime(&["config", "--home", "elsewhere"]);
    let shown = command.env("OPENAI_API_KEY", "sk-canary").output().unwrap();
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    let shown = String::from_utf8(shown.stdout).unwrap();
    let line =
        |name: &str| shown.lines().find(|line| line.starts_with(name)).unwrap().split_whitespace().collect::<Vec<_>>();
    assert_eq!(line("LIME_SLOTS"), ["LIME_SLOTS", "slots", "7", "lime.toml"]);
    assert_eq!(line("LIME_HOME"), ["LIME_HOME", "home", "elsewhere", "flag"]);
    assert_eq!(line("OPENAI_API_KEY"), ["OPENAI_API_KEY", "openai_api_key", "********", "environment"]);
    assert!(!shown.contains("canary"));
}

#[test]
fn commands_beside_a_product_that_does_not_run_say_how_to_start_it() {
    let place = Place::new();
    for arguments in [&["owner-link", "--home", "home"][..], &["token", "create", "--home", "home", "--name", "x"]] {
        let refused = place.run(arguments);
        assert_eq!(refused.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&refused.stderr).contains("lime up"), "{refused:?}");
    }
}

#[test]
fn wrong_names_of_roles_and_scopes_are_refused_with_those_there_are() {
    let place = Place::new();
    let refused = place.run(&["token", "create", "--name", "x", "--role", "king"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("admin, pm, dev and qa"), "{refused:?}");
    let refused = place.run(&["token", "create", "--name", "x", "--scope", "all"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("read, tickets, runs and write"), "{refused:?}");
}

#[tokio::test]
async fn doctor_finds_a_running_product_well_and_names_what_is_missing() {
    let place = Place::new();
    let mut up = place.up();
    let looked = place.run(&["doctor", "--home", "home"]);
    let said = String::from_utf8_lossy(&looked.stdout);
    let (_, installation) = said.split_once("The installation").unwrap();
    assert!(!installation.contains("BAD"), "{said}");
    for expected in
        ["commits survive a power loss", "the database is of this version", "board is at position", "the stream holds"]
    {
        assert!(installation.contains(expected), "{expected} is missing in\n{said}");
    }
    assert_eq!(up.stop(), Some(0));

    let looked = place.lime(&["doctor", "--home", "home"]).env("LIME_PG_BIN", "/nowhere").output().unwrap();
    let said = String::from_utf8_lossy(&looked.stdout);
    assert_eq!(looked.status.code(), Some(1), "{said}");
    assert!(said.contains("BAD   LIME_PG_BIN is /nowhere") && said.contains("→ lime servers fetch"), "{said}");
    assert!(said.contains("lime does not run on"), "{said}");
}
