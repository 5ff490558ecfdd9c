//! An org's keys of model providers: which there are and how they are taken. Never a key itself.

use super::context::{RequestContext, request};
use super::members::payload;
use super::org::OrgPayload;
use super::people::Actor;
use crate::auth::access::Action;
use crate::errors::ApiError;
use async_graphql::{Context, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use commands::provider_key::{
    self, KeyCheck, KeyOutcome, ProviderKeyError, RemoveProviderKey, SetProviderKey, checks_of, note_check,
};
use domain::{OrgId, ProviderKeyId};
use futures::future::BoxFuture;
use projections::org_directory;
use secrecy::SecretString;
use std::fmt;
use uuid::Uuid;

/// A key that is kept, under seal. It is shown to nobody any more.
#[derive(SimpleObject, Debug)]
pub(crate) struct ProviderKey {
    /// The provider's id, such as `codex`.
    provider: String,
    name: String,
    /// The key's last four characters.
    last_four: String,
    set_by: Actor,
    set_at: DateTime<Utc>,
    /// In words: accepted, refused or not tried, and when.
    health: String,
    state: ProviderKeyState,
    checked_at: Option<DateTime<Utc>>,
}

#[derive(async_graphql::Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProviderKeyState {
    Accepted,
    Refused,
    /// The provider could not be asked.
    Unreachable,
    NotTried,
}

/// How a key was taken, in words, as of `now`.
fn in_words(check: Option<&KeyCheck>, now: DateTime<Utc>) -> (ProviderKeyState, String) {
    let Some(check) = check else { return (ProviderKeyState::NotTried, "Not tried yet.".to_owned()) };
    let ago = ago(now - check.checked_at);
    match &check.outcome {
        KeyOutcome::Accepted => (ProviderKeyState::Accepted, format!("Accepted {ago}.")),
        KeyOutcome::Refused(status) => {
            let words = format!("Refused {ago}: the provider answered {status}. Set a key that it knows.");
            (ProviderKeyState::Refused, words)
        }
        KeyOutcome::Unreachable(why) => {
            (ProviderKeyState::Unreachable, format!("Not known: the provider was asked {ago}, and {why}."))
        }
    }
}

fn ago(since: chrono::TimeDelta) -> String {
    let of = |count: i64, unit: &str| format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" });
    match (since.num_minutes(), since.num_hours(), since.num_days()) {
        (..=0, ..) => "a moment ago".to_owned(),
        (minutes @ 1..=59, ..) => of(minutes, "minute"),
        (_, hours @ ..=23, _) => of(hours, "hour"),
        (_, _, days) => of(days, "day"),
    }
}

/// For those who may set them. Boxed as `budgets_of` is.
pub(super) fn provider_keys_of<'a>(
    ctx: &'a Context<'_>,
    org: OrgId,
) -> BoxFuture<'a, Result<Vec<ProviderKey>, ApiError>> {
    Box::pin(read_provider_keys(ctx, org))
}

async fn read_provider_keys(ctx: &Context<'_>, org: OrgId) -> Result<Vec<ProviderKey>, ApiError> {
    let request = request(ctx)?;
    let access = request.access(org, Action::ManageProviderKeys).await?;
    let keys = request.gateway.reads.provider_keys(access.org()).await?;
    let checks = checks_of(&request.gateway.pool, access.org()).await?;
    let now = Utc::now();
    let shown = |key: org_directory::ProviderKey| {
        let check = checks.get(&key.provider).filter(|check| check.key == key.key);
        let (state, health) = in_words(check, now);
        ProviderKey {
            name: request.gateway.settings.provider_name(&key.provider).to_owned(),
            provider: key.provider,
            last_four: key.last_four,
            set_by: Actor { org, actor: key.set_by },
            set_at: key.set_at,
            health,
            state,
            checked_at: check.map(|check| check.checked_at),
        }
    };
    Ok(keys.into_iter().take(20).map(shown).collect())
}

#[derive(InputObject)]
pub(crate) struct ProviderKeyInput {
    command_id: Uuid,
    org_id: Uuid,
    /// The provider's id, such as `codex`.
    provider: String,
    /// As the provider gave it. It is in no answer, no event and no log.
    key: String,
}

// Never derived: it holds a key.
impl fmt::Debug for ProviderKeyInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderKeyInput").field("provider", &self.provider).finish_non_exhaustive()
    }
}

#[derive(InputObject, Debug)]
pub(crate) struct ProviderKeyRefInput {
    command_id: Uuid,
    org_id: Uuid,
    provider: String,
}

#[derive(InputObject, Debug)]
pub(crate) struct CheckProviderKeyInput {
    org_id: Uuid,
    provider: String,
}

#[derive(SimpleObject, Debug)]
pub(crate) struct CheckProviderKeyPayload {
    provider_key: ProviderKey,
}

#[derive(Debug, Default)]
pub(crate) struct ProviderKeyMutation;

#[Object]
impl ProviderKeyMutation {
    /// Keeps a provider's key for the org's runs, under seal, in the place of the one before, and asks the provider
    /// whether it takes it; org.providerKeys says the answer. Rejected with UNKNOWN_PROVIDER.
    async fn set_provider_key(&self, ctx: &Context<'_>, input: ProviderKeyInput) -> Result<OrgPayload, ApiError> {
        let request = request(ctx)?;
        let access = request.access(OrgId(input.org_id), Action::ManageProviderKeys).await?;
        let caller = request.caller(access.org(), input.command_id, None);
        // What people paste has white space around it.
        let key = SecretString::from(input.key.trim().to_owned());
        let command = SetProviderKey { provider: input.provider.clone(), key };
        let gateway = &request.gateway;
        let sent = provider_key::set_provider_key(&gateway.commands, &gateway.vault, &caller, command);
        let accepted = request.send("set_provider_key", &caller, sent).await?;
        if let Err(problem) = try_key(request, access.org(), &input.provider).await {
            // It is kept; whether it is taken shows at its first use, or when somebody asks again.
            tracing::warn!(error = %problem, "a new key could not be tried");
        }
        payload(ctx, access, &accepted, &caller).await
    }

    /// Runs under way have no key any more from their next call to the model on, unless the instance's serves the org.
    async fn remove_provider_key(&self, ctx: &Context<'_>, input: ProviderKeyRefInput) -> Result<OrgPayload, ApiError> {
        let request = request(ctx)?;
        let access = request.access(OrgId(input.org_id), Action::ManageProviderKeys).await?;
        let caller = request.caller(access.org(), input.command_id, None);
        let command = RemoveProviderKey { provider: input.provider };
        let gateway = &request.gateway;
        let sent = provider_key::remove_provider_key(&gateway.commands, &gateway.vault, &caller, command);
        let accepted = request.send("remove_provider_key", &caller, sent).await?;
        payload(ctx, access, &accepted, &caller).await
    }

    /// Asks the provider now whether it takes the org's key.
    async fn check_provider_key(
        &self,
        ctx: &Context<'_>,
        input: CheckProviderKeyInput,
    ) -> Result<CheckProviderKeyPayload, ApiError> {
        let request = request(ctx)?;
        let access = request.access(OrgId(input.org_id), Action::ManageProviderKeys).await?;
        try_key(request, access.org(), &input.provider).await?.ok_or(ApiError::NotFound)?;
        let keys = provider_keys_of(ctx, access.org()).await?;
        let provider_key = keys.into_iter().find(|key| key.provider == input.provider);
        Ok(CheckProviderKeyPayload { provider_key: provider_key.ok_or(ApiError::NotFound)? })
    }
}

/// Asks the provider, and notes what it answered. None: there is no such key.
async fn try_key(request: &RequestContext, org: OrgId, provider: &str) -> Result<Option<ProviderKeyId>, ApiError> {
    let gateway = &request.gateway;
    let Some(setting) = gateway.settings.providers.iter().find(|setting| setting.id == provider) else {
        return Ok(None);
    };
    let found = provider_key::provider_key(&gateway.commands, &gateway.vault, org, provider).await;
    let Some(found) = found.map_err(unreadable)? else { return Ok(None) };
    let outcome = gateway.key_check.ask(&setting.base_url, &found.key).await;
    note_check(&gateway.pool, org, provider, found.id, &outcome).await?;
    Ok(Some(found.id))
}

fn unreadable(error: ProviderKeyError) -> ApiError {
    match error {
        ProviderKeyError::Command(error) => crate::errors::from_command(error, None),
        ProviderKeyError::Vault(_) | ProviderKeyError::Missing { .. } => ApiError::internal(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_key_is_taken_is_said_in_words() {
        let now = Utc::now();
        let said = |outcome, minutes| {
            let checked_at = now - chrono::TimeDelta::minutes(minutes);
            in_words(Some(&KeyCheck { key: ProviderKeyId(Uuid::nil()), outcome, checked_at }), now).1
        };
        assert_eq!(in_words(None, now).1, "Not tried yet.");
        assert_eq!(said(KeyOutcome::Accepted, 0), "Accepted a moment ago.");
        assert_eq!(said(KeyOutcome::Accepted, 2), "Accepted 2 minutes ago.");
        assert_eq!(said(KeyOutcome::Accepted, 61), "Accepted 1 hour ago.");
        assert_eq!(said(KeyOutcome::Accepted, 60 * 24 * 3), "Accepted 3 days ago.");
        assert_eq!(
            said(KeyOutcome::Refused("401".to_owned()), 1),
            "Refused 1 minute ago: the provider answered 401. Set a key that it knows."
        );
        assert_eq!(
            said(KeyOutcome::Unreachable("it could not be reached".to_owned()), 5),
            "Not known: the provider was asked 5 minutes ago, and it could not be reached."
        );
    }
}
