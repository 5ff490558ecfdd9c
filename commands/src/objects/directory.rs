//! Objects as files in a directory: the default.

use super::{Digest, ObjectError, Objects};
use async_trait::async_trait;
use bytes::Bytes;
use domain::limits::FILE_MAX_BYTES;
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStoreExt, PutPayload};
use std::path::Path;

/// `<root>/<first two digits>/<other digits>`. A file appears under its name only when it is whole and on the disk.
#[derive(Debug)]
pub struct DirectoryObjects {
    store: LocalFileSystem,
}

impl DirectoryObjects {
    /// Opens the directory and makes it where it is missing.
    ///
    /// # Errors
    /// [`ObjectError::Open`] when it cannot be made or entered.
    pub fn open(root: &Path) -> Result<Self, ObjectError> {
        let open = |source| ObjectError::Open { place: root.display().to_string(), source };
        let made = std::fs::create_dir_all(root);
        made.map_err(|error| open(object_store::Error::Generic { store: "directory", source: error.into() }))?;
        let store = LocalFileSystem::new_with_prefix(root).map_err(open)?.with_fsync(true);
        Ok(Self { store })
    }
}

fn path(digest: &Digest) -> ObjectPath {
    let (folder, name) = digest.as_str().split_at(2);
    ObjectPath::from_iter([folder, name])
}

#[async_trait]
impl Objects for DirectoryObjects {
    async fn put(&self, bytes: Bytes) -> Result<Digest, ObjectError> {
        let size_bytes = bytes.len() as u64;
        if size_bytes > FILE_MAX_BYTES {
            return Err(ObjectError::TooLarge { size_bytes, max_bytes: FILE_MAX_BYTES });
        }
        let digest = Digest::of(&bytes);
        // Written even if there is one of that name: it may be damaged, and this heals it.
        match self.store.put(&path(&digest), PutPayload::from_bytes(bytes)).await {
            Ok(_) => Ok(digest),
            Err(source) => Err(ObjectError::Write { digest, source }),
        }
    }

    async fn get(&self, digest: &Digest) -> Result<Bytes, ObjectError> {
        let read = |source| match source {
            object_store::Error::NotFound { .. } => ObjectError::Missing(digest.clone()),
            source => ObjectError::Read { digest: digest.clone(), source },
        };
        let found = self.store.get(&path(digest)).await.map_err(read)?;
        let bytes = found.bytes().await.map_err(read)?;
        if Digest::of(&bytes) == *digest { Ok(bytes) } else { Err(ObjectError::Damaged(digest.clone())) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    fn file(root: &Path, digest: &Digest) -> std::path::PathBuf {
        root.join(&digest.as_str()[..2]).join(&digest.as_str()[2..])
    }

    #[tokio::test]
    async fn what_is_put_is_got_back_by_its_digest() {
        let root = tempfile::tempdir().unwrap();
        let objects = DirectoryObjects::open(&root.path().join("objects")).unwrap();
        let digest = objects.put(Bytes::from_static(b"hello")).await.unwrap();
        assert_eq!(digest.as_str(), "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
        assert_eq!(objects.get(&digest).await.unwrap(), "hello");
        assert_eq!(objects.put(Bytes::from_static(b"hello")).await.unwrap(), digest);
        let empty = objects.put(Bytes::new()).await.unwrap();
        assert_eq!(objects.get(&empty).await.unwrap(), "");
    }

    #[tokio::test]
    async fn what_is_missing_or_damaged_is_said_and_put_again_heals_it() {
        let root = tempfile::tempdir().unwrap();
        let objects = DirectoryObjects::open(root.path()).unwrap();
        let digest = Digest::of(b"hello");
        assert!(matches!(objects.get(&digest).await, Err(ObjectError::Missing(_))));
        objects.put(Bytes::from_static(b"hello")).await.unwrap();
        std::fs::write(file(root.path(), &digest), b"jello").unwrap();
        assert!(matches!(objects.get(&digest).await, Err(ObjectError::Damaged(_))));
        objects.put(Bytes::from_static(b"hello")).await.unwrap();
        assert_eq!(objects.get(&digest).await.unwrap(), "hello");
    }

    #[tokio::test]
    async fn twenty_mebibytes_are_the_most() {
        let root = tempfile::tempdir().unwrap();
        let objects = DirectoryObjects::open(root.path()).unwrap();
        let large = Bytes::from(vec![0; usize::try_from(FILE_MAX_BYTES).unwrap() + 1]);
        assert!(matches!(objects.put(large).await, Err(ObjectError::TooLarge { .. })));
    }

    #[test]
    fn a_name_is_never_a_path() {
        for bad in ["", "../../etc/passwd", &"A".repeat(64), &"g".repeat(64), &"a".repeat(63)] {
            assert_eq!(Digest::parse(bad), None);
        }
        assert!(Digest::parse(&"a".repeat(64)).is_some());
    }
}
