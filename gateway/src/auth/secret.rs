//! Random secrets: made here, shown once, stored only as their SHA-256.

use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};

pub(crate) const TOKEN_PREFIX: &str = "lime_pat_";
const SECRET_BYTES: usize = 32;
const CHECKSUM_DIGITS: usize = 8;

/// The system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the system has no random bytes to give")]
pub struct NoRandomness;

pub(crate) type SecretHash = [u8; 32];

/// 256 random bits as 64 hex digits.
pub(crate) fn random_secret() -> Result<String, NoRandomness> {
    let mut bytes = [0_u8; SECRET_BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(hex::encode(bytes))
}

pub(crate) fn hash(secret: &str) -> SecretHash {
    let mut hash = [0_u8; 32];
    hash.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
    hash
}

/// `lime_pat_<64 hex digits>_<8 hex digits>`: the last part lets scanners and this gateway tell a token from a typing
/// error without asking the database.
pub(crate) fn random_token() -> Result<String, NoRandomness> {
    let secret = random_secret()?;
    let checksum = checksum(&secret);
    Ok(format!("{TOKEN_PREFIX}{secret}_{checksum}"))
}

pub(crate) fn is_token(text: &str) -> bool {
    let Some((secret, sum)) = text.strip_prefix(TOKEN_PREFIX).and_then(|rest| rest.split_once('_')) else {
        return false;
    };
    secret.len() == SECRET_BYTES * 2 && secret.bytes().all(|byte| byte.is_ascii_hexdigit()) && sum == checksum(secret)
}

fn checksum(secret: &str) -> String {
    hex::encode(digest(&SHA256, format!("{TOKEN_PREFIX}{secret}").as_bytes())).chars().take(CHECKSUM_DIGITS).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_token_knows_its_own_typing_errors() {
        let token = random_token().unwrap();
        assert!(is_token(&token));
        assert_eq!(token.len(), TOKEN_PREFIX.len() + 64 + 1 + 8);
        for index in TOKEN_PREFIX.len()..token.len() {
            let mut wrong = token.clone().into_bytes();
            wrong[index] = if wrong[index] == b'0' { b'1' } else { b'0' };
            assert!(!is_token(&String::from_utf8(wrong).unwrap()), "character {index}");
        }
        assert!(!is_token(""));
        assert!(!is_token("lime_pat_"));
        assert!(!is_token(&token[..token.len() - 1]));
    }

    #[test]
    fn secrets_differ() {
        assert_ne!(random_secret().unwrap(), random_secret().unwrap());
    }
}
