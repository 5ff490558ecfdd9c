//! R2: one dense order that never changes, chained org by org, true to each stream.

use std::collections::HashMap;

use ring::digest::{Context, SHA256};
use schema::hash_chain::{GENESIS, Hash};

use super::Broken;
use super::log::{Entry, Log, Place};

/// The log as it was at some time: compare with it later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub position: u64,
    /// SHA-256 over every entry up to there.
    pub sha256: [u8; 32],
}

/// Everything about order that does not hold.
pub fn judge(log: &Log) -> Vec<Broken> {
    let mut broken: Vec<Broken> = log.hollow.iter().map(|position| Broken::Hollow { position: *position }).collect();
    let unplaced = log.entries.iter().filter(|entry| entry.place.is_none());
    broken.extend(unplaced.map(|entry| Broken::Unplaced { row: entry.row }));
    let mut expected = 1;
    let mut orgs: HashMap<_, (u64, Hash)> = HashMap::new();
    let mut streams: HashMap<_, u64> = HashMap::new();
    let mut events: HashMap<_, u64> = HashMap::new();
    for (entry, place) in log.placed() {
        if place.position != expected {
            broken.push(Broken::Gap { expected, found: place.position });
        }
        expected = place.position + 1;
        let (org_position, previous) = orgs.entry(entry.org).or_insert((0, GENESIS));
        judge_chain(entry, place, *org_position + 1, previous, &mut broken);
        (*org_position, *previous) = (place.org_position, place.hash);
        let version = streams.entry(entry.stream()).or_default();
        if entry.version != *version + 1 {
            broken.push(Broken::StreamOrder {
                stream: format!("{} {}", entry.aggregate_type, entry.aggregate_id),
                position: place.position,
                expected: *version + 1,
                found: entry.version,
            });
        }
        *version = entry.version;
        if let Some(first) = events.insert(entry.event_id, place.position) {
            broken.push(Broken::SameEvent { event: entry.event_id, first, again: place.position });
        }
    }
    broken
}

fn judge_chain(entry: &Entry, place: &Place, expected: u64, previous: &Hash, broken: &mut Vec<Broken>) {
    let position = place.position;
    if place.org_position != expected {
        broken.push(Broken::OrgGap { org: entry.org, position, expected, found: place.org_position });
    }
    if place.prev_hash != *previous || place.hash != entry.hash(place, previous) {
        broken.push(Broken::Chain { position });
    }
}

/// The log up to `position`, in one number.
pub fn head_at(log: &Log, position: u64) -> Head {
    let mut digest = Context::new(&SHA256);
    for (entry, place) in log.placed().filter(|(_, place)| place.position <= position) {
        for part in [
            place.position.to_be_bytes().as_slice(),
            &place.hash,
            entry.event_id.as_bytes(),
            entry.metadata.as_bytes(),
            entry.payload.as_bytes(),
        ] {
            digest.update(&(part.len() as u64).to_be_bytes());
            digest.update(part);
        }
    }
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(digest.finish().as_ref());
    Head { position, sha256 }
}

/// What each earlier head says must still be the beginning of the log.
pub fn judge_history(log: &Log, heads: &[Head]) -> Vec<Broken> {
    let changed = heads.iter().filter(|head| head_at(log, head.position) != **head);
    changed.map(|head| Broken::Rewritten { position: head.position }).collect()
}
