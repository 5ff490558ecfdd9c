//! Plays a script as a model vendor's API until it is stopped, for `make demo` and for trying agents by hand.
//!
//! Prints `listening http://127.0.0.1:PORT` (or `listening unix:PATH`) once it serves.

use std::{io::Write as _, path::PathBuf, time::Duration};

use anyhow::Context as _;
use clap::Parser;
use testkit::scripted_model::{ModelSettings, Script, ScriptedModel};

#[derive(Debug, Parser)]
#[command(about = "Plays a script as a model vendor's API: no key, no network, the same answers every time")]
struct Arguments {
    /// A script file; without it every built-in script plays, which is the demo.
    #[arg(long)]
    script: Option<PathBuf>,
    /// The loopback port; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Listens on this Unix socket instead.
    #[arg(long, conflicts_with = "port")]
    unix: Option<PathBuf>,
    /// Appends each call, its body included, to this file as a JSON line.
    #[arg(long)]
    log: Option<PathBuf>,
    /// Waits so long before every turn, so that a person can watch.
    #[arg(long, default_value_t = 0)]
    pace_ms: u64,
    /// Replaces `${NAME}` in the script.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    variables: Vec<(String, String)>,
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a variable is NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let script = match &arguments.script {
        Some(path) => Script::load(path)?,
        None => Script::builtin()?,
    };
    let settings = ModelSettings {
        variables: arguments.variables,
        log: arguments.log,
        pace: Duration::from_millis(arguments.pace_ms),
    };
    let model = match &arguments.unix {
        Some(path) => ScriptedModel::start_on_socket(script, path, settings).await?,
        None => ScriptedModel::start_on_port(script, arguments.port, settings).await?,
    };
    let mut out = std::io::stdout();
    writeln!(out, "listening {}", model.address()).and_then(|()| out.flush()).context("saying where it listens")?;
    tokio::select! {
        () = model.serve_forever() => Ok(()),
        stopped = tokio::signal::ctrl_c() => stopped.context("waiting for the signal to stop"),
    }
}
