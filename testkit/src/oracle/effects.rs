//! R3 and R4: read models that equal their rebuild, and a projection that shows every repeat and every hole.

use std::collections::HashMap;

use ring::digest::{SHA256, digest};
use uuid::Uuid;

use super::Broken;
use super::log::Log;

/// The rows of one projection, live or rebuilt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    pub position: u64,
    pub sha256: String,
}

/// What a canary has: it appends the id of each event that it is given, come what may, and chains them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Canary {
    pub seen: Vec<Uuid>,
    pub chain: Vec<u8>,
}

/// The next link of a canary's chain.
pub fn link(chain: &[u8], event: Uuid) -> Vec<u8> {
    digest(&SHA256, &[chain, event.as_bytes().as_slice()].concat()).as_ref().to_vec()
}

/// A projection's rows at the log's head, against those of its rebuild up to there.
pub fn judge_rebuild(projection: &str, head: u64, live: &Rows, rebuilt: &Rows) -> Vec<Broken> {
    let projection = projection.to_owned();
    if live.position != head {
        return vec![Broken::Behind { projection, found: live.position, head }];
    }
    if live == rebuilt { Vec::new() } else { vec![Broken::NotItsRebuild { projection, position: live.position }] }
}

/// Each event once, in the log's order.
pub fn judge_canary(log: &Log, canary: &Canary) -> Vec<Broken> {
    let mut times: HashMap<Uuid, usize> = HashMap::new();
    for event in &canary.seen {
        *times.entry(*event).or_default() += 1;
    }
    let mut broken = Vec::new();
    for (entry, place) in log.placed() {
        let position = place.position;
        match times.get(&entry.event_id).copied().unwrap_or_default() {
            1 => {}
            0 => broken.push(Broken::CanaryMissed { position }),
            times => broken.push(Broken::CanaryRepeated { position, times }),
        }
    }
    // The first place that is wrong says it; those after it follow from it.
    let expected = log.placed().map(|(entry, _)| Some(entry.event_id)).chain(std::iter::repeat(None));
    let wrong = canary.seen.iter().zip(expected).enumerate().find(|(_, (seen, expected))| Some(**seen) != *expected);
    if let Some((place, (seen, expected))) = wrong {
        let expected = expected.map_or_else(|| "nothing".to_owned(), |event| event.to_string());
        broken.push(Broken::CanaryOrder { place, expected, found: seen.to_string() });
    }
    if canary.seen.iter().fold(Vec::new(), |chain, event| link(&chain, *event)) != canary.chain {
        broken.push(Broken::CanaryChain);
    }
    broken
}
