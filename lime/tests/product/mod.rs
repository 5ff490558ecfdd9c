//! Starts the built `lime` as a process of its own, on a home of its own.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod api;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;
use tempfile::TempDir;
use testkit::slack;

/// How long a start may take on a busy machine: the promise is 5 s cold and 2 s warm.
pub const START: Duration = Duration::from_secs(20);

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ready {
    pub url: String,
    pub owner_link: String,
    pub home: PathBuf,
}

#[derive(Debug)]
pub struct Place {
    folder: TempDir,
}

impl Place {
    /// An empty directory that PostgreSQL's account may pass through.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("lime-up-").tempdir_in("/tmp").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
        Self { folder }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn home(&self) -> PathBuf {
        self.path().join("home")
    }

    /// `lime` in this directory, with no setting but those that name the servers' programs.
    pub fn lime(&self, arguments: &[&str]) -> Command {
        self.program(Path::new(env!("CARGO_BIN_EXE_lime")), arguments)
    }

    pub fn program(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.path()).env_clear().stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.path());
        command.env("LIME_PG_BIN", testkit::binaries::postgres_bin().unwrap());
        command.env("LIME_NATS_BIN", testkit::binaries::nats_bin().unwrap());
        command.env("RUST_LOG", "info");
        command
    }

    /// Runs `lime` to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.lime(arguments).output().unwrap()
    }

    /// `lime up` on this place's home, on a free port.
    pub fn up(&self) -> Up {
        self.up_with(self.lime(&["up", "--home", "home", "--listen", "127.0.0.1:0", "--ready-file", "ready.json"]))
    }

    /// The same as an ordinary user: ourselves, or `nobody` when we are root.
    pub fn up_as_ordinary_user(&self) -> Up {
        if !nix::unistd::geteuid().is_root() {
            return self.up();
        }
        // Cargo's directory may be closed to others.
        let program = self.path().join("lime");
        fs::copy(env!("CARGO_BIN_EXE_lime"), &program).unwrap();
        let user = nix::unistd::User::from_name("nobody").unwrap().unwrap();
        nix::unistd::chown(self.path(), Some(user.uid), Some(user.gid)).unwrap();
        let lime =
            self.program(&program, &["up", "--home", "home", "--listen", "127.0.0.1:0", "--ready-file", "ready.json"]);
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &user.uid.to_string(), "--regid", &user.gid.to_string(), "--clear-groups", "--"]);
        command.arg(lime.get_program()).args(lime.get_args()).current_dir(self.path()).env_clear();
        for (name, value) in lime.get_envs() {
            command.env(name, value.unwrap());
        }
        self.up_with(command)
    }

    pub fn up_with(&self, mut command: Command) -> Up {
        let ready_file = self.path().join("ready.json");
        let _ = fs::remove_file(&ready_file);
        let log = fs::File::create(self.path().join("lime.log")).unwrap();
        let child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let mut up = Up { child, log: self.path().join("lime.log"), ready: None, started_in: Duration::ZERO };
        let begun = Instant::now();
        loop {
            if let Ok(text) = fs::read(&ready_file) {
                up.ready = Some(serde_json::from_slice(&text).unwrap());
                up.started_in = begun.elapsed();
                return up;
            }
            assert!(up.child.try_wait().unwrap().is_none(), "lime up ended:\n{}", up.log());
            assert!(begun.elapsed() < START.mul_f64(slack()), "lime up is not ready:\n{}", up.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// A running `lime up`; killed when dropped.
#[derive(Debug)]
pub struct Up {
    child: Child,
    log: PathBuf,
    ready: Option<Ready>,
    pub started_in: Duration,
}

impl Up {
    pub fn ready(&self) -> &Ready {
        self.ready.as_ref().unwrap()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        signal_process(self.pid(), signal);
    }

    /// SIGTERM, and the exit code.
    pub fn stop(&mut self) -> Option<i32> {
        self.signal(nix::sys::signal::Signal::SIGTERM);
        self.child.wait().unwrap().code()
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The process id of the private server of this name, a child of ours.
    pub fn child_named(&self, name: &str) -> Option<u32> {
        testkit::child::children_of(self.pid())
            .into_iter()
            .find(|pid| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == name))
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn signal_process(pid: u32, signal: nix::sys::signal::Signal) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap()), signal).unwrap();
}

/// Whether the process lives; one that ended and was not yet reaped does not.
pub fn is_alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| !rest.trim_start().starts_with('Z')))
}

/// A process and everything below it.
pub fn tree(pid: u32) -> Vec<u32> {
    let children = testkit::child::children_of(pid);
    children.iter().copied().chain(children.iter().flat_map(|child| tree(*child))).collect()
}
