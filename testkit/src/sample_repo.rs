//! A small git repository for agents to work on: the one of the demo, and of tests with real agent programs.
//!
//! Its files are `testkit/sample-repo/`; the script `implement` changes exactly these.

use std::{path::Path, process::Stdio};

use anyhow::{Context as _, ensure};
use tokio::process::Command;

const FILES: [(&str, &str); 3] = [
    ("README.md", include_str!("../sample-repo/README.md")),
    ("rates.py", include_str!("../sample-repo/rates.py")),
    ("test_rates.py", include_str!("../sample-repo/test_rates.py")),
];

/// Makes the sample repository in `folder` (created when missing) with one commit on `main`.
pub async fn create(folder: &Path) -> anyhow::Result<()> {
    tokio::fs::create_dir_all(folder).await.with_context(|| format!("creating {}", folder.display()))?;
    for (name, text) in FILES {
        tokio::fs::write(folder.join(name), text).await.with_context(|| format!("writing {name}"))?;
    }
    git(folder, &["init", "--quiet", "--initial-branch=main"]).await?;
    git(folder, &["add", "."]).await?;
    git(folder, &["commit", "--quiet", "--message=rates: Price parcels by weight and zone"]).await?;
    Ok(())
}

/// Makes a bare copy of the sample repository at `folder`, as a host serves it.
pub async fn create_bare(folder: &Path) -> anyhow::Result<()> {
    let work = tempfile::tempdir().context("making a folder for the work tree")?;
    create(work.path()).await?;
    let (from, to) = (work.path().to_string_lossy(), folder.to_string_lossy());
    git(work.path(), &["clone", "--quiet", "--bare", &from, &to]).await?;
    Ok(())
}

/// Runs git in `folder` as a fixed author, without the machine's own settings, and returns what it printed.
pub async fn git(folder: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("git")
        .current_dir(folder)
        .args(arguments)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .envs([("GIT_AUTHOR_NAME", "Sample"), ("GIT_AUTHOR_EMAIL", "sample@example.test")])
        .envs([("GIT_COMMITTER_NAME", "Sample"), ("GIT_COMMITTER_EMAIL", "sample@example.test")])
        .stdin(Stdio::null())
        .output()
        .await
        .context("running git")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git {arguments:?} in {}: {}", folder.display(), said.trim());
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}
