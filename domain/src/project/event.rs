//! What happened to a project.

use crate::event::events;
use crate::ids::BoardId;
use serde::{Deserialize, Serialize};

events! {
    ProjectEvent of Project { ProjectCreated = 1 }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ProjectCreated {
    /// Upper-case letters and digits, such as `AL`; unique in its org.
    pub key: String,
    pub name: String,
    pub default_board: BoardId,
}
