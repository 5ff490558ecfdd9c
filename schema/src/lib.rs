//! The contracts and nothing else: SQL migrations, event schemas with golden samples, the GraphQL SDL, the hash chain.
//!
//! Others depend on what is written here, so it changes by addition: migrations only add, then move, then remove.
//!
//! # How to add a migration
//! A new numbered file in `migrations/`; never edit one that has been released. Then `make sqlx`.

pub mod roles;
pub mod transcript;

/// The migrations in `migrations/`, embedded.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// Brings a database up to this build's schema, as the owner of its tables. Safe to call from several processes at
/// once.
///
/// # Errors
/// When a migration fails or one that was already applied has changed.
pub async fn migrate(pool: &sqlx::PgPool) -> Result<(), sqlx::migrate::MigrateError> {
    MIGRATOR.run(pool).await
}
