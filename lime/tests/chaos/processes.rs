//! What the system says of processes.

use testkit::child::children_of;

/// Everything below a process.
pub(crate) fn tree(pid: u32) -> Vec<u32> {
    let children = children_of(pid);
    children.iter().copied().chain(children.iter().flat_map(|child| tree(*child))).collect()
}

/// Whether the process lives; one that ended and was not yet reaped does not.
pub(crate) fn is_alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| !rest.trim_start().starts_with('Z')))
}

/// Its arguments, each ended by a zero byte; empty when there is no such process.
pub(crate) fn command_line(pid: u32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default()
}
