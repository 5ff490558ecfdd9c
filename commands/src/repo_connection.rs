//! The repositories of a project.

use crate::{Accepted, Caller, CommandError, Commands};
use domain::repo_connection::RepoProvider;
use domain::{ProjectId, RepoConnectionId};

#[derive(Clone, Debug)]
pub struct ConnectRepository {
    pub project: ProjectId,
    pub provider: RepoProvider,
    /// The provider's own id of the repository.
    pub external_id: Option<String>,
    /// http(s) URL without credentials on one of the settings' clone hosts. Its path names the connection.
    pub clone_url: Option<String>,
}

#[derive(Clone, Copy, Debug)]
pub struct DisconnectRepository {
    pub repo_connection: RepoConnectionId,
}

pub async fn connect_repository(
    commands: &Commands,
    caller: &Caller,
    input: ConnectRepository,
) -> Result<Accepted, CommandError> {
    Err(commands.pending(caller, &input))
}

pub async fn disconnect_repository(
    commands: &Commands,
    caller: &Caller,
    input: DisconnectRepository,
) -> Result<Accepted, CommandError> {
    Err(commands.pending(caller, &input))
}
