//! Reading back a file that an agent may have written. It may be a link to `/etc/shadow`, a pipe that
//! never ends, or as large as the disk.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, open, openat2};

/// Opens a regular file below `root` for reading. No link is followed, neither as the file nor on the way
/// to it, and the path cannot lead out.
///
/// # Errors
/// `ELOOP` for a link, `EXDEV` for a path that leads out, `InvalidInput` for anything but a regular file,
/// `FileTooLarge` above `most_bytes`.
pub fn open_beneath(root: &Path, relative: &Path, most_bytes: u64) -> io::Result<File> {
    let root = open(root, OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::PATH, Mode::empty())?;
    // Not blocking: opening a pipe would wait for its writer.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let file = openat2(root, relative, flags, Mode::empty(), resolve)?;
    let stat = fstat(&file)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    if u64::try_from(stat.st_size).unwrap_or(u64::MAX) > most_bytes {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(file.into())
}

/// Reads a whole file as [`open_beneath`] opens it.
///
/// # Errors
/// As [`open_beneath`]; a file that grows while it is read is cut off with `FileTooLarge`.
pub fn read_beneath(root: &Path, relative: &Path, most_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_beneath(root, relative, most_bytes)?.take(most_bytes + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most_bytes {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// Removes a tree that an agent has written, directories without permissions in it included. To be called
/// when nothing of the sandbox runs any more.
///
/// # Errors
/// What could not be removed after permissions were given; nothing there is no error.
pub fn remove_tree(root: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            unlock(root);
            std::fs::remove_dir_all(root)
        }
        other => other,
    }
}

/// Gives us every directory below. What cannot be changed shows when it cannot be removed.
fn unlock(root: &Path) {
    let mut waiting = vec![root.to_path_buf()];
    while let Some(path) = waiting.pop() {
        // Opened as itself: a link in a directory's place is not followed.
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::PATH;
        if rustix::fs::openat(CWD, &path, flags, Mode::empty()).is_err() {
            continue;
        }
        let _ = rustix::fs::chmod(&path, Mode::RWXU);
        let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
        let directories = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        waiting.extend(directories.map(|entry| entry.path()));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn only_regular_files_below_the_root_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        std::fs::create_dir_all(root.join("sub")).unwrap();
        std::fs::write(dir.path().join("secret"), "secret").unwrap();
        std::fs::write(root.join("sub/file"), "fine").unwrap();
        symlink("/etc/passwd", root.join("link")).unwrap();
        symlink("sub", root.join("way")).unwrap();
        symlink("sub/file", root.join("near")).unwrap();
        nix::unistd::mkfifo(&root.join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let read = |path: &str| read_beneath(&root, Path::new(path), 100);
        assert_eq!(read("sub/file").unwrap(), b"fine");
        for path in
            ["link", "way/file", "near", "../secret", "sub/../../secret", "/etc/passwd", "pipe", "sub", "missing"]
        {
            assert!(read(path).is_err(), "{path}");
        }
        assert_eq!(read_beneath(&root, Path::new("sub/file"), 3).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn a_locked_tree_can_be_removed_and_links_out_of_it_stay_harmless() {
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("outside");
        std::fs::create_dir_all(&outside).unwrap();
        std::fs::write(outside.join("kept"), "x").unwrap();
        let tree = dir.path().join("tree");
        std::fs::create_dir_all(tree.join("a/b")).unwrap();
        std::fs::write(tree.join("a/b/file"), "x").unwrap();
        symlink(&outside, tree.join("a/link")).unwrap();
        std::fs::set_permissions(&outside, std::fs::Permissions::from_mode(0o755)).unwrap();
        for path in ["a/b", "a"] {
            std::fs::set_permissions(tree.join(path), std::fs::Permissions::from_mode(0o000)).unwrap();
        }
        remove_tree(&tree).unwrap();
        assert!(!tree.exists());
        assert_eq!(outside.join("kept").metadata().unwrap().len(), 1);
        remove_tree(&tree).unwrap();
    }
}
