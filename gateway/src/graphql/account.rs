//! A person's own ways in: sessions and API tokens.

use super::context::request;
use super::enums::Role;
use crate::auth::access::Action;
use crate::auth::{Grant, NewToken, Scope, sessions, tokens};
use crate::errors::{ApiError, Code};
use async_graphql::{Context, Enum, InputObject, Object, SimpleObject};
use chrono::{DateTime, Duration, SubsecRound, Utc};
use commands::org::Access;
use domain::limits::NAME_MAX_CHARS;
use domain::{SessionId, TokenId, UserId, text};
use std::collections::HashSet;
use uuid::Uuid;

const TOKENS_MAX: usize = 100;
const DEFAULT_DAYS: i64 = 90;
const LONGEST_DAYS: i64 = 366;

/// What a token may be used for at most. Without any it may do all that its role may.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[graphql(remote = "Scope")]
pub(crate) enum TokenScope {
    /// Queries and subscriptions.
    Read,
    /// Everything on tickets, besides reading.
    Tickets,
    /// Starting, steering and stopping runs, besides reading.
    Runs,
    /// Everything.
    Write,
}

#[derive(SimpleObject, Debug)]
pub(crate) struct Session {
    id: Uuid,
    /// The one that this request came with.
    current: bool,
    /// What the browser calls itself.
    user_agent: Option<String>,
    created_at: DateTime<Utc>,
    /// To five minutes.
    last_seen_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

#[derive(SimpleObject, Debug)]
pub(crate) struct ApiToken {
    id: Uuid,
    name: String,
    /// The most that it may do; null: what its person may.
    role: Option<Role>,
    /// At most 4.
    scopes: Vec<TokenScope>,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    expired: bool,
    /// To a minute.
    last_used_at: Option<DateTime<Utc>>,
}

impl From<tokens::ListedToken> for ApiToken {
    fn from(token: tokens::ListedToken) -> Self {
        Self {
            id: token.id.as_uuid(),
            name: token.name,
            role: token.role.map(Into::into),
            scopes: token.scopes.into_iter().map(Into::into).collect(),
            created_at: token.created_at,
            expires_at: token.expires_at,
            expired: token.expires_at.is_some_and(|at| at <= Utc::now()),
            last_used_at: token.last_used_at,
        }
    }
}

pub(super) async fn sessions_of(ctx: &Context<'_>, user: UserId) -> Result<Vec<Session>, ApiError> {
    let request = request(ctx)?;
    let current = match &request.viewer.grant {
        Grant::Session { public_id, .. } => Some(*public_id),
        Grant::Token { .. } => None,
    };
    let listed = sessions::list(&request.gateway.pool, user).await?;
    let shown = listed.into_iter().map(|session| Session {
        id: session.id.as_uuid(),
        current: current == Some(session.id.as_uuid()),
        user_agent: session.user_agent,
        created_at: session.created_at,
        last_seen_at: session.last_seen_at,
        expires_at: session.expires_at,
    });
    Ok(shown.collect())
}

pub(super) async fn tokens_of(ctx: &Context<'_>, user: UserId) -> Result<Vec<ApiToken>, ApiError> {
    let listed = tokens::list(&request(ctx)?.gateway.pool, user).await?;
    Ok(listed.into_iter().map(ApiToken::from).collect())
}

#[derive(InputObject, Debug)]
pub(crate) struct CreateTokenInput {
    command_id: Uuid,
    name: String,
    /// The most that it may do; the person's own role bounds it too.
    role: Option<Role>,
    /// None: no further bound.
    scopes: Option<Vec<TokenScope>>,
    /// At most 366 days from now; 90 days when it is not said.
    expires_at: Option<DateTime<Utc>>,
}

#[derive(SimpleObject, Debug)]
pub(crate) struct CreateTokenPayload {
    token: ApiToken,
    /// What a program sends as its bearer. In this answer and nowhere else; sent again under the same commandId, a token
    /// that was not used yet gets another secret and the first is useless.
    secret: String,
}

#[derive(InputObject, Debug)]
pub(crate) struct TokenRefInput {
    command_id: Uuid,
    token_id: Uuid,
}

#[derive(SimpleObject, Debug)]
pub(crate) struct RevokeTokenPayload {
    token_id: Uuid,
}

#[derive(InputObject, Debug)]
pub(crate) struct SessionRefInput {
    command_id: Uuid,
    session_id: Uuid,
}

#[derive(SimpleObject, Debug)]
pub(crate) struct RevokeSessionPayload {
    session_id: Uuid,
}

#[derive(Debug, Default)]
pub(crate) struct AccountMutation;

#[Object]
impl AccountMutation {
    /// A token of one's own. One that is made with a token may do no more and live no longer than that.
    async fn create_token(&self, ctx: &Context<'_>, input: CreateTokenInput) -> Result<CreateTokenPayload, ApiError> {
        let request = request(ctx)?;
        let viewer = &request.viewer;
        viewer.may(Action::ManageOwnAccess)?;
        let pool = &request.gateway.pool;
        let id = TokenId(domain::CommandId(input.command_id).derive(&format!("{}/token", viewer.actor())));
        let new = within_grant(&viewer.grant, wanted(input)?)?;
        let listed = tokens::list(pool, viewer.user).await?;
        let before = listed.iter().find(|token| token.id == id);
        if before.is_none() && listed.len() >= TOKENS_MAX {
            let message = format!("You have {TOKENS_MAX} tokens. Revoke some first.");
            return Err(ApiError::Rejected { reason: "TOO_MANY_TOKENS", message });
        }
        // A time that was not said is reckoned once.
        let expires_at = before.map_or(new.expires_at, |token| token.expires_at);
        let secret = tokens::create_as(pool, id, viewer.user, &new).await?;
        let secret = secret.ok_or_else(|| {
            ApiError::invalid("commandId", "This id was used before, for a token that stands or stood.")
        })?;
        let scopes = new.scopes.iter().map(|scope| scope.as_str().to_owned()).collect();
        let made = Access::TokenCreated { token: id, role: new.role, scopes, expires_at };
        if let Err(error) = request.gateway.record(viewer.user, None, request.ids.correlation, &made).await {
            // What nobody could see in the log must not open anything.
            if before.is_none() {
                tokens::forget(pool, id).await?;
            }
            return Err(error);
        }
        let token = tokens::list(pool, viewer.user).await?.into_iter().find(|token| token.id == id);
        Ok(CreateTokenPayload { token: token.ok_or(ApiError::NotFound)?.into(), secret })
    }

    /// What the token follows live ends within a second.
    async fn revoke_token(&self, ctx: &Context<'_>, input: TokenRefInput) -> Result<RevokeTokenPayload, ApiError> {
        let request = request(ctx)?;
        let viewer = &request.viewer;
        viewer.may(Action::ManageOwnAccess)?;
        let token = TokenId(input.token_id);
        let epoch = tokens::revoke(&request.gateway.pool, viewer.user, token).await?;
        request.gateway.hear_epoch(epoch.ok_or(ApiError::NotFound)?);
        let ended = Access::TokenRevoked { token };
        noted(request.gateway.record(viewer.user, None, request.ids.correlation, &ended).await)?;
        Ok(RevokeTokenPayload { token_id: input.token_id })
    }

    /// What the session follows live ends within a second.
    async fn revoke_session(
        &self,
        ctx: &Context<'_>,
        input: SessionRefInput,
    ) -> Result<RevokeSessionPayload, ApiError> {
        let request = request(ctx)?;
        let viewer = &request.viewer;
        viewer.may(Action::ManageOwnAccess)?;
        let session = SessionId(input.session_id);
        let epoch = sessions::revoke_listed(&request.gateway.pool, viewer.user, session).await?;
        request.gateway.hear_epoch(epoch.ok_or(ApiError::NotFound)?);
        let ended = Access::SessionRevoked { session };
        noted(request.gateway.record(viewer.user, None, request.ids.correlation, &ended).await)?;
        Ok(RevokeSessionPayload { session_id: input.session_id })
    }
}

/// What was taken away stays taken away, whatever the audit log can take at the moment; the caller is told, and the same
/// request again writes it down.
fn noted(recorded: Result<(), ApiError>) -> Result<(), ApiError> {
    if let Err(error) = &recorded {
        tracing::warn!(code = error.code().as_str(), "a revocation is not in the audit log yet");
    }
    match recorded {
        Err(error) if error.code() == Code::StorageLow => Ok(()),
        other => other,
    }
}

fn wanted(input: CreateTokenInput) -> Result<NewToken, ApiError> {
    let name = text::line(&input.name, NAME_MAX_CHARS)
        .map_err(|problem| ApiError::invalid("name", format!("The name {problem}.")))?;
    let mut seen = HashSet::new();
    let scopes = input.scopes.unwrap_or_default().into_iter().filter(|scope| seen.insert(*scope));
    let now = Utc::now();
    // As the database keeps it, so that a command sent again is the same command.
    let expires_at = input.expires_at.unwrap_or(now + Duration::days(DEFAULT_DAYS)).trunc_subsecs(6);
    if expires_at <= now || expires_at > now + Duration::days(LONGEST_DAYS) {
        return Err(ApiError::invalid("expiresAt", format!("Between now and {LONGEST_DAYS} days from now.")));
    }
    let role = input.role.map(Into::into);
    Ok(NewToken { name, role, scopes: scopes.map(Into::into).collect(), expires_at: Some(expires_at) })
}

/// A token makes no token that could do more than itself.
fn within_grant(grant: &Grant, mut new: NewToken) -> Result<NewToken, ApiError> {
    let Grant::Token { role, scopes, expires_at, .. } = grant else { return Ok(new) };
    if role.is_some() {
        if new.role.is_some_and(|wanted| Some(wanted) != *role) {
            return Err(ApiError::invalid("role", "The role of the token that asks, or none."));
        }
        new.role = *role;
    }
    if !scopes.is_empty() && !scopes.contains(&Scope::Write) {
        return Err(ApiError::Denied("This token may not do this."));
    }
    if !scopes.is_empty() && new.scopes.is_empty() {
        new.scopes.clone_from(scopes);
    }
    if let Some(last) = expires_at {
        new.expires_at = Some(new.expires_at.map_or(*last, |wanted| wanted.min(*last)));
    }
    Ok(new)
}
