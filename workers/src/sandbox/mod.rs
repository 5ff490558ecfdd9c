//! The sandbox: bubblewrap, a system call filter, an empty network and a Landlock layer.
//!
//! What runs inside is taken to be hostile. It sees the system's programs read-only, one workspace, the
//! unix sockets of its run, and loopback; it has no privilege, no secret, no other user's file and no
//! process but its own. What leads out are the run's sockets, served by proxies of the worker.
//!
//! ```text
//! worker ─ (as root: lime sandbox-stage ─ gives up root, execs) bwrap
//!             └ bwrap, first process of the namespaces
//!                └ lime bridge: rlimits, loopback ports → unix sockets, Landlock
//!                   └ the agent, with the worker's pipes as its standard files
//! ```
//! Each dies with its parent: the worker's death ends all of it, and [`SandboxedProcess::kill`] ends
//! the namespace's first process, with which the kernel ends the others.
//!
//! Use: [`Sandbox::of_this_program`], [`Sandbox::probe`] once at start-up (refuse runs when it says
//! [`SandboxProbe::Unavailable`]), [`Sandbox::hand_over`] for what the sandbox may write, then
//! [`Sandbox::spawn`] with a [`SandboxSpec`]. The program must call [`inner_main`] first thing.
//!
//! How to let something more in: a [`Bind`] or a [`Forward`] in the spec if it is for one kind of run;
//! `bubblewrap.rs` if every sandbox needs it, with a line in `tests/sandbox_attacks.rs` that shows what
//! still fails.

mod bridge;
mod bubblewrap;
mod descriptors;
mod error;
mod landlock;
mod launch;
mod output;
mod probe;
mod process;
mod seccomp;
mod spec;
mod stage;
pub(crate) mod watchdog;

use std::ffi::OsString;

use serde::de::DeserializeOwned;

pub use error::SandboxError;
pub use launch::{Identity, SLOT_USERS_FROM, Sandbox};
pub use output::{BoundedLines, OutputError};
pub use probe::SandboxProbe;
pub use process::{Ended, SandboxedProcess, StopCause, Stopper};
pub use spec::{Access, BRIDGE, Bind, Forward, HOME, INSIDE_ID, Limits, RUN_DIR, SandboxSpec, WORKSPACE};
pub use watchdog::Usage;

/// The two commands of the `lime` binary that only a sandbox calls. To be asked before anything else,
/// with the program's arguments (its own name first): no thread may run yet, nothing be opened.
///
/// Gives the exit code to end with, or `None` when the arguments are for somebody else.
pub fn inner_main(args: impl IntoIterator<Item = OsString>) -> Option<u8> {
    let mut args = args.into_iter().skip(1);
    let command = args.next()?;
    let is = |name: &str| command == name;
    if !is(bridge::COMMAND) && !is(stage::COMMAND) {
        return None;
    }
    let config = args.next().unwrap_or_default();
    let rest: Vec<OsString> = args.skip_while(|word| word == "--").collect();
    if is(bridge::COMMAND) {
        return Some(parse(&config).map_or(2, |config| bridge::run(&config, &rest)));
    }
    let error = match parse(&config) {
        Some(config) => stage::run(&config, &rest).to_string(),
        None => "these settings are not from a worker of this version".to_owned(),
    };
    // The one place where a library prints: this process is a sandbox's start, its reader the worker.
    drop(std::io::Write::write_all(&mut std::io::stderr(), format!("sandbox-stage: {error}\n").as_bytes()));
    Some(125)
}

fn parse<T: DeserializeOwned>(config: &OsString) -> Option<T> {
    serde_json::from_str(config.to_str()?).ok()
}
