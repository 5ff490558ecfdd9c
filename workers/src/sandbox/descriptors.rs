//! Starting a process with chosen open files and a death bound to ours, and taking such a file over.
//!
//! The one file of the sandbox with `unsafe`. Four things have no safe interface: `pre_exec` (code
//! between fork and exec), the system calls made there, calling a number that was inherited an open
//! file, and registering a file with the runtime's poller.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::mpsc;
use std::sync::{LazyLock, PoisonError};

use nix::libc;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;

/// A process to start with piped input and output, an empty environment, and no open file of ours
/// but those in `pass`, under the numbers they have here.
#[derive(Debug)]
pub(crate) struct Launch {
    pub program: PathBuf,
    pub args: Vec<std::ffi::OsString>,
    pub pass: Vec<OwnedFd>,
}

struct Job {
    launch: Launch,
    runtime: tokio::runtime::Handle,
    answer: oneshot::Sender<io::Result<Child>>,
}

/// The kernel sends the parent-death signal when the *thread* that forked ends, and the threads of a
/// runtime come and go. So every sandbox is forked by this one thread, which lives as long as we do.
static STARTER: LazyLock<std::sync::Mutex<mpsc::Sender<Job>>> = LazyLock::new(|| {
    let (sender, receiver) = mpsc::channel::<Job>();
    let work = move || {
        for job in receiver {
            let _runtime = job.runtime.enter();
            // A caller that went away drops the child, which kills it.
            drop(job.answer.send(start(job.launch)));
        }
    };
    // Without the thread every send below fails, and is reported there.
    drop(std::thread::Builder::new().name("sandbox-start".into()).spawn(work));
    std::sync::Mutex::new(sender)
});

/// Starts the process on the thread that stays. Must be called within a Tokio runtime.
///
/// # Errors
/// What fork or exec said.
pub(crate) async fn launch(launch: Launch) -> io::Result<Child> {
    let (answer, answered) = oneshot::channel();
    let job = Job { launch, runtime: tokio::runtime::Handle::current(), answer };
    let sent = STARTER.lock().unwrap_or_else(PoisonError::into_inner).send(job);
    let gone = || io::Error::other("the thread that starts sandboxes is gone");
    sent.map_err(|_| gone())?;
    answered.await.map_err(|_| gone())?
}

fn start(launch: Launch) -> io::Result<Child> {
    let mut command = Command::new(&launch.program);
    command.args(&launch.args).env_clear().current_dir("/").kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let numbers: Vec<RawFd> = launch.pass.iter().map(AsRawFd::as_raw_fd).collect();
    let parent = std::process::id().cast_signed();
    let before_exec = move || before_exec(&numbers, parent);
    // SAFETY: the closure runs in the forked child, where only async-signal-safe things are allowed: it
    // makes plain system calls and reads memory allocated before the fork; it allocates nothing.
    unsafe { command.pre_exec(before_exec) };
    let child = command.spawn();
    drop(launch.pass); // only now: the numbers had to stay ours until the fork
    child
}

fn before_exec(numbers: &[RawFd], parent: libc::pid_t) -> io::Result<()> {
    // SAFETY: system calls on plain integers, no memory is passed. `close_range` only marks the files
    // to be closed at exec (it leaves the pipe on which std reports a failed exec working until then).
    unsafe {
        // Files inherited without close-on-exec (by whoever started us) would lead out of the sandbox.
        check(libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC))?;
        for number in numbers {
            check(libc::fcntl(*number, libc::F_SETFD, 0).into())?;
        }
        check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL).into())?;
        // Our parent may have died before the line above.
        if libc::getppid() != parent {
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        }
    }
    Ok(())
}

fn check(answer: libc::c_long) -> io::Result<()> {
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Takes over an open file that this process was started with, and marks it to close at exec.
///
/// To be called once for a number, at the start of the program that was told the number.
///
/// # Errors
/// The number is no open file, or one of the three standard ones.
pub(crate) fn take_over(number: RawFd) -> io::Result<OwnedFd> {
    if number <= libc::STDERR_FILENO {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: a system call on plain integers; it also tells whether the number is an open file at all.
    check(unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) }.into())?;
    // SAFETY: open (checked above), and nobody else owns it: the parent passed it for this purpose and
    // this process's own files get numbers from 3 up, long after the call.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Lets the runtime tell when the file becomes readable.
///
/// # Errors
/// Outside a Tokio runtime, or when the kernel cannot poll this kind of file.
pub(crate) fn when_readable(file: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: the number must stay the same open file until it is deregistered. The `AsyncFd` owns the
    // file, gives out only a shared reference, and deregisters before it closes.
    unsafe { AsyncFd::register_with_interest(file, Interest::READABLE) }.map_err(io::Error::from)
}
