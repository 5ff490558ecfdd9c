//! `lime up` as a process: it starts, stops, survives its servers' deaths, and never leaves them behind.

mod product;

use std::fs;
use std::time::Duration;

use nix::sys::signal::Signal;
use product::{Place, is_alive, signal_process, tree};
use testkit::eventually;

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn it_starts_stops_cleanly_and_starts_again() {
    let place = Place::new();
    let mut up = place.up();
    let below = tree(up.pid());
    assert!(below.len() >= 2, "{below:?}");
    assert_eq!(up.ready().home, place.home().canonicalize().unwrap());
    assert!(up.ready().owner_link.starts_with(&format!("{}auth/local?token=", up.ready().url)), "{:?}", up.ready());
    assert_eq!(up.stop(), Some(0));
    assert!(below.iter().all(|pid| !is_alive(*pid)), "left behind:\n{}", up.log());
    assert!(!place.home().join("runtime.json").exists());
    assert!(!place.home().join("postgres/postmaster.pid").exists(), "PostgreSQL did not shut down cleanly");

    let mut again = place.up();
    assert_eq!(again.stop(), Some(0));
}

#[tokio::test]
async fn its_children_do_not_outlive_a_kill_and_the_next_start_recovers() {
    let place = Place::new();
    let mut up = place.up();
    let below = tree(up.pid());
    up.kill();
    eventually(Duration::from_secs(1), || async { below.iter().all(|pid| !is_alive(*pid)) }).await;
    let mut again = place.up();
    assert_eq!(again.stop(), Some(0));
}

#[tokio::test]
async fn a_dead_server_is_started_again_where_it_was() {
    let place = Place::new();
    let mut up = place.up();
    let runtime = fs::read_to_string(place.home().join("runtime.json")).unwrap();
    let nats_address =
        serde_json::from_str::<serde_json::Value>(&runtime).unwrap()["natsUrl"].as_str().unwrap().to_owned();
    for server in ["postgres", "nats-server"] {
        let before = up.child_named(server).unwrap();
        signal_process(before, Signal::SIGKILL);
        eventually(SOON, || async { up.child_named(server).is_some_and(|pid| pid != before) }).await;
        assert!(up.is_running());
    }
    let ready = format!("{}readyz", up.ready().url);
    let is_ready = || async { reqwest::get(&ready).await.is_ok_and(|answer| answer.status().is_success()) };
    eventually(SOON, is_ready).await;
    // The address carries user and password; the client takes them apart from it.
    let (user, rest) = nats_address.trim_start_matches("nats://").split_once(':').unwrap();
    let (password, address) = rest.split_once('@').unwrap();
    let options = async_nats::ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned());
    options.connect(address).await.unwrap();
    assert_eq!(up.stop(), Some(0));
}

#[tokio::test]
async fn a_broken_nats_store_is_moved_aside() {
    let place = Place::new();
    let mut up = place.up();
    assert_eq!(up.stop(), Some(0));
    let store = place.home().join("nats/store");
    fs::remove_dir_all(&store).unwrap();
    fs::write(&store, "not a directory").unwrap();
    let mut again = place.up();
    let kept: Vec<String> = fs::read_dir(place.home().join("nats"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("store.broken-"))
        .collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(again.stop(), Some(0));
}

#[tokio::test]
async fn a_stale_pid_file_that_names_a_stranger_is_no_obstacle() {
    let place = Place::new();
    let mut up = place.up();
    let pid_file = place.home().join("postgres/postmaster.pid");
    let text = fs::read_to_string(&pid_file).unwrap();
    up.kill();
    eventually(SOON, || async { !is_alive(text.lines().next().unwrap().parse().unwrap()) }).await;
    // The number of the process that is gone now belongs to another, of the same user as PostgreSQL.
    let owner = fs::metadata(place.home().join("postgres")).unwrap();
    let mut stranger = as_user(std::os::unix::fs::MetadataExt::uid(&owner), &["sleep", "600"]);
    let rest: Vec<&str> = text.lines().skip(1).collect();
    fs::write(&pid_file, format!("{}\n{}\n", stranger.id(), rest.join("\n"))).unwrap();
    let mut again = place.up();
    assert!(is_alive(stranger.id()), "a stranger was ended");
    assert_eq!(again.stop(), Some(0));
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

fn as_user(uid: u32, command: &[&str]) -> std::process::Child {
    if nix::unistd::geteuid().is_root() {
        let uid = uid.to_string();
        let mut setpriv = std::process::Command::new("setpriv");
        setpriv.args(["--reuid", &uid, "--clear-groups", "--"]).args(command).spawn().unwrap()
    } else {
        std::process::Command::new(command[0]).args(&command[1..]).spawn().unwrap()
    }
}

#[tokio::test]
async fn a_home_is_for_one() {
    let place = Place::new();
    let mut up = place.up();
    let second = place.run(&["up", "--home", "home"]);
    let said = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(3), "{said}");
    assert!(said.contains(&format!("process {}", up.pid())), "{said}");
    assert_eq!(up.stop(), Some(0));
}

#[test]
fn an_address_that_is_taken_is_an_error_and_nothing_is_started() {
    let place = Place::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = place.run(&["up", "--home", "home", "--listen", &address]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(4), "{said}");
    assert!(said.contains(&address) && said.contains("--listen"), "{said}");
    assert!(!place.home().join("postgres").exists());
}

#[test]
fn settings_that_cannot_be_used_end_it_with_code_2() {
    let place = Place::new();
    fs::write(place.path().join("lime.toml"), "lisen = \"127.0.0.1:1\"").unwrap();
    let refused = place.run(&["up"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("did you mean listen?"), "{said}");
    assert!(!place.path().join(".lime").exists());
}

#[test]
fn missing_programs_are_named_with_the_remedy() {
    let place = Place::new();
    let refused = place.lime(&["up", "--home", "home"]).env("LIME_PG_BIN", "/nowhere").output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(5), "{said}");
    assert!(said.contains("LIME_PG_BIN is /nowhere"), "{said}");
}
