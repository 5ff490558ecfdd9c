//! Rows: printed as they come, and written as JSON lines.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;

use crate::machine::{self, Machine};

/// What is claimed of a row, on an idle machine of two cores.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Target {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bound) => value >= bound,
            Self::AtMost(bound) => value <= bound,
        }
    }

    fn shown(self) -> String {
        match self {
            Self::AtLeast(bound) => format!("≥ {bound}"),
            Self::AtMost(bound) => format!("≤ {bound}"),
        }
    }
}

/// Every claim: row, target, what it says. Rows that are not here are shown for what they explain.
pub(crate) const CLAIMS: &[(&str, Target, &str)] = &[
    ("append_32_to_raw", Target::AtLeast(1.2), "commands a second, 32 at a time, to single-row inserts by pgbench"),
    ("append_32_p99_to_raw", Target::AtMost(3.0), "their 99th percentile to pgbench's"),
    ("append_1_to_raw", Target::AtLeast(0.7), "commands a second, one at a time, to single-row inserts by pgbench"),
    ("replay_to_select", Target::AtLeast(0.5), "replay with typed decode to a streaming SELECT of the same rows"),
    ("long_stream_p50", Target::AtMost(1.5), "a command on a stream of 10,000 events"),
    ("long_stream_cold_p50", Target::AtMost(1.5), "the same when nothing of the stream is in memory"),
    ("start_cold", Target::AtMost(5.0), "`lime up` on an empty home until it is ready"),
    ("start_warm", Target::AtMost(2.0), "`lime up` on that home again"),
    ("memory_at_rest", Target::AtMost(300.0), "all roles, without PostgreSQL and NATS"),
    (
        "http_32_to_raw",
        Target::AtLeast(0.3),
        "mutations over HTTP, every role running, to single-row inserts by pgbench",
    ),
    ("projection_p99", Target::AtMost(15.0), "from commit to the board's read model at 1,000 commands a second"),
    ("socket_p99", Target::AtMost(50.0), "from sending a change to another browser's socket at 100 a second"),
];

#[derive(Debug, Serialize)]
struct Row<'a> {
    row: &'a str,
    value: f64,
    unit: &'a str,
    /// `>= 1.2`; none for a row without a claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    met: Option<bool>,
    /// Measurements that it rests on.
    count: u64,
    quick: bool,
    at: chrono::DateTime<chrono::Utc>,
    /// When the row was written.
    load: f64,
    machine: &'a Machine,
}

#[derive(Debug)]
pub(crate) struct Report {
    machine: Machine,
    path: PathBuf,
    file: File,
    quick: bool,
    missed: Vec<&'static str>,
    failed: Vec<String>,
}

impl Report {
    pub(crate) fn new(machine: Machine, path: &Path, quick: bool) -> anyhow::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("failed to make {}", folder.display()))?;
        }
        let file = File::create(path).with_context(|| format!("failed to write {}", path.display()))?;
        let Machine { cores, memory_mib, cpu, kernel, load, commit, profile } = &machine;
        say(&format!("{cores} cores, {memory_mib} MiB, {cpu}, Linux {kernel}"))?;
        say(&format!(
            "commit {commit}, profile {profile}, load {load:.2} before{}",
            if quick { ", quick" } else { "" }
        ))?;
        Ok(Self { machine, path: path.to_path_buf(), file, quick, missed: Vec::new(), failed: Vec::new() })
    }

    pub(crate) fn begin(&self, group: &str) -> anyhow::Result<()> {
        say(&format!("\n{group} (load {:.2})", machine::load()))
    }

    /// A row; judged when it is among [`CLAIMS`].
    pub(crate) fn add(&mut self, name: &str, value: f64, unit: &str, count: u64) -> anyhow::Result<()> {
        let claim = CLAIMS.iter().find(|(row, _, _)| *row == name);
        let met = claim.map(|(_, target, _)| target.is_met(value));
        if let (Some((row, _, _)), Some(false)) = (claim, met) {
            self.missed.push(row);
        }
        let verdict = match (claim, met) {
            (Some((_, target, _)), Some(true)) => format!("{} met", target.shown()),
            (Some((_, target, _)), _) => format!("{} MISSED", target.shown()),
            (None, _) => String::new(),
        };
        let line = format!("  {name:<26} {:>12} {unit:<12} {verdict:<14} n = {count}", shown(value));
        say(line.trim_end())?;
        let row = Row {
            row: name,
            value,
            unit,
            target: claim.map(|(_, target, _)| target.shown().replace('≥', ">=").replace('≤', "<=")),
            met,
            count,
            quick: self.quick,
            at: chrono::Utc::now(),
            load: machine::load(),
            machine: &self.machine,
        };
        writeln!(self.file, "{}", serde_json::to_string(&row)?)?;
        Ok(())
    }

    /// A group that could not be measured, or not to its end.
    pub(crate) fn failed(&mut self, group: &str, why: &str) -> anyhow::Result<()> {
        say(&format!("  NOT MEASURED: {why}"))?;
        self.failed.push(group.to_owned());
        Ok(())
    }

    /// Whether this run counts as good.
    pub(crate) fn end(self, strict: bool) -> anyhow::Result<bool> {
        say(&format!("\nload {:.2} after; rows in {}", machine::load(), self.path.display()))?;
        if !self.failed.is_empty() {
            say(&format!("not measured: {}", self.failed.join(", ")))?;
        }
        if self.missed.is_empty() {
            say("no target missed")?;
        } else {
            say(&format!("missed: {}", self.missed.join(", ")))?;
        }
        Ok(self.failed.is_empty() && (!strict || self.missed.is_empty()))
    }
}

/// What is claimed, one line each.
pub(crate) fn list() -> anyhow::Result<()> {
    for group in crate::rows::Group::ALL {
        say(group.name())?;
        for row in group.claims() {
            if let Some((name, target, what)) = CLAIMS.iter().find(|(name, _, _)| name == row) {
                say(&format!("  {name:<26} {:<8} {what}", target.shown()))?;
            }
        }
    }
    Ok(())
}

fn shown(value: f64) -> String {
    if value >= 1_000.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

fn say(line: &str) -> anyhow::Result<()> {
    writeln!(io::stdout().lock(), "{line}").context("failed to print")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_claim_belongs_to_one_group() {
        for (row, _, _) in CLAIMS {
            let groups = crate::rows::Group::ALL.iter().filter(|group| group.claims().contains(row));
            assert_eq!(groups.count(), 1, "{row}");
        }
    }

    #[test]
    fn a_target_is_met_at_its_bound() {
        assert!(Target::AtLeast(1.2).is_met(1.2) && !Target::AtLeast(1.2).is_met(1.19));
        assert!(Target::AtMost(15.0).is_met(15.0) && !Target::AtMost(15.0).is_met(15.1));
    }
}
