//! The rules of a repository's connection.

use super::{
    ConnectRepository, RepoConnection, RepoConnectionCommand, RepoConnectionEvent, RepositoryConnected,
    RepositoryDisconnected,
};
use crate::decider::Rejection;
use crate::limits::NAME_MAX_CHARS;
use crate::text::{self, LineProblem};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RepoConnectionRejection {
    #[error("this connection exists already")]
    Exists,
    #[error("there is no such connection")]
    Unknown,
    #[error("the repository's name {0}")]
    Name(LineProblem),
}

impl Rejection for RepoConnectionRejection {
    fn reason(&self) -> &'static str {
        match self {
            Self::Exists => "EXISTS",
            Self::Unknown => "UNKNOWN_REPOSITORY",
            Self::Name(problem) => text::name_reason(*problem),
        }
    }
}

pub(super) fn decide(
    connection: &RepoConnection,
    command: &RepoConnectionCommand,
) -> Result<Vec<RepoConnectionEvent>, RepoConnectionRejection> {
    match command {
        RepoConnectionCommand::Connect(command) => connect(connection, command),
        RepoConnectionCommand::Disconnect => disconnect(connection),
    }
}

fn connect(
    connection: &RepoConnection,
    command: &ConnectRepository,
) -> Result<Vec<RepoConnectionEvent>, RepoConnectionRejection> {
    if connection.repository.is_some() {
        return Err(RepoConnectionRejection::Exists);
    }
    let name = text::line(&command.name, NAME_MAX_CHARS).map_err(RepoConnectionRejection::Name)?;
    Ok(vec![
        RepositoryConnected {
            project: command.project,
            provider: command.provider,
            external_id: command.external_id.clone(),
            clone_url: command.clone_url.clone(),
            name,
        }
        .into(),
    ])
}

fn disconnect(connection: &RepoConnection) -> Result<Vec<RepoConnectionEvent>, RepoConnectionRejection> {
    if connection.repository.is_none() {
        return Err(RepoConnectionRejection::Unknown);
    }
    Ok(if connection.connected { vec![RepositoryDisconnected {}.into()] } else { Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProjectId;
    use crate::given::{given, uuid};
    use crate::repo_connection::RepoProvider;

    fn connect() -> RepoConnectionCommand {
        RepoConnectionCommand::Connect(ConnectRepository {
            project: ProjectId(uuid(4)),
            provider: RepoProvider::Git,
            external_id: None,
            clone_url: "https://git.example/northwind/gateway.git".to_owned(),
            name: "northwind/gateway".to_owned(),
        })
    }

    #[test]
    fn it_is_connected_and_disconnected_once() {
        let connected = given::<RepoConnection>([]).when(connect());
        let events = connected.then([RepositoryConnected {
            project: ProjectId(uuid(4)),
            provider: RepoProvider::Git,
            external_id: None,
            clone_url: "https://git.example/northwind/gateway.git".to_owned(),
            name: "northwind/gateway".to_owned(),
        }
        .into()]);
        let gone = events.when(RepoConnectionCommand::Disconnect).then_once();
        assert!(!gone.state.connected);
        gone.when(connect()).then_rejected(RepoConnectionRejection::Exists);
    }

    #[test]
    fn what_never_was_cannot_be_disconnected() {
        let nothing = given::<RepoConnection>([]).when(RepoConnectionCommand::Disconnect);
        nothing.then_rejected(RepoConnectionRejection::Unknown);
    }
}
