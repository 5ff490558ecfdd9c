//! Secrets at rest: envelope encryption, one data key a secret, wrapped by a master key that the database never sees.
//!
//! [`master_key`] holds the keys and their names; [`envelope`] seals and opens one value; [`Vault`] keeps the sealed
//! values in the table `vault_secrets` and moves them to the current master key ([`Vault::rewrap`]).
//!
//! What is bound: both layers authenticate the key id and the place (table, column, org, name), so that a ciphertext
//! copied to another row, org or column does not open.
//!
//! # How to rotate
//! Put the new key first in `ENCRYPTION_MASTER_KEY`, keep the old one after it, restart, run `lime keys rotate`, take
//! the old key out when it says that none is left.

mod envelope;
mod master_key;
mod store;

pub use envelope::EnvelopeError;
pub use master_key::{Keyring, KeyringError};
pub use store::{Rewrapped, Vault, VaultError};
