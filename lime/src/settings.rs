//! Settings: flags over environment over `lime.toml` over defaults. `lime config` shows each with where it came from.
//!
//! How to add a setting: a row in [`SETTINGS`], a field in [`Settings`] with its line in [`Settings::from_table`], and
//! a line in `.env.example` (a test compares the two).

mod suggestion;
mod table;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use commands::provider_key::InstanceKeyOrgs;
use secrecy::SecretString;
use url::Url;

pub(crate) use table::Table;

/// One setting: the environment's name for it, `lime.toml`'s key, and what it means.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) variable: &'static str,
    pub(crate) key: &'static str,
    /// What holds when nobody says otherwise; a value, or words in parentheses.
    pub(crate) default: &'static str,
    pub(crate) is_secret: bool,
    pub(crate) meaning: &'static str,
}

const fn setting(variable: &'static str, key: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting { variable, key, default, is_secret: false, meaning }
}

const fn secret(variable: &'static str, key: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting { variable, key, default, is_secret: true, meaning }
}

/// Every setting there is.
pub(crate) const SETTINGS: &[Setting] = &[
    setting("LIME_HOME", "home", "./.lime", "directory of the private servers' data, files and keys"),
    setting("LIME_LISTEN", "listen", "(127.0.0.1:5463 or the next free port)", "address and port to listen on"),
    setting(
        "LIME_PUBLIC_URL",
        "public_url",
        "(the address that is listened on)",
        "how browsers reach this installation",
    ),
    secret("DATABASE_URL", "database_url", "(embedded)", "PostgreSQL 17 or newer to use instead of the private one"),
    secret("NATS_URL", "nats_url", "(embedded)", "NATS 2.12 or newer with JetStream to use instead of the private one"),
    setting("LIME_OBJECTS", "objects", "(objects in the home)", "where files are kept: file:DIRECTORY"),
    secret(
        "ENCRYPTION_MASTER_KEY",
        "encryption_master_key",
        "(the home's own)",
        "32 bytes in base64 that seal the secrets in the database; older ones may follow, with commas",
    ),
    setting(
        "ENCRYPTION_MASTER_KEY_FILE",
        "encryption_master_key_file",
        "(none)",
        "a file with it, readable by nobody else",
    ),
    setting("ENCRYPTION_MASTER_KEY_COMMAND", "encryption_master_key_command", "(none)", "a command that prints it"),
    setting("LIME_OWNER_NAME", "owner_name", "Owner", "name of the local owner, used at the first start"),
    setting("LIME_ORG_NAME", "org_name", "My organisation", "name of the first organisation, used at the first start"),
    setting("LIME_CLONE_HOSTS", "clone_hosts", "github.com", "hosts that repositories may be cloned from, with commas"),
    setting("GITHUB_CLIENT_ID", "github_client_id", "(none)", "OAuth app that lets people sign in with GitHub"),
    secret("GITHUB_CLIENT_SECRET", "github_client_secret", "(none)", "its secret"),
    setting("GITHUB_BASE_URL", "github_base_url", "https://github.com", "GitHub, or an Enterprise server"),
    setting(
        "GITHUB_API_URL",
        "github_api_url",
        "https://api.github.com",
        "its API; an Enterprise server's ends in /api/v3",
    ),
    secret("OPENAI_API_KEY", "openai_api_key", "(none)", "key for the Codex agent's model; it never enters a sandbox"),
    setting("OPENAI_BASE_URL", "openai_base_url", "https://api.openai.com/v1", "the model's address"),
    setting(
        "LIME_INSTANCE_KEY_ORGS",
        "instance_key_orgs",
        "local",
        "organisations that such a key serves when they have none of their own: local, none, * or ids with commas",
    ),
    setting(
        "LIME_MODEL_SCRIPTED",
        "model_scripted",
        "false",
        "true when a script answers in the model's place: every screen says so",
    ),
    setting(
        "LIME_RATE_LIMIT",
        "rate_limit",
        "120000",
        "what one caller may ask for in a minute, in units of about one row read; 0 for no limit",
    ),
    setting("LIME_RUN_LEASE_MS", "run_lease_ms", "30000", "how long a worker may be silent before its run moves on"),
    setting("LIME_CODEX_BIN", "codex_bin", "(the fetched copy)", "program of the Codex agent"),
    setting("LIME_AGENTS_DIR", "agents_dir", "(a cache directory)", "where scripts/install-agents puts agent programs"),
    setting(
        "LIME_SLOTS",
        "slots",
        "(as many as the memory carries)",
        "agent runs at a time on this machine; 0: none by `lime up`",
    ),
    setting("LIME_PG_BIN", "pg_bin", "(fetched copy, or the system's)", "directory of PostgreSQL's programs"),
    setting("LIME_NATS_BIN", "nats_bin", "(fetched copy, or the system's)", "the nats-server program"),
    setting("LIME_CACHE", "cache", "(the user's cache directory)", "where fetched programs are kept"),
    setting("LIME_LOG", "log", "auto", "how logs look: pretty, json, or auto (pretty on a terminal)"),
    setting("RUST_LOG", "log_filter", "info", "which logs are written, such as info,feed=debug"),
];

/// A setting that cannot be used; the process ends with code 2 and nothing has been started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error("unknown setting {name} in {place}{suggestion}")]
    Unknown { name: String, place: String, suggestion: String },
    #[error("{name} ({source_name}) is {value:?}: {wanted}")]
    Invalid { name: &'static str, source_name: String, value: String, wanted: String },
    #[error("{given} is set and {missing} is not: they go together")]
    Alone { given: &'static str, missing: &'static str },
    #[error("failed to read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} is not valid TOML")]
    Toml {
        path: PathBuf,
        #[source]
        source: Box<toml::de::Error>,
    },
    #[error("{key} in {path} must be a text, a number, true or false")]
    NotScalar { key: String, path: PathBuf },
}

/// The settings in their types.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) home: PathBuf,
    /// Whether somebody said which home: a home that we chose ourselves may be placed elsewhere for root.
    pub(crate) is_home_asked: bool,
    /// None: 127.0.0.1:5463 or the next free port.
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) public_url: Option<Url>,
    /// None: embedded.
    pub(crate) database_url: Option<SecretString>,
    /// None: embedded.
    pub(crate) nats_url: Option<SecretString>,
    /// None: `objects` in the home.
    pub(crate) objects: Option<PathBuf>,
    pub(crate) master_key: Option<SecretString>,
    pub(crate) master_key_file: Option<PathBuf>,
    pub(crate) master_key_command: Option<String>,
    pub(crate) owner_name: String,
    pub(crate) org_name: String,
    pub(crate) clone_hosts: Vec<String>,
    /// Client id and secret of the OAuth app. None: nobody signs in with GitHub.
    pub(crate) github_app: Option<(String, SecretString)>,
    pub(crate) github_base_url: Url,
    pub(crate) github_api_url: Url,
    pub(crate) openai_api_key: Option<SecretString>,
    pub(crate) instance_key_orgs: InstanceKeyOrgs,
    pub(crate) openai_base_url: Url,
    pub(crate) model_scripted: bool,
    /// 0: none.
    pub(crate) rate_limit: u32,
    pub(crate) run_lease: Duration,
    pub(crate) codex_bin: Option<PathBuf>,
    pub(crate) agents_dir: Option<PathBuf>,
    /// None: as many as the memory carries. 0: no worker, here at least.
    pub(crate) slots: Option<u16>,
    pub(crate) pg_bin: Option<PathBuf>,
    pub(crate) nats_bin: Option<PathBuf>,
    pub(crate) cache: Option<PathBuf>,
    pub(crate) log: LogFormat,
    pub(crate) log_filter: String,
    pub(crate) table: Table,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Pretty,
    Json,
    Auto,
}

impl Settings {
    /// Reads flags, environment and `lime.toml` (the given one, which must exist, or the one in this directory).
    pub(crate) fn load(flags: &[(&'static str, String)], file: Option<&Path>) -> Result<Self, SettingsError> {
        let file = match file {
            Some(path) => Some(path.to_path_buf()),
            None => Some(PathBuf::from("lime.toml")).filter(|path| path.exists()),
        };
        Self::from_table(Table::resolve(flags, std::env::vars(), file.as_deref())?)
    }

    fn from_table(table: Table) -> Result<Self, SettingsError> {
        let path = |key: &str| table.given(key).map(|found| PathBuf::from(&found.value));
        let password = |key: &str| table.given(key).map(|found| SecretString::from(found.value.clone()));
        Ok(Self {
            home: PathBuf::from(table.value("home")),
            is_home_asked: table.given("home").is_some(),
            listen: table.parsed("listen", "wanted is an address and a port, such as 127.0.0.1:5463", |text| {
                text.parse().ok()
            })?,
            public_url: table.parsed("public_url", "wanted is an http or https address without a path", public_url)?,
            database_url: password("database_url"),
            nats_url: password("nats_url"),
            objects: table.parsed("objects", "wanted is file:DIRECTORY", objects)?,
            master_key: password("encryption_master_key"),
            master_key_file: path("encryption_master_key_file"),
            master_key_command: table.given("encryption_master_key_command").map(|found| found.value.clone()),
            owner_name: table.value("owner_name").to_owned(),
            org_name: table.value("org_name").to_owned(),
            clone_hosts: hosts(table.value("clone_hosts")),
            github_app: github_app(table.given("github_client_id"), password("github_client_secret"))?,
            github_base_url: table.required("github_base_url", "wanted is an http or https address", http_url)?,
            github_api_url: table.required("github_api_url", "wanted is an http or https address", http_url)?,
            openai_api_key: password("openai_api_key"),
            instance_key_orgs: table.required(
                "instance_key_orgs",
                "wanted is local, none, * or ids of organisations with commas between",
                |text| text.parse().ok(),
            )?,
            openai_base_url: table.required("openai_base_url", "wanted is an http or https address", http_url)?,
            model_scripted: table.required("model_scripted", "wanted is true or false", |text| text.parse().ok())?,
            rate_limit: table.required("rate_limit", "wanted is a number, 0 for no limit", |text| text.parse().ok())?,
            run_lease: table.required("run_lease_ms", "wanted are 1000 to 600000 milliseconds", run_lease)?,
            codex_bin: path("codex_bin"),
            agents_dir: path("agents_dir"),
            slots: table.parsed("slots", "wanted is a number from 0 to 64", slots)?,
            pg_bin: path("pg_bin"),
            nats_bin: path("nats_bin"),
            cache: path("cache"),
            log: table.required("log", "wanted is pretty, json or auto", log_format)?,
            log_filter: table.value("log_filter").to_owned(),
            table,
        })
    }
}

fn github_app(
    id: Option<&table::Resolved>,
    secret: Option<SecretString>,
) -> Result<Option<(String, SecretString)>, SettingsError> {
    match (id, secret) {
        (Some(id), Some(secret)) => Ok(Some((id.value.clone(), secret))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(SettingsError::Alone { given: "GITHUB_CLIENT_ID", missing: "GITHUB_CLIENT_SECRET" }),
        (None, Some(_)) => Err(SettingsError::Alone { given: "GITHUB_CLIENT_SECRET", missing: "GITHUB_CLIENT_ID" }),
    }
}

fn http_url(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

fn public_url(text: &str) -> Option<Url> {
    http_url(text).filter(|url| url.path() == "/" && url.query().is_none() && url.fragment().is_none())
}

fn objects(text: &str) -> Option<PathBuf> {
    text.strip_prefix("file:")
        .map(|path| path.trim_start_matches("//"))
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
}

fn hosts(text: &str) -> Vec<String> {
    text.split(',').map(|host| host.trim().to_lowercase()).filter(|host| !host.is_empty()).collect()
}

fn slots(text: &str) -> Option<u16> {
    text.parse().ok().filter(|slots| (0..=64).contains(slots))
}

fn run_lease(text: &str) -> Option<Duration> {
    text.parse().ok().filter(|ms| (1_000..=600_000).contains(ms)).map(Duration::from_millis)
}

fn log_format(text: &str) -> Option<LogFormat> {
    match text {
        "pretty" => Some(LogFormat::Pretty),
        "json" => Some(LogFormat::Json),
        "auto" => Some(LogFormat::Auto),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
