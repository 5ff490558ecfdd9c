//! The command line. Flags that are settings too are handed on as such: [`Cli::overrides`].

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::exit;

/// A software factory: boards, agents and their whole history on one log.
#[derive(Debug, Parser)]
#[command(name = "lime", version, after_help = exit::HELP, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// Settings file; without it ./lime.toml if there is one.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start everything: private PostgreSQL and NATS (unless addresses are set) and every role, in one process.
    Up(Up),
    /// Serve the API and the web app. Like every role alone: on DATABASE_URL and NATS_URL, or beside a running `lime up`.
    Gateway(Gateway),
    /// Order, chain and publish what was committed; one of those that run leads.
    Ledger(Role),
    /// Keep the read models up to date.
    Projector(Role),
    /// React to events, and do what falls due.
    Reactor(Role),
    /// Run agents.
    Work(Role),
    /// Print a new one-time sign-in link for the local owner.
    OwnerLink(AtHome),
    /// API tokens.
    #[command(subcommand)]
    Token(Token),
    /// Check this machine and a running installation; each finding comes with its remedy.
    Doctor(AtHome),
    /// The programs of PostgreSQL and NATS.
    #[command(subcommand)]
    Servers(Servers),
    /// Rebuild read models from the log, beside the live ones, and swap them in.
    Replay(Replay),
    /// The audit log outside of the product.
    #[command(subcommand)]
    Audit(Audit),
    /// The master keys that secrets are sealed under.
    #[command(subcommand)]
    Keys(Keys),
    /// Show every setting, its value and where it came from.
    Config(AtHome),
}

#[derive(Debug, Args)]
pub(crate) struct AtHome {
    /// Directory of the installation [default: ./.lime]
    #[arg(long, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) at: AtHome,
    /// Address to listen on [default: 127.0.0.1:5463, or the next free port]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<String>,
    /// Gets {"url","ownerLink","home"} as JSON once every role is ready.
    #[arg(long, value_name = "FILE")]
    pub(crate) ready_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Gateway {
    #[command(flatten)]
    pub(crate) at: AtHome,
    /// Address to listen on [default: 127.0.0.1:5463, or the next free port]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<String>,
    /// Gets {"url"} as JSON once requests are answered.
    #[arg(long, value_name = "FILE")]
    pub(crate) ready_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Role {
    #[command(flatten)]
    pub(crate) at: AtHome,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token for the local owner and print it; it is not shown again.
    Create(TokenCreate),
}

#[derive(Debug, Args)]
pub(crate) struct TokenCreate {
    #[command(flatten)]
    pub(crate) at: AtHome,
    /// What the token is for, as the list of tokens shows it.
    #[arg(long)]
    pub(crate) name: String,
    /// The most the token may do: admin, pm, dev or qa [default: what the owner may do]
    #[arg(long)]
    pub(crate) role: Option<String>,
    /// Narrows the token further; may be given several times.
    #[arg(long)]
    pub(crate) scope: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Servers {
    /// Fetch the pinned PostgreSQL (14 MB) and NATS (7 MB) into the cache.
    Fetch,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Move every secret to the current master key, the first of those that are set. Can be broken off at any time.
    Rotate(AtHome),
    /// The names of the keys in use, and how many secrets each seals.
    List(AtHome),
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    #[command(flatten)]
    pub(crate) at: AtHome,
    /// Only this read model [default: all]
    #[arg(long, value_name = "NAME")]
    pub(crate) projection: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Write an organisation's audit log to a file that can be verified anywhere.
    Export(AuditExport),
    /// Verify an exported audit log, offline; names the first position that does not hold.
    Verify(AuditVerify),
}

#[derive(Debug, Args)]
pub(crate) struct AuditExport {
    #[command(flatten)]
    pub(crate) at: AtHome,
    /// The organisation's id.
    #[arg(long, value_name = "ID")]
    pub(crate) org: uuid::Uuid,
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct AuditVerify {
    pub(crate) file: PathBuf,
    /// What an export printed and was kept elsewhere: without it a file that was rewritten whole looks consistent.
    #[arg(long, value_name = "POSITION:HASH")]
    pub(crate) head: Option<String>,
}

impl Cli {
    /// The flags that are settings, as (key, value).
    pub(crate) fn overrides(&self) -> Vec<(&'static str, String)> {
        let (at, listen) = match &self.command {
            Command::Up(up) => (Some(&up.at), up.listen.as_ref()),
            Command::Gateway(gateway) => (Some(&gateway.at), gateway.listen.as_ref()),
            Command::Ledger(role) | Command::Projector(role) | Command::Reactor(role) | Command::Work(role) => {
                (Some(&role.at), None)
            }
            Command::OwnerLink(at) | Command::Doctor(at) | Command::Config(at) => (Some(at), None),
            Command::Token(Token::Create(create)) => (Some(&create.at), None),
            Command::Replay(replay) => (Some(&replay.at), None),
            Command::Keys(Keys::Rotate(at) | Keys::List(at)) => (Some(at), None),
            Command::Audit(Audit::Export(export)) => (Some(&export.at), None),
            Command::Servers(Servers::Fetch) | Command::Audit(Audit::Verify(_)) => (None, None),
        };
        let home = at.and_then(|at| at.home.as_ref()).map(|home| ("home", home.to_string_lossy().into_owned()));
        let listen = listen.map(|listen| ("listen", listen.clone()));
        home.into_iter().chain(listen).collect()
    }
}
