//! Where the commands beside a running installation connect: the addresses that are set, else the home's.

use secrecy::ExposeSecret;
use sqlx::PgPool;

use crate::database;
use crate::home::{Home, Runtime};
use crate::settings::Settings;

/// The addresses of a running installation.
#[derive(Debug)]
pub(crate) struct Addresses {
    pub(crate) database_url: String,
    /// As the owner of the tables; the same where one role is both.
    pub(crate) owner_database_url: String,
    pub(crate) nats_url: String,
    /// How browsers reach it; none where no `lime up` of this home runs and no public address is set.
    pub(crate) url: Option<String>,
}

impl Addresses {
    /// # Errors
    /// When an address is neither set nor known from a running `lime up` of the home.
    pub(crate) fn find(settings: &Settings) -> anyhow::Result<Self> {
        let given =
            |secret: &Option<secrecy::SecretString>| secret.as_ref().map(|text| text.expose_secret().to_owned());
        let public = settings.public_url.as_ref().map(ToString::to_string);
        let (database, nats) = (given(&settings.database_url), given(&settings.nats_url));
        if let (Some(database_url), Some(nats_url)) = (&database, &nats) {
            return Ok(Self {
                database_url: database_url.clone(),
                owner_database_url: database_url.clone(),
                nats_url: nats_url.clone(),
                url: public,
            });
        }
        let runtime: Runtime = Home::find(&settings.home)?.runtime()?;
        Ok(Self {
            owner_database_url: database.clone().unwrap_or(runtime.owner_database_url),
            database_url: database.unwrap_or(runtime.database_url),
            nats_url: nats.unwrap_or(runtime.nats_url),
            url: public.or(Some(runtime.url)),
        })
    }

    /// A few connections, for a command that does one thing.
    pub(crate) fn pool(&self) -> anyhow::Result<PgPool> {
        database::pool(&self.database_url, 4)
    }
}
