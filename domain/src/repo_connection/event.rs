//! What happened to the connection of a repository.

use crate::event::events;
use crate::ids::ProjectId;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RepoProvider {
    Github,
    Gitlab,
    Git,
}

events! {
    RepoConnectionEvent of RepoConnection { RepositoryConnected = 1, RepositoryDisconnected = 1 }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RepositoryConnected {
    pub project: ProjectId,
    pub provider: RepoProvider,
    /// The provider's own id, which survives renames; none for plain git.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Without credentials.
    pub clone_url: String,
    /// What people read, such as `northwind/gateway`.
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RepositoryDisconnected {}
