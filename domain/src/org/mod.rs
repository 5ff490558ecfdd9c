//! An organisation: the tenant wall, and its members.

mod command;
mod decide;
mod event;
mod state;
#[cfg(test)]
mod tests;

pub use command::*;
pub use decide::{OrgRejection, usable};
pub use event::*;
pub use state::{Invitation, InvitationState, Org, OrgFacet};
