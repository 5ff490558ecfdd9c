//! The audit log hears of every way in: sign-ins, sessions that were ended, tokens made and revoked.
//!
//! Sessions and tokens open all orgs of their person, so each of these has it in its own log. By ids only: names,
//! devices and addresses stay in their tables, where they can be erased.

use super::{AuthError, NewToken, tokens};
use crate::errors::{ApiError, from_command};
use crate::state::Gateway;
use commands::org::{Access, RecordAccess, record_access};
use commands::{Caller, CommandError, Commands};
use domain::org::SignInMethod;
use domain::{Actor, CommandId, CorrelationId, OrgId, SessionId, UserId};
use projections::{ReadError, Reads};
use sqlx::PgPool;
use uuid::Uuid;

/// Writes what `user` did into the log of each of their orgs, and of `joining`, which the directory may not show yet.
/// The same again changes nothing.
async fn record(
    commands: &Commands,
    reads: &Reads,
    user: UserId,
    joining: Option<OrgId>,
    correlation: CorrelationId,
    what: &Access,
) -> Result<(), RecordError> {
    let mut orgs: Vec<OrgId> = reads.orgs_of(user).await?.into_iter().map(|(org, _)| org.id).collect();
    if let Some(org) = joining.filter(|org| !orgs.contains(org)) {
        orgs.push(org);
    }
    let command_id = command_id(what);
    for org in orgs {
        let mut caller = Caller::new(org, Actor::User(user), command_id);
        caller.correlation_id = correlation;
        record_access(commands, &caller, RecordAccess { user, what: what.clone() }).await?;
    }
    Ok(())
}

/// Something that had to be in the audit log is not.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error("failed to read the person's organisations")]
    Orgs(#[from] ReadError),
    #[error("failed to write into the audit log")]
    Write(#[from] CommandError),
    #[error(transparent)]
    Auth(#[from] AuthError),
}

impl From<RecordError> for ApiError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Orgs(error) => error.into(),
            RecordError::Write(error) => from_command(error, None),
            RecordError::Auth(error) => error.into(),
        }
    }
}

/// As [`super::create_token`], with its line in the audit log of each of the person's orgs; without that there is no
/// token.
pub async fn create_recorded_token(
    pool: &PgPool,
    commands: &Commands,
    reads: &Reads,
    user: UserId,
    new: NewToken,
) -> Result<String, RecordError> {
    let scopes = new.scopes.iter().map(|scope| scope.as_str().to_owned()).collect();
    let (role, expires_at) = (new.role, new.expires_at);
    let (token, secret) = tokens::create_token(pool, user, new).await?;
    let made = Access::TokenCreated { token, role, scopes, expires_at };
    match record(commands, reads, user, None, CorrelationId(Uuid::now_v7()), &made).await {
        Ok(()) => Ok(secret),
        Err(error) => {
            tokens::forget(pool, token).await?;
            Err(error)
        }
    }
}

impl Gateway {
    pub(crate) async fn record(
        &self,
        user: UserId,
        joining: Option<OrgId>,
        correlation: CorrelationId,
        what: &Access,
    ) -> Result<(), ApiError> {
        Ok(record(&self.commands, &self.reads, user, joining, correlation, what).await?)
    }

    /// A sign-in that cannot be written down does not happen. But for want of disk space: whoever is to make room has
    /// to get in, and the server's own log tells of it.
    pub(crate) async fn record_sign_in(
        &self,
        user: UserId,
        joining: Option<OrgId>,
        correlation: CorrelationId,
        session: SessionId,
        method: SignInMethod,
    ) -> Result<(), ApiError> {
        match self.record(user, joining, correlation, &Access::SignIn { session, method }).await {
            Err(ApiError::StorageLow) => {
                tracing::warn!(%user, %session, ?method, "a sign-in is not in the audit log: storage is low");
                Ok(())
            }
            other => other,
        }
    }
}

/// One command an org for each thing that can be recorded, however often it is told.
fn command_id(what: &Access) -> CommandId {
    let derive = |id: Uuid, name: &str| CommandId(Uuid::new_v5(&id, name.as_bytes()));
    match what {
        Access::SignIn { session, .. } => derive(session.as_uuid(), "signed in"),
        Access::SessionRevoked { session } => derive(session.as_uuid(), "session revoked"),
        Access::TokenCreated { token, .. } => derive(token.as_uuid(), "token created"),
        Access::TokenRevoked { token } => derive(token.as_uuid(), "token revoked"),
    }
}
