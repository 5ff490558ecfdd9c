//! A project: a key, a name, boards.

mod command;
mod decide;
mod event;
mod state;

pub use command::*;
pub use decide::{ProjectRejection, is_key};
pub use event::*;
pub use state::{CreatedProject, Project, ProjectFacet};
