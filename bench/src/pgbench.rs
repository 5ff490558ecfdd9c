//! The yardstick: `pgbench` inserting single rows into a table like `events`, indexes and checks included.
//!
//! One row, one statement, one commit, prepared, over the same socket and on the same server as ours; the row is a copy
//! of one of ours, so it is as large. What it leaves out is everything that makes it a command: rules, versions,
//! staleness, a command id that is answered once. A second table without any of our indexes shows what those cost.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::process::Command;
use url::Url;

use crate::load::Load;

const INSERT: &str = "insert into bench.events_like (event_id, org, aggregate_type, aggregate_id, sequence, \
    event_type, event_version, payload, metadata, actor, recorded_at, command_id, index_in_command, command_digest) \
    values (gen_random_uuid(), :org, 'Ticket', gen_random_uuid()::text, 1, 'TicketRetitled', '1', :payload, :metadata, \
    :actor, now(), gen_random_uuid(), 0, :digest);";
const BARE_INSERT: &str = "insert into bench.bare (payload) values (:payload);";

const TABLES: &str = "drop schema if exists bench cascade; create schema bench; \
    create table bench.events_like (like public.events including all); \
    create table bench.bare (id bigint generated always as identity primary key, payload json not null);";

/// Which table a turn goes to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Table {
    /// All columns, indexes and checks of `events`.
    EventsLike,
    /// A number and the payload.
    Bare,
}

#[derive(Debug)]
pub(crate) struct Pgbench {
    program: PathBuf,
    /// Of the tables' owner.
    url: String,
    scripts: TempDir,
    /// `name=value` for the scripts.
    variables: Vec<String>,
}

impl Pgbench {
    /// Makes the tables in a schema of their own; `events` must hold a retitled ticket to take after.
    pub(crate) async fn prepare(owner_url: &str) -> anyhow::Result<Self> {
        let program = testkit::binaries::postgres_bin()?.join("pgbench");
        if !program.is_file() {
            bail!("there is no pgbench beside PostgreSQL: {}", program.display());
        }
        let mut owner = PgConnection::connect(owner_url).await?;
        sqlx::raw_sql(TABLES).execute(&mut owner).await.context("failed to make pgbench's tables")?;
        let (org, payload, metadata, actor, digest): (String, String, String, String, String) = sqlx::query_as(
            "select org::text, payload::text, metadata::text, actor, command_digest::text from public.events \
             where event_type = 'TicketRetitled' and index_in_command = 0 order by id desc limit 1",
        )
        .fetch_one(&mut owner)
        .await
        .context("no row to take after")?;
        owner.close().await?;
        let variables =
            [("org", org), ("payload", payload), ("metadata", metadata), ("actor", actor), ("digest", digest)];
        let scripts = tempfile::Builder::new().prefix("lime-pgbench-").tempdir()?;
        std::fs::write(scripts.path().join("events_like.sql"), INSERT)?;
        std::fs::write(scripts.path().join("bare.sql"), BARE_INSERT)?;
        let variables = variables.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        Ok(Self { program, url: owner_url.to_owned(), scripts, variables })
    }

    /// One turn of so many clients; `turn` in whole seconds.
    pub(crate) async fn turn(&self, table: Table, clients: usize, turn: Duration) -> anyhow::Result<Load> {
        let url = Url::parse(&self.url)?;
        let socket = url.query_pairs().find(|(name, _)| name == "host").context("no socket in the address")?.1;
        let script = match table {
            Table::EventsLike => "events_like.sql",
            Table::Bare => "bare.sql",
        };
        let logs = tempfile::tempdir_in(self.scripts.path())?;
        let mut command = Command::new(&self.program);
        command
            .args(["--no-vacuum", "--protocol=prepared", "--log"])
            .arg("--file")
            .arg(self.scripts.path().join(script));
        command.arg("--log-prefix").arg(logs.path().join("log"));
        command.args(["--client", &clients.to_string(), "--jobs", &clients.min(2).to_string()]);
        command.args(["--time", &turn.as_secs().max(1).to_string()]);
        for variable in &self.variables {
            command.args(["--define", variable]);
        }
        command.args(["--host", &socket, "--username", url.username()]).arg(url.path().trim_start_matches('/'));
        let output = command.kill_on_drop(true).output().await.context("failed to run pgbench")?;
        let said = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            bail!("pgbench failed: {said}{}", String::from_utf8_lossy(&output.stderr));
        }
        let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        Ok(Load { per_second: rate.context("pgbench named no rate")?, latencies: latencies(logs.path())? })
    }

    pub(crate) async fn remove(self) -> anyhow::Result<()> {
        let mut owner = PgConnection::connect(&self.url).await?;
        sqlx::raw_sql("drop schema bench cascade").execute(&mut owner).await?;
        Ok(owner.close().await?)
    }
}

/// The third word of each line of pgbench's transaction logs: microseconds.
fn latencies(logs: &Path) -> anyhow::Result<crate::samples::Samples> {
    let mut latencies = Vec::new();
    for log in std::fs::read_dir(logs)? {
        for line in std::fs::read_to_string(log?.path())?.lines() {
            let micros = line.split(' ').nth(2).and_then(|word| word.parse().ok());
            latencies.push(Duration::from_micros(micros.context("pgbench's log holds no times")?));
        }
    }
    Ok(latencies.into_iter().collect())
}
