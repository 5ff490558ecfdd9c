//! Single reads of one request gathered into one query: people, ticket references, the names of actors.

use crate::auth::people::{People, Person};
use crate::errors::ApiError;
use crate::state::Gateway;
use async_graphql::dataloader::{DataLoader, Loader};
use domain::{Actor, OrgId, RunId, TicketId, UserId};
use feed::chain;
use projections::ticket::TicketRef;
use projections::{ReadError, Reads};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

const ERASED: &str = "Former member";
/// How long a loader waits for others to join its query.
const GATHER: Duration = Duration::from_micros(200);

pub(crate) struct Loaders {
    gateway: Arc<Gateway>,
    people: DataLoader<People>,
    ticket_refs: DataLoader<TicketRefs>,
}

impl fmt::Debug for Loaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Loaders(..)")
    }
}

impl Loaders {
    pub(super) fn new(gateway: &Arc<Gateway>) -> Self {
        Self {
            gateway: Arc::clone(gateway),
            people: DataLoader::new(People::new(gateway.pool.clone()), tokio::spawn).delay(GATHER),
            ticket_refs: DataLoader::new(TicketRefs { reads: gateway.reads.clone() }, tokio::spawn).delay(GATHER),
        }
    }

    pub(super) async fn person(&self, id: UserId) -> Result<Person, ApiError> {
        let found = self.people.load_one(id).await.map_err(|error| match ApiError::from_shared(&error) {
            Some(away) => away,
            None => ApiError::internal(error),
        })?;
        Ok(found.unwrap_or(Person { id, name: None, avatar_url: None }))
    }

    pub(super) async fn ticket_ref(&self, org: OrgId, ticket: TicketId) -> Result<Option<TicketRef>, ApiError> {
        self.ticket_refs.load_one((org, ticket)).await.map_err(|error| ApiError::internal(chain(&*error)))
    }

    /// What people call whoever did something.
    pub(super) async fn actor_name(&self, org: OrgId, actor: &Actor) -> Result<String, ApiError> {
        match actor {
            Actor::User(id) => Ok(self.person(*id).await?.name.unwrap_or_else(|| ERASED.to_owned())),
            Actor::Run(run) => Ok(self.provider_of(org, *run).await?.map_or_else(
                || "An agent".to_owned(),
                |provider| self.gateway.settings.provider_name(&provider).to_owned(),
            )),
            Actor::System(name) => Ok(words(name)),
        }
    }

    async fn provider_of(&self, org: OrgId, run: RunId) -> Result<Option<Arc<str>>, ApiError> {
        if let Some(known) = self.gateway.run_providers.get(&run).await {
            return Ok(Some(known));
        }
        let Some(found) = self.gateway.reads.run(org, run).await? else { return Ok(None) };
        let provider: Arc<str> = found.provider.into();
        self.gateway.run_providers.insert(run, Arc::clone(&provider)).await;
        Ok(Some(provider))
    }
}

impl ApiError {
    /// A loader's error belongs to all who waited for it.
    fn from_shared(error: &Arc<sqlx::Error>) -> Option<Self> {
        crate::errors::database_is_away(&**error)
            .then(|| Self::Unavailable { message: "The database does not answer. Try again.", source: None })
    }
}

pub(super) fn person_name(person: &Person) -> String {
    person.name.clone().unwrap_or_else(|| ERASED.to_owned())
}

/// `lease-expiry` as people read it: `Lease expiry`.
fn words(name: &str) -> String {
    let mut letters = name.chars().map(|letter| if matches!(letter, '-' | '_') { ' ' } else { letter });
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

struct TicketRefs {
    reads: Reads,
}

impl Loader<(OrgId, TicketId)> for TicketRefs {
    type Value = TicketRef;
    type Error = Arc<ReadError>;

    async fn load(&self, keys: &[(OrgId, TicketId)]) -> Result<HashMap<(OrgId, TicketId), TicketRef>, Self::Error> {
        let mut by_org: HashMap<OrgId, Vec<TicketId>> = HashMap::new();
        for (org, ticket) in keys {
            by_org.entry(*org).or_default().push(*ticket);
        }
        let mut found = HashMap::new();
        for (org, tickets) in by_org {
            let refs = self.reads.ticket_refs(org, &tickets).await.map_err(Arc::new)?;
            found.extend(refs.into_iter().map(|ticket| ((org, ticket.id), ticket)));
        }
        Ok(found)
    }
}
