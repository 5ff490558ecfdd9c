//! The binary, and the only place that wires: settings, private servers, roles.
//!
//! # How to add a command
//! A variant in [`cli::Command`] (and its line in [`cli::Cli::overrides`]), a module with its async function, a line in
//! [`run`]. Results go through [`screen::print`], progress through [`screen::say`], errors up to here, where the chain
//! is printed once and turned into an exit code ([`exit`]).

mod account;
mod alone;
mod audit;
mod cli;
mod config;
mod connected;
mod database;
mod doctor;
mod embedded;
mod exit;
mod home;
mod logging;
mod master_key;
mod owner;
mod platform;
mod replay;
mod screen;
mod servers;
mod settings;
mod storage;
mod supervisor;
mod up;

use std::process::ExitCode;

use clap::Parser;

use cli::{Audit, Cli, Command, Keys, Servers, Token};
use settings::Settings;

fn main() -> ExitCode {
    // First of all, while there is one thread and nothing is open: inside a sandbox this program is another one.
    if let Some(code) = workers::sandbox::inner_main(std::env::args_os()) {
        return ExitCode::from(code);
    }
    let cli = Cli::parse();
    run(cli).unwrap_or_else(|error| {
        screen::say(format!("lime: {error:#}"));
        exit::Exit::of(&error).into()
    })
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(&cli.overrides(), cli.config.as_deref())?;
    logging::start(&settings);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(dispatch(cli.command, settings));
    // Nothing that still blocks may hold up the end.
    runtime.shutdown_background();
    done
}

async fn dispatch(command: Command, settings: Settings) -> anyhow::Result<ExitCode> {
    match command {
        Command::Up(options) => up::run(settings, options).await?,
        Command::Gateway(options) => alone::gateway(settings, options).await?,
        Command::Ledger(_) => alone::run(settings, alone::Kind::Ledger).await?,
        Command::Projector(_) => alone::run(settings, alone::Kind::Projector).await?,
        Command::Reactor(_) => alone::run(settings, alone::Kind::Reactor).await?,
        Command::Work(_) => alone::run(settings, alone::Kind::Work).await?,
        Command::OwnerLink(_) => owner::print_link(&settings).await?,
        Command::Token(Token::Create(wanted)) => owner::print_token(&settings, wanted).await?,
        Command::Servers(Servers::Fetch) => servers::fetch(&settings)?,
        Command::Replay(options) => replay::run(&settings, options).await?,
        Command::Audit(Audit::Export(options)) => audit::export(&settings, options).await?,
        Command::Audit(Audit::Verify(options)) => audit::verify_file(&options)?,
        Command::Keys(Keys::Rotate(_)) => master_key::rotate(&settings).await?,
        Command::Keys(Keys::List(_)) => master_key::list(&settings).await?,
        Command::Doctor(_) => return doctor::run(&settings).await,
        Command::Config(_) => config::show(&settings),
    }
    Ok(ExitCode::SUCCESS)
}
