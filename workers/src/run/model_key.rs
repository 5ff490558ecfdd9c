//! The key that a run's model calls are made with, as it is at each of them: the org's own, or the instance's where that
//! serves the org.

use crate::proxy::{KeySource, NoKey};
use async_trait::async_trait;
use commands::Commands;
use commands::provider_key::{InstanceKeyOrgs, KeyOutcome, ProviderKey, ProviderKeyError, note_check, provider_key};
use commands::vault::Vault;
use domain::{OrgId, ProviderKeyId};
use secrecy::SecretString;
use sqlx::PgPool;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing::{error, warn};

/// That a key is still accepted is news at most so often.
const TELL_EVERY: Duration = Duration::from_mins(1);

/// How long PostgreSQL may be away before a call is given up.
const AWAY: Duration = Duration::from_secs(15);
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// Where keys are found.
#[derive(Clone, Debug)]
pub(crate) struct KeyRing {
    pub pool: PgPool,
    pub commands: Commands,
    pub vault: Vault,
    pub instance_key_orgs: InstanceKeyOrgs,
}

/// The key of one provider for one org.
#[derive(Debug)]
pub(crate) struct ModelKey {
    ring: KeyRing,
    org: OrgId,
    provider: String,
    /// Such as `Codex`.
    name: &'static str,
    instance: Option<SecretString>,
    used: Mutex<Used>,
}

/// The org's own key that was used last, and when something was told of it. None: the instance's.
#[derive(Debug, Default)]
struct Used {
    key: Option<ProviderKeyId>,
    told: Option<(ProviderKeyId, Instant)>,
}

impl ModelKey {
    pub(crate) fn new(
        ring: KeyRing,
        org: OrgId,
        provider: &str,
        name: &'static str,
        instance: Option<SecretString>,
    ) -> Self {
        Self { ring, org, provider: provider.to_owned(), name, instance, used: Mutex::default() }
    }

    fn remember(&self, key: Option<ProviderKeyId>) {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).key = key;
    }

    /// Asked again while PostgreSQL is away.
    async fn of_org(&self) -> Result<Option<ProviderKey>, NoKey> {
        let deadline = Instant::now() + AWAY;
        loop {
            match provider_key(&self.ring.commands, &self.ring.vault, self.org, &self.provider).await {
                Ok(found) => return Ok(found),
                Err(problem @ ProviderKeyError::Missing { .. }) => {
                    warn!(error = %feed::chain(&problem), "a key is named that the vault does not have");
                    let words = format!("The key for {} was lost; save it again in the settings", self.name);
                    return Err(NoKey::NotSet(words));
                }
                Err(problem @ (ProviderKeyError::Command(_) | ProviderKeyError::Vault(_))) => {
                    if Instant::now() > deadline {
                        return Err(self.unreadable(&problem));
                    }
                    tokio::time::sleep(TRY_AGAIN).await;
                }
            }
        }
    }

    async fn of_instance(&self) -> Result<Option<SecretString>, NoKey> {
        let Some(key) = &self.instance else { return Ok(None) };
        let serves = self.ring.instance_key_orgs.serves(&self.ring.pool, self.org).await;
        let serves = serves.map_err(|problem| self.unreadable(&problem))?;
        Ok(serves.then(|| key.clone()))
    }

    fn unreadable(&self, problem: &(dyn std::error::Error + 'static)) -> NoKey {
        error!(error = %feed::chain(problem), provider = %self.provider, "the key of an organisation cannot be read");
        NoKey::Unreadable(format!("The key for {} cannot be read just now; the log of the worker says why", self.name))
    }
}

#[async_trait]
impl KeySource for ModelKey {
    async fn key(&self) -> Result<SecretString, NoKey> {
        match self.of_org().await? {
            Some(ProviderKey { id, key }) => {
                self.remember(Some(id));
                return Ok(key);
            }
            None => self.remember(None),
        }
        let none = || {
            NoKey::NotSet(format!(
                "There is no key for {}: an admin of the organisation sets one under Settings, Providers & budgets",
                self.name
            ))
        };
        self.of_instance().await?.ok_or_else(none)
    }

    async fn taken(&self, refused_with: Option<u16>) {
        let key = {
            let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(key) = used.key else { return };
            let known = used.told.is_some_and(|(told, at)| told == key && at.elapsed() < TELL_EVERY);
            if known && refused_with.is_none() {
                return;
            }
            used.told = Some((key, Instant::now()));
            key
        };
        let outcome = refused_with.map_or(KeyOutcome::Accepted, |status| KeyOutcome::Refused(status.to_string()));
        if let Err(problem) = note_check(&self.ring.pool, self.org, &self.provider, key, &outcome).await {
            warn!(error = %problem, "how a key was taken could not be noted");
        }
    }
}
