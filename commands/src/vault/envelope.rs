//! One sealed value: AES-256-GCM under a data key of its own, which is sealed under the master key.

use super::master_key::{KEY_BYTES, Keyring};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::SecretString;
use std::fmt;

/// Why a value cannot be sealed or opened.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    #[error(
        "this was sealed under the master key {key_id}, which is not configured: put it back into \
         ENCRYPTION_MASTER_KEY, after the current one"
    )]
    UnknownKey { key_id: String },
    /// Changed, cut, or copied here from another place.
    #[error("this does not open under its key: it was changed, or belongs to another place")]
    Tampered,
    #[error("the system has no random bytes to give")]
    NoRandomness,
}

/// Where a sealed value stands; both layers are bound to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) table: &'a str,
    pub(super) org: uuid::Uuid,
    pub(super) row: &'a str,
}

impl Place<'_> {
    /// Length before each part, so that no two places read alike.
    fn aad(&self, key_id: &str, column: &str) -> Vec<u8> {
        let org = self.org.to_string();
        let mut aad = Vec::with_capacity(160);
        for part in ["lime vault 1", key_id, self.table, &org, self.row, column] {
            aad.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            aad.extend_from_slice(part.as_bytes());
        }
        aad
    }
}

/// A value as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sealed {
    pub(super) key_id: String,
    pub(super) wrapped_key: Vec<u8>,
    pub(super) value: Vec<u8>,
}

/// An AES-256-GCM key. Nonces are random: 96 bits bear 2^32 values a key, a master key seals one data key a secret, and
/// a data key one value.
pub(super) struct SealingKey(LessSafeKey);

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(..)")
    }
}

impl SealingKey {
    pub(super) fn new(bytes: &[u8; KEY_BYTES]) -> Self {
        #[allow(clippy::expect_used, reason = "the only error is a wrong length, and the type says the length")]
        let key = UnboundKey::new(&AES_256_GCM, bytes).expect("32 bytes");
        Self(LessSafeKey::new(key))
    }

    /// Nonce, ciphertext, tag.
    fn seal(&self, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
        let nonce: [u8; NONCE_LEN] = random()?;
        let mut sealed = plain.to_vec();
        let sealing = self.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut sealed);
        // The only error is a value of 64 GiB.
        sealing.map_err(|_| EnvelopeError::Tampered)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or(EnvelopeError::Tampered)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| EnvelopeError::Tampered)?;
        let mut opened = rest.to_vec();
        let plain = self.0.open_in_place(nonce, Aad::from(aad), &mut opened).map_err(|_| EnvelopeError::Tampered)?;
        Ok(plain.to_vec())
    }
}

fn random<const N: usize>() -> Result<[u8; N], EnvelopeError> {
    let mut bytes = [0_u8; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| EnvelopeError::NoRandomness)?;
    Ok(bytes)
}

const WRAPPED_KEY: &str = "wrapped_key";
const VALUE: &str = "sealed";

/// Seals `plain` for `place` under a fresh data key and the current master key.
pub(super) fn seal(keyring: &Keyring, place: Place<'_>, plain: &str) -> Result<Sealed, EnvelopeError> {
    let (key_id, master) = keyring.current();
    let data_key: [u8; KEY_BYTES] = random()?;
    // The value is bound to its place alone: a new master key must not need the value.
    let value = SealingKey::new(&data_key).seal(&place.aad("", VALUE), plain.as_bytes())?;
    let wrapped_key = master.seal(&place.aad(key_id, WRAPPED_KEY), &data_key)?;
    Ok(Sealed { key_id: key_id.to_owned(), wrapped_key, value })
}

fn unwrap_key(keyring: &Keyring, place: Place<'_>, sealed: &Sealed) -> Result<[u8; KEY_BYTES], EnvelopeError> {
    let unknown = || EnvelopeError::UnknownKey { key_id: sealed.key_id.clone() };
    let master = keyring.find(&sealed.key_id).ok_or_else(unknown)?;
    let data_key = master.open(&place.aad(&sealed.key_id, WRAPPED_KEY), &sealed.wrapped_key)?;
    data_key.try_into().map_err(|_| EnvelopeError::Tampered)
}

/// The value that was sealed for `place`.
pub(super) fn open(keyring: &Keyring, place: Place<'_>, sealed: &Sealed) -> Result<SecretString, EnvelopeError> {
    let data_key = unwrap_key(keyring, place, sealed)?;
    let plain = SealingKey::new(&data_key).open(&place.aad("", VALUE), &sealed.value)?;
    String::from_utf8(plain).map(SecretString::from).map_err(|_| EnvelopeError::Tampered)
}

/// The same value under the current master key; the value itself is opened to know that it can be, and not changed.
pub(super) fn rewrap(keyring: &Keyring, place: Place<'_>, sealed: &Sealed) -> Result<Sealed, EnvelopeError> {
    open(keyring, place, sealed)?;
    let data_key = unwrap_key(keyring, place, sealed)?;
    let (key_id, master) = keyring.current();
    let wrapped_key = master.seal(&place.aad(key_id, WRAPPED_KEY), &data_key)?;
    Ok(Sealed { key_id: key_id.to_owned(), wrapped_key, value: sealed.value.clone() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;
    use uuid::Uuid;

    fn keyring() -> Keyring {
        Keyring::parse(&Keyring::generate().unwrap()).unwrap()
    }

    const ORG: Uuid = Uuid::from_u128(7);

    const fn place(row: &str) -> Place<'_> {
        Place { table: "vault_secrets", org: ORG, row }
    }

    #[test]
    fn what_was_sealed_opens_at_its_place_only() {
        let keyring = keyring();
        let sealed = seal(&keyring, place("a"), "sk-secret").unwrap();
        assert_eq!(open(&keyring, place("a"), &sealed).unwrap().expose_secret(), "sk-secret");
        let elsewhere = [
            place("b"),
            Place { org: Uuid::from_u128(8), ..place("a") },
            Place { table: "other", ..place("a") },
            // Parts that would read alike without their lengths.
            Place { table: "vault_secretsa", row: "", org: ORG },
        ];
        for elsewhere in elsewhere {
            assert_eq!(open(&keyring, elsewhere, &sealed).unwrap_err(), EnvelopeError::Tampered, "{elsewhere:?}");
        }
        let swapped = Sealed { wrapped_key: sealed.value.clone(), value: sealed.wrapped_key.clone(), ..sealed };
        assert_eq!(open(&keyring, place("a"), &swapped).unwrap_err(), EnvelopeError::Tampered);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_refused() {
        let keyring = keyring();
        let sealed = seal(&keyring, place("a"), "sk-secret").unwrap();
        for bit in 0..sealed.value.len() * 8 {
            let mut flipped = sealed.clone();
            flipped.value[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open(&keyring, place("a"), &flipped).unwrap_err(), EnvelopeError::Tampered, "value, bit {bit}");
        }
        for bit in 0..sealed.wrapped_key.len() * 8 {
            let mut flipped = sealed.clone();
            flipped.wrapped_key[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open(&keyring, place("a"), &flipped).unwrap_err(), EnvelopeError::Tampered, "key, bit {bit}");
        }
        for length in 0..sealed.value.len() {
            let cut = Sealed { value: sealed.value[..length].to_vec(), ..sealed.clone() };
            assert_eq!(open(&keyring, place("a"), &cut).unwrap_err(), EnvelopeError::Tampered, "cut to {length}");
        }
    }

    #[test]
    fn equal_secrets_look_different_and_another_key_is_named() {
        let keyring = keyring();
        let (one, two) = (seal(&keyring, place("a"), "x").unwrap(), seal(&keyring, place("a"), "x").unwrap());
        assert_ne!(one.value, two.value);
        assert_ne!(one.wrapped_key, two.wrapped_key);
        let stranger = self::keyring();
        let unknown = EnvelopeError::UnknownKey { key_id: one.key_id.clone() };
        assert_eq!(open(&stranger, place("a"), &one).unwrap_err(), unknown);
        // A lie about the key's name does not help.
        let lie = Sealed { key_id: stranger.current().0.to_owned(), ..one };
        assert_eq!(open(&stranger, place("a"), &lie).unwrap_err(), EnvelopeError::Tampered);
    }

    #[test]
    fn a_rewrapped_value_needs_the_new_key_only() {
        let (old, new) = (Keyring::generate().unwrap(), Keyring::generate().unwrap());
        let both = SecretString::from(format!("{},{}", new.expose_secret(), old.expose_secret()));
        let (old, both, new) =
            (Keyring::parse(&old).unwrap(), Keyring::parse(&both).unwrap(), Keyring::parse(&new).unwrap());
        let sealed = seal(&old, place("a"), "sk-secret").unwrap();
        let moved = rewrap(&both, place("a"), &sealed).unwrap();
        assert_eq!(moved.value, sealed.value, "the value is not written anew");
        assert_eq!(open(&new, place("a"), &moved).unwrap().expose_secret(), "sk-secret");
        assert!(matches!(open(&old, place("a"), &moved).unwrap_err(), EnvelopeError::UnknownKey { .. }));
    }
}
