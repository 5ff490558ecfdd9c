//! The master keys: 256 bits each, named by a digest of themselves, the first one current.

use super::envelope::SealingKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{Context, SHA256};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;

pub(super) const KEY_BYTES: usize = 32;
/// Characters of a key's name.
const ID_DIGITS: usize = 16;

/// Why a text is no keyring. Nothing of the text is repeated.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    #[error("key number {number} is not 32 bytes in base64 (as `openssl rand -base64 32` prints them)")]
    Malformed { number: usize },
    #[error("there is no key in it")]
    Empty,
    #[error("the same key stands in it twice")]
    Twice,
    #[error("the system has no random bytes to give")]
    NoRandomness,
}

struct MasterKey {
    id: String,
    key: SealingKey,
}

/// The current master key, and older ones that still open what they sealed.
pub struct Keyring {
    /// Never empty; the first is current.
    keys: Vec<MasterKey>,
}

// Never derived: keys stay out of every log.
impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

impl Keyring {
    /// From the setting: one or more keys in base64, separated by commas or white space, the current one first.
    pub fn parse(text: &SecretString) -> Result<Self, KeyringError> {
        let mut keys: Vec<MasterKey> = Vec::new();
        let parts = text.expose_secret().split([',', ' ', '\n', '\r', '\t']).filter(|part| !part.is_empty());
        for (index, part) in parts.enumerate() {
            let malformed = || KeyringError::Malformed { number: index + 1 };
            let bytes: [u8; KEY_BYTES] =
                STANDARD.decode(part).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(malformed)?;
            let id = id_of(&bytes);
            if keys.iter().any(|key| key.id == id) {
                return Err(KeyringError::Twice);
            }
            keys.push(MasterKey { id, key: SealingKey::new(&bytes) });
        }
        if keys.is_empty() { Err(KeyringError::Empty) } else { Ok(Self { keys }) }
    }

    /// A new key as text, for the file of an installation that has none.
    pub fn generate() -> Result<SecretString, KeyringError> {
        let mut bytes = [0_u8; KEY_BYTES];
        SystemRandom::new().fill(&mut bytes).map_err(|_| KeyringError::NoRandomness)?;
        Ok(SecretString::from(STANDARD.encode(bytes)))
    }

    /// The names of all keys, the current one first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.id.as_str())
    }

    pub(super) fn current(&self) -> (&str, &SealingKey) {
        // `parse` is the only way to a keyring and lets no empty one through.
        #[allow(clippy::indexing_slicing, reason = "never empty")]
        let key = &self.keys[0];
        (&key.id, &key.key)
    }

    pub(super) fn find(&self, id: &str) -> Option<&SealingKey> {
        self.keys.iter().find(|key| key.id == id).map(|key| &key.key)
    }
}

/// A key's name tells nothing of the key: a digest under a label of its own.
fn id_of(key: &[u8; KEY_BYTES]) -> String {
    let mut digest = Context::new(&SHA256);
    digest.update(b"assembly-lime master key id\0");
    digest.update(key);
    let mut id = hex::encode(digest.finish());
    id.truncate(ID_DIGITS);
    id
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Keyring, KeyringError> {
        Keyring::parse(&SecretString::from(text.to_owned()))
    }

    #[test]
    fn the_first_key_is_current_and_the_others_are_found() {
        let (new, old) = (Keyring::generate().unwrap(), Keyring::generate().unwrap());
        let both = parse(&format!("{},\n{}", new.expose_secret(), old.expose_secret())).unwrap();
        let old = parse(old.expose_secret()).unwrap();
        let (old_id, _) = old.current();
        assert_eq!(both.current().0, parse(new.expose_secret()).unwrap().current().0);
        assert!(both.find(old_id).is_some());
        assert!(old.find(both.current().0).is_none());
    }

    #[test]
    fn what_is_no_key_is_named_by_its_number_and_never_repeated() {
        let good = Keyring::generate().unwrap();
        let good = good.expose_secret();
        assert_eq!(parse(" ").unwrap_err(), KeyringError::Empty);
        assert_eq!(parse("hunter2").unwrap_err(), KeyringError::Malformed { number: 1 });
        assert_eq!(
            parse(&format!("{good},{}", STANDARD.encode([1; 31]))).unwrap_err(),
            KeyringError::Malformed { number: 2 }
        );
        assert_eq!(parse(&format!("{good} {good}")).unwrap_err(), KeyringError::Twice);
        assert!(!format!("{:?}", parse(good).unwrap()).contains(good));
    }
}
