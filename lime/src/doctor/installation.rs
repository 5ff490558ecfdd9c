//! A running installation: its database, log, stream and read models.

use std::time::Duration;

use anyhow::Context;
use sqlx::{Connection, PgConnection, PgPool};
use tokio::time::timeout;

use super::Finding;
use crate::connected::Addresses;
use crate::database;
use crate::settings::Settings;
use crate::supervisor::check_durability;

/// A read model that is further behind is worth a look.
const LAG_EVENTS: u64 = 1_000;

pub(super) async fn look(settings: &Settings) -> Vec<Finding> {
    let addresses = match Addresses::find(settings) {
        Ok(addresses) => addresses,
        Err(error) => return vec![Finding::note(format!("{error:#}"), "start it, then ask again")],
    };
    let mut findings = Vec::new();
    match timeout(Duration::from_secs(5), PgConnection::connect(&addresses.database_url)).await {
        Ok(Ok(mut connection)) => {
            let durable = check_durability(&mut connection, true).await;
            let durable = durable.map(|()| "commits survive a power loss".to_owned());
            findings.push(Finding::of(durable, "switch it on in postgresql.conf"));
            findings.push(migrations(&mut connection).await);
            findings.extend(ledger(&mut connection).await);
        }
        Ok(Err(error)) => {
            let error = anyhow::Error::new(error);
            findings.push(Finding::bad(format!("PostgreSQL does not answer: {error:#}"), "look at logs/postgres.log"));
            return findings;
        }
        Err(_) => {
            findings.push(Finding::bad("PostgreSQL does not answer within 5 s", "look at logs/postgres.log"));
            return findings;
        }
    }
    match addresses.pool() {
        Ok(pool) => findings.extend(projections(&pool).await),
        Err(error) => findings.push(Finding::bad(format!("{error:#}"), "look at DATABASE_URL")),
    }
    findings.push(stream(&addresses).await);
    findings
}

async fn migrations(connection: &mut PgConnection) -> Finding {
    let applied: Result<Vec<i64>, _> =
        sqlx::query_scalar("select version from _sqlx_migrations where success").fetch_all(connection).await;
    let Ok(applied) = applied else {
        return Finding::bad("the database holds no tables of ours", "start `lime up`: it makes them");
    };
    let missing = schema::MIGRATOR.iter().filter(|migration| !applied.contains(&migration.version)).count();
    match missing {
        0 => Finding::good("the database is of this version"),
        missing => Finding::bad(format!("{missing} migrations are missing"), "start `lime up`: it applies them"),
    }
}

async fn ledger(connection: &mut PgConnection) -> Vec<Finding> {
    let mut findings = Vec::new();
    match commands::ledger::conditions(connection).await {
        Ok(conditions) => findings.extend(conditions.into_iter().map(|condition| {
            let what = format!("{}: {}", condition.name, condition.found);
            match (condition.holds, condition.required) {
                (true, _) => Finding::good(what),
                (false, true) => Finding::bad(what, condition.remedy),
                (false, false) => Finding::note(what, condition.remedy),
            }
        })),
        Err(error) => findings.push(Finding::bad(format!("the log's conditions cannot be read: {error}"), "see above")),
    }
    match commands::ledger::backlog(connection).await {
        Ok((position, waiting)) if waiting < LAG_EVENTS => {
            findings
                .push(Finding::good(format!("the log is at position {position}, {waiting} events wait for theirs")));
        }
        Ok((position, waiting)) => findings.push(Finding::bad(
            format!("the log is at position {position}, and {waiting} events or more wait for theirs"),
            "see that a ledger role runs: `lime ledger`, or `lime up`",
        )),
        Err(error) => findings.push(Finding::bad(format!("the log cannot be read: {error}"), "see above")),
    }
    match commands::ledger::rows_without_position(connection, 0, i64::MAX, 10).await {
        Ok(rows) if rows.is_empty() => findings.push(Finding::good("every committed event has its place")),
        Ok(rows) => findings.push(Finding::bad(
            format!("committed events without a place in the log: rows {rows:?}"),
            "this must not happen: keep a copy of the database and report it",
        )),
        Err(error) => findings.push(Finding::bad(format!("the log cannot be searched: {error}"), "see above")),
    }
    findings
}

async fn projections(pool: &PgPool) -> Vec<Finding> {
    let standings = match projections::standings(pool).await {
        Ok(standings) => standings,
        Err(error) => {
            let error = anyhow::Error::new(error);
            return vec![Finding::bad(format!("{error:#}"), "see that a projector role runs")];
        }
    };
    let mut findings = Vec::new();
    for standing in standings {
        let what = format!("{} is at position {}, {} behind", standing.name, standing.checkpoint, standing.lag);
        findings.push(if standing.lag < LAG_EVENTS {
            Finding::good(what)
        } else {
            Finding::bad(what, "see that a projector role runs; it catches up by itself")
        });
        for parked in standing.parked {
            findings.push(Finding::bad(
                format!(
                    "{} cannot apply position {} of {} {}: {}",
                    standing.name, parked.position, parked.aggregate_type, parked.aggregate_id, parked.error
                ),
                format!("after a version that mends it: lime replay --projection {}", standing.name),
            ));
        }
    }
    findings
}

async fn stream(addresses: &Addresses) -> Finding {
    const REMEDY: &str = "nothing is lost; look at logs/nats.log, the log is relayed again when NATS is back";
    let asking = async {
        let client = database::nats(&addresses.nats_url).await?;
        client.flush().await?;
        let name = feed::subjects::STREAM;
        let stream = async_nats::jetstream::new(client).get_stream(name).await.context("the stream is not there")?;
        let state = &stream.cached_info().state;
        anyhow::Ok(format!("the stream holds positions {} to {}", state.first_sequence, state.last_sequence))
    };
    match timeout(Duration::from_secs(5), asking).await {
        Ok(outcome) => Finding::of(outcome, REMEDY),
        Err(_) => Finding::bad("NATS does not answer within 5 s", REMEDY),
    }
}
