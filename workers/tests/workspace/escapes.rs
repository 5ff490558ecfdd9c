//! Ways in which a tree that an agent has written runs code when somebody runs git in it. Here nobody on
//! the host does: each trap is set in the sandbox, then everything that the host does with a run is done.

use workers::workspace::{DiffCaps, ImportCaps};

use super::{branch, run};

/// Inside, the file that proves an escape cannot be made: its directory is the host's.
const TRAPS: &[(&str, &str)] = &[
    ("fsmonitor", "git config core.fsmonitor 'touch PWNED; false'"),
    (
        "hooks",
        "for h in pre-commit post-commit post-checkout reference-transaction post-index-change pre-push; do \
               printf '#!/bin/sh\\ntouch PWNED\\n' > .git/hooks/$h; chmod +x .git/hooks/$h; done",
    ),
    (
        "hooks path",
        "mkdir hk; git config core.hooksPath hk; printf '#!/bin/sh\\ntouch PWNED\\n' > hk/pre-commit; chmod +x hk/pre-commit",
    ),
    (
        "clean filter",
        "git config filter.e.clean 'touch PWNED; cat'; git config filter.e.smudge 'touch PWNED; cat'; echo '* filter=e' > .gitattributes",
    ),
    ("external diff", "git config diff.external 'touch PWNED #'"),
    ("textconv", "git config diff.e.textconv 'touch PWNED; cat'; echo '* diff=e' > .gitattributes"),
    ("merge driver", "git config merge.e.driver 'touch PWNED'; echo '* merge=e' > .gitattributes"),
    (
        "pager and editor",
        "git config core.pager 'touch PWNED;cat'; git config core.editor 'touch PWNED'; git config sequence.editor 'touch PWNED'",
    ),
    (
        "transport",
        "git remote add origin 'ext::sh -c touch% PWNED'; git config protocol.ext.allow always; git config core.sshCommand 'touch PWNED'",
    ),
    (
        "credential helper",
        "git config credential.helper '!touch PWNED'; git config gpg.program 'touch PWNED'; git config commit.gpgSign true",
    ),
    ("include", "printf '[core]\\n\\tfsmonitor = touch PWNED\\n' > evil.cfg; git config include.path ../evil.cfg"),
    (
        "nested repository",
        "mkdir sub; cd sub; git init -q; git -c user.name=a -c user.email=b commit -q --allow-empty -m s; git config core.fsmonitor 'touch PWNED; false'",
    ),
    ("swapped .git", "mv .git .git2; cp -r .git2 .git; git config core.fsmonitor 'touch PWNED; false'; rm -rf .git2"),
    (
        ".git as a link",
        "mv .git /workspace/gitdir; printf 'gitdir: /workspace/gitdir' > .git; git config core.fsmonitor 'touch PWNED; false'",
    ),
    ("alternates", "mkdir -p .git/objects/info; echo /etc > .git/objects/info/alternates"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_trap_in_the_tree_runs_code_on_the_host() {
    let traps = TRAPS.iter().zip(20..).map(|((name, trap), slot)| spring(slot, name, trap));
    futures::future::join_all(traps).await;
}

async fn spring(slot: u32, name: &str, trap: &str) {
    let Some(run) = run(slot, &[("calc.py", "return a - b\n")]).await else { return };
    let pwned = run.place.path("pwned");
    // The path is the host's: were the command run there, the file would appear.
    let trap = trap.replace("PWNED", &pwned.display().to_string());
    run.agent(&format!("{trap}; cd /workspace; echo '# fix' >> calc.py")).await;
    if let Ok(delivery) = run.finish().await {
        run.host.import(&run.out, &delivery, &branch(), &ImportCaps::default()).await.unwrap();
        let diff = run.host.diff(&delivery.head, DiffCaps::default()).await.unwrap();
        assert!(diff.text.contains("+# fix"), "{name}: {}", diff.text);
        run.host.commits(&delivery.head, DiffCaps::default()).await.unwrap();
        // The next run of the same repository.
        let next = run.place.path("next");
        run.host.clone_for_agent(&next, &branch(), &super::author()).await.unwrap();
    }
    assert!(!pwned.exists(), "{name} ran on the host");
}

/// The traps are live ones: a host that is careless with such a tree does run them.
#[test]
fn a_careless_host_is_caught() {
    let naive = [
        ("fsmonitor", "git status"),
        ("hooks", "git commit -qm x"),
        ("clean filter", "git add -A"),
        ("textconv", "git diff"),
    ];
    for (name, command) in naive {
        let dir = tempfile::tempdir().unwrap();
        let (tree, pwned) = (dir.path().join("tree"), dir.path().join("pwned"));
        std::fs::create_dir(&tree).unwrap();
        super::git_in(&tree, &["init", "-q"]);
        std::fs::write(tree.join("calc.py"), "return a - b\n").unwrap();
        super::git_in(&tree, &["add", "--all"]);
        super::git_in(&tree, &["commit", "-qm", "first"]);
        let (_, trap) = TRAPS.iter().find(|(known, _)| *known == name).unwrap();
        let trap = trap.replace("PWNED", &pwned.display().to_string());
        let stage = if name == "hooks" { "git add -A;" } else { "" };
        let script = format!("{trap}; echo '# fix' >> calc.py; {stage} {command} >/dev/null 2>&1");
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &script]).current_dir(&tree).env("GIT_CONFIG_GLOBAL", "/dev/null");
        shell
            .env("GIT_AUTHOR_NAME", "T")
            .env("GIT_AUTHOR_EMAIL", "t")
            .env("GIT_COMMITTER_NAME", "T")
            .env("GIT_COMMITTER_EMAIL", "t");
        shell.status().unwrap();
        assert!(pwned.exists(), "{name}");
    }
}
