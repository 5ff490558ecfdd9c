//! The system calls that a sandboxed program may not make.
//!
//! A list of what is denied rather than of what is allowed: an agent runs compilers, test suites and
//! language runtimes that nobody has listed. What a denied call would have reached is named beside it.
//! Calls newer than this list are answered "not implemented" until somebody has judged them.
//!
//! Several programs are loaded one after the other, one for each answer, because a compiled filter has
//! one answer only; the kernel takes the strictest.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, sock_filter,
};

use super::error::SandboxError;

/// The highest system call number that this list was written for (`file_setattr`, Linux 6.17). The
/// numbers above 423 are the same on all architectures. Numbers of the x32 ABI carry bit 30 and are
/// above it too: without this bound every rule below could be walked around through them.
const LAST_JUDGED: u32 = 469;

/// `open_tree_attr`, Linux 6.15; libc does not name it yet.
const SYS_OPEN_TREE_ATTR: libc::c_long = 467;

/// Denied whatever the arguments.
const DENIED: &[libc::c_long] = &[
    // Reaching into other processes. An agent that could trace would hang the sandbox's first process.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    // io_uring performs calls that no filter sees.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // Kernel keyrings are not separated by namespaces: another run's or the host's keys are in reach.
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    // Lets a process hold the kernel at a page fault: the usual helper of kernel exploits.
    libc::SYS_userfaultfd,
    // Code in the kernel, and a view into it.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_syslog,
    // Mounts, old and new interface: the file tree stays as it was built.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    SYS_OPEN_TREE_ATTR,
    // Entering a namespace, and opening files by handle (walks out of a bind mount).
    libc::SYS_setns,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_fanotify_init,
    // The machine itself: clock, name, power, swap, accounting, quotas, terminals.
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_vhangup,
    // Memory that no watchdog can count.
    libc::SYS_memfd_secret,
    // Moving pages of other processes between memory nodes.
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
];

/// Ports and local descriptor tables exist on x86 only.
#[cfg(target_arch = "x86_64")]
const DENIED_ON_THIS_ARCH: &[libc::c_long] =
    &[libc::SYS_iopl, libc::SYS_ioperm, libc::SYS_modify_ldt, libc::SYS_uselib];
#[cfg(not(target_arch = "x86_64"))]
const DENIED_ON_THIS_ARCH: &[libc::c_long] = &[];

/// `CLONE_NEWTIME`; in `clone` the same bit belongs to the exit signal, so only `unshare` is asked for it.
const CLONE_NEWTIME: u64 = 0x80;

/// Every flag of `clone` and `unshare` that makes a new namespace (and with it new, fake privileges).
const NAMESPACE_FLAGS: &[libc::c_int] = &[
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// Terminal requests that type into another session's terminal.
const DENIED_TERMINAL_REQUESTS: &[u64] = &[0x5412 /* TIOCSTI */, 0x541c /* TIOCLINUX */];

/// The socket families a build or test needs. Not here: netlink, vsock (reaches the hypervisor's host),
/// raw packets, the kernel's crypto sockets and a hundred rarely tested others.
const ALLOWED_SOCKET_FAMILIES: &[libc::c_int] = &[libc::AF_UNIX, libc::AF_INET, libc::AF_INET6];

/// The compiled programs, in the byte layout that the kernel and bubblewrap take (`struct sock_filter[]`).
///
/// # Errors
/// [`SandboxError::Seccomp`] on a processor that the compiler does not know.
pub(crate) fn programs() -> Result<Vec<Vec<u8>>, SandboxError> {
    let target = TargetArch::try_from(std::env::consts::ARCH).map_err(|source| SandboxError::Seccomp { source })?;
    [
        unjudged_calls(),
        Ok(compile(not_permitted()?, libc::EPERM, target)?),
        compile(not_implemented(), libc::ENOSYS, target),
        compile(no_such_family()?, libc::EAFNOSUPPORT, target),
    ]
    .into_iter()
    .map(|program| program.map(|program| bytes(&program)))
    .collect()
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn not_permitted() -> Result<Rules, SandboxError> {
    let mut rules: Rules = DENIED.iter().chain(DENIED_ON_THIS_ARCH).map(|call| (*call, vec![])).collect();
    let mut clone = Vec::new();
    let mut unshare = vec![rule(0, CLONE_NEWTIME)?];
    for flag in NAMESPACE_FLAGS {
        let bit = u64::from(flag.cast_unsigned());
        clone.push(rule(0, bit)?);
        unshare.push(rule(0, bit)?);
    }
    rules.insert(libc::SYS_clone, clone);
    rules.insert(libc::SYS_unshare, unshare);
    let mut ioctl = Vec::new();
    for request in DENIED_TERMINAL_REQUESTS {
        // The kernel looks at the low 32 bits alone, so do we: a set high bit must not slip by.
        let equal = SeccompCondition::new(1, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, *request);
        ioctl.push(SeccompRule::new(vec![equal.map_err(seccomp)?]).map_err(seccomp)?);
    }
    rules.insert(libc::SYS_ioctl, ioctl);
    Ok(rules)
}

/// `clone3` passes its flags in memory, where a filter cannot look. "Not implemented" makes every C
/// library and runtime fall back to `clone`.
fn not_implemented() -> Rules {
    BTreeMap::from([(libc::SYS_clone3, vec![])])
}

fn no_such_family() -> Result<Rules, SandboxError> {
    let mut conditions = Vec::new();
    for family in ALLOWED_SOCKET_FAMILIES {
        let family = u64::from(family.cast_unsigned());
        conditions.push(SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, family).map_err(seccomp)?);
    }
    let rule = SeccompRule::new(conditions).map_err(seccomp)?;
    Ok(BTreeMap::from([(libc::SYS_socket, vec![rule.clone()]), (libc::SYS_socketpair, vec![rule])]))
}

/// Matches when the bit is set in the argument.
fn rule(argument: u8, bit: u64) -> Result<SeccompRule, SandboxError> {
    let set = SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(bit), bit);
    SeccompRule::new(vec![set.map_err(seccomp)?]).map_err(seccomp)
}

fn compile(rules: Rules, errno: libc::c_int, target: TargetArch) -> Result<BpfProgram, SandboxError> {
    let answer = SeccompAction::Errno(errno.cast_unsigned());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, answer, target).map_err(seccomp)?;
    BpfProgram::try_from(filter).map_err(seccomp)
}

/// `if number > LAST_JUDGED { ENOSYS } else { allow }`. Written out because the compiler only knows
/// rules for single numbers. It comes beside the compiled programs, which check the architecture.
#[allow(clippy::unnecessary_wraps)] // the same shape as its neighbours in the list of programs
fn unjudged_calls() -> Result<BpfProgram, SandboxError> {
    const LOAD_WORD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
    const JUMP_IF_GREATER: u16 = 0x25; // BPF_JMP | BPF_JGT | BPF_K
    const RETURN: u16 = 0x06; // BPF_RET | BPF_K
    const ALLOW: u32 = 0x7fff_0000; // SECCOMP_RET_ALLOW
    const NOT_IMPLEMENTED: u32 = 0x0005_0000 | libc::ENOSYS as u32; // SECCOMP_RET_ERRNO
    let step = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    Ok(vec![
        step(LOAD_WORD, 0, 0, 0), // the number is the first field of seccomp_data
        step(JUMP_IF_GREATER, 0, 1, LAST_JUDGED),
        step(RETURN, 0, 0, NOT_IMPLEMENTED),
        step(RETURN, 0, 0, ALLOW),
    ])
}

fn bytes(program: &[sock_filter]) -> Vec<u8> {
    let mut out = Vec::with_capacity(program.len() * 8);
    for step in program {
        out.extend_from_slice(&step.code.to_ne_bytes());
        out.extend_from_slice(&[step.jt, step.jf]);
        out.extend_from_slice(&step.k.to_ne_bytes());
    }
    out
}

fn seccomp(source: seccompiler::BackendError) -> SandboxError {
    SandboxError::Seccomp { source }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_program_is_whole_instructions_and_within_the_kernels_limit() {
        let programs = programs().unwrap();
        assert_eq!(programs.len(), 4);
        for program in programs {
            assert!(!program.is_empty());
            assert_eq!(program.len() % 8, 0);
            assert!(program.len() / 8 <= 4096, "BPF_MAXINSNS");
        }
    }

    #[test]
    fn no_call_is_listed_twice_or_above_the_judged_ones() {
        let mut all: Vec<_> = DENIED.iter().chain(DENIED_ON_THIS_ARCH).collect();
        all.sort_unstable();
        let before = all.len();
        all.dedup();
        assert_eq!(all.len(), before);
        assert!(all.iter().all(|call| **call <= i64::from(LAST_JUDGED)));
    }
}
