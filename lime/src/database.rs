//! Connections to PostgreSQL and NATS, as every role uses them.

use std::time::Duration;

use anyhow::Context;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgPool};
use url::Url;

/// A command that cannot be served within two seconds is answered UNAVAILABLE.
const ACQUIRE_WITHIN: Duration = Duration::from_millis(1_500);
/// A connection that rested longer is asked whether it still lives; asking before each use would cost a round trip.
const RESTED: Duration = Duration::from_millis(500);

/// A pool that heals by itself after PostgreSQL was away. Connects when first used.
pub(crate) fn pool(url: &str, max_connections: u32) -> anyhow::Result<PgPool> {
    let options: PgConnectOptions = url.parse().context("DATABASE_URL is not an address of a PostgreSQL database")?;
    let pool = PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE_WITHIN)
        .test_before_acquire(false)
        .before_acquire(|connection, found| {
            Box::pin(async move {
                if found.idle_for > RESTED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options.application_name("lime"));
    Ok(pool)
}

/// Applies missing migrations as the owner. Where the role may not, all of them must be there.
pub(crate) async fn migrate(owner_url: &str) -> anyhow::Result<()> {
    let owner = PgPoolOptions::new().max_connections(1).acquire_timeout(Duration::from_secs(10)).connect(owner_url);
    let owner = owner.await.context("failed to connect to PostgreSQL")?;
    if !is_migrated(&owner).await {
        schema::migrate(&owner).await.context("failed to bring the database up to this version; nothing was lost")?;
    }
    owner.close().await;
    Ok(())
}

async fn is_migrated(pool: &PgPool) -> bool {
    let applied: Result<Vec<i64>, _> =
        sqlx::query_scalar("select version from _sqlx_migrations where success order by version").fetch_all(pool).await;
    // No such table: nothing was applied.
    applied.is_ok_and(|applied| schema::MIGRATOR.iter().all(|migration| applied.contains(&migration.version)))
}

/// A NATS connection that is taken up again for ever; what is sent meanwhile is lost, and every loss is healed.
pub(crate) async fn nats(url: &str) -> anyhow::Result<async_nats::Client> {
    let options = async_nats::ConnectOptions::new()
        .name("lime")
        // Hints of this process are for others; its own would only come back to be thrown away.
        .no_echo()
        .retry_on_initial_connect()
        .connection_timeout(Duration::from_secs(5))
        .reconnect_delay_callback(|attempt| Duration::from_millis((50 * attempt as u64).min(1_000)))
        .event_callback(|event| async move { tracing::debug!(%event, "NATS connection") });
    // The client takes the credentials of its options and passes over those of the address.
    let server: Url = url.parse().context("NATS_URL is not an address of a NATS server")?;
    let options = match (server.username(), server.password()) {
        ("", _) => options,
        (token, None) => options.token(decoded(token)),
        (user, Some(password)) => options.user_and_password(decoded(user), decoded(password)),
    };
    let client = options.connect(url).await;
    // The address holds a password: never printed.
    client.context("NATS_URL is not an address of a NATS server")
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}
