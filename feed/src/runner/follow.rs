//! The loop: next events, one transaction, hints, again.

use super::Projection;
use crate::hints::Hints;
use async_nats::jetstream;
use sqlx::PgPool;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Runs one projection or policy. Any number of them may run the same one, in any number of processes: the checkpoint
/// is moved only from where the runner believes it to be, so that each event counts once.
#[derive(Debug)]
pub struct Runner {
    pool: PgPool,
    jetstream: Option<jetstream::Context>,
    hints: Hints,
    projection: Arc<dyn Projection>,
}

impl Runner {
    /// Without JetStream it lives on what it polls from PostgreSQL every second, and on hints.
    pub fn new(
        pool: PgPool,
        jetstream: Option<jetstream::Context>,
        hints: Hints,
        projection: Arc<dyn Projection>,
    ) -> Self {
        Self { pool, jetstream, hints, projection }
    }

    /// Until cancelled. Whatever goes wrong outside the events themselves is logged and tried again.
    pub async fn run(self, cancel: CancellationToken) {
        let _ = (self.pool, self.jetstream, self.hints, self.projection);
        cancel.cancelled().await;
        todo!()
    }
}
