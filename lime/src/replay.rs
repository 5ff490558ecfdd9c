//! `lime replay`: read models built afresh from the log, beside the live ones, and swapped in.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;

use crate::cli;
use crate::connected::Addresses;
use crate::screen::say;
use crate::settings::Settings;

/// Rebuilds one read model, or all of them one after another. Readers see the old rows until the new ones are whole.
pub(crate) async fn run(settings: &Settings, options: cli::Replay) -> anyhow::Result<()> {
    let pool = Addresses::find(settings)?.pool()?;
    let names: Vec<String> = match options.projection {
        Some(name) => vec![projections::by_name(&name)?.name().to_owned()],
        None => projections::all().iter().map(|projection| projection.name().to_owned()).collect(),
    };
    for name in names {
        let begun = Instant::now();
        let bar = bar(&name);
        let mut said = begun;
        let progress = |progress: feed::runner::Progress| {
            bar.set_length(progress.head);
            bar.set_position(progress.position);
            if bar.is_hidden() && said.elapsed() > Duration::from_secs(5) {
                said = Instant::now();
                tracing::info!(projection = name, at = progress.position, of = progress.head, "rebuilding");
            }
        };
        projections::rebuild(&pool, &name, progress).await?;
        bar.finish_and_clear();
        say(format!("{name}: rebuilt and swapped in, {:.1} s", begun.elapsed().as_secs_f64()));
    }
    Ok(())
}

/// A bar on a terminal, hidden elsewhere.
fn bar(name: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{prefix:14} {bar:40} {pos}/{len} {per_sec} {eta}") {
        bar.set_style(style);
    }
    bar.set_prefix(name.to_owned());
    bar
}
