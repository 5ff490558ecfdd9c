//! The signed-in caller of a request or socket.

use super::access::{Action, OrgAccess, allows};
use super::cookies::CookieName;
use super::secret::{SecretHash, hash, is_token};
use super::tokens::Token;
use super::{AuthError, Scope, sessions, tokens};
use crate::errors::{ApiError, SIGN_IN};
use crate::http::origin::Origins;
use crate::state::Gateway;
use chrono::{DateTime, Utc};
use domain::org::Role;
use domain::{Actor, OrgId, ProjectId, UserId};
use http::{HeaderMap, header};
use uuid::Uuid;

const BAD_TOKEN: &str = "This token is not valid (any more).";
const SCOPE: &str = "This token may not do this.";
const ROLE: &str = "Your role may not do this.";

/// What signed the caller in.
#[derive(Clone, Debug)]
pub enum Grant {
    Session {
        public_id: Uuid,
        /// It is to get another secret with the next answer.
        rotation_due: bool,
    },
    Token {
        id: Uuid,
        role: Option<Role>,
        scopes: Vec<Scope>,
        expires_at: Option<DateTime<Utc>>,
    },
}

/// A signed-in person, or a program with a person's token.
#[derive(Clone, Debug)]
pub struct Viewer {
    pub user: UserId,
    pub grant: Grant,
}

impl Viewer {
    pub const fn actor(&self) -> Actor {
        Actor::User(self.user)
    }

    /// What the grant itself lets through, whatever the person may do.
    fn grant_covers(&self, action: Action) -> bool {
        match &self.grant {
            Grant::Session { .. } => true,
            Grant::Token { role, scopes, .. } => {
                role.is_none_or(|role| allows(role, action))
                    && (scopes.is_empty() || scopes.iter().any(|scope| scope.covers(action)))
            }
        }
    }

    /// For what belongs to no org.
    pub(crate) fn may(&self, action: Action) -> Result<(), ApiError> {
        if self.grant_covers(action) { Ok(()) } else { Err(ApiError::Denied(SCOPE)) }
    }
}

/// What a request brought along to say who it is from.
#[derive(Clone, Debug)]
pub(crate) enum Credentials {
    None,
    Session(SecretHash),
    Token(SecretHash),
    /// A header that claims to be a token and is none. Never falls back to a cookie.
    Malformed,
}

impl Credentials {
    pub(crate) fn of(headers: &HeaderMap, origins: &Origins) -> Self {
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            return value.to_str().map_or(Self::Malformed, Self::of_authorization);
        }
        CookieName::of(headers, origins)
            .and_then(|name| name.read(headers))
            .map_or(Self::None, |secret| Self::Session(hash(&secret)))
    }

    /// `Bearer lime_pat_…`, as in the header and in `connection_init`.
    pub(crate) fn of_authorization(value: &str) -> Self {
        match value.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && is_token(token.trim()) => {
                Self::Token(hash(token.trim()))
            }
            _ => Self::Malformed,
        }
    }

    /// A cookie rides along by itself: what it signs in must prove that a page of ours sent it.
    pub(crate) const fn ride_along(&self) -> bool {
        matches!(self, Self::Session(_))
    }
}

impl Gateway {
    /// Who this is.
    ///
    /// # Errors
    /// `DENIED` when nobody is, or not any more; `UNAVAILABLE` when the database cannot say.
    pub(crate) async fn identify(&self, credentials: &Credentials) -> Result<Viewer, ApiError> {
        let (key, found) = match credentials {
            Credentials::None => return Err(ApiError::Denied(SIGN_IN)),
            Credentials::Malformed => return Err(ApiError::Denied(BAD_TOKEN)),
            Credentials::Session(id) => ((*id, self.epoch()), SIGN_IN),
            Credentials::Token(token) => ((*token, self.epoch()), BAD_TOKEN),
        };
        if let Some(viewer) = self.viewers.get(&key).await {
            return Ok(viewer);
        }
        let viewer = self.look_up(credentials).await?.ok_or(ApiError::Denied(found))?;
        self.viewers.insert(key, viewer.clone()).await;
        Ok(viewer)
    }

    async fn look_up(&self, credentials: &Credentials) -> Result<Option<Viewer>, AuthError> {
        match credentials {
            Credentials::None | Credentials::Malformed => Ok(None),
            Credentials::Session(id) => {
                let Some(session) = sessions::find(&self.pool, id).await? else { return Ok(None) };
                sessions::touch(&self.pool, id, &session).await?;
                let grant = Grant::Session { public_id: session.public_id, rotation_due: session.rotation_due };
                Ok(Some(Viewer { user: session.user, grant }))
            }
            Credentials::Token(hash) => {
                let Some(token) = tokens::find(&self.pool, hash).await? else {
                    self.refused_token(*hash).await;
                    return Ok(None);
                };
                tokens::touch(&self.pool, &token).await?;
                let Token { id, role, scopes, expires_at, .. } = token;
                let grant = Grant::Token { id, role, scopes, expires_at };
                Ok(Some(Viewer { user: token.user, grant }))
            }
        }
    }

    /// The cookie with the session's next secret, where one is due. An answer is not held up for it: the one after
    /// brings it too.
    pub(crate) async fn rotated_cookie(
        &self,
        viewer: &Viewer,
        credentials: &Credentials,
        headers: &HeaderMap,
    ) -> Option<String> {
        let (Grant::Session { rotation_due: true, .. }, Credentials::Session(id)) = (&viewer.grant, credentials) else {
            return None;
        };
        let cookie = CookieName::of(headers, &self.origins)?;
        match sessions::next_secret(&self.pool, id).await {
            Ok(secret) => secret.map(|secret| cookie.set(&secret)),
            Err(error) => {
                tracing::warn!(error = feed::chain(&error), "a session got no new secret");
                None
            }
        }
    }

    /// Whether these credentials ended although what they stood for goes on: their session has another secret by now.
    pub(crate) async fn was_rotated(&self, viewer: &Viewer) -> bool {
        match viewer.grant {
            Grant::Session { public_id, .. } => sessions::stands(&self.pool, public_id).await.unwrap_or(false),
            Grant::Token { .. } => false,
        }
    }

    /// Ends the session that signed this request in, here at once and elsewhere within half a second.
    pub(crate) async fn sign_out(&self, credentials: &Credentials) -> Result<(), AuthError> {
        if let Credentials::Session(id) = credentials
            && let Some(now) = sessions::revoke(&self.pool, id).await?
        {
            self.hear_epoch(now);
        }
        Ok(())
    }

    /// The way to an org's data.
    ///
    /// # Errors
    /// `NOT_FOUND` when the viewer is no member (as for an org that does not exist), `DENIED` when the role or the token
    /// does not allow `action`.
    pub(crate) async fn access(&self, viewer: &Viewer, org: OrgId, action: Action) -> Result<OrgAccess, ApiError> {
        self.access_in(viewer, org, None, action).await
    }

    /// The same in one project of it, where the viewer's role may be another one.
    pub(crate) async fn access_in(
        &self,
        viewer: &Viewer,
        org: OrgId,
        project: Option<ProjectId>,
        action: Action,
    ) -> Result<OrgAccess, ApiError> {
        let key = (viewer.user, org, project, self.epoch());
        let role = if let Some(role) = self.roles.get(&key).await {
            role
        } else {
            let role = match project {
                Some(project) => self.reads.role_in_project(viewer.user, org, project).await?,
                None => self.reads.role_of(viewer.user, org).await?,
            };
            let Some(role) = role else {
                self.refused_member(viewer, org).await;
                return Err(ApiError::NotFound);
            };
            self.roles.insert(key, role).await;
            role
        };
        if !allows(role, action) {
            return Err(ApiError::Denied(ROLE));
        }
        viewer.may(action)?;
        Ok(OrgAccess::new(org, role))
    }
}
