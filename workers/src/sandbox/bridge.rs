//! The part of the `lime` binary that runs inside: `lime bridge CONFIG -- PROGRAM ARGS…`.
//!
//! It sets the limits of a single process, listens on loopback for what leads to the run's unix
//! sockets, puts the Landlock layer on, starts the program with its own standard files, and ends as it
//! ends. It holds nothing worth stealing: an agent that ends it ends its own sandbox.

use std::ffi::OsString;
use std::io::{self, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sys::resource::{Resource, setrlimit};
use serde::{Deserialize, Serialize};

use super::descriptors::take_over;
use super::landlock::restrict_this_thread;
use super::spec::Forward;

/// The command of the `lime` binary that is [`run`].
pub(crate) const COMMAND: &str = "bridge";

/// Connections to all forwards together; more are closed at once. An agent uses a handful.
const MOST_CONNECTIONS: usize = 64;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BridgeConfig {
    /// The pipe on which one [`Ready`] line is written.
    pub ready: i32,
    pub forwards: Vec<Forward>,
    /// Bound read-only: below these the program may read (besides the system's own trees).
    pub readable: Vec<PathBuf>,
    /// Bound read-write: below these the program may write (besides the tmpfs).
    pub writable: Vec<PathBuf>,
    pub processes: u64,
    pub open_files: u64,
    pub file_bytes: u64,
    pub data_bytes: u64,
}

/// What the worker is told once.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub(crate) enum Ready {
    /// The program runs. `landlock` says how much of the second layer holds.
    Running { landlock: String },
    /// The program could not be executed.
    NoProgram { reason: String },
    /// Something of the bridge's own could not be done.
    Failed { reason: String },
}

/// Runs the program to its end and gives the exit code to end with: its own, or 128 + signal.
pub(crate) fn run(config: &BridgeConfig, command: &[OsString]) -> u8 {
    let Ok(ready) = take_over(config.ready) else { return 125 };
    let mut ready = std::fs::File::from(ready);
    let (answer, child) = match start(config, command) {
        Ok((landlock, child)) => (Ready::Running { landlock }, Some(child)),
        Err(failed) => (failed, None),
    };
    let mut line = serde_json::to_vec(&answer).unwrap_or_default();
    line.push(b'\n');
    // A worker that no longer listens is about to end us anyway.
    drop(ready.write_all(&line));
    drop(ready);
    let Some(mut child) = child else { return 125 };
    match child.wait() {
        Ok(status) => exit_code(status),
        Err(_) => 125,
    }
}

fn exit_code(status: std::process::ExitStatus) -> u8 {
    let signal = status.signal().map(|signal| signal + 128);
    signal.or(status.code()).and_then(|code| u8::try_from(code).ok()).unwrap_or(125)
}

fn start(config: &BridgeConfig, command: &[OsString]) -> Result<(String, std::process::Child), Ready> {
    let failed = |what: &str, error: &dyn std::fmt::Display| Ready::Failed { reason: format!("{what}: {error}") };
    limit(config).map_err(|error| failed("the limits could not be set", &error))?;
    let open = Arc::new(AtomicUsize::new(0));
    for forward in &config.forwards {
        let what = format!("port {} could not be opened", forward.port);
        listen(forward, &open).map_err(|error| failed(&what, &error))?;
    }
    // Landlock holds for a thread and what it starts. Put on in a thread of its own, it leaves the rest of
    // this process outside: the program is in a domain by itself and can neither trace nor signal us.
    std::thread::scope(|scope| scope.spawn(|| confine_and_spawn(config, command)).join())
        .map_err(|_| failed("the program could not be started", &"a thread broke"))?
}

fn confine_and_spawn(config: &BridgeConfig, command: &[OsString]) -> Result<(String, std::process::Child), Ready> {
    let failed = |reason: String| Ready::Failed { reason };
    let landlock = restrict_this_thread(&config.readable, &config.writable)
        .map_err(|error| failed(format!("the Landlock layer could not be put on: {error}")))?;
    let (program, args) = command.split_first().ok_or_else(|| failed("no program was given".into()))?;
    let child = Command::new(program).args(args).spawn();
    let child =
        child.map_err(|error| Ready::NoProgram { reason: format!("{}: {error}", program.to_string_lossy()) })?;
    Ok((landlock, child))
}

/// Set here and not by the worker: the number of processes counts per user *and user namespace*, so
/// from in here it bounds this sandbox alone. The program cannot raise them again.
fn limit(config: &BridgeConfig) -> nix::Result<()> {
    let limits = [
        (Resource::RLIMIT_NPROC, config.processes),
        (Resource::RLIMIT_NOFILE, config.open_files),
        (Resource::RLIMIT_FSIZE, config.file_bytes),
        (Resource::RLIMIT_DATA, config.data_bytes),
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_MEMLOCK, 1 << 20),
        (Resource::RLIMIT_MSGQUEUE, 0),
    ];
    for (resource, most) in limits {
        // Never above what we were given ourselves: raising is not ours to do.
        let (_, hard) = nix::sys::resource::getrlimit(resource)?;
        let most = most.min(hard);
        setrlimit(resource, most, most)?;
    }
    Ok(())
}

fn listen(forward: &Forward, open: &Arc<AtomicUsize>) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, forward.port))?;
    let (socket, open) = (forward.socket.clone(), Arc::clone(open));
    let serve = move || {
        for connection in listener.incoming().flatten() {
            if open.fetch_add(1, Ordering::Relaxed) >= MOST_CONNECTIONS {
                open.fetch_sub(1, Ordering::Relaxed);
                continue;
            }
            let (socket, held) = (socket.clone(), Arc::clone(&open));
            let serve = move || {
                // A broken connection is the business of its two ends, who see it break.
                drop(UnixStream::connect(socket).and_then(|upstream| join(&connection, &upstream)));
                held.fetch_sub(1, Ordering::Relaxed);
            };
            if std::thread::Builder::new().stack_size(64 << 10).spawn(serve).is_err() {
                open.fetch_sub(1, Ordering::Relaxed);
            }
        }
    };
    std::thread::Builder::new().name("forward".into()).stack_size(64 << 10).spawn(serve)?;
    Ok(())
}

/// Copies both ways until both ends have closed their side.
fn join(near: &TcpStream, far: &UnixStream) -> io::Result<()> {
    near.set_nodelay(true)?;
    std::thread::scope(|scope| {
        let outgoing = std::thread::Builder::new().stack_size(64 << 10).spawn_scoped(scope, move || {
            let copied = copy(near, far);
            drop(far.shutdown(Shutdown::Write));
            copied
        })?;
        let incoming = copy(far, near);
        drop(near.shutdown(Shutdown::Write));
        if incoming.is_err() {
            // Nobody will read the answer: the other direction must not wait for more of the question.
            drop(near.shutdown(Shutdown::Both));
        }
        drop(outgoing.join());
        incoming.map(drop)
    })
}

fn copy<R, W>(from: R, to: W) -> io::Result<u64>
where
    R: io::Read,
    W: io::Write,
{
    let (mut from, mut to) = (from, to);
    io::copy(&mut from, &mut to)
}
