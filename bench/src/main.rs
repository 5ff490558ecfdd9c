//! `make bench`: the speed that we claim, measured on real servers and the built product.
//!
//! Each row has a name, a value, a unit and mostly a target. Ratios come from one run, the two sides taking turns, so
//! that a slow machine slows both; absolute figures mean something only together with the machine that they name.
//! Load goes over the loopback and a Unix socket, never further, and stops by itself.
//!
//! # How to add a row
//! 1. A variant in [`report::Target`]'s table ([`report::CLAIMS`]) when it has a target.
//! 2. Measure it in the file of its group below [`rows`] and `report.add` it; a new group is a file there with an async
//!    `measure` and a line in [`measure`].

#![allow(clippy::cast_precision_loss, reason = "counts and microseconds lie far below 2^52")]

mod graphql;
mod load;
mod machine;
mod pgbench;
mod product;
mod report;
mod rows;
mod samples;
mod socket;
mod write_side;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Parser;

use machine::Machine;
use report::Report;
use rows::Group;

/// No group may take longer; all of them together take about four minutes.
const GROUP_LIMIT: Duration = Duration::from_mins(4);

/// Measures what we claim, prints a table and writes one JSON object a row.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Options {
    /// Only these groups or rows, such as `append` or `replay_to_select`; a row brings its group along.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Fail when a target is missed, not only when a row could not be measured.
    #[arg(long)]
    strict: bool,
    /// Short counts: shows that everything works; its figures mean little.
    #[arg(long)]
    quick: bool,
    /// The file for the rows; by default beside the programs, in `bench/` of cargo's target directory.
    #[arg(long)]
    out: Option<PathBuf>,
    /// The product's program; by default the one beside this.
    #[arg(long)]
    lime: Option<PathBuf>,
    /// List groups and claims, and measure nothing.
    #[arg(long)]
    list: bool,
}

/// How long and how often, for all groups.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// Turns that raw and ours take.
    rounds: usize,
    /// One side's turn.
    turn: Duration,
    /// Steady load for a latency.
    steady: Duration,
    /// Events that are replayed.
    replayed: u64,
    /// Events in the long stream.
    stream: u64,
    /// Starts of the product, each cold and then warm.
    starts: usize,
    /// Until memory is looked at.
    settle: Duration,
}

impl Effort {
    fn of(options: &Options) -> Self {
        let seconds = Duration::from_secs;
        if options.quick {
            let (turn, steady, settle) = (seconds(1), seconds(2), seconds(2));
            return Self { rounds: 1, turn, steady, replayed: 5_000, stream: 1_000, starts: 1, settle };
        }
        let (turn, steady, settle) = (seconds(3), seconds(15), seconds(10));
        Self { rounds: 5, turn, steady, replayed: 60_000, stream: 10_000, starts: 3, settle }
    }
}

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(options))
}

async fn run(options: Options) -> anyhow::Result<ExitCode> {
    if options.list {
        report::list()?;
        return Ok(ExitCode::SUCCESS);
    }
    let groups = Group::chosen(&options.only)?;
    let program = std::env::current_exe()?;
    let programs = program.parent().context("this program lies nowhere")?;
    let lime = options.lime.clone().unwrap_or_else(|| programs.join("lime"));
    if !lime.is_file() {
        bail!("{} is not there: build it, or name it with --lime", lime.display());
    }
    let out = match &options.out {
        Some(out) => out.clone(),
        None => programs.with_file_name("bench").join(format!("{}.jsonl", chrono::Utc::now().format("%Y%m%dT%H%M%SZ"))),
    };
    let effort = Effort::of(&options);
    let mut report = Report::new(Machine::look(), &out, options.quick)?;
    for group in groups {
        report.begin(group.name())?;
        match tokio::time::timeout(GROUP_LIMIT, group.measure(&effort, &lime, &mut report)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => report.failed(group.name(), &format!("{error:#}"))?,
            Err(_) => report.failed(group.name(), &format!("not done within {} s", GROUP_LIMIT.as_secs()))?,
        }
    }
    let good = report.end(options.strict)?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
