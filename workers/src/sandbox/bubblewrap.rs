//! The bubblewrap command line of a sandbox. Pure: it looks only at whether a path of the host exists.
//!
//! The arguments travel in a memory file (`--args`), so that the environment of the agent with its
//! run-scoped token is not in a command line that every user of the machine can read.

use std::ffi::{OsStr, OsString};
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::spec::{Access, BRIDGE, HOME, INSIDE_ID, RUN_DIR, SandboxSpec, WORKSPACE};

/// Directories of the host's root that are links into `/usr` on a merged system, and trees elsewhere.
const ROOT_TREES: &[&str] = &["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

/// What of `/etc` compilers, linkers and TLS libraries need. No file with a secret or an account is
/// among them: `/etc/ssl` as a whole would bring `/etc/ssl/private`.
const ETC: &[&str] = &[
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/os-release",
    "/etc/pki/ca-trust/extracted",
    "/etc/pki/tls/certs",
    "/etc/protocols",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
];

pub(crate) const DEFAULT_ENV: &[(&str, &str)] = &[
    ("PATH", "/opt/agent/bin:/usr/local/bin:/usr/bin:/bin"),
    ("HOME", HOME),
    ("LANG", "C.UTF-8"),
    ("TERM", "dumb"),
    ("TMPDIR", "/tmp"),
];

/// The descriptors that bubblewrap reads its parts from and writes its state to.
#[derive(Debug)]
pub(crate) struct Descriptors {
    pub passwd: RawFd,
    pub group: RawFd,
    pub hosts: RawFd,
    pub seccomp: Vec<RawFd>,
    pub status: RawFd,
}

pub(crate) const PASSWD: &str = "agent:x:1500:1500:agent:/home/agent:/bin/bash\n";
pub(crate) const GROUP: &str = "agent:x:1500:\n";
pub(crate) const HOSTS: &str = "127.0.0.1 localhost sandbox\n::1 localhost\n";

/// Writes the arguments, each ended by a zero byte.
///
/// `seen_as` gives the path under which bubblewrap itself finds a source: as root the sources are
/// first bound to a place that the slot's user can reach.
pub(crate) fn arguments(
    spec: &SandboxSpec,
    bridge: &Path,
    descriptors: &Descriptors,
    seen_as: &dyn Fn(&Path) -> PathBuf,
) -> Vec<u8> {
    let mut line = Line::default();
    namespaces(&mut line);
    system_tree(&mut line);
    let tmp = spec.limits.tmp_bytes.to_string();
    let shm = (spec.limits.tmp_bytes / 4).max(1 << 20).to_string();
    line.add(["--proc", "/proc", "--dev", "/dev"]);
    // bubblewrap's /dev is a tmpfs without a size: memory of the host for the taking. Only /dev/shm stays writable.
    line.add(["--perms", "1777", "--size", &shm, "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]);
    line.add(["--perms", "1777", "--size", &tmp, "--tmpfs", "/tmp", "--size", &tmp, "--tmpfs", "/home"]);
    line.add(["--dir", HOME, "--dir", "/etc"]);
    for path in ETC {
        if Path::new(path).exists() {
            line.add(["--ro-bind", path, path]);
        }
    }
    let files =
        [(descriptors.passwd, "/etc/passwd"), (descriptors.group, "/etc/group"), (descriptors.hosts, "/etc/hosts")];
    for (descriptor, path) in files {
        line.add(["--perms", "0644", "--ro-bind-data", &descriptor.to_string(), path]);
    }
    line.add([OsStr::new("--ro-bind"), seen_as(bridge).as_os_str(), OsStr::new(BRIDGE)]);
    for bind in spec.all_binds() {
        let option = match bind.access {
            Access::ReadOnly => "--ro-bind",
            Access::ReadWrite => "--bind",
        };
        line.add([OsStr::new(option), seen_as(&bind.source).as_os_str(), bind.target.as_os_str()]);
    }
    let working_dir = spec.working_dir.clone().unwrap_or_else(|| WORKSPACE.into());
    line.add([OsStr::new("--chdir"), working_dir.as_os_str()]);
    line.add(["--clearenv"]);
    for (name, value) in DEFAULT_ENV.iter().filter(|(name, _)| !spec.env.contains_key(*name)) {
        line.add(["--setenv", name, value]);
    }
    for (name, value) in &spec.env {
        line.add(["--setenv", name, value]);
    }
    for descriptor in &descriptors.seccomp {
        line.add(["--add-seccomp-fd", &descriptor.to_string()]);
    }
    line.add(["--json-status-fd", &descriptors.status.to_string()]);
    // Last: until here bubblewrap itself makes mount points in the root.
    line.add(["--remount-ro", "/"]);
    line.bytes
}

fn namespaces(line: &mut Line) {
    let id = INSIDE_ID.to_string();
    line.add(["--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]);
    line.add(["--unshare-cgroup-try", "--disable-userns", "--uid", &id, "--gid", &id]);
    // The worker's death ends bubblewrap, whose death ends the namespace's first process and so all of it.
    line.add(["--hostname", "sandbox", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]);
}

fn system_tree(line: &mut Line) {
    line.add(["--ro-bind", "/usr", "/usr"]);
    for tree in ROOT_TREES {
        let path = Path::new(tree);
        if let Ok(target) = path.read_link() {
            line.add([OsStr::new("--symlink"), target.as_os_str(), path.as_os_str()]);
        } else if path.exists() {
            line.add(["--ro-bind", tree, tree]);
        }
    }
    // An empty directory where programs look for sockets and the run directory is put.
    let parent = Path::new(RUN_DIR).parent().unwrap_or(Path::new("/run"));
    line.add([OsStr::new("--dir"), parent.as_os_str()]);
}

#[derive(Default)]
struct Line {
    bytes: Vec<u8>,
}

impl Line {
    fn add<S: AsRef<OsStr>>(&mut self, words: impl IntoIterator<Item = S>) {
        for word in words {
            self.bytes.extend_from_slice(OsString::from(&word).as_bytes());
            self.bytes.push(0);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn words(spec: &SandboxSpec) -> Vec<String> {
        let descriptors = Descriptors { passwd: 101, group: 102, hosts: 103, seccomp: vec![104, 105], status: 106 };
        let bytes = arguments(spec, Path::new("/somewhere/lime"), &descriptors, &Path::to_path_buf);
        let text = String::from_utf8(bytes).unwrap();
        text.trim_end_matches('\0').split('\0').map(str::to_owned).collect()
    }

    #[test]
    fn the_root_is_made_read_only_after_everything_else() {
        let words = words(&SandboxSpec::new("/tmp", ["true"]));
        assert_eq!(words[words.len() - 2..], ["--remount-ro", "/"]);
    }

    #[test]
    fn a_caller_can_replace_a_default_variable_but_not_add_it_twice() {
        let mut spec = SandboxSpec::new("/tmp", ["true"]);
        spec.env.insert("PATH".into(), "/x".into());
        let words = words(&spec);
        let paths: Vec<_> = words.windows(3).filter(|w| w[0] == "--setenv" && w[1] == "PATH").collect();
        assert_eq!(paths, [["--setenv", "PATH", "/x"]]);
    }

    #[test]
    fn nothing_of_the_host_is_writable_but_what_the_spec_says() {
        let words = words(&SandboxSpec::new("/tmp", ["true"]));
        let writable: Vec<_> = words.windows(3).filter(|w| w[0] == "--bind").collect();
        assert_eq!(writable, [["--bind", "/tmp", WORKSPACE]]);
        assert!(words.iter().any(|word| word == "--unshare-net"));
    }
}
