//! A command on a long stream, with the stream in memory and without.

use std::time::{Duration, Instant};

use anyhow::Context;

use crate::Effort;
use crate::report::Report;
use crate::samples::Samples;
use crate::write_side::{Card, WriteSide, Writer, commands};

const WARM: u64 = 1_000;
const COLD: u64 = 200;

pub(super) async fn measure(effort: &Effort, report: &mut Report) -> anyhow::Result<()> {
    let side = WriteSide::start().await?;
    let mut card = *side.writer.create_tickets(side.project, 1).await?.first().context("no ticket")?;
    while card.version < effort.stream {
        side.writer.comment(&mut card).await?;
        side.writer.retitle(&mut card).await?;
    }
    let mut warm = Vec::new();
    for _ in 0..WARM {
        warm.push(timed(&side.writer, &mut card).await?);
    }
    let mut cold = Vec::new();
    for _ in 0..COLD {
        // Another process would know nothing of the stream.
        let commands = commands(&side.pool, &side.hints, &side.objects)?;
        cold.push(timed(&Writer { commands, ..side.writer.clone() }, &mut card).await?);
    }
    let (warm, cold): (Samples, Samples) = (warm.into_iter().collect(), cold.into_iter().collect());
    report.add("long_stream_p50", warm.percentile_ms(50), "ms", warm.count())?;
    report.add("long_stream_p99", warm.percentile_ms(99), "ms", warm.count())?;
    report.add("long_stream_cold_p50", cold.percentile_ms(50), "ms", cold.count())?;
    report.add("long_stream_cold_p99", cold.percentile_ms(99), "ms", cold.count())
}

async fn timed(writer: &Writer, card: &mut Card) -> anyhow::Result<Duration> {
    let sent = Instant::now();
    writer.retitle(card).await?;
    Ok(sent.elapsed())
}
