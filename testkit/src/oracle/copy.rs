//! R8: the stream of NATS is the log again, message by message, whatever happened to it.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::Broken;
use super::log::Log;

/// One message of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    pub sequence: u64,
    /// The header `ce-id`; none when there is no such header.
    pub event: Option<Uuid>,
    pub payload: Vec<u8>,
}

/// The stream's messages from `first` on, against the log: sequence = position, same event, same bytes.
pub fn judge(log: &Log, first: u64, messages: &[Copied]) -> Vec<Broken> {
    let found: BTreeMap<u64, &Copied> = messages.iter().map(|message| (message.sequence, message)).collect();
    let head = log.head();
    let mut broken = Vec::new();
    for (entry, place) in log.placed().filter(|(_, place)| place.position >= first) {
        let message = found.get(&place.position);
        let same = message.is_some_and(|message| {
            message.event == Some(entry.event_id) && message.payload == entry.payload.as_bytes()
        });
        if !same {
            let found = message.map_or_else(|| "nothing".to_owned(), |message| format!("{:?}", message.event));
            let expected = entry.event_id.to_string();
            broken.push(Broken::OtherMessage { sequence: place.position, expected, found });
        }
    }
    let last = found.keys().next_back().copied().unwrap_or_default();
    if last != head {
        broken.push(Broken::ShortCopy { found: last, head });
    }
    broken
}
