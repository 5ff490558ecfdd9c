//! An organisation: the tenant wall, its members, its provider keys and budgets.

mod budget;
mod command;
mod decide;
mod event;
mod state;
#[cfg(test)]
mod tests;

pub use budget::*;
pub use command::*;
pub use decide::{OrgRejection, usable};
pub use event::*;
pub use state::{Invitation, InvitationState, Org, OrgFacet, SavedKey};
