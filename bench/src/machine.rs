//! The machine that a figure belongs to.

use std::fs;
use std::process::Command;

use serde::Serialize;

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) memory_mib: u64,
    pub(crate) cpu: String,
    pub(crate) kernel: String,
    /// Processes that wanted to run during the minute before: above 0.5 the machine was not idle.
    pub(crate) load: f64,
    /// With `+` when there were changes beside it.
    pub(crate) commit: String,
    pub(crate) profile: &'static str,
}

impl Machine {
    pub(crate) fn look() -> Self {
        let unknown = || "unknown".to_owned();
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let (cpu, memory) = (read("/proc/cpuinfo"), read("/proc/meminfo"));
        let memory_kib = value_of(&memory, "MemTotal").and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mib: memory_kib.unwrap_or_default() / 1024,
            cpu: value_of(&cpu, "model name").map_or_else(unknown, str::to_owned),
            kernel: Some(read("/proc/sys/kernel/osrelease").trim().to_owned())
                .filter(|kernel| !kernel.is_empty())
                .unwrap_or_else(unknown),
            load: load(),
            commit: commit().unwrap_or_else(unknown),
            profile: if cfg!(debug_assertions) { "dev" } else { "release" },
        }
    }
}

/// The load of the last minute; 0 where the system does not say.
pub(crate) fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or_default()
}

fn value_of<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim())
}

fn commit() -> Option<String> {
    let said = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let mut commit = said(&["rev-parse", "--short=12", "HEAD"])?;
    if said(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|changes| !changes.is_empty()) {
        commit.push('+');
    }
    Some(commit)
}
