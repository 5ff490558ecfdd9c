//! The tie between a repository and a project.

mod command;
mod decide;
mod event;
mod state;

pub use command::*;
pub use decide::RepoConnectionRejection;
pub use event::*;
pub use state::{RepoConnection, RepoConnectionFacet, Repository};
