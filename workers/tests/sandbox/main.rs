//! The sandbox with real programs in it. Skipped, loudly, only where no sandbox can be made;
//! `LIME_REQUIRE_SANDBOX=1` turns that into a failure.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::wildcard_enum_match_arm
)]

mod attacks;
mod bounds;
mod death;
mod holds;

use std::path::{Path, PathBuf};

use workers::sandbox::{Ended, Identity, Sandbox, SandboxError, SandboxProbe, SandboxSpec};

/// A sandbox of this test's own user, and a workspace in it.
pub(crate) struct Rig {
    pub sandbox: Sandbox,
    pub workspace: tempfile::TempDir,
}

/// `slot` is a number of the test's own: run as root, each gets another user.
pub(crate) async fn rig(slot: u32) -> Option<Rig> {
    let identity = Identity::for_slot(60_800, slot);
    let mut sandbox = match Sandbox::of_this_program(identity) {
        Ok(sandbox) => sandbox,
        Err(error) => return skip(&error.to_string()),
    };
    sandbox.bridge = PathBuf::from(env!("CARGO_BIN_EXE_sandbox-bridge"));
    match sandbox.probe().await {
        SandboxProbe::Available { .. } => {}
        SandboxProbe::Unavailable { reason, remedy } => return skip(&format!("{reason} ({remedy})")),
    }
    let workspace = tempfile::tempdir().unwrap();
    sandbox.hand_over(workspace.path()).unwrap();
    Some(Rig { sandbox, workspace })
}

fn skip(reason: &str) -> Option<Rig> {
    assert!(std::env::var_os("LIME_REQUIRE_SANDBOX").is_none(), "no sandbox: {reason}");
    eprintln!("SKIPPED: no sandbox can be made here: {reason}");
    None
}

impl Rig {
    pub(crate) fn spec<const N: usize>(&self, command: [&str; N]) -> SandboxSpec {
        SandboxSpec::new(self.workspace.path(), command)
    }

    pub(crate) fn shell(&self, script: &str) -> SandboxSpec {
        self.spec(["/bin/sh", "-c", script])
    }

    /// Runs to the end; output and error output as text.
    pub(crate) async fn run(&self, spec: &SandboxSpec) -> Result<(Ended, String, String), SandboxError> {
        let mut process = self.sandbox.spawn(spec).await?;
        drop(process.stdin.take());
        let stdout = process.stdout.take().unwrap().tail(100_000);
        let stderr = process.stderr.take().unwrap().tail(100_000);
        let (stdout, stderr) = tokio::join!(stdout, stderr);
        Ok((process.wait().await, stdout.join("\n"), stderr.join("\n")))
    }
}

/// This very test program, for tests that run a part of it elsewhere.
pub(crate) fn this_program() -> PathBuf {
    std::env::current_exe().unwrap()
}

/// The processes of the host whose command line contains the marker.
pub(crate) fn processes_with(marker: &str) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let has_it = |pid: &u32| {
        let line = std::fs::read(Path::new("/proc").join(pid.to_string()).join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(marker)
    };
    pids.filter(|pid| *pid != std::process::id()).filter(has_it).collect()
}
