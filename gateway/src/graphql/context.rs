//! What a resolver has at hand: the caller, the gateway, and loaders that gather single reads into one.

use super::loaders::Loaders;
use crate::auth::Viewer;
use crate::auth::access::{Action, OrgAccess};
use crate::document;
use crate::errors::{ApiError, NamedActor, SIGN_IN, from_command};
use crate::http::graphql::GraphQlRequest;
use crate::http::request_ids::RequestIds;
use crate::live::{DocumentKey, LastCursor};
use crate::state::Gateway;
use async_graphql::Context;
use async_graphql::parser::types::{BaseType, ExecutableDocument};
use commands::{Accepted, Caller, CommandError};
use domain::{CommandId, OrgId, ProjectId};
use projections::{ReadError, Waited};
use ring::digest;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long a query waits for what its caller has just done.
pub(super) const READ_YOUR_WRITES: Duration = Duration::from_secs(2);

/// In the data of every request that got as far as an operation; there is none without a viewer.
#[derive(Debug)]
pub(crate) struct RequestContext {
    pub gateway: Arc<Gateway>,
    pub viewer: Arc<Viewer>,
    pub ids: RequestIds,
    pub loaders: Loaders,
    pub document: DocumentKey,
    pub last_cursor: LastCursor,
    /// What the request costs, in units of [`crate::cost`].
    cost: u32,
    /// The orgs whose allowance has paid for it.
    charged: Mutex<Vec<OrgId>>,
}

/// The request's context. A request without one was not signed in: whatever it asks is denied.
pub(super) fn request<'a>(ctx: &Context<'a>) -> Result<&'a RequestContext, ApiError> {
    ctx.data_opt::<RequestContext>().ok_or(ApiError::Denied(SIGN_IN))
}

impl RequestContext {
    pub(crate) fn new(
        gateway: &Arc<Gateway>,
        ids: &RequestIds,
        viewer: Viewer,
        request: &GraphQlRequest,
        document: &ExecutableDocument,
        cost: u32,
    ) -> Self {
        Self {
            gateway: Arc::clone(gateway),
            viewer: Arc::new(viewer),
            ids: ids.clone(),
            loaders: Loaders::new(gateway),
            document: document_key(request, document),
            last_cursor: LastCursor::default(),
            cost,
            charged: Mutex::default(),
        }
    }

    pub(crate) fn attach(self, request: async_graphql::Request) -> async_graphql::Request {
        request.data(self)
    }

    pub(super) async fn access(&self, org: OrgId, action: Action) -> Result<OrgAccess, ApiError> {
        let access = self.gateway.access(&self.viewer, org, action).await?;
        self.charge(access.org())?;
        Ok(access)
    }

    /// An org pays once for a request, however many of its fields the request reads.
    fn charge(&self, org: OrgId) -> Result<(), ApiError> {
        let mut charged = self.charged.lock().unwrap_or_else(PoisonError::into_inner);
        if charged.contains(&org) {
            return Ok(());
        }
        self.gateway.limits.org(org, self.cost)?;
        charged.push(org);
        Ok(())
    }

    /// Where an id names something whose org is looked up. None: no such thing anywhere.
    pub(super) async fn access_to(&self, org: Option<OrgId>, action: Action) -> Result<OrgAccess, ApiError> {
        self.access(org.ok_or(ApiError::NotFound)?, action).await
    }

    /// In a project of an org, where the viewer's role may be another one than in the org. A stranger to the org learns
    /// nothing of its projects.
    pub(super) async fn access_in(
        &self,
        org: Option<OrgId>,
        project: ProjectId,
        action: Action,
    ) -> Result<OrgAccess, ApiError> {
        let org = org.ok_or(ApiError::NotFound)?;
        let access = self.gateway.access_in(&self.viewer, org, Some(project), action).await?;
        self.charge(access.org())?;
        Ok(access)
    }

    pub(super) async fn orgs(&self) -> Result<Vec<OrgId>, ApiError> {
        Ok(self.gateway.reads.orgs_of(self.viewer.user).await?.into_iter().map(|(org, _)| org.id).collect())
    }

    /// Lets a read that follows in `projection` see what this caller's command did. Time being up is no error: the read
    /// shows what there is.
    pub(super) async fn after(
        &self,
        projection: &'static str,
        command: Option<Uuid>,
        position: Option<u64>,
    ) -> Result<(), ApiError> {
        if let Some(position) = position {
            self.gateway.reads.wait_for(projection, position, READ_YOUR_WRITES).await?;
        }
        if let Some(command) = command {
            let orgs = self.orgs().await?;
            self.wait_for_command(projection, &orgs, CommandId(command)).await?;
        }
        Ok(())
    }

    async fn wait_for_command(
        &self,
        projection: &'static str,
        orgs: &[OrgId],
        command: CommandId,
    ) -> Result<Waited, ApiError> {
        let actor = self.viewer.actor();
        Ok(self.gateway.reads.wait_for_command(projection, orgs, &actor, command, READ_YOUR_WRITES).await?)
    }

    /// Until `projection` shows what this mutation did.
    pub(super) async fn shown(
        &self,
        projection: &'static str,
        org: OrgId,
        accepted: &Accepted,
        command: CommandId,
    ) -> Result<Waited, ApiError> {
        match accepted.position {
            Some(position) => Ok(self.gateway.reads.wait_for(projection, position, READ_YOUR_WRITES).await?),
            None => self.wait_for_command(projection, &[org], command).await,
        }
    }

    pub(super) fn caller(&self, org: OrgId, command_id: Uuid, expected_version: Option<u64>) -> Caller {
        Caller {
            org,
            actor: self.viewer.actor(),
            command_id: CommandId(command_id),
            correlation_id: self.ids.correlation,
            causation_id: None,
            traceparent: Some(self.ids.trace.to_string()),
            expected_version,
        }
    }

    /// Sends a command: times it, puts its id on the log lines, and translates its answer.
    pub(super) async fn send(
        &self,
        name: &'static str,
        caller: &Caller,
        command: impl Future<Output = Result<Accepted, CommandError>>,
    ) -> Result<Accepted, ApiError> {
        use tracing::Instrument;
        let span = tracing::info_span!("command", name, command_id = %caller.command_id);
        let started = Instant::now();
        let answer = command.instrument(span).await;
        self.gateway.metrics.command(name, started.elapsed());
        match answer {
            Ok(accepted) => {
                tracing::debug!(name, command_id = %caller.command_id, version = accepted.version, "accepted");
                Ok(accepted)
            }
            Err(error) => {
                tracing::debug!(name, command_id = %caller.command_id, %error, "not accepted");
                let by = match &error {
                    CommandError::Stale { by, .. } => {
                        Some(NamedActor { id: by.to_string(), name: self.loaders.actor_name(caller.org, by).await? })
                    }
                    CommandError::Rejected { .. }
                    | CommandError::Denied
                    | CommandError::NotFound
                    | CommandError::Invalid { .. }
                    | CommandError::Unavailable { .. }
                    | CommandError::StorageLow
                    | CommandError::Failed { .. } => None,
                };
                Err(from_command(error, by))
            }
        }
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        if crate::errors::database_is_away(&error) {
            return Self::Unavailable {
                message: "The database does not answer. Try again.",
                source: Some(error.into()),
            };
        }
        match error {
            ReadError::NotBuilt(_) => Self::Unavailable {
                message: "What you ask for is being built. Try again in a moment.",
                source: Some(error.into()),
            },
            ReadError::Read { .. } | ReadError::Unknown { .. } => Self::internal(error),
        }
    }
}

impl From<feed::transcript::TranscriptError> for ApiError {
    fn from(error: feed::transcript::TranscriptError) -> Self {
        if crate::errors::database_is_away(&error) {
            Self::Unavailable { message: "The database does not answer. Try again.", source: Some(error.into()) }
        } else {
            Self::internal(error)
        }
    }
}

fn document_key(request: &GraphQlRequest, document: &ExecutableDocument) -> DocumentKey {
    let mut hash = digest::Context::new(&digest::SHA256);
    let mut add = |text: &str| {
        hash.update(&text.len().to_be_bytes());
        hash.update(text.as_bytes());
    };
    add(&request.query);
    let name = request.operation_name.as_deref();
    add(name.unwrap_or_default());
    // A cursor says where to begin, not what an item looks like.
    let cursors: Vec<&str> = document::operation(document, name).map_or_else(Vec::new, |operation| {
        let is_cursor = |base: &BaseType| matches!(base, BaseType::Named(name) if name == "Cursor");
        let definitions = operation.node.variable_definitions.iter();
        let cursors = definitions.filter(|definition| is_cursor(&definition.node.var_type.node.base));
        cursors.map(|definition| definition.node.name.node.as_str()).collect()
    });
    for (name, value) in request.variables.iter().flatten() {
        if !cursors.contains(&name.as_str()) {
            add(name);
            add(&value.to_string());
        }
    }
    let mut key = [0; 32];
    key.copy_from_slice(hash.finish().as_ref());
    DocumentKey(key)
}
