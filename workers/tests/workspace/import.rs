//! Bundles as a hostile agent would write them, byte by byte.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use testkit::GitServer;
use workers::workspace::{CommitId, Delivery, Git, HostRepository, ImportCaps, Mirror, WorkspaceError};

use super::{Place, branch, commit_id, git_in};

struct Rig {
    place: Place,
    host: HostRepository,
    agent: std::path::PathBuf,
    out: std::path::PathBuf,
    _server: GitServer,
}

async fn rig() -> Rig {
    let server = GitServer::start().await.unwrap();
    server.create("demo", &[("a", "1\n")]).unwrap();
    let place = Place::new().await;
    let host = place.host(&server).await;
    let (agent, out) = (place.path("agent"), place.path("out"));
    host.clone_for_agent(&agent, &branch(), &super::author()).await.unwrap();
    std::fs::create_dir(&out).unwrap();
    Rig { place, host, agent, out, _server: server }
}

impl Rig {
    /// A tree from `<mode> <type> <object>\t<path>` entries, written without git's own checks.
    fn tree(&self, entries: &[(&str, &str, &str)]) -> String {
        let mut raw = Vec::new();
        for (mode, path, object) in entries {
            raw.extend_from_slice(format!("{mode} {path}\0").as_bytes());
            raw.extend_from_slice(&hex_bytes(object));
        }
        hash(&self.agent, "tree", &raw)
    }

    fn commit(&self, tree: &str) -> CommitId {
        commit_id(&git_in(&self.agent, &["commit-tree", tree, "-p", self.host.base().as_str(), "-m", "x"]))
    }

    fn blob(&self, text: &[u8]) -> String {
        hash(&self.agent, "blob", text)
    }

    /// What an honest `finish` would leave for this commit.
    fn deliver(&self, head: CommitId) -> Delivery {
        git_in(&self.agent, &["update-ref", "--no-deref", "HEAD", head.as_str()]);
        let (out, not_base) = (self.out.join("commits.bundle"), format!("^{}", self.host.base()));
        git_in(&self.agent, &["bundle", "create", "--quiet", out.to_str().unwrap(), "HEAD", &not_base]);
        Delivery { head, has_commits: true }
    }

    async fn import(&self, delivery: &Delivery, caps: &ImportCaps) -> Result<(), WorkspaceError> {
        let imported = self.host.import(&self.out, delivery, &branch(), caps).await;
        assert!(!self.host.dir().join("incoming").exists());
        let refs = git_in(self.host.dir(), &["for-each-ref", "--format=%(refname)"]);
        let packs = std::fs::read_dir(self.host.dir().join("objects/pack")).map_or(0, Iterator::count);
        if imported.is_err() {
            assert_eq!((refs.as_str(), packs), ("refs/al/base", 0), "nothing of a refused bundle stays");
        }
        imported
    }
}

fn hex_bytes(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap()).collect()
}

fn hash(dir: &Path, kind: &str, bytes: &[u8]) -> String {
    let mut child = Command::new("git")
        .args(["hash-object", "-t", kind, "-w", "--stdin", "--literally"])
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap().trim().to_owned()
}

fn is_bundle_error(result: &Result<(), WorkspaceError>) -> bool {
    matches!(result, Err(WorkspaceError::Bundle { .. }))
}

#[tokio::test]
async fn trees_that_would_write_into_dot_git_or_out_of_the_tree_are_refused() {
    for path in [".git", ".GIT", "..", ".", ".git ", "git~1", ".g\u{200c}it", "a/b"] {
        let rig = rig().await;
        let blob = rig.blob(b"evil");
        let inner = rig.tree(&[("100644", "config", &blob)]);
        let tree = rig.tree(&[("40000", path, &inner)]);
        let head = rig.commit(&tree);
        let delivery = rig.deliver(head);
        let result = rig.import(&delivery, &ImportCaps::default()).await;
        assert!(is_bundle_error(&result), "{path:?}: {result:?}");
    }
}

#[tokio::test]
async fn attribute_and_module_files_that_attack_git_are_refused() {
    let rig = rig().await;
    let evil = rig.blob(b"[submodule \"-u./payload\"]\n\tpath = x\n\turl = -u./payload\n");
    let tree = rig.tree(&[("100644", ".gitmodules", &evil)]);
    let delivery = rig.deliver(rig.commit(&tree));
    assert!(is_bundle_error(&rig.import(&delivery, &ImportCaps::default()).await));
    let rig = self::rig().await;
    let target = rig.blob(b"/etc/passwd");
    let tree = rig.tree(&[("120000", ".gitmodules", &target)]);
    let delivery = rig.deliver(rig.commit(&tree));
    assert!(is_bundle_error(&rig.import(&delivery, &ImportCaps::default()).await));
}

/// A git before 2.46 does not check a bundle's objects when it fetches from it. Ours are checked with
/// whatever git there is; the system's own is often the older one.
#[tokio::test]
async fn an_older_git_refuses_the_same() {
    let rig = rig().await;
    let Ok(git) = Git::at("/usr/bin/git".into()).await else { return };
    let blob = rig.blob(b"evil");
    let inner = rig.tree(&[("100644", "config", &blob)]);
    let delivery = rig.deliver(rig.commit(&rig.tree(&[("40000", ".git", &inner)])));
    let mirror = Mirror::at(rig.place.path("mirror"));
    let base = workers::workspace::Base { name: None, commit: rig.host.base().clone() };
    let host = HostRepository::create(&git, rig.place.path("host2.git"), &mirror, &base).await.unwrap();
    let result = host.import(&rig.out, &delivery, &branch(), &ImportCaps::default()).await;
    assert!(is_bundle_error(&result), "{result:?}");
    let sound = rig.deliver(rig.commit(&rig.tree(&[("100644", "file", &blob)])));
    host.import(&rig.out, &sound, &branch(), &ImportCaps::default()).await.unwrap();
}

#[tokio::test]
async fn every_cap_holds() {
    let rig = rig().await;
    let blob = rig.blob(&vec![b'x'; 3 << 20]);
    let long = "d".repeat(200);
    let inner = rig.tree(&[("100644", &long, &blob)]);
    let delivery = rig.deliver(rig.commit(&rig.tree(&[("40000", &long, &inner)])));
    let refused = async |caps: ImportCaps| match rig.import(&delivery, &caps).await {
        Err(WorkspaceError::TooLarge { limit, .. }) => limit,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(ImportCaps { bundle_bytes: 100, ..ImportCaps::default() }).await, 100);
    assert_eq!(refused(ImportCaps { objects: 2, ..ImportCaps::default() }).await, 2);
    assert_eq!(refused(ImportCaps { unpacked_bytes: 1 << 20, ..ImportCaps::default() }).await, 1 << 20);
    assert_eq!(refused(ImportCaps { path_bytes: 300, ..ImportCaps::default() }).await, 300);
    rig.import(&delivery, &ImportCaps { path_bytes: 401, ..ImportCaps::default() }).await.unwrap();
}

#[tokio::test]
async fn a_head_that_the_bundle_does_not_bear_out_is_refused() {
    let rig = rig().await;
    let blob = rig.blob(b"fine");
    let delivery = rig.deliver(rig.commit(&rig.tree(&[("100644", "file", &blob)])));
    let other = |head: &str| Delivery { head: commit_id(head), has_commits: true };
    assert!(is_bundle_error(&rig.import(&other(&"1".repeat(40)), &ImportCaps::default()).await));
    assert!(is_bundle_error(&rig.import(&other(&blob), &ImportCaps::default()).await));
    let nothing = Delivery { head: commit_id(&"1".repeat(40)), has_commits: false };
    assert!(is_bundle_error(&rig.import(&nothing, &ImportCaps::default()).await));
    rig.import(&delivery, &ImportCaps::default()).await.unwrap();
}

#[tokio::test]
async fn files_that_are_no_bundle_are_refused() {
    let rig = rig().await;
    let blob = rig.blob(b"fine");
    let delivery = rig.deliver(rig.commit(&rig.tree(&[("100644", "file", &blob)])));
    let path = rig.out.join("commits.bundle");
    let sound = std::fs::read(&path).unwrap();
    let header = sound.windows(6).position(|part| part == b"\n\nPACK").unwrap() + 2;
    let mut cases: Vec<Vec<u8>> = vec![
        vec![],
        b"rubbish".to_vec(),
        sound[..header].to_vec(),
        sound[..sound.len() - 30].to_vec(),
        [b"# v2 git bundle\n@filter=blob:none\n".as_slice(), &sound[16..]].concat(),
        [b"# v9 git bundle\n".as_slice(), &sound[16..]].concat(),
        vec![b'\n'; 100_000],
        [b"# v2 git bundle\n".as_slice(), &vec![b'-'; 100_000]].concat(),
    ];
    let mut flipped = sound.clone();
    flipped[header + 20] ^= 0xff;
    cases.push(flipped);
    let mut many = sound.clone();
    many[header + 8..header + 12].copy_from_slice(&50_000_u32.to_be_bytes());
    cases.push(many);
    for (number, case) in cases.iter().enumerate() {
        std::fs::write(&path, case).unwrap();
        let result = rig.import(&delivery, &ImportCaps::default()).await;
        assert!(is_bundle_error(&result), "{number}: {result:?}");
    }
    // A link in its place is not followed, even to a sound bundle.
    std::fs::write(rig.place.path("elsewhere"), &sound).unwrap();
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(rig.place.path("elsewhere"), &path).unwrap();
    assert!(is_bundle_error(&rig.import(&delivery, &ImportCaps::default()).await));
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, &sound).unwrap();
    rig.import(&delivery, &ImportCaps::default()).await.unwrap();
}
