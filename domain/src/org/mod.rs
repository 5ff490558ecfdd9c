//! An organisation: the tenant wall, and its members.

mod command;
mod decide;
mod event;
mod state;

pub use command::*;
pub use decide::OrgRejection;
pub use event::*;
pub use state::{Org, OrgFacet};
