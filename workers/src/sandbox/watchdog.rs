//! What a sandbox uses in total. The limits of a single process (rlimits) do not bound their sum, and a
//! cgroup is not to be had everywhere, so the worker looks every [`INTERVAL`].

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

/// Between two looks at memory and processes. A process that allocates 4 GiB/s passes its limit by at
/// most 1 GiB before it is seen.
pub(crate) const INTERVAL: Duration = Duration::from_millis(250);
/// Between two walks over what was written.
pub(crate) const DISK_INTERVAL: Duration = Duration::from_secs(5);
/// Entries counted in one walk; a tree with more counts as too large.
const MOST_ENTRIES: u64 = 2_000_000;
/// Below this many directories a tree counts as too large: paths longer than the kernel takes in one
/// call would hide what is below them.
const MOST_DEPTH: usize = 512;

/// The sums over a process and all that descends from it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Anonymous and shared memory, swapped out or not. Pages of mapped files are left out: they are
    /// shared between processes and given back under pressure.
    pub memory_bytes: u64,
    /// Processes and threads.
    pub processes: u32,
}

/// Sums over `root` and its descendants. A process whose parent died belongs to the namespace's first
/// process, which is a descendant too, so none can leave the tree.
pub(crate) fn measure(root: u32) -> Usage {
    let mut children: HashMap<u32, Vec<(u32, u32)>> = HashMap::new();
    for (pid, parent, threads) in processes() {
        children.entry(parent).or_default().push((pid, threads));
    }
    let mut usage = Usage::default();
    let mut waiting = vec![root];
    while let Some(parent) = waiting.pop() {
        for (pid, threads) in children.remove(&parent).unwrap_or_default() {
            usage.processes += threads;
            usage.memory_bytes += memory_of(pid);
            waiting.push(pid);
        }
    }
    usage
}

fn processes() -> impl Iterator<Item = (u32, u32, u32)> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let (parent, threads) = parent_and_threads(&stat)?;
        Some((pid, parent, threads))
    })
}

/// Fields 4 and 20 of `/proc/PID/stat`. The name in field 2 is the program's to choose, brackets and
/// all, so counting starts after the last bracket.
pub(crate) fn parent_and_threads(stat: &str) -> Option<(u32, u32)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let parent = fields.nth(1)?.parse().ok()?;
    let threads = fields.nth(15)?.parse().ok()?;
    Some((parent, threads))
}

/// Of one process alone.
pub(crate) fn memory_of(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kilobytes = |line: &str| -> Option<u64> {
        let (name, value) = line.split_once(':')?;
        let counts = matches!(name, "RssAnon" | "RssShmem" | "VmSwap");
        counts.then(|| value.trim().trim_end_matches(" kB").parse().ok())?
    };
    status.lines().filter_map(kilobytes).sum::<u64>() * 1024
}

/// Bytes allocated below these directories, or `None` when there is too much to count.
///
/// The program may swap a directory for a link under our feet; then something else is counted for a
/// moment, but nothing is opened, and nothing but a number leaves this function.
pub(crate) fn disk_usage(roots: &[PathBuf]) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    let (mut bytes, mut entries) = (0_u64, 0_u64);
    let mut waiting: Vec<PathBuf> = roots.to_vec();
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
            entries += 1;
            if entries > MOST_ENTRIES {
                return None;
            }
            // Of the entry itself: links are not followed.
            let Ok(metadata) = entry.metadata() else { continue };
            bytes = bytes.saturating_add(metadata.blocks() * 512);
            if metadata.is_dir() {
                let path = entry.path();
                if path.components().count() > MOST_DEPTH {
                    return None;
                }
                waiting.push(path);
            }
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let stat = "42 (a) R 7 (b) S 17 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 9 0 100 200 300";
        assert_eq!(parent_and_threads(stat), Some((17, 9)));
    }

    #[test]
    fn children_count_and_strangers_do_not() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let mine = measure(std::process::id());
        let of_child = measure(child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(mine.processes >= 1);
        assert!(mine.memory_bytes > 0);
        assert_eq!(of_child, Usage::default());
    }

    #[test]
    fn links_are_counted_and_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/usr", dir.path().join("usr")).unwrap();
        std::fs::write(dir.path().join("file"), vec![1; 100_000]).unwrap();
        let used = disk_usage(&[dir.path().to_path_buf()]).unwrap();
        assert!((98_304..300_000).contains(&used), "{used}");
    }
}
