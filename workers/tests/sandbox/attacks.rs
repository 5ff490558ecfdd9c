//! What a hostile program tries from inside. This test program binds itself into the sandbox and runs
//! `inside` there, which prints a line for each attempt.
//!
//! The one test file with `unsafe`: the attacks are raw system calls, for which no library has a function
//! (that is what makes them attacks).
#![allow(unsafe_code)]

use std::fs;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;

use nix::libc;
use workers::sandbox::{Access, Bind};

use super::{rig, this_program};

const INSIDE: &str = "AL_TEST_INSIDE";

#[tokio::test]
async fn nothing_that_a_hostile_program_tries_works() {
    let Some(rig) = rig(1).await else { return };
    let host_listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let abstract_name = format!("al-host-canary-{}", std::process::id());
    let address = <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(&abstract_name).unwrap();
    let _host_socket = UnixListener::bind_addr(&address).unwrap();
    let secret_file = tempfile::NamedTempFile::new().unwrap();
    fs::set_permissions(secret_file.path(), fs::Permissions::from_mode(0o644)).unwrap();
    let mut canary = Command::new("sleep").arg("600").env("AL_HOST_CANARY", "host-canary-value").spawn().unwrap();
    let run_dir = tempfile::tempdir().unwrap();
    rig.sandbox.hand_over(run_dir.path()).unwrap();

    let mut spec =
        rig.spec(["/opt/probe", "--exact", "attacks::inside", "--ignored", "--nocapture", "--test-threads=1"]);
    spec.binds.push(Bind { source: this_program(), target: "/opt/probe".into(), access: Access::ReadOnly });
    spec.run_dir = Some(run_dir.path().to_path_buf());
    let port = host_listener.local_addr().unwrap().port().to_string();
    let facts = [
        (INSIDE, "yes"),
        ("AL_TEST_PORT", &port),
        ("AL_TEST_ABSTRACT", &abstract_name),
        ("AL_TEST_FILE", secret_file.path().to_str().unwrap()),
        ("AL_TEST_PID", &canary.id().to_string()),
    ];
    spec.env.extend(facts.map(|(name, value)| (name.to_owned(), value.to_owned())));
    spec.limits.processes = 120;
    spec.limits.memory_bytes = 1 << 30;
    spec.limits.file_bytes = 8 << 20;
    spec.limits.tmp_bytes = 32 << 20;
    let (ended, stdout, stderr) = rig.run(&spec).await.unwrap();
    canary.kill().unwrap();
    canary.wait().unwrap();

    let count = |word: &str| stdout.lines().filter(|line| line.starts_with(word)).count();
    assert!(ended.success(), "{ended:?}\n{stdout}\n{stderr}");
    assert_eq!((count("ESCAPED"), count("BROKEN")), (0, 0), "{stdout}");
    assert!(count("BLOCKED") >= 70, "{stdout}");
    assert!(count("OK") >= 7, "{stdout}");
}

fn say(line: &str) {
    println!("{line}");
}

fn must_fail<T: std::fmt::Debug>(name: &str, attempt: impl FnOnce() -> io::Result<T>) {
    match attempt() {
        Ok(got) => say(&format!("ESCAPED {name}: {got:?}")),
        Err(error) => say(&format!("BLOCKED {name}: {error}")),
    }
}

fn must_work<T: std::fmt::Debug>(name: &str, attempt: impl FnOnce() -> io::Result<T>) {
    match attempt() {
        Ok(_) => say(&format!("OK {name}")),
        Err(error) => say(&format!("BROKEN {name}: {error}")),
    }
}

/// An attempt that succeeds by seeing something: an empty answer is a failure of the attack.
fn seen<T>(found: Vec<T>) -> io::Result<Vec<T>> {
    if found.is_empty() { Err(io::Error::other("nothing seen")) } else { Ok(found) }
}

fn call(number: libc::c_long, args: [libc::c_long; 6]) -> io::Result<libc::c_long> {
    // SAFETY: none of the calls below is expected to be carried out, and those that would take a pointer
    // get null, a zeroed buffer that outlives the call, or a constant string.
    let answer = unsafe { libc::syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}

/// A call of a number that must be refused by the filter itself, with the answer that the filter gives.
fn filtered(name: &str, number: libc::c_long, args: [libc::c_long; 6], errno: i32) {
    match call(number, args) {
        Err(error) if error.raw_os_error() == Some(errno) => say(&format!("BLOCKED {name}: {error}")),
        other => say(&format!("ESCAPED {name}: {other:?}")),
    }
}

#[test]
#[ignore = "runs inside the sandbox that the test above makes"]
fn inside() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    say(""); // the test runner has begun a line of its own
    let fact = |name: &str| std::env::var(name).unwrap();
    what_must_work();
    files(&fact("AL_TEST_FILE"));
    network(&fact("AL_TEST_PORT"), &fact("AL_TEST_ABSTRACT"));
    processes(fact("AL_TEST_PID").parse().unwrap());
    privileges();
    system_calls();
    resources();
}

fn what_must_work() {
    must_work("write in the workspace", || fs::write("/workspace/ok.txt", "x"));
    must_work("write in /tmp, /home/agent and /dev/shm", || {
        ["/tmp/x", "/home/agent/x", "/dev/shm/x"].into_iter().try_for_each(|path| fs::write(path, "x"))
    });
    must_work("/dev/null and random numbers", || {
        fs::write("/dev/null", "x")?;
        fs::File::open("/dev/urandom")?.read_exact(&mut [0; 8])
    });
    must_work("a shell, git and its pipes", || {
        let said = Command::new("/bin/sh").args(["-c", "git --version | cat"]).output()?;
        if said.stdout.starts_with(b"git") { Ok(()) } else { Err(io::Error::other(format!("{said:?}"))) }
    });
    must_work("a server of one's own on loopback", || {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        TcpStream::connect(listener.local_addr()?)
    });
    must_work("unix sockets of one's own", || {
        let _listener = UnixListener::bind("/tmp/own.sock")?;
        UnixStream::connect("/tmp/own.sock")
    });
    must_work("threads", || std::thread::spawn(|| 1).join().map_err(|_| io::Error::other("panicked")));
}

fn files(secret_file: &str) {
    let read = |path: &str| {
        let mut text = [0; 60];
        fs::File::open(path)?.read(&mut text).map(|size| String::from_utf8_lossy(&text[..size]).into_owned())
    };
    for path in ["/etc/shadow", "/etc/ssh", "/etc/ssl/private", "/proc/1/environ", "/proc/kcore", "/proc/kmsg"] {
        must_fail(&format!("read {path}"), || read(path));
    }
    for path in ["/root/.bashrc", "/var/lib/dpkg/status", "/sys/kernel/notes", "/boot", "/srv", "/mnt", secret_file] {
        must_fail(&format!("read {path}"), || read(path));
    }
    must_fail("write to pid 1's memory", || fs::OpenOptions::new().write(true).open("/proc/1/mem"));
    for path in ["/x", "/usr/x", "/etc/x", "/run/x", "/run/al/x", "/opt/x", "/dev/x", "/proc/sys/kernel/core_pattern"] {
        must_fail(&format!("write {path}"), || fs::write(path, "x"));
    }
    must_fail("write through the workspace's parent", || fs::write("/workspace/../x", "x"));
    must_fail("change the bridge program", || fs::OpenOptions::new().append(true).open("/opt/al/lime"));
    must_fail("read through a link that leads out", || {
        std::os::unix::fs::symlink("/etc/shadow", "/workspace/link")?;
        read("/workspace/link")
    });
    must_fail("leave through the working directory of pid 1", || {
        fs::read_dir("/proc/1/cwd").and_then(|d| seen(d.collect()))
    });
    must_fail("leave through the root of pid 1", || read("/proc/1/root/etc/shadow"));
    must_fail("inherited open files", || {
        let numbers =
            fs::read_dir("/proc/self/fd")?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        // 3 is the directory being listed.
        seen(numbers.filter(|number: &u32| *number > 3).collect())
    });
    must_fail("make a device", || {
        call(libc::SYS_mknodat, [libc::AT_FDCWD.into(), c"/tmp/mem".as_ptr() as i64, 0o020_666, 0x0101, 0, 0])
    });
}

fn network(host_port: &str, abstract_name: &str) {
    must_fail("connect to a server of the host", || TcpStream::connect(format!("127.0.0.1:{host_port}")));
    must_fail("connect to it over IPv6", || TcpStream::connect(format!("[::1]:{host_port}")));
    must_fail("send a datagram out", || UdpSocket::bind("0.0.0.0:0")?.send_to(b"x", "192.0.2.1:53"));
    must_fail("reach the metadata service", || TcpStream::connect("169.254.169.254:80"));
    must_fail("resolve a name", || {
        std::net::ToSocketAddrs::to_socket_addrs("example.com:80").and_then(|found| seen(found.collect()))
    });
    must_fail("an interface other than loopback", || {
        let text = fs::read_to_string("/proc/net/dev")?;
        seen(text.lines().skip(2).filter(|line| !line.trim_start().starts_with("lo:")).map(str::to_owned).collect())
    });
    must_fail("an abstract socket of the host", || {
        let name = <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(abstract_name)?;
        UnixStream::connect_addr(&name)
    });
    for path in ["/var/run/docker.sock", "/run/docker.sock", "/run/dbus/system_bus_socket", "/run/systemd/private"] {
        must_fail(&format!("connect to {path}"), || UnixStream::connect(path));
    }
    for (name, family, kind) in [
        ("netlink", libc::AF_NETLINK, libc::SOCK_RAW),
        ("vsock", libc::AF_VSOCK, libc::SOCK_STREAM),
        ("packet", libc::AF_PACKET, libc::SOCK_RAW),
        ("kernel crypto", libc::AF_ALG, libc::SOCK_SEQPACKET),
        ("key", libc::AF_KEY, libc::SOCK_RAW),
    ] {
        let args = [family.into(), kind.into(), 0, 0, 0, 0];
        filtered(&format!("a {name} socket"), libc::SYS_socket, args, libc::EAFNOSUPPORT);
    }
    must_fail("a raw socket", || call(libc::SYS_socket, [libc::AF_INET.into(), libc::SOCK_RAW.into(), 1, 0, 0, 0]));
}

fn processes(host_pid: i32) {
    let pids =
        || fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    must_fail("see more than bubblewrap, the bridge and this program", || seen(pids().skip(3).collect()));
    must_fail("a variable of the host in any process", || {
        let has_it = |pid: &u32| {
            let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let text = String::from_utf8_lossy(&environ).into_owned();
            text.contains("AL_HOST_CANARY") || text.contains("CARGO_") || text.contains("SSH_")
        };
        seen(pids().filter(has_it).collect())
    });
    must_fail("a variable that the spec did not give", || {
        let known = ["PATH", "HOME", "LANG", "TERM", "TMPDIR", "PWD"];
        let foreign = |name: &String| !known.contains(&name.as_str()) && !name.starts_with("AL_TEST");
        seen(std::env::vars().map(|(name, _)| name).filter(foreign).collect())
    });
    let number = libc::SYS_kill;
    must_fail("signal a process of the host", || call(number, [host_pid.into(), 0, 0, 0, 0, 0]));
    must_fail("the host's processes under another name", || {
        seen(vec![Path::new(&format!("/proc/{host_pid}")).exists()].into_iter().filter(|there| *there).collect())
    });
    must_fail("end the bridge", || {
        let bridge = std::os::unix::process::parent_id();
        call(number, [bridge.into(), libc::SIGKILL.into(), 0, 0, 0, 0])
    });
}

fn privileges() {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let value = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("?").trim().to_owned();
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
        must_fail(&format!("capabilities {set}"), || {
            seen(vec![value(set)].into_iter().filter(|set| set != "0000000000000000").collect())
        });
    }
    must_fail("gain by a set-user-id program", || {
        seen(vec![value("NoNewPrivs:")].into_iter().filter(|on| on != "1").collect())
    });
    must_fail("run without a filter", || {
        seen(vec![value("Seccomp:")].into_iter().filter(|mode| mode != "2").collect())
    });
    must_fail("become root", || call(libc::SYS_setuid, [0; 6]));
    must_fail("become group root", || call(libc::SYS_setgid, [0; 6]));
    must_fail("join another group", || call(libc::SYS_setgroups, [0, 0, 0, 0, 0, 0]));
    must_fail("write one's own user map", || fs::write("/proc/self/uid_map", "0 0 1"));
    must_fail("raise the limit of processes", || {
        nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_NPROC, 10_000, 10_000)
            .map_err(io::Error::from)
    });
}

fn system_calls() {
    let refused = libc::EPERM;
    for (name, number) in [
        ("ptrace", libc::SYS_ptrace),
        ("process_vm_readv", libc::SYS_process_vm_readv),
        ("process_vm_writev", libc::SYS_process_vm_writev),
        ("pidfd_getfd", libc::SYS_pidfd_getfd),
        ("io_uring_setup", libc::SYS_io_uring_setup),
        ("keyctl", libc::SYS_keyctl),
        ("add_key", libc::SYS_add_key),
        ("userfaultfd", libc::SYS_userfaultfd),
        ("bpf", libc::SYS_bpf),
        ("perf_event_open", libc::SYS_perf_event_open),
        ("mount", libc::SYS_mount),
        ("umount2", libc::SYS_umount2),
        ("pivot_root", libc::SYS_pivot_root),
        ("open_tree", libc::SYS_open_tree),
        ("move_mount", libc::SYS_move_mount),
        ("fsopen", libc::SYS_fsopen),
        ("setns", libc::SYS_setns),
        ("open_by_handle_at", libc::SYS_open_by_handle_at),
        ("kexec_load", libc::SYS_kexec_load),
        ("finit_module", libc::SYS_finit_module),
        ("syslog", libc::SYS_syslog),
        ("memfd_secret", libc::SYS_memfd_secret),
    ] {
        filtered(name, number, [0; 6], refused);
    }
    for (name, flag) in [
        ("user", libc::CLONE_NEWUSER),
        ("mount", libc::CLONE_NEWNS),
        ("network", libc::CLONE_NEWNET),
        ("process", libc::CLONE_NEWPID),
    ] {
        filtered(&format!("unshare of the {name} namespace"), libc::SYS_unshare, [flag.into(), 0, 0, 0, 0, 0], refused);
        let flags = libc::c_long::from(flag) | libc::c_long::from(libc::SIGCHLD);
        filtered(&format!("clone with a new {name} namespace"), libc::SYS_clone, [flags, 0, 0, 0, 0, 0], refused);
    }
    filtered("clone3", libc::SYS_clone3, [0; 6], libc::ENOSYS);
    #[cfg(target_arch = "x86_64")]
    filtered("ptrace by its number of the x32 interface", 0x4000_0000 + 521, [0; 6], libc::ENOSYS);
    filtered("a call that is not invented yet", 512, [0; 6], libc::ENOSYS);
    filtered("typing into a terminal", libc::SYS_ioctl, [0, 0x5412, 0, 0, 0, 0], refused);
    filtered("the same with a high bit set", libc::SYS_ioctl, [0, 0x1_0000_5412, 0, 0, 0, 0], refused);
}

fn resources() {
    let fill = |path: &str, megabytes: usize| {
        let mut file = fs::File::create(path)?;
        let written = (0..megabytes).try_for_each(|_| file.write_all(&vec![1; 1 << 20]));
        fs::remove_file(path)?;
        written
    };
    // SAFETY: only the disposition of a signal, in a process with one thread that cares: a write past the
    // limit of a file's size then fails instead of ending the program.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    must_fail("one file past the limit", || fill("/workspace/big", 16));
    let fill_many = |dir: &str, files: usize| {
        let paths: Vec<_> = (0..files).map(|number| format!("{dir}/fill-{number}")).collect();
        let written = paths.iter().try_for_each(|path| fs::write(path, vec![1; 4 << 20]));
        for path in paths {
            drop(fs::remove_file(path));
        }
        written
    };
    must_fail("fill /tmp past its size", || fill_many("/tmp", 12));
    must_fail("fill /home past its size", || fill_many("/home/agent", 12));
    must_fail("fill /dev/shm past its size", || fill_many("/dev/shm", 4));
    must_fail("2 GiB of memory in one process", || {
        let mut held: Vec<Vec<u8>> = Vec::new();
        for _ in 0..32 {
            let mut part = Vec::new();
            part.try_reserve_exact(64 << 20).map_err(io::Error::other)?;
            held.push(part);
        }
        Ok(held.len())
    });
    must_fail("a fork bomb", || {
        let mut children = Vec::new();
        let bombed = (0..400).try_for_each(|_| {
            children.push(Command::new("/usr/bin/sleep").arg("60").spawn()?);
            Ok(())
        });
        for mut child in children {
            drop(child.kill());
            drop(child.wait());
        }
        bombed
    });
}
