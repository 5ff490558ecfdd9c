//! Larger content, stored by digest: attachments, diffs, artifacts. The port, and its directory backend.

mod directory;

pub use directory::DirectoryObjects;

use async_trait::async_trait;
use bytes::Bytes;
use std::fmt;

/// SHA-256 of the content, as 64 lower-case hex digits: an object's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub struct Digest(String);

impl Digest {
    pub fn of(bytes: &[u8]) -> Self {
        Self(hex::encode(ring::digest::digest(&ring::digest::SHA256, bytes)))
    }

    /// None when `text` is not 64 lower-case hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 64 && text.bytes().all(hex)).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    #[error("object {0} is not in the store")]
    Missing(Digest),
    #[error("object {0} is damaged: its bytes have another digest")]
    Damaged(Digest),
    #[error("an object of {size_bytes} bytes is larger than {max_bytes}")]
    TooLarge { size_bytes: u64, max_bytes: u64 },
    #[error("failed to open the object store at {place}")]
    Open {
        place: String,
        #[source]
        source: object_store::Error,
    },
    #[error("failed to write object {digest}")]
    Write {
        digest: Digest,
        #[source]
        source: object_store::Error,
    },
    #[error("failed to read object {digest}")]
    Read {
        digest: Digest,
        #[source]
        source: object_store::Error,
    },
}

/// Where objects are kept. Writing the same content twice is one object.
#[async_trait]
pub trait Objects: fmt::Debug + Send + Sync {
    /// Durable when it returns. At most [`domain::limits::FILE_MAX_BYTES`].
    async fn put(&self, bytes: Bytes) -> Result<Digest, ObjectError>;
    /// The bytes, checked against the digest.
    async fn get(&self, digest: &Digest) -> Result<Bytes, ObjectError>;
}
