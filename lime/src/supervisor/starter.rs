//! One thread that starts all children and lives as long as the process.
//!
//! Linux sends a child its death signal when the *thread* that started it ends, and threads of a runtime's pool end
//! when idle. `setpriv` asks for the signal after it has changed the user (a change forgets it), and the shell behind
//! it looks whether we are still the parent: we may have died before the signal was asked for. All of this without
//! unsafe code. Elsewhere than on Linux children are ended by a clean stop only, and a leftover at the next start.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc;

use anyhow::Context;
use nix::unistd::User;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;

type Request = (Command, oneshot::Sender<std::io::Result<Child>>);

/// Ends the program unless the process that asked for it is still its parent.
const GUARD: &str = r#"[ "$PPID" = "$1" ] || exit 1; shift; exec "$@""#;

/// Handle to the thread; clones start through the same one.
#[derive(Clone, Debug)]
pub(crate) struct Starter {
    requests: mpsc::Sender<Request>,
}

impl Starter {
    /// Starts the thread; called inside the runtime that will wait for the children.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Handle::current();
        let (requests, inbox) = mpsc::channel::<Request>();
        let thread = std::thread::Builder::new().name("starter".into());
        thread
            .spawn(move || {
                let _entered = runtime.enter();
                for (mut command, answer) in inbox {
                    // Nobody waits for the answer any more: the child is dropped and thereby killed.
                    let _ = answer.send(command.spawn());
                }
                // The last handle is gone, but children may live: this thread must too.
                loop {
                    std::thread::park();
                }
            })
            .context("failed to start the thread that starts the private servers")?;
        Ok(Self { requests })
    }

    /// Starts `command` with its output added to `log`.
    pub(crate) async fn start(&self, mut command: Command, log: &Path) -> anyhow::Result<Child> {
        super::rotate(log);
        let output = OpenOptions::new().create(true).append(true).mode(0o600).open(log);
        let output = output.with_context(|| format!("failed to open {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        // A Ctrl-C at the terminal goes to our process group; the children stop when we say so.
        command.process_group(0).kill_on_drop(true);
        let name = command.as_std().get_program().to_string_lossy().into_owned();
        let (answer, started) = oneshot::channel();
        self.requests.send((command, answer)).ok().context("the starter thread has ended")?;
        let started = started.await.context("the starter thread has ended")?;
        started.with_context(|| format!("failed to run {name}"))
    }
}

/// `program` as `account`, which the system ends with `death_signal` when this process dies.
pub(super) fn bound_command(program: &Path, account: Option<&User>, death_signal: &str) -> Command {
    if !cfg!(target_os = "linux") {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    if let Some(user) = account {
        command.args(["--reuid", &user.uid.to_string(), "--regid", &user.gid.to_string(), "--clear-groups"]);
        // What root has in its environment is not for another account.
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    }
    command.args(["--pdeathsig", death_signal, "--", "sh", "-c", GUARD, "sh"]);
    command.arg(std::process::id().to_string()).arg(OsStr::new(program));
    command
}
