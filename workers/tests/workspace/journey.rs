//! A whole run's git: clone, agent, bundle, import, diff.

use workers::workspace::{ChangeKind, DiffCaps, EntryKind, ImportCaps, WorkspaceError, read_beneath, remove_tree};

use super::{branch, git_in, run};

#[tokio::test]
async fn an_agents_commits_and_leftovers_become_a_diff() {
    let Some(run) =
        run(1, &[("calc.py", "def add(a, b):\n    return a - b\n"), ("old.txt", "1\n2\n3\n4\n5\n6\n")]).await
    else {
        return;
    };
    run.agent(
        "sed -i 's/a - b/a + b/' calc.py && git commit -qam 'Add adds' && \
         git mv old.txt new.txt && git commit -qm 'Rename' -m 'With a body.' && \
         echo left > left.txt && ln -s calc.py link && printf '\\0\\1' > binary && chmod +x left.txt",
    )
    .await;
    let delivery = run.finish().await.unwrap();
    assert!(delivery.has_commits);
    run.host.import(&run.out, &delivery, &branch(), &ImportCaps::default()).await.unwrap();

    let branch_tip = git_in(run.host.dir(), &["rev-parse", "refs/heads/al/AL-12-rate-limit"]);
    assert_eq!(branch_tip, delivery.head.as_str());
    let diff = run.host.diff(&delivery.head, DiffCaps::default()).await.unwrap();
    assert!(diff.text.contains("-    return a - b\n+    return a + b\n"), "{}", diff.text);
    assert!(!diff.cut);
    assert_eq!((diff.additions(), diff.deletions()), (3, 1));
    let file = |path: &str| diff.files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("{path}"));
    assert_eq!(diff.files.len(), 5);
    assert_eq!(file("calc.py").change, ChangeKind::Modified);
    assert_eq!((file("new.txt").change, file("new.txt").old_path.as_deref()), (ChangeKind::Renamed, Some("old.txt")));
    assert_eq!(file("link").entry, EntryKind::Symlink);
    assert_eq!(file("left.txt").entry, EntryKind::Executable);
    assert!(file("binary").binary);

    let commits = run.host.commits(&delivery.head, DiffCaps::default()).await.unwrap();
    let subjects: Vec<_> = commits.iter().map(|commit| commit.subject.as_str()).collect();
    assert_eq!(subjects, ["Work on AL-12", "Rename", "Add adds"]);
    assert_eq!(commits[1].body, "With a body.");
    assert!(commits.iter().all(|commit| commit.author == "Assembly Lime"));

    let cut = run.host.diff(&delivery.head, DiffCaps { text_bytes: 40, files: 2, commits: 1 }).await.unwrap();
    assert_eq!((cut.text.len(), cut.files.len(), cut.cut), (40, 2, true));
    remove_tree(&run.workspace).unwrap();
}

#[tokio::test]
async fn an_agent_that_changes_nothing_delivers_its_base() {
    let Some(run) = run(2, &[("a", "1\n")]).await else { return };
    run.agent("git status >/dev/null; cat a").await;
    let delivery = run.finish().await.unwrap();
    assert!(!delivery.has_commits);
    assert_eq!(&delivery.head, run.host.base());
    run.host.import(&run.out, &delivery, &branch(), &ImportCaps::default()).await.unwrap();
    let diff = run.host.diff(&delivery.head, DiffCaps::default()).await.unwrap();
    assert!(diff.text.is_empty() && diff.files.is_empty());
    assert!(run.host.commits(&delivery.head, DiffCaps::default()).await.unwrap().is_empty());
}

#[tokio::test]
async fn odd_but_honest_states_are_delivered() {
    for (slot, script) in [
        (3, "git checkout -q --detach && echo x > x && git add x && git commit -qm detached"),
        (4, "git checkout -q -b elsewhere && echo x > x"),
        (5, "git checkout -q --orphan fresh && echo x > x && git add --all && git commit -qm orphan"),
        (6, "echo x > x && git add x && git commit -q --amend -m 'Amended base'"),
        (7, "touch .git/index.lock; echo x > x"),
        (8, "mkdir -p x && cd x && git init -q && git -c user.name=a -c user.email=b commit -q --allow-empty -m inner"),
    ] {
        let Some(run) = run(slot, &[("a", "1\n")]).await else { return };
        run.agent(script).await;
        let delivery = run.finish().await.unwrap_or_else(|error| panic!("{script}: {error}"));
        run.host.import(&run.out, &delivery, &branch(), &ImportCaps::default()).await.unwrap();
        let diff = run.host.diff(&delivery.head, DiffCaps::default()).await.unwrap();
        assert!(diff.files.iter().any(|file| file.path == "x"), "{script}: {diff:?}");
    }
}

#[tokio::test]
async fn a_workspace_that_was_broken_is_a_typed_failure() {
    for (slot, script) in [(9, "rm -rf .git"), (10, "rm -rf .git/objects/*"), (11, "echo rubbish > .git/HEAD")] {
        let Some(run) = run(slot, &[("a", "1\n")]).await else { return };
        run.agent(script).await;
        let error = run.finish().await.unwrap_err();
        assert!(
            matches!(&error, WorkspaceError::Bundle { reason } if reason.contains("git in the workspace said")),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn an_artifact_that_is_a_link_is_not_read() {
    let Some(run) = run(12, &[("a", "1\n")]).await else { return };
    run.agent("ln -s /etc/shadow report.md; echo fine > real.md; mkfifo pipe.md; ln -s / root").await;
    let read = |path: &str| read_beneath(&run.workspace, std::path::Path::new(path), 1_000);
    assert_eq!(read("real.md").unwrap(), b"fine\n");
    for path in ["report.md", "pipe.md", "root/etc/passwd", "../host.git/config"] {
        assert!(read(path).is_err(), "{path}");
    }
}
