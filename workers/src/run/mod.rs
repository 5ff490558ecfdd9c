//! One run, from the queue to its ending event.
//!
//! [`queue`] says whose a run is; [`worker`] takes runs into its slots and keeps their leases alive; [`execution`] walks
//! one run through its steps ([`workshop`] holds its places, [`agent_session`] the agent at work,
//! [`model_key`] and [`purse`] what its model calls are made with); [`lease_expiry`]
//! looks after runs whose worker was lost, [`surroundings`] at what the machine has for them.

mod agent_session;
pub(crate) mod equipment;
mod execution;
mod facts;
pub(crate) mod lease_expiry;
mod meter;
pub(crate) mod model_key;
mod purse;
pub(crate) mod queue;
pub(crate) mod surroundings;
mod tool_host;
mod transcript_writer;
pub(crate) mod worker;
mod workshop;
