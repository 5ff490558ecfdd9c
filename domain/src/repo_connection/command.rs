//! What can be asked of the connection of a repository.

use super::event::RepoProvider;
use crate::ids::ProjectId;
use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum RepoConnectionCommand {
    Connect(ConnectRepository),
    Disconnect,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConnectRepository {
    pub project: ProjectId,
    pub provider: RepoProvider,
    pub external_id: Option<String>,
    pub clone_url: String,
    pub name: String,
}
