//! Transactions for whoever may be dropped half-way: a page that is closed, a request whose time is up.

use sqlx::{PgPool, Postgres, Transaction};
use std::borrow::Cow;

/// Begins a transaction that ends when it is dropped, wherever its owner was dropped: while waiting for this too.
///
/// sqlx 0.8 rolls back only what it has counted. Dropped while the BEGIN is on its way, `Pool::begin` gives the
/// connection back inside an open transaction, and its next users fail. On a task of its own the BEGIN always ends, and
/// a transaction that nobody takes is rolled back as it is dropped.
pub async fn begin(
    pool: &PgPool,
    statement: impl Into<Cow<'static, str>>,
) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let (pool, statement) = (pool.clone(), statement.into());
    let begun = tokio::spawn(async move { pool.begin_with(statement).await });
    begun.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::begin;
    use std::time::Duration;
    use testkit::TestDatabase;

    #[tokio::test]
    async fn a_connection_returns_outside_of_every_transaction_whenever_its_user_left() {
        let database = TestDatabase::create().await.unwrap();
        for round in 0..200 {
            // Somewhere between before the BEGIN is sent and after it was answered.
            let patience = Duration::from_micros(round * 5);
            let left = tokio::time::timeout(patience, begin(&database.pool, "begin read only")).await;
            drop(left);
            let read_only: String = sqlx::query_scalar("select current_setting('transaction_read_only')")
                .fetch_one(&database.pool)
                .await
                .unwrap();
            assert_eq!(read_only, "off", "round {round}");
        }
    }
}
