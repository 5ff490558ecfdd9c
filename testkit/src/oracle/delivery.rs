//! R5: a subscriber that reconnects with its cursor misses nothing and gets nothing twice.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::Broken;
use super::log::{Entry, Log};

/// One item that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub position: u64,
    pub at: DateTime<Utc>,
}

/// Who followed a board, over however many connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscriber {
    pub name: String,
    pub board: Uuid,
    /// What it had read before it subscribed.
    pub from: u64,
    /// In the order in which it came.
    pub received: Vec<Delivery>,
    /// Up to these positions it was told to read the whole again, and did.
    pub resyncs: Vec<u64>,
    pub connections: u32,
}

/// The positions that each board's subscribers must get, by what the log alone says.
pub fn changes_of_boards(log: &Log) -> HashMap<Uuid, BTreeSet<u64>> {
    let mut board_of: HashMap<String, Uuid> = HashMap::new();
    let mut changes: HashMap<Uuid, BTreeSet<u64>> = HashMap::new();
    for (entry, place) in log.placed() {
        if let Some(board) = board_changed_by(entry, &mut board_of) {
            changes.entry(board).or_default().insert(place.position);
        }
    }
    changes
}

/// `board_of` knows tickets, and runs by their tickets.
fn board_changed_by(entry: &Entry, board_of: &mut HashMap<String, Uuid>) -> Option<Uuid> {
    let id_in = |field: &serde_json::Value| field.as_str()?.parse::<Uuid>().ok();
    match entry.event_type.as_str() {
        "BoardCreated" => entry.aggregate_id.parse().ok(),
        "TicketCreated" => {
            let board = id_in(entry.json().get("board")?)?;
            board_of.insert(entry.aggregate_id.clone(), board);
            Some(board)
        }
        "RunRequested" => {
            let ticket = id_in(entry.json().get("ticket")?.get("id")?)?;
            let board = *board_of.get(&ticket.to_string())?;
            board_of.insert(entry.aggregate_id.clone(), board);
            Some(board)
        }
        "RunLeased" | "RunWorkStarted" | "RunCostReached" | "RunEnded" => board_of.get(&entry.aggregate_id).copied(),
        _ if entry.aggregate_type == "Ticket" => board_of.get(&entry.aggregate_id).copied(),
        _ => None,
    }
}

/// What one subscriber got against what it must have got.
pub fn judge(changes: &BTreeSet<u64>, subscriber: &Subscriber) -> Vec<Broken> {
    let name = || subscriber.name.clone();
    let mut broken = Vec::new();
    let mut got = BTreeSet::new();
    let mut after = subscriber.from;
    for delivery in &subscriber.received {
        let position = delivery.position;
        if !got.insert(position) {
            broken.push(Broken::DeliveredAgain { subscriber: name(), position });
        } else if position <= after {
            broken.push(Broken::DeliveredLate { subscriber: name(), position, after });
        }
        if !changes.contains(&position) {
            broken.push(Broken::Stranger { subscriber: name(), position });
        }
        after = after.max(position);
    }
    let excused = subscriber.resyncs.iter().copied().max().unwrap_or_default().max(subscriber.from);
    let missed = changes.range(excused + 1..).filter(|position| !got.contains(position));
    broken.extend(missed.map(|position| Broken::Missed { subscriber: name(), position: *position }));
    broken
}

/// How long after an event was recorded it came to the subscribers, of events recorded in this time; ascending.
pub fn latencies(log: &Log, subscribers: &[Subscriber], from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<TimeDelta> {
    let recorded: BTreeMap<u64, DateTime<Utc>> = log
        .placed()
        .filter(|(entry, _)| (from..to).contains(&entry.at))
        .map(|(entry, place)| (place.position, entry.at))
        .collect();
    let deliveries = subscribers.iter().flat_map(|subscriber| &subscriber.received);
    let mut took: Vec<TimeDelta> =
        deliveries.filter_map(|delivery| Some(delivery.at - *recorded.get(&delivery.position)?)).collect();
    took.sort_unstable();
    took
}

/// The value below which `share` (0 to 1) of ascending values lie.
pub fn percentile(ascending: &[TimeDelta], share: f64) -> Option<TimeDelta> {
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
    let index = (ascending.len().saturating_sub(1) as f64 * share).ceil() as usize;
    ascending.get(index).copied()
}
