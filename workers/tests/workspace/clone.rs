//! Fetching: what comes, and what every failure is called.

use std::time::Duration;

use secrecy::SecretString;
use testkit::{GitFault, GitServer};
use workers::workspace::{BaseRef, FetchCaps, HostRepository, WorkspaceError};

use super::{Place, author, branch, git_in, policy};

#[tokio::test]
async fn a_clone_is_on_its_branch_and_keeps_no_way_back() {
    let server = GitServer::start().await.unwrap();
    let first = server.create("demo", &[("src/main.rs", "fn main() {}\n")]).unwrap();
    let place = Place::new().await;
    let host = place.host(&server).await;
    assert_eq!(host.base().as_str(), first);
    let workspace = place.path("workspace");
    host.clone_for_agent(&workspace, &branch(), &author()).await.unwrap();
    assert_eq!(std::fs::read_to_string(workspace.join("src/main.rs")).unwrap(), "fn main() {}\n");
    assert_eq!(git_in(&workspace, &["symbolic-ref", "HEAD"]), "refs/heads/al/AL-12-rate-limit");
    assert_eq!(git_in(&workspace, &["rev-parse", "HEAD"]), first);
    assert_eq!(git_in(&workspace, &["status", "--porcelain"]), "");
    assert_eq!(git_in(&workspace, &["remote"]), "");
    assert_eq!(git_in(&workspace, &["config", "user.name"]), "Assembly Lime");
    assert!(!workspace.join(".git/objects/info/alternates").exists());
    assert!(!workspace.join(".git/FETCH_HEAD").exists());
    // No file of the workspace is also a file of the host's: an agent could write through it.
    let links =
        std::process::Command::new("find").arg(&workspace).args(["-type", "f", "-links", "+1"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&links.stdout), "");
    // Nothing in it says where the host keeps its own.
    let config = std::fs::read_to_string(workspace.join(".git/config")).unwrap();
    assert!(!config.contains(&place.dir.path().display().to_string()), "{config}");
}

#[tokio::test]
async fn branches_tags_and_commits_can_be_the_base() {
    let server = GitServer::start().await.unwrap();
    let first = server.create("demo", &[("a", "1")]).unwrap();
    let second = server.commit("demo", "feature/x", "Second", &[("a", "2")]).unwrap();
    server.git("demo", &["tag", "-a", "v1", "-m", "tag", "main"]).ok();
    server.git("demo", &["tag", "light", "feature/x"]).unwrap();
    let place = Place::new().await;
    let fetch = async |base: &str| place.fetch(&server, &server.url("demo"), Some(base)).await.unwrap();
    assert_eq!(fetch("feature/x").await.commit.as_str(), second);
    assert_eq!(fetch("refs/heads/main").await.commit.as_str(), first);
    assert_eq!(fetch("light").await.commit.as_str(), second);
    assert_eq!(fetch(&first).await.commit.as_str(), first);
    let default = place.fetch(&server, &server.url("demo"), None).await.unwrap();
    assert_eq!((default.name.unwrap().as_str(), default.commit.as_str()), ("main", first.as_str()));
}

#[tokio::test]
async fn a_second_run_sees_what_was_pushed_since() {
    let server = GitServer::start().await.unwrap();
    server.create("demo", &[("a", "1")]).unwrap();
    let place = Place::new().await;
    place.fetch(&server, &server.url("demo"), None).await.unwrap();
    let second = server.commit("demo", "main", "Second", &[("a", "2")]).unwrap();
    let url = server.url("demo");
    let (one, two) = tokio::join!(place.fetch(&server, &url, None), place.fetch(&server, &url, Some("main")));
    assert_eq!(one.unwrap().commit.as_str(), second);
    let base = two.unwrap();
    assert_eq!(base.commit.as_str(), second);
    HostRepository::create(&place.git, place.path("host.git"), &place.mirror, &base).await.unwrap();
}

#[tokio::test]
async fn a_ref_that_is_not_there_is_named() {
    let server = GitServer::start().await.unwrap();
    server.create("demo", &[("a", "1")]).unwrap();
    let place = Place::new().await;
    for missing in ["no-such-branch", &"1".repeat(40)] {
        let error = place.fetch(&server, &server.url("demo"), Some(missing)).await.unwrap_err();
        assert!(matches!(&error, WorkspaceError::UnknownRef { name } if name == missing), "{error:?}");
    }
    let error = place.fetch(&server, &server.url("demo"), Some("--upload-pack=x")).await.unwrap_err();
    assert!(matches!(error, WorkspaceError::RefName { .. }));
}

#[tokio::test]
async fn what_cannot_be_cloned_says_why_in_words() {
    let server = GitServer::start().await.unwrap();
    server.create("demo", &[("a", "1")]).unwrap();
    server.create_empty("empty").unwrap();
    let place = Place::new().await;
    let reason = async |name: &str| match place.fetch(&server, &server.url(name), None).await.unwrap_err() {
        WorkspaceError::Clone { reason } => reason,
        other => panic!("{other:?}"),
    };
    assert!(reason("missing").await.contains("there is no repository"));
    assert!(reason("empty").await.contains("no commit yet"));
    server.set_fault(GitFault::Status(503));
    assert!(reason("demo").await.contains("out of order"));
    server.set_fault(GitFault::WebPage);
    assert!(reason("demo").await.contains("is no git repository"));
    server.set_fault(GitFault::None);
    server.require("x-access-token", "secret-token-of-the-host");
    assert!(reason("demo").await.contains("refuses access"));
}

#[tokio::test]
async fn a_credential_opens_the_door_and_shows_nowhere() {
    let server = GitServer::start().await.unwrap();
    server.create("demo", &[("a", "1")]).unwrap();
    server.require("x-access-token", "secret-token-of-the-host");
    let place = Place::new().await;
    let remote = policy(&server).check(&server.url("demo")).await.unwrap();
    let fetch = async |token: &str| {
        let token = SecretString::from(token);
        place.mirror.fetch(&place.git, &remote, &BaseRef::DefaultBranch, &FetchCaps::default(), Some(&token)).await
    };
    let error = fetch("wrong-token-canary").await.unwrap_err();
    assert!(!format!("{error:?} {error}").contains("canary"));
    fetch("secret-token-of-the-host").await.unwrap();
    let kept = std::process::Command::new("grep").args(["-r", "secret-token"]).arg(place.dir.path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&kept.stdout), "");
}

#[tokio::test]
async fn a_host_that_is_not_there_or_never_answers() {
    let server = GitServer::start().await.unwrap();
    server.create("demo", &[("a", "1")]).unwrap();
    let place = Place::new().await;
    server.set_fault(GitFault::Hang);
    let caps = FetchCaps { time_limit: Duration::from_millis(800), ..FetchCaps::default() };
    let error = place.fetch_with(&server, &server.url("demo"), None, &caps).await.unwrap_err();
    assert!(matches!(error, WorkspaceError::Timeout { limit_ms: 700..=800, .. }), "{error:?}");
    let (url, checked) = (server.url("demo"), policy(&server).check(&server.url("demo")).await.unwrap());
    drop(server);
    let gone = place.mirror.fetch(&place.git, &checked, &BaseRef::DefaultBranch, &FetchCaps::default(), None).await;
    let Err(WorkspaceError::Clone { reason }) = gone else { panic!("{url}: {gone:?}") };
    assert!(reason.contains("does not answer"), "{reason}");
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed() {
    let (server, other) = (GitServer::start().await.unwrap(), GitServer::start().await.unwrap());
    server.create("demo", &[("a", "1")]).unwrap();
    other.create("demo", &[("a", "other")]).unwrap();
    server.set_fault(GitFault::Redirect(format!("http://{}", other.host())));
    let place = Place::new().await;
    let error = place.fetch(&server, &server.url("demo"), None).await.unwrap_err();
    assert!(matches!(error, WorkspaceError::Clone { .. }), "{error:?}");
    assert_eq!(other.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn a_repository_that_is_too_large_is_stopped() {
    let server = GitServer::start().await.unwrap();
    // Does not compress: 24 MiB of noise.
    let mut seed = 7_u64;
    let noise: String = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b'!' + u8::try_from((seed >> 33) % 90).unwrap())
    })
    .take(24 << 20)
    .collect();
    server.create("demo", &[("noise", &noise)]).unwrap();
    let place = Place::new().await;
    let caps = FetchCaps { bytes: 4 << 20, ..FetchCaps::default() };
    let error = place.fetch_with(&server, &server.url("demo"), None, &caps).await.unwrap_err();
    assert!(matches!(error, WorkspaceError::TooLarge { .. }), "{error:?}");
    let leftover = std::fs::read_dir(place.path("mirror/objects/pack")).unwrap().flatten();
    let packs: Vec<_> = leftover.filter(|entry| entry.path().extension().is_some_and(|kind| kind == "idx")).collect();
    assert!(packs.is_empty(), "nothing of it became part of the mirror");
}

#[tokio::test]
async fn a_repository_from_a_hostile_server_runs_no_code_when_it_is_cloned() {
    let server = GitServer::start().await.unwrap();
    let place = Place::new().await;
    let pwned = place.path("pwned");
    let touch = format!("touch {}", pwned.display());
    server
        .create(
            "demo",
            &[
                (".gitattributes", "* filter=evil diff=evil merge=evil\n*.txt filter=lfs diff=lfs\n"),
                (
                    ".gitmodules",
                    &format!("[submodule \"x\"]\n\tpath = x\n\turl = ext::sh -c \"{touch}\"\n\tupdate = checkout\n"),
                ),
                (".lfsconfig", "[lfs]\n\turl = http://127.0.0.1:1/\n"),
                ("file.txt", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"),
                (".githooks/post-checkout", &format!("#!/bin/sh\n{touch}\n")),
            ],
        )
        .unwrap();
    let host = place.host(&server).await;
    host.clone_for_agent(&place.path("workspace"), &branch(), &author()).await.unwrap();
    assert!(!pwned.exists());
    let text = std::fs::read_to_string(place.path("workspace/file.txt")).unwrap();
    assert!(text.starts_with("version https://git-lfs"), "pointers stay pointers");
}
