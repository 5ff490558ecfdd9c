//! The agent's commits come in, as data only.
//!
//! The bundle's pack is given to `git index-pack --strict` by ourselves: the check that
//! `fetch.fsckObjects` means. Through `git fetch`, a git before 2.46 does not make it for bundles
//! (by its history, not measured). Objects land in a quarantine and are moved only when every cap holds.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::WorkspaceError;
use super::finish::{BUNDLE, Delivery};
use super::git::{Call, Failed, Input, last_words};
use super::host::HostRepository;
use super::names::{CommitId, RefName};
use super::read::open_beneath;

/// Bounds on what an agent may hand in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportCaps {
    /// The bundle's size.
    pub bundle_bytes: u64,
    /// Objects in it: commits, trees and files.
    pub objects: u32,
    /// All objects unpacked, together.
    pub unpacked_bytes: u64,
    /// A path, in bytes.
    pub path_bytes: usize,
    pub time_limit: Duration,
    /// Of git while it unpacks.
    pub memory_bytes: u64,
}

impl Default for ImportCaps {
    fn default() -> Self {
        Self {
            bundle_bytes: 256 << 20,
            objects: 100_000,
            unpacked_bytes: 1 << 30,
            path_bytes: 1_024,
            time_limit: Duration::from_mins(2),
            memory_bytes: 1 << 30,
        }
    }
}

/// Header lines of a bundle; ours has three.
const HEADER_BYTES: u64 = 64 << 10;

impl HostRepository {
    /// Takes over what [`super::finish`] left in `out`, as the branch.
    ///
    /// Afterwards the branch is at `delivery.head`, whose whole history is here and was checked. Nothing
    /// of it is ever checked out on the host.
    ///
    /// # Errors
    /// [`WorkspaceError::TooLarge`] for each cap, [`WorkspaceError::Bundle`] for anything that is not a
    /// sound history from the base; nothing of it stays.
    pub async fn import(
        &self,
        out: &Path,
        delivery: &Delivery,
        branch: &RefName,
        caps: &ImportCaps,
    ) -> Result<(), WorkspaceError> {
        let quarantine = self.dir.join("incoming");
        let imported = self.import_into(&quarantine, out, delivery, caps).await;
        // Moved out of when all went well, to be forgotten if not.
        let _ = std::fs::remove_dir_all(&quarantine);
        imported?;
        self.set_ref(&format!("refs/heads/{branch}"), &delivery.head).await
    }

    async fn import_into(
        &self,
        quarantine: &Path,
        out: &Path,
        delivery: &Delivery,
        caps: &ImportCaps,
    ) -> Result<(), WorkspaceError> {
        let pack = quarantine.join("pack");
        std::fs::create_dir_all(&pack).map_err(WorkspaceError::file("make", &pack))?;
        if delivery.has_commits {
            let file =
                open_beneath(out, Path::new(BUNDLE), caps.bundle_bytes).map_err(|error| refused_file(&error, caps))?;
            let file = at_pack(file, delivery, caps)?;
            self.index(quarantine, file, caps).await?;
        }
        self.check(quarantine, delivery, caps).await?;
        let target = self.dir.join("objects/pack");
        std::fs::create_dir_all(&target).map_err(WorkspaceError::file("make", &target))?;
        let mut files: Vec<PathBuf> = Vec::new();
        for entry in std::fs::read_dir(&pack).map_err(WorkspaceError::file("list", &pack))? {
            files.push(entry.map_err(WorkspaceError::file("list", &pack))?.path());
        }
        // The index last: by it git finds the pack.
        files.sort_by_key(|file| file.extension().is_some_and(|kind| kind == "idx"));
        for file in files {
            if let Some(name) = file.file_name() {
                std::fs::rename(&file, target.join(name)).map_err(WorkspaceError::file("move", &file))?;
            }
        }
        Ok(())
    }

    async fn index(&self, quarantine: &Path, pack: File, caps: &ImportCaps) -> Result<(), WorkspaceError> {
        let limit = format!("--max-input-size={}", caps.bundle_bytes);
        let mut call = self.quarantined("take over the agent's commits", quarantine, caps);
        call.args = ["index-pack", "--stdin", "--fix-thin", "--strict", &limit].map(Into::into).into();
        call.input = Some(Input::File(pack));
        // An index and what thin packs leave out come on top.
        call.disk = Some((quarantine.to_path_buf(), caps.bundle_bytes.saturating_mul(2).max(64 << 20)));
        self.git.run(call).await.map_err(in_words)?;
        Ok(())
    }

    /// Every object between base and head is there, of sound size, at a path of sound length.
    async fn check(&self, quarantine: &Path, delivery: &Delivery, caps: &ImportCaps) -> Result<(), WorkspaceError> {
        let head = delivery.head.as_str();
        let mut kind = self.quarantined("look at the agent's commit", quarantine, caps);
        kind.args = ["cat-file", "-t", head].map(Into::into).into();
        let found = self.git.run(kind).await.map_err(in_words)?;
        if found.output.trim_ascii() != b"commit" {
            return Err(WorkspaceError::Bundle { reason: "what it hands in is no commit".into() });
        }
        let not_base = format!("^{}", self.base);
        let mut list = self.quarantined("list the agent's commits", quarantine, caps);
        list.args = ["rev-list", "--objects", head, &not_base, "--"].map(Into::into).into();
        let most = caps.objects as usize * (42 + caps.path_bytes);
        list.output_bytes = most.min(512 << 20);
        let listed = self.git.run(list).await.map_err(in_words)?;
        if listed.cut {
            return Err(WorkspaceError::TooLarge {
                what: "the list of the agent's files in bytes",
                limit: most as u64,
            });
        }
        let objects = object_names(&listed.output, caps)?;
        let mut sizes = self.quarantined("measure the agent's commits", quarantine, caps);
        sizes.args = ["cat-file", "--batch-check=%(objectsize)", "--buffer"].map(Into::into).into();
        sizes.input = Some(Input::Bytes(objects));
        let sizes = self.git.run(sizes).await.map_err(in_words)?;
        let mut total = 0_u64;
        for line in String::from_utf8_lossy(&sizes.output).lines() {
            let Ok(size) = line.parse::<u64>() else {
                return Err(WorkspaceError::Bundle { reason: "an object of its history is missing".into() });
            };
            total = total.saturating_add(size);
        }
        if total > caps.unpacked_bytes {
            return Err(WorkspaceError::TooLarge {
                what: "the agent's work unpacked in bytes",
                limit: caps.unpacked_bytes,
            });
        }
        Ok(())
    }

    fn quarantined(&self, what: &'static str, quarantine: &Path, caps: &ImportCaps) -> Call<'_> {
        let mut call = Call::new(what, Vec::<String>::new()).within(&self.dir);
        call.env = vec![
            ("GIT_OBJECT_DIRECTORY", quarantine.as_os_str().to_owned()),
            ("GIT_ALTERNATE_OBJECT_DIRECTORIES", self.dir.join("objects").into_os_string()),
        ];
        call.time_limit = caps.time_limit;
        call.memory_bytes = caps.memory_bytes;
        call
    }
}

fn refused_file(error: &std::io::Error, caps: &ImportCaps) -> WorkspaceError {
    if error.kind() == std::io::ErrorKind::FileTooLarge {
        return WorkspaceError::TooLarge { what: "the agent's bundle in bytes", limit: caps.bundle_bytes };
    }
    WorkspaceError::Bundle { reason: format!("its file cannot be read: {error}") }
}

/// Reads the bundle's header and leaves the file where its pack begins.
fn at_pack(file: File, delivery: &Delivery, caps: &ImportCaps) -> Result<File, WorkspaceError> {
    let broken = |reason: &str| WorkspaceError::Bundle { reason: reason.to_owned() };
    let unreadable = |_| broken("its file cannot be read");
    let mut reader = BufReader::new(file.take(HEADER_BYTES));
    let mut consumed = 0_u64;
    let mut line = Vec::new();
    let mut named = false;
    let mut number = 0;
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line).map_err(unreadable)?;
        consumed += read as u64;
        let Some(text) = line.strip_suffix(b"\n") else { return Err(broken("its header does not end")) };
        let text = std::str::from_utf8(text).map_err(|_| broken("its header is no text"))?;
        number += 1;
        match (number, text) {
            (1, "# v2 git bundle" | "# v3 git bundle") | (_, "@object-format=sha1") => {}
            (1, _) => return Err(broken("it is no bundle")),
            (_, "") => break,
            // Commits that must be here already, with their titles; the list of objects shows if one is not.
            (_, other) if other.starts_with('-') => {}
            (_, other) if other.split_once(' ') == Some((delivery.head.as_str(), "HEAD")) => named = true,
            _ => return Err(broken("its header names something else than the agent's last commit")),
        }
    }
    if !named {
        return Err(broken("its header does not name the agent's last commit"));
    }
    let mut file = reader.into_inner().into_inner();
    file.seek(SeekFrom::Start(consumed)).map_err(unreadable)?;
    let mut head = [0; 12];
    file.read_exact(&mut head).map_err(unreadable)?;
    let [b'P', b'A', b'C', b'K', _, _, _, version, count @ ..] = head else { return Err(broken("it has no pack")) };
    if !(2..=3).contains(&version) {
        return Err(broken("its pack is of an unknown version"));
    }
    if u32::from_be_bytes(count) > caps.objects {
        return Err(WorkspaceError::TooLarge {
            what: "the number of objects that the agent hands in",
            limit: caps.objects.into(),
        });
    }
    file.seek(SeekFrom::Start(consumed)).map_err(unreadable)?;
    Ok(file)
}

/// From `<object> <path>` lines, the objects alone, a line each.
fn object_names(listed: &[u8], caps: &ImportCaps) -> Result<Vec<u8>, WorkspaceError> {
    let mut objects = Vec::new();
    let mut count = 0_u32;
    for line in listed.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let (object, path) = line.split_at_checked(40).unwrap_or((line, b""));
        if std::str::from_utf8(object).ok().and_then(CommitId::parse).is_none() {
            // A path may have a line break in it, and then looks like the next object.
            return Err(WorkspaceError::Bundle { reason: "a path has a line break in it".into() });
        }
        if path.len() > caps.path_bytes + 1 {
            return Err(WorkspaceError::TooLarge {
                what: "the length of a path in bytes",
                limit: caps.path_bytes as u64,
            });
        }
        count += 1;
        objects.extend_from_slice(object);
        objects.push(b'\n');
    }
    if count > caps.objects {
        return Err(WorkspaceError::TooLarge {
            what: "the number of objects that the agent hands in",
            limit: caps.objects.into(),
        });
    }
    Ok(objects)
}

fn in_words(failed: Failed) -> WorkspaceError {
    match failed {
        Failed::Refused { said, .. } => WorkspaceError::Bundle { reason: last_words(&said) },
        Failed::Other(error) => error,
    }
}
