//! The groups of rows. Those that share a fixture are one group.

mod append;
mod long_stream;
mod product;
mod replay;
mod start;

use std::path::Path;

use anyhow::bail;

use crate::Effort;
use crate::report::Report;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Append,
    Replay,
    LongStream,
    Start,
    Product,
}

impl Group {
    pub(crate) const ALL: [Self; 5] = [Self::Append, Self::Replay, Self::LongStream, Self::Start, Self::Product];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Replay => "replay",
            Self::LongStream => "long_stream",
            Self::Start => "start",
            Self::Product => "product",
        }
    }

    pub(crate) fn claims(self) -> &'static [&'static str] {
        match self {
            Self::Append => &["append_32_to_raw", "append_32_p99_to_raw", "append_1_to_raw"],
            Self::Replay => &["replay_to_select"],
            Self::LongStream => &["long_stream_p50", "long_stream_cold_p50"],
            Self::Start => &["start_cold", "start_warm"],
            Self::Product => &["memory_at_rest", "http_32_to_raw", "projection_p99", "socket_p99"],
        }
    }

    /// Those that are named, by themselves or by one of their rows; all when nothing is.
    pub(crate) fn chosen(names: &[String]) -> anyhow::Result<Vec<Self>> {
        let is_named = |group: &Self, name: &str| group.name() == name || group.claims().contains(&name);
        for name in names {
            if !Self::ALL.iter().any(|group| is_named(group, name)) {
                bail!("{name} is neither a group nor a claim; --list shows them");
            }
        }
        let is_chosen = |group: &Self| names.is_empty() || names.iter().any(|name| is_named(group, name));
        Ok(Self::ALL.into_iter().filter(is_chosen).collect())
    }

    pub(crate) async fn measure(self, effort: &Effort, lime: &Path, report: &mut Report) -> anyhow::Result<()> {
        match self {
            Self::Append => append::measure(effort, report).await,
            Self::Replay => replay::measure(effort, report).await,
            Self::LongStream => long_stream::measure(effort, report).await,
            Self::Start => start::measure(effort, lime, report).await,
            Self::Product => product::measure(effort, lime, report).await,
        }
    }
}
