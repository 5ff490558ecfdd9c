//! One run, from the queue to its ending event.
//!
//! [`queue`] says whose a run is; [`worker`] takes runs into its slots and keeps their leases alive; [`execution`] walks
//! one run through its steps; [`lease_expiry`] looks after runs whose worker was lost.

pub(crate) mod lease_expiry;
pub(crate) mod queue;
