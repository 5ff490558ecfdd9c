//! What can be asked of a board.

use super::event::Column;
use crate::ids::ProjectId;
use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum BoardCommand {
    Create(CreateBoard),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CreateBoard {
    pub project: ProjectId,
    pub name: String,
    pub columns: Vec<Column>,
}
