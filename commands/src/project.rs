//! Projects, each with its default board.

use crate::{Accepted, Caller, CommandError, Commands};
use domain::{BoardId, ProjectId};

#[derive(Clone, Debug)]
pub struct CreateProject {
    /// 2 to 10 upper-case letters and digits, a letter first.
    pub key: String,
    pub name: String,
}

/// The board that [`create_project`] makes together with the project.
pub fn default_board_of(project: ProjectId) -> BoardId {
    BoardId(project.derive("default-board"))
}

/// Makes a project and its default board. Rejected with `KEY_TAKEN` when another project of the org has the key.
pub async fn create_project(
    commands: &Commands,
    caller: &Caller,
    input: CreateProject,
) -> Result<Accepted, CommandError> {
    Err(commands.pending(caller, &input))
}
