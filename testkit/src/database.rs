//! A migrated database for each test, copied from a template in some tens of milliseconds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use schema::roles;
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, PgConnection, PgPool};

use crate::servers::{Endpoint, shared_postgres};

/// How old a database is that its test can no longer be using.
const ABANDONED: Duration = Duration::from_hours(3);

/// A database of the test's own on the shared server; dropped (best effort) with this value.
#[derive(Debug)]
pub struct TestDatabase {
    /// Connections as the application's role, with no more rights than it has in production.
    pub pool: PgPool,
    endpoint: Endpoint,
    name: String,
}

impl TestDatabase {
    /// A new empty database with every migration applied.
    pub async fn create() -> anyhow::Result<Self> {
        let endpoint = shared_postgres().await?;
        let mut admin = PgConnection::connect(&endpoint.url("postgres", "postgres")).await?;
        let template = template(&mut admin, &endpoint).await?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let name = format!("t_{:010}_{:016x}", now.as_secs(), rand::random::<u64>());
        execute(&mut admin, &format!("create database {name} template {template} owner {}", roles::OWNER)).await?;
        roles::grant_on_database(&mut admin, &name).await?;
        drop_abandoned(&mut admin, now).await?;
        admin.close().await?;
        let pool = pool(&endpoint.url(roles::APPLICATION, &name)).await?;
        Ok(Self { pool, endpoint, name })
    }

    /// The address as the application's role.
    pub fn url(&self) -> String {
        self.endpoint.url(roles::APPLICATION, &self.name)
    }

    /// The address as superuser: for tests that tamper with what the application may not touch.
    pub fn superuser_url(&self) -> String {
        self.endpoint.url("postgres", &self.name)
    }

    /// A new pool as superuser: for tests that tamper with what the application may not touch.
    pub async fn owner_pool(&self) -> anyhow::Result<PgPool> {
        pool(&self.superuser_url()).await
    }

    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let url = self.endpoint.url("postgres", "postgres");
        let statement = format!("drop database if exists {} with (force)", self.name);
        // A thread and runtime of its own: the test's runtime may be ending, and cannot be blocked on from within.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut admin = PgConnection::connect(&url).await?;
                execute(&mut admin, &statement).await
            })
        });
        let _ = dropping.join();
    }
}

/// A pool as tests want it: small, and patient with a busy machine.
pub(crate) async fn pool(url: &str) -> anyhow::Result<PgPool> {
    let options = PgPoolOptions::new().max_connections(10).acquire_timeout(Duration::from_secs(30));
    options.connect(url).await.with_context(|| format!("failed to connect to {url}"))
}

/// Creates `name` with roles, grants and every migration.
pub(crate) async fn create_migrated(admin: &mut PgConnection, endpoint: &Endpoint, name: &str) -> anyhow::Result<()> {
    roles::create(admin).await?;
    execute(admin, &format!("create database {name} owner {}", roles::OWNER)).await?;
    roles::grant_on_database(admin, name).await?;
    let owner = PgPoolOptions::new().max_connections(1).connect(&endpoint.url(roles::OWNER, name)).await?;
    roles::grant_in_database(&mut *owner.acquire().await?).await?;
    schema::migrate(&owner).await?;
    owner.close().await;
    Ok(())
}

/// The name of the migrated template of this state of the migrations, created by whoever comes first.
async fn template(admin: &mut PgConnection, endpoint: &Endpoint) -> anyhow::Result<String> {
    let name = format!("template_{}", migrations_digest());
    let exists = "select exists (select from pg_database where datname = $1)";
    if sqlx::query_scalar(exists).bind(&name).fetch_one(&mut *admin).await? {
        return Ok(name);
    }
    sqlx::query("select pg_advisory_lock(5463)").execute(&mut *admin).await?;
    if !sqlx::query_scalar::<_, bool>(exists).bind(&name).fetch_one(&mut *admin).await? {
        // Renamed when whole: a half-migrated template is never seen under its name.
        let building = format!("building_{}", migrations_digest());
        execute(admin, &format!("drop database if exists {building} with (force)")).await?;
        create_migrated(admin, endpoint, &building).await?;
        execute(admin, &format!("alter database {building} rename to {name}")).await?;
    }
    sqlx::query("select pg_advisory_unlock(5463)").execute(&mut *admin).await?;
    Ok(name)
}

/// Names the state of the migrations: any change of any of them gives another template.
fn migrations_digest() -> String {
    let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
    for migration in schema::MIGRATOR.iter() {
        digest.update(&migration.version.to_be_bytes());
        digest.update(&migration.checksum);
    }
    for statement in roles::STATEMENTS {
        digest.update(statement.as_bytes());
    }
    hex::encode(digest.finish()).chars().take(16).collect()
}

/// Drops databases whose test was killed before it could.
async fn drop_abandoned(admin: &mut PgConnection, now: Duration) -> anyhow::Result<()> {
    let oldest = format!("t_{:010}", now.saturating_sub(ABANDONED).as_secs());
    let abandoned = "select datname from pg_database where datname like 't\\_%' and datname < $1 limit 20";
    for name in sqlx::query_scalar::<_, String>(abandoned).bind(oldest).fetch_all(&mut *admin).await? {
        execute(admin, &format!("drop database if exists {name} with (force)")).await?;
    }
    Ok(())
}

async fn execute(connection: &mut PgConnection, statement: &str) -> anyhow::Result<()> {
    sqlx::raw_sql(statement).execute(connection).await.with_context(|| format!("failed to {statement}"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn databases_are_apart_and_dropped() {
        let (first, second) = tokio::try_join!(TestDatabase::create(), TestDatabase::create()).unwrap();
        assert_ne!(first.name(), second.name());
        let name = first.name().to_owned();
        let user: String = sqlx::query_scalar("select current_user").fetch_one(&first.pool).await.unwrap();
        assert_eq!(user, roles::APPLICATION);
        drop(first);
        let admin = second.owner_pool().await.unwrap();
        let left: i64 = sqlx::query_scalar("select count(*) from pg_database where datname = $1")
            .bind(name)
            .fetch_one(&admin)
            .await
            .unwrap();
        assert_eq!(left, 0);
    }
}
