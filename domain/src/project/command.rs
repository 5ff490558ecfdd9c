//! What can be asked of a project.

use crate::ids::BoardId;
use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum ProjectCommand {
    Create(CreateProject),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CreateProject {
    pub key: String,
    pub name: String,
    /// Fetched by the command function: another project of the org has this key.
    pub key_taken: bool,
    pub default_board: BoardId,
}
