//! The repositories of a project.

use crate::input::{Input, derived_id};
use crate::{Accepted, Caller, CommandError, Commands};
use domain::project::Project;
use domain::repo_connection::{ConnectRepository as Connect, RepoConnection, RepoConnectionCommand, RepoProvider};
use domain::{ProjectId, RepoConnectionId};
use garde::Validate;
use serde::Serialize;
use url::{Host, Url};

const URL_MAX_BYTES: usize = 500;
const EXTERNAL_ID_MAX_BYTES: usize = 200;

#[derive(Clone, Debug, Serialize, Validate)]
pub struct ConnectRepository {
    #[garde(skip)]
    pub project: ProjectId,
    #[garde(skip)]
    pub provider: RepoProvider,
    /// The provider's own id of the repository.
    #[garde(length(bytes, max = EXTERNAL_ID_MAX_BYTES), inner(ascii))]
    pub external_id: Option<String>,
    /// http(s) URL without credentials on one of the settings' clone hosts. Its path names the connection.
    #[garde(length(bytes, max = URL_MAX_BYTES))]
    pub clone_url: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize, Validate)]
pub struct DisconnectRepository {
    #[garde(skip)]
    pub repo_connection: RepoConnectionId,
}

impl Input for ConnectRepository {
    const NAME: &'static str = "connect_repository";
}

impl Input for DisconnectRepository {
    const NAME: &'static str = "disconnect_repository";
}

/// Whether the repository can really be cloned shows at its first run; here its address is judged.
pub async fn connect_repository(
    commands: &Commands,
    caller: &Caller,
    input: ConnectRepository,
) -> Result<Accepted, CommandError> {
    commands
        .perform(caller, &input, async {
            commands.find::<Project>(caller.org, input.project).await?;
            let url = clone_url(input.clone_url.as_deref(), &commands.settings().clone_hosts)?;
            let command = RepoConnectionCommand::Connect(Connect {
                project: input.project,
                provider: input.provider,
                external_id: input.external_id.clone(),
                name: name_of(&url),
                clone_url: url.into(),
            });
            let id = derived_id(caller, "repository");
            commands.execute::<RepoConnection>(caller, id, input.digest(caller), &command).await
        })
        .await
}

pub async fn disconnect_repository(
    commands: &Commands,
    caller: &Caller,
    input: DisconnectRepository,
) -> Result<Accepted, CommandError> {
    commands
        .perform(caller, &input, async {
            let id = input.repo_connection;
            commands.find::<RepoConnection>(caller.org, id).await?;
            let command = RepoConnectionCommand::Disconnect;
            commands.execute::<RepoConnection>(caller, id.0, input.digest(caller), &command).await
        })
        .await
}

/// Only hosts that the operator named: a repository is fetched from inside the network that `lime` runs in.
fn clone_url(text: Option<&str>, hosts: &[String]) -> Result<Url, CommandError> {
    let invalid = |message: &str| CommandError::invalid("cloneUrl", message);
    let url = Url::parse(text.ok_or_else(|| invalid("is needed"))?).map_err(|_| invalid("is not a URL"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("must not hold a name or password"));
    }
    if url.query().is_some() || url.fragment().is_some() || url.path().trim_matches('/').is_empty() {
        return Err(invalid("must be a plain address of a repository"));
    }
    let host = match url.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(host @ (Host::Ipv4(_) | Host::Ipv6(_))) => host.to_string(),
        None => return Err(invalid("names no host")),
    };
    let allowed = match (url.scheme(), url.port()) {
        ("https", None) => hosts.contains(&host),
        ("http" | "https", Some(port)) => hosts.contains(&format!("{host}:{port}")),
        ("http", None) => hosts.contains(&format!("{host}:80")),
        _ => return Err(invalid("must begin with https://")),
    };
    if allowed { Ok(url) } else { Err(invalid("is not on a host that this installation clones from")) }
}

/// What people call it: the last two parts of its path.
fn name_of(url: &Url) -> String {
    let path = url.path().trim_matches('/');
    let parts: Vec<&str> = path.strip_suffix(".git").unwrap_or(path).split('/').collect();
    parts.get(parts.len().saturating_sub(2)..).unwrap_or_default().join("/")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn only_named_hosts_are_cloned_from() {
        let hosts = ["git.example".to_owned(), "127.0.0.1:8081".to_owned()];
        for good in [
            "https://git.example/northwind/gateway.git",
            "https://GIT.example/northwind/gateway",
            "http://127.0.0.1:8081/a.git",
        ] {
            assert!(clone_url(Some(good), &hosts).is_ok(), "{good}");
        }
        for bad in [
            "",
            "git.example/northwind/gateway",
            "http://git.example/northwind/gateway.git",
            "https://git.example.evil.example/northwind/gateway",
            "https://git.example@evil.example/a",
            "https://name:word@git.example/a",
            "https://git.example:8443/a",
            "http://127.0.0.1:8082/a",
            "http://[::1]:8081/a",
            "http://2130706433:8082/a",
            "ssh://git.example/a",
            "file:///etc/passwd",
            "ext::sh -c id",
            "https://git.example/",
            "https://git.example/a?token=1",
            "https://git.example/a#b",
        ] {
            assert!(matches!(clone_url(Some(bad), &hosts), Err(CommandError::Invalid { .. })), "{bad}");
        }
        assert!(clone_url(None, &hosts).is_err());
    }

    #[test]
    fn a_repository_is_called_by_the_end_of_its_path() {
        let name = |text: &str| name_of(&Url::parse(text).unwrap());
        assert_eq!(name("https://git.example/northwind/gateway.git"), "northwind/gateway");
        assert_eq!(name("https://git.example/a/b/c/"), "b/c");
        assert_eq!(name("https://git.example/one.git"), "one");
    }
}
