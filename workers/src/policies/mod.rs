//! Stateless reactions to events: what the log says, done once.
//!
//! # How to add a policy
//! A file here with a [`feed::runner::Projection`] of kind policy; list it in [`all`]. Writes go into the runner's own
//! transaction (with the schema named: the search path is a read model's business), commands carry ids that derive
//! from the event's id.

mod run_queue;

pub(crate) use run_queue::HINT as RUN_QUEUE_HINT;

use feed::runner::Projection;
use std::sync::Arc;

/// Every policy of this build.
pub(crate) fn all() -> Vec<Arc<dyn Projection>> {
    vec![Arc::new(run_queue::RunQueuePolicy)]
}
