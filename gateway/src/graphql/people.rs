//! People, and whoever else does something.

use super::context::request;
use super::enums::ActorKind;
use super::loaders::person_name;
use crate::auth::people::Person;
use crate::errors::ApiError;
use async_graphql::{Context, Object, SimpleObject};
use domain::{Actor as DomainActor, OrgId, UserId};
use uuid::Uuid;

#[derive(SimpleObject, Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) avatar_url: Option<String>,
}

impl From<Person> for User {
    fn from(person: Person) -> Self {
        Self { id: person.id.as_uuid(), name: person_name(&person), avatar_url: person.avatar_url }
    }
}

pub(super) async fn user(ctx: &Context<'_>, id: Option<UserId>) -> Result<Option<User>, ApiError> {
    match id {
        Some(id) => Ok(Some(request(ctx)?.loaders.person(id).await?.into())),
        None => Ok(None),
    }
}

/// Who did it: a person (user is set), a run of an agent (runId is set), or a named part of the system.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    pub(crate) org: OrgId,
    pub(crate) actor: DomainActor,
}

/// Who did it: a person (user is set), a run of an agent (runId is set), or a named part of the system.
#[Object]
impl Actor {
    async fn kind(&self) -> ActorKind {
        match self.actor {
            DomainActor::User(_) => ActorKind::User,
            DomainActor::Run(_) => ActorKind::Run,
            DomainActor::System(_) => ActorKind::System,
        }
    }

    /// As the audit log's filter takes it: `user:<uuid>`, `run:<uuid>` or `system:<name>`.
    async fn id(&self) -> String {
        self.actor.to_string()
    }

    async fn name(&self, ctx: &Context<'_>) -> Result<String, ApiError> {
        request(ctx)?.loaders.actor_name(self.org, &self.actor).await
    }

    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>, ApiError> {
        user(ctx, self.actor.user_id()).await
    }

    async fn run_id(&self) -> Option<Uuid> {
        match self.actor {
            DomainActor::Run(run) => Some(run.as_uuid()),
            DomainActor::User(_) | DomainActor::System(_) => None,
        }
    }
}
