//! What happened to a board.

use crate::event::events;
use crate::ids::ProjectId;
use serde::{Deserialize, Serialize};

events! {
    BoardEvent of Board { BoardCreated = 1 }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BoardCreated {
    pub project: ProjectId,
    pub name: String,
    /// Left to right; never empty.
    pub columns: Vec<Column>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Column {
    /// Stable, such as `in_progress`.
    pub key: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wip_limit: Option<u32>,
}
