//! The contracts and nothing else: SQL migrations, event schemas with golden samples, the GraphQL SDL, the hash chain.
//!
//! Others depend on what is written here, so it changes by addition: migrations only add, then move, then remove.
//!
//! # How to add a migration
//! A new numbered file in `migrations/`; never edit one that has been released. Then `make sqlx`.

/// Brings a database up to this build's schema. Safe to call from several processes at once.
///
/// # Errors
/// When a migration fails or one that was already applied has changed.
pub async fn migrate(pool: &sqlx::PgPool) -> Result<(), sqlx::migrate::MigrateError> {
    sqlx::migrate!("./migrations").run(pool).await
}
