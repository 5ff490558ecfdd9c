//! One leader a name: a row in `leases` with an epoch that only grows.
//!
//! The lease only keeps others from trying. What makes a stale leader harmless is the **fencing token**: every write
//! of a leader checks an epoch in the same statement. A leader that was stopped for 20 s may still believe in its
//! lease; its next write finds a newer epoch and does nothing.
//!
//! Source: Kleppmann 2016, "How to do distributed locking" (fencing tokens).

use sqlx::PgConnection;
use std::time::Duration;

/// What one instance asks for. `holder` is unique to the instance (a UUID, say), not to the machine.
#[derive(Clone, Debug)]
pub struct Lease {
    name: String,
    holder: String,
    ttl: Duration,
}

/// Proof that the lease was ours when it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The fencing token. Greater than that of every holder before.
    pub epoch: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    #[error("failed to acquire the lease {name}")]
    Acquire {
        name: String,
        #[source]
        source: sqlx::Error,
    },
    #[error("failed to renew the lease {name}")]
    Renew {
        name: String,
        #[source]
        source: sqlx::Error,
    },
    #[error("failed to release the lease {name}")]
    Release {
        name: String,
        #[source]
        source: sqlx::Error,
    },
    /// Stop at once, write nothing more.
    #[error("another holder has the lease {name}")]
    Lost { name: String },
}

impl Lease {
    /// `ttl` is wall time by PostgreSQL's clock; renew at a third of it.
    pub fn new(name: impl Into<String>, holder: impl Into<String>, ttl: Duration) -> Self {
        Self { name: name.into(), holder: holder.into(), ttl }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn holder(&self) -> &str {
        &self.holder
    }

    pub fn ttl(&self) -> Duration {
        self.ttl
    }

    /// Takes the lease when nobody holds it or its time is over; none while another holds it.
    pub async fn acquire(&self, conn: &mut PgConnection) -> Result<Option<Held>, LeaseError> {
        let epoch = sqlx::query_scalar::<_, i64>(
            "insert into leases (name, holder, epoch, expires_at)
             values ($1, $2, 1, clock_timestamp() + make_interval(secs => $3))
             on conflict (name) do update
                set holder = excluded.holder, epoch = leases.epoch + 1, expires_at = excluded.expires_at
                where leases.expires_at <= clock_timestamp()
             returning epoch",
        )
        .bind(&self.name)
        .bind(&self.holder)
        .bind(self.ttl.as_secs_f64())
        .fetch_optional(conn)
        .await
        .map_err(|source| LeaseError::Acquire { name: self.name.clone(), source })?;
        Ok(epoch.map(|epoch| Held { epoch }))
    }

    /// Extends the lease by its ttl from now. Also when its time is over, as long as nobody else took it.
    ///
    /// # Errors
    /// [`LeaseError::Lost`] when there is a newer holder.
    pub async fn renew(&self, conn: &mut PgConnection, held: Held) -> Result<(), LeaseError> {
        let renewed = sqlx::query(
            "update leases set expires_at = clock_timestamp() + make_interval(secs => $4)
             where name = $1 and holder = $2 and epoch = $3",
        )
        .bind(&self.name)
        .bind(&self.holder)
        .bind(held.epoch)
        .bind(self.ttl.as_secs_f64())
        .execute(conn)
        .await
        .map_err(|source| LeaseError::Renew { name: self.name.clone(), source })?;
        if renewed.rows_affected() == 0 { Err(LeaseError::Lost { name: self.name.clone() }) } else { Ok(()) }
    }

    /// Gives the lease up, so that the next one need not wait. Nothing happens when it was lost already.
    pub async fn release(&self, conn: &mut PgConnection, held: Held) -> Result<(), LeaseError> {
        // The row stays: its epoch must never start again.
        sqlx::query("update leases set expires_at = '-infinity' where name = $1 and holder = $2 and epoch = $3")
            .bind(&self.name)
            .bind(&self.holder)
            .bind(held.epoch)
            .execute(conn)
            .await
            .map_err(|source| LeaseError::Release { name: self.name.clone(), source })?;
        Ok(())
    }
}
