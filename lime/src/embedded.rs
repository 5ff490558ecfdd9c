//! The private PostgreSQL and NATS of a home, wherever no address of another server is set.

use std::time::Duration;

use anyhow::Context;
use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection};
use tokio::time::Instant;

use crate::account;
use crate::connected::Addresses;
use crate::home::Home;
use crate::screen::say;
use crate::servers;
use crate::settings::Settings;
use crate::supervisor::{Nats, Postgres, Starter, Supervised, check_durability};

/// What runs below the roles: private servers, addresses of others, or one of each.
#[derive(Debug)]
pub(crate) struct Servers {
    database_url: String,
    owner_database_url: String,
    nats_url: String,
    postgres: Option<Supervised>,
    nats: Option<Supervised>,
}

impl Servers {
    /// Starts what is private, side by side, and returns when all answer and the database is migrated.
    pub(crate) async fn start(home: &Home, settings: &Settings) -> anyhow::Result<Self> {
        let starter = Starter::new()?;
        let mut servers = Self {
            database_url: String::new(),
            owner_database_url: String::new(),
            nats_url: String::new(),
            postgres: None,
            nats: None,
        };
        let started = tokio::try_join!(
            start_postgres(home, settings, &starter, &mut servers.postgres),
            start_nats(home, settings, &starter, &mut servers.nats),
        );
        match started {
            Ok(((application, owner), nats)) => {
                (servers.database_url, servers.owner_database_url, servers.nats_url) = (application, owner, nats);
                Ok(servers)
            }
            Err(error) => {
                servers.stop().await;
                Err(error)
            }
        }
    }

    pub(crate) fn addresses(&self) -> Addresses {
        Addresses {
            database_url: self.database_url.clone(),
            owner_database_url: self.owner_database_url.clone(),
            nats_url: self.nats_url.clone(),
            url: None,
        }
    }

    /// NATS first: what it is still given is in PostgreSQL.
    pub(crate) async fn stop(self) {
        if let Some(nats) = self.nats {
            nats.stop().await;
        }
        if let Some(postgres) = self.postgres {
            postgres.stop().await;
        }
    }
}

/// The addresses for the application and for the owner of the tables.
async fn start_postgres(
    home: &Home,
    settings: &Settings,
    starter: &Starter,
    started: &mut Option<Supervised>,
) -> anyhow::Result<(String, String)> {
    let begun = Instant::now();
    if let Some(url) = &settings.database_url {
        let url = url.expose_secret().to_owned();
        crate::database::migrate(&url).await?;
        let mut connection = PgConnection::connect(&url).await?;
        check_durability(&mut connection, false).await?;
        connection.close().await?;
        say(format!("  PostgreSQL   at DATABASE_URL{}", took(begun)));
        return Ok((url.clone(), url));
    }
    let found = servers::find_postgres(settings)?;
    let version = found.shown_version();
    let account = account::choose(&home.postgres_data())?;
    let postgres = Postgres::new(home, found, account)?;
    let supervised = started.insert(Supervised::start(postgres.clone(), starter.clone()));
    supervised.ready().await?;
    postgres.create_database().await?;
    crate::database::migrate(&postgres.owner_url()).await?;
    let mut connection = PgConnection::connect(&postgres.application_url()).await?;
    check_durability(&mut connection, true).await?;
    connection.close().await?;
    say(format!("  PostgreSQL   {version}, private{}", took(begun)));
    Ok((postgres.application_url(), postgres.owner_url()))
}

async fn start_nats(
    home: &Home,
    settings: &Settings,
    starter: &Starter,
    started: &mut Option<Supervised>,
) -> anyhow::Result<String> {
    let begun = Instant::now();
    if let Some(url) = &settings.nats_url {
        say("  NATS         at NATS_URL");
        return Ok(url.expose_secret().to_owned());
    }
    let found = servers::find_nats(settings)?;
    let version = found.shown_version();
    let nats = Nats::new(home, found, account::choose(&home.postgres_data())?)?;
    let url = nats.url();
    let supervised = started.insert(Supervised::start(nats, starter.clone()));
    supervised.ready().await?;
    let url = url.borrow().clone().context("NATS is ready without an address")?;
    say(format!("  NATS         {version}, private{}", took(begun)));
    Ok(url)
}

fn took(begun: Instant) -> String {
    format!("   {:.1} s", begun.elapsed().max(Duration::from_millis(50)).as_secs_f64())
}
