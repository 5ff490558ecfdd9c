//! Keys of model providers, one an org and provider: the log knows that there is one, the vault holds it.
//!
//! The org's stream says which key counts, by its id; the vault has it under that id. So what the log says is what is
//! used, whatever a crash left in the vault.

mod checks;
mod instance;

pub use checks::{KeyCheck, KeyOutcome, checks_of, note_check};
pub use instance::InstanceKeyOrgs;

use crate::input::{Input, derived_id};
use crate::store::is_away;
use crate::vault::{Vault, VaultError};
use crate::{Accepted, Caller, CommandError, Commands};
use domain::org::{Org, OrgCommand, SetProviderKey as Set};
use domain::{OrgId, ProviderKeyId};
use garde::Validate;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

const KEY_MIN_BYTES: usize = 12;
const KEY_MAX_BYTES: usize = 500;
const SHOWN_CHARS: usize = 4;

#[derive(Clone, Debug, Serialize, Validate)]
pub struct SetProviderKey {
    /// Such as `codex`.
    #[garde(length(bytes, max = 80))]
    pub provider: String,
    // Not in the digest of the input either: that is kept beside the events.
    #[serde(skip)]
    #[garde(custom(well_formed))]
    pub key: SecretString,
}

impl Input for SetProviderKey {
    const NAME: &'static str = "set_provider_key";
}

/// What a header can carry, and long enough that its last four characters tell nothing.
fn well_formed(key: &SecretString, (): &()) -> garde::Result {
    let key = key.expose_secret();
    let good = (KEY_MIN_BYTES..=KEY_MAX_BYTES).contains(&key.len()) && key.bytes().all(|c| c.is_ascii_graphic());
    let words = format!("is {KEY_MIN_BYTES} to {KEY_MAX_BYTES} letters, digits and signs, without spaces");
    if good { Ok(()) } else { Err(garde::Error::new(words)) }
}

#[derive(Debug, thiserror::Error)]
pub enum ProviderKeyError {
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error("the vault cannot be read")]
    Vault(#[from] VaultError),
    /// The log names a key that the vault does not have.
    #[error("the key of {provider} is not in the vault: save it again")]
    Missing { provider: String },
}

/// A key that counts.
#[derive(Clone, Debug)]
pub struct ProviderKey {
    pub id: ProviderKeyId,
    pub key: SecretString,
}

/// Keeps the key, and from then on uses it in the place of any before.
pub async fn set_provider_key(
    commands: &Commands,
    vault: &Vault,
    caller: &Caller,
    input: SetProviderKey,
) -> Result<Accepted, CommandError> {
    input.check()?;
    commands.find::<Org>(caller.org, caller.org).await?;
    let id = ProviderKeyId(derived_id(caller, "provider-key"));
    let known_providers = commands.settings().providers.clone();
    if known_providers.contains(&input.provider) {
        // Before the event: a crash in between leaves a value that nothing names, never a name without its value.
        let kept = vault.put(caller.org, &place(&input.provider, id), &input.key).await;
        kept.map_err(from_vault)?;
    }
    let last_four = last_four(&input.key);
    let provider = input.provider.clone();
    let command = OrgCommand::SetProviderKey(Set { provider, known_providers, key: id, last_four });
    let accepted = commands
        .perform(caller, &input, commands.execute::<Org>(caller, caller.org.0, input.digest(caller), &command))
        .await?;
    forget_others(commands, vault, caller.org, &input.provider).await?;
    Ok(accepted)
}

#[derive(Clone, Debug, Serialize, Validate)]
pub struct RemoveProviderKey {
    #[garde(length(bytes, max = 80))]
    pub provider: String,
}

impl Input for RemoveProviderKey {
    const NAME: &'static str = "remove_provider_key";
}

/// Runs under way have no key any more from their next call to the model on.
pub async fn remove_provider_key(
    commands: &Commands,
    vault: &Vault,
    caller: &Caller,
    input: RemoveProviderKey,
) -> Result<Accepted, CommandError> {
    let accepted = commands
        .perform(caller, &input, async {
            commands.find::<Org>(caller.org, caller.org).await?;
            let command = OrgCommand::RemoveProviderKey(input.provider.clone());
            commands.execute::<Org>(caller, caller.org.0, input.digest(caller), &command).await
        })
        .await?;
    forget_others(commands, vault, caller.org, &input.provider).await?;
    Ok(accepted)
}

/// The org's key for this provider, as it is now. None: it has none of its own.
pub async fn provider_key(
    commands: &Commands,
    vault: &Vault,
    org: OrgId,
    provider: &str,
) -> Result<Option<ProviderKey>, ProviderKeyError> {
    let known = commands.find_now::<Org>(org, org).await?;
    let Some(saved) = known.state.provider_keys.get(provider) else { return Ok(None) };
    let missing = || ProviderKeyError::Missing { provider: provider.to_owned() };
    let key = vault.get(org, &place(provider, saved.key)).await?.ok_or_else(missing)?;
    Ok(Some(ProviderKey { id: saved.key, key }))
}

/// The vault keeps nothing that the log does not name.
async fn forget_others(commands: &Commands, vault: &Vault, org: OrgId, provider: &str) -> Result<(), CommandError> {
    let known = commands.find_now::<Org>(org, org).await?;
    let kept = known.state.provider_keys.get(provider).map(|saved| place(provider, saved.key));
    vault.remove_below(org, &below(provider), kept.as_deref()).await.map_err(from_vault)
}

fn from_vault(error: VaultError) -> CommandError {
    match &error {
        VaultError::Read(source) | VaultError::Write(source) if is_away(source) => {
            CommandError::Unavailable { source: error.into() }
        }
        VaultError::Read(_)
        | VaultError::Write(_)
        | VaultError::Seal(_)
        | VaultError::Open { .. }
        | VaultError::WrongMasterKey { .. } => CommandError::Failed { source: error.into() },
    }
}

fn below(provider: &str) -> String {
    format!("provider_key/{provider}/")
}

fn place(provider: &str, id: ProviderKeyId) -> String {
    format!("{}{id}", below(provider))
}

fn last_four(key: &SecretString) -> String {
    let key = key.expose_secret();
    key.get(key.len().saturating_sub(SHOWN_CHARS)..).unwrap_or_default().to_owned()
}
