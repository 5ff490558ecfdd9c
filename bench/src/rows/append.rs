//! Executor and group append against `pgbench`, on one server, taking turns.

use std::time::Duration;

use crate::Effort;
use crate::load::{Load, closed};
use crate::pgbench::{Pgbench, Table};
use crate::report::Report;
use crate::samples::median;
use crate::write_side::{Card, Retitler, WriteSide};

const TICKETS: usize = 2_048;

pub(super) async fn measure(effort: &Effort, report: &mut Report) -> anyhow::Result<()> {
    let side = WriteSide::start().await?;
    let mut cards = side.writer.create_tickets(side.project, TICKETS).await?;
    // Warms the cache of every ticket, and makes the row that pgbench copies.
    (cards, _) = ours(&side, cards, 32, Duration::from_secs(1)).await?;
    let pgbench = Pgbench::prepare(&side.postgres.owner_url()).await?;
    pgbench.turn(Table::EventsLike, 32, Duration::from_secs(1)).await?;
    for clients in [32, 1] {
        let (mut raw, mut command, mut bare) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..effort.rounds {
            raw.push(pgbench.turn(Table::EventsLike, clients, effort.turn).await?);
            let load;
            (cards, load) = ours(&side, cards, clients, effort.turn).await?;
            command.push(load);
        }
        bare.push(pgbench.turn(Table::Bare, clients, effort.turn).await?);
        tell(report, clients, &raw, &command, &bare)?;
    }
    Ok(())
}

async fn ours(side: &WriteSide, cards: Vec<Card>, clients: usize, turn: Duration) -> anyhow::Result<(Vec<Card>, Load)> {
    let several = Retitler::several(clients, &side.writer, &cards, false);
    let (several, load) = closed(several, turn).await?;
    Ok((Retitler::cards_of(several), load))
}

fn tell(report: &mut Report, clients: usize, raw: &[Load], command: &[Load], bare: &[Load]) -> anyhow::Result<()> {
    let rates = |loads: &[Load]| loads.iter().map(|load| load.per_second).collect::<Vec<_>>();
    let at =
        |loads: &[Load], percent| loads.iter().map(|load| load.latencies.percentile_ms(percent)).collect::<Vec<_>>();
    let ratios =
        |ours: &[f64], theirs: &[f64]| ours.iter().zip(theirs).map(|(one, other)| one / other).collect::<Vec<_>>();
    let count = |loads: &[Load]| loads.iter().map(|load| load.latencies.count()).sum::<u64>();
    for (name, loads) in [("raw_bare", bare), ("raw_insert", raw), ("append", command)] {
        report.add(&format!("{name}_{clients}"), median(&rates(loads)), "per s", count(loads))?;
        report.add(&format!("{name}_{clients}_p50"), median(&at(loads, 50)), "ms", count(loads))?;
        report.add(&format!("{name}_{clients}_p99"), median(&at(loads, 99)), "ms", count(loads))?;
    }
    let rounds = raw.len() as u64;
    let ratio = median(&ratios(&rates(command), &rates(raw)));
    report.add(&format!("append_{clients}_to_raw"), ratio, "ratio", rounds)?;
    if clients > 1 {
        let ratio = median(&ratios(&at(command, 99), &at(raw, 99)));
        report.add(&format!("append_{clients}_p99_to_raw"), ratio, "ratio", rounds)?;
    }
    Ok(())
}
