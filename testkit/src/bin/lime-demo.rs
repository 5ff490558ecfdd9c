//! Shows the whole product without any key; `make demo` runs it, and `scripts/test-browser` its tests against it.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Parser;
use serde_json::json;
use testkit::demo::{Demo, DemoSettings};
use tokio::signal::unix::{SignalKind, signal};

#[derive(Debug, Parser)]
#[command(about = "The product with a sample repository, a real agent program and a model that plays a script")]
struct Arguments {
    /// The built product [default: lime beside this program]
    #[arg(long)]
    lime: Option<PathBuf>,
    /// Address to listen on [default: 127.0.0.1:5463, or the next free port]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Gets {"url","ownerLink","repository","log"} as JSON once all of it is ready.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Waits so long before each of the model's turns, so that a person can watch.
    #[arg(long, default_value_t = 700)]
    pace_ms: u64,
    /// Lets one plan and one ticket's work go through, says how they ended, and ends itself.
    #[arg(long)]
    check: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stopped = async move {
        tokio::select! { _ = interrupt.recv() => {} _ = terminate.recv() => {} }
    };
    tokio::pin!(stopped);
    let beside = || Ok::<_, anyhow::Error>(std::env::current_exe()?.with_file_name("lime"));
    let settings = DemoSettings {
        lime: arguments.lime.map_or_else(beside, Ok)?,
        listen: arguments.listen,
        pace: Duration::from_millis(arguments.pace_ms),
    };
    let mut demo = tokio::select! {
        started = Demo::start(settings) => started?,
        // What was started ends with this process.
        () = &mut stopped => return Ok(()),
    };
    if let Some(file) = &arguments.ready_file {
        let ready = json!({
            "url": demo.url, "ownerLink": demo.owner_link, "repository": demo.repository, "log": demo.log(),
        });
        let half = file.with_extension("half");
        std::fs::write(&half, ready.to_string()).and_then(|()| std::fs::rename(&half, file))?;
    }
    if arguments.check {
        let outcome = demo.check().await?;
        say(&format!("The demonstration works: {outcome}"))?;
        return demo.stop().await;
    }
    say(&welcome(&demo))?;
    tokio::select! {
        () = &mut stopped => {}
        log = demo.ended_by_itself() => bail!("lime has ended; its log ends:\n{log}"),
    }
    say("Stopping; nothing of the demonstration stays.")?;
    demo.stop().await
}

fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{text}").and_then(|()| out.flush()).context("writing")
}

fn welcome(demo: &Demo) -> String {
    format!(
        "
Sign in (once, within 15 minutes):
  {link}

A real agent program (Codex) works in a real sandbox on a sample repository,
{repository}. Only its model is a script: it gives the same
answers whatever it is asked, and every screen says so.

What to try:
  Command Center   write a wish and start *Plan tasks*: thirteen tickets are proposed, add them to the board
  Board            open SHOP-1 and press *Implement*: watch the run, then look at its diff
  Second window    drag a card in one and see it move in the other
  History          every step of all this, in order
  In a prompt      [slow] for a run that you can stop; [crash], [bad-key], [hang], [flood] for what can go wrong

Log: {log}
Ctrl-C ends it; nothing of it stays.",
        link = demo.owner_link,
        repository = demo.repository,
        log = demo.log().display(),
    )
}
