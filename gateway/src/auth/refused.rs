//! The audit log hears of ways in that do not hold any more: used-up invitations, dead tokens, members who were removed.
//!
//! Whoever tries is answered first and alike, whether there is something to write or not; each of them stands in the log
//! once a day, so that nobody fills it by trying. What was never a way into an org is in no org's log.

use super::tokens;
use super::viewer::{Grant, Viewer};
use crate::auth::secret::SecretHash;
use crate::errors::ApiError;
use crate::state::Gateway;
use chrono::Utc;
use commands::org::{RecordRefusal, record_refusal};
use commands::{Caller, Commands};
use domain::org::{RefusalReason, SignInRefused};
use domain::{Actor, CommandId, InvitationId, OrgId, SessionId, TokenId};
use feed::chain;
use futures::future::BoxFuture;
use projections::Reads;
use sqlx::PgPool;
use uuid::Uuid;

const SIGN_IN: &str = "sign-in";

impl Gateway {
    /// An invitation's link that leads nowhere any more.
    pub(crate) async fn refused_invitation(&self, org: OrgId, invitation: InvitationId, error: &ApiError) {
        let ApiError::Rejected { reason, .. } = error else { return };
        let reason = match *reason {
            "INVITATION_USED" => RefusalReason::InvitationUsed,
            "INVITATION_REVOKED" => RefusalReason::InvitationRevoked,
            "INVITATION_EXPIRED" => RefusalReason::InvitationExpired,
            _ => return,
        };
        let refused = SignInRefused { reason, user: None, invitation: Some(invitation), token: None, session: None };
        let commands = self.commands.clone();
        self.in_the_background(
            (org, invitation.as_uuid()),
            Box::pin(async move { write(&commands, org, refused).await }),
        )
        .await;
    }

    /// A token that is none, or none any more.
    pub(crate) async fn refused_token(&self, token: SecretHash) {
        let (pool, commands, reads) = (self.pool.clone(), self.commands.clone(), self.reads.clone());
        let mut key = [0; 16];
        key.copy_from_slice(token.first_chunk::<16>().map_or(&[0; 16], |chunk| chunk));
        let key = (OrgId(Uuid::nil()), Uuid::from_bytes(key));
        self.in_the_background(key, Box::pin(async move { write_token(&pool, &commands, &reads, token).await })).await;
    }

    /// Somebody who is signed in, and no member of this org (any more).
    pub(super) async fn refused_member(&self, viewer: &Viewer, org: OrgId) {
        let (token, session, way) = match viewer.grant {
            Grant::Token { id, .. } => (Some(TokenId(id)), None, id),
            Grant::Session { public_id, .. } => (None, Some(SessionId(public_id)), public_id),
        };
        let reason = RefusalReason::NoMember;
        let refused = SignInRefused { reason, user: Some(viewer.user), invitation: None, token, session };
        let commands = self.commands.clone();
        self.in_the_background((org, way), Box::pin(async move { write(&commands, org, refused).await })).await;
    }

    /// Not twice in a while for the same, and never more than a few at a time: the log is not worth the service.
    async fn in_the_background(&self, key: (OrgId, Uuid), write: BoxFuture<'static, ()>) {
        if !self.refusals.entry(key).or_insert_with(async {}).await.is_fresh() {
            return;
        }
        if let Ok(place) = std::sync::Arc::clone(&self.refusals_at_once).try_acquire_owned() {
            tokio::spawn(async move {
                write.await;
                drop(place);
            });
        } else {
            self.refusals.invalidate(&key).await;
        }
    }
}

async fn write_token(pool: &PgPool, commands: &Commands, reads: &Reads, token: SecretHash) {
    let dead = match tokens::find_dead(pool, &token).await {
        Ok(Some(dead)) => dead,
        Ok(None) => return,
        Err(error) => {
            tracing::warn!(error = chain(&error), "a refused token was not looked up");
            return;
        }
    };
    let orgs = match reads.orgs_of(dead.user).await {
        Ok(orgs) => orgs,
        Err(error) => {
            tracing::warn!(error = chain(&error), "a refused token is not in the audit log");
            return;
        }
    };
    let reason = if dead.is_revoked { RefusalReason::TokenRevoked } else { RefusalReason::TokenExpired };
    for (org, _) in orgs {
        let (user, token) = (Some(dead.user), Some(dead.id));
        write(commands, org.id, SignInRefused { reason, user, invitation: None, token, session: None }).await;
    }
}

async fn write(commands: &Commands, org: OrgId, refused: SignInRefused) {
    let ways = [
        refused.invitation.map(InvitationId::as_uuid),
        refused.token.map(TokenId::as_uuid),
        refused.session.map(SessionId::as_uuid),
    ];
    let way = ways.into_iter().flatten().next().unwrap_or_default();
    // The same all day: a second one is answered as the first.
    let name = format!("{:?} {}", refused.reason, Utc::now().date_naive());
    let caller = Caller::new(org, Actor::system(SIGN_IN), CommandId(Uuid::new_v5(&way, name.as_bytes())));
    match record_refusal(commands, &caller, RecordRefusal { refused }).await {
        Ok(_) | Err(commands::CommandError::NotFound) => {}
        Err(error) => tracing::warn!(error = chain(&error), "a refused sign-in is not in the audit log"),
    }
}
