//! Room on the home's disk: PostgreSQL panics when there is none, so we stop before the cliff.
//!
//! Below 2 GiB (or a tenth of a small disk) commands are answered with STORAGE_LOW. A ballast file keeps room that is
//! given back when the disk is all but full: PostgreSQL can then write what it needs to recover.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use nix::sys::statvfs::statvfs;
use tokio::sync::watch;
use tokio::time::sleep;

const BALLAST_BYTES: u64 = 256 << 20;
const LOW_BYTES: u64 = 2 << 30;
/// Part of the disk that counts as low when the disk is small.
const LOW_PART: u64 = 10;
/// Below this the ballast goes.
const FULL_BYTES: u64 = 128 << 20;
/// As promised: writing goes on at most 10 s after there is room again.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Free bytes for us, and all bytes, of the disk that holds `path`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) free: u64,
    pub(crate) all: u64,
}

impl Room {
    pub(crate) fn of(path: &Path) -> anyhow::Result<Self> {
        let found = statvfs(path).with_context(|| format!("failed to ask for room at {}", path.display()))?;
        #[allow(clippy::useless_conversion, reason = "the fields' width differs between systems")]
        let bytes = |blocks| u64::from(blocks).saturating_mul(found.fragment_size());
        Ok(Self { free: bytes(found.blocks_available()), all: bytes(found.blocks()) })
    }

    pub(crate) fn is_low(self) -> bool {
        self.free < LOW_BYTES.min(self.all / LOW_PART)
    }

    fn is_full(self) -> bool {
        self.free < FULL_BYTES
    }

    fn has_room_for_ballast(self) -> bool {
        self.free > LOW_BYTES.min(self.all / LOW_PART) + 2 * BALLAST_BYTES
    }
}

/// Looks at the home's disk for as long as somebody listens. True: low.
pub(crate) fn watch(home: &Path) -> watch::Receiver<bool> {
    let (sender, low) = watch::channel(false);
    let ballast = home.join("ballast");
    let home = home.to_path_buf();
    tokio::spawn(async move {
        while !sender.is_closed() {
            look(&home, &ballast, &sender);
            sleep(LOOK_EVERY).await;
        }
    });
    low
}

fn look(home: &Path, ballast: &PathBuf, low: &watch::Sender<bool>) {
    let room = match Room::of(home) {
        Ok(room) => room,
        Err(error) => {
            tracing::warn!(error = format!("{error:#}"), "the disk cannot be asked how full it is");
            return;
        }
    };
    if room.is_full() && ballast.exists() {
        match fs::remove_file(ballast) {
            Ok(()) => tracing::error!(
                freed_mib = BALLAST_BYTES >> 20,
                "the disk is full: the ballast was given back; make room"
            ),
            Err(error) => tracing::error!(%error, "the disk is full and the ballast cannot be removed"),
        }
    } else if room.has_room_for_ballast()
        && !ballast.exists()
        && let Err(error) = make_ballast(ballast)
    {
        tracing::warn!(error = format!("{error:#}"), "no ballast could be kept");
    }
    let is_low = room.is_low();
    let has_changed = low.send_if_modified(|before| std::mem::replace(before, is_low) != is_low);
    if has_changed && is_low {
        tracing::error!(
            free_mib = room.free >> 20,
            "the disk is nearly full: commands are refused until there is room"
        );
    } else if has_changed {
        tracing::info!(free_mib = room.free >> 20, "there is room again: commands are taken");
    }
}

#[cfg(target_os = "linux")]
fn make_ballast(path: &Path) -> anyhow::Result<()> {
    let file = File::create(path)?;
    let reserved = nix::fcntl::posix_fallocate(&file, 0, i64::try_from(BALLAST_BYTES)?);
    if reserved.is_err() {
        // Half a ballast is none.
        fs::remove_file(path)?;
    }
    reserved.context("failed to reserve room for the ballast")
}

/// Elsewhere there is no call that reserves room without writing it.
#[cfg(not(target_os = "linux"))]
fn make_ballast(path: &Path) -> anyhow::Result<()> {
    use std::io::Write;
    let mut file = File::create(path)?;
    let chunk = vec![0_u8; 1 << 20];
    for _ in 0..(BALLAST_BYTES >> 20) {
        file.write_all(&chunk)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn two_gibibytes_are_low_and_a_tenth_of_a_small_disk() {
        assert!(Room { free: 2 * GIB - 1, all: 500 * GIB }.is_low());
        assert!(!Room { free: 40 * GIB, all: 500 * GIB }.is_low());
        assert!(!Room { free: GIB, all: 8 * GIB }.is_low());
        assert!(Room { free: GIB / 2, all: 8 * GIB }.is_low());
    }

    #[test]
    fn the_ballast_is_kept_where_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let ballast = folder.path().join("ballast");
        let (sender, low) = watch::channel(true);
        let room = Room::of(folder.path()).unwrap();
        look(folder.path(), &ballast, &sender);
        assert_eq!(ballast.exists(), room.has_room_for_ballast());
        assert_eq!(*low.borrow(), room.is_low());
    }
}
