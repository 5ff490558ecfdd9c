//! Hints between processes, over core NATS.
//!
//! Subjects: `lime.hint.v1.committed` (no payload), `lime.hint.v1.sequenced` (pairs of row and position, 8 bytes each,
//! big endian), `lime.hint.v1.reached` (a JSON list of [`Reached`]). The header `Lime-Origin` names the sender, who
//! ignores its own.

use crate::hints::{Announcement, Hub, Reached};
use async_nats::{Client, HeaderMap, Message};
use bytes::{BufMut, Bytes, BytesMut};
use domain::ids::Position;
use futures::StreamExt;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use uuid::Uuid;

const COMMITTED: &str = "lime.hint.v1.committed";
const SEQUENCED: &str = "lime.hint.v1.sequenced";
const REACHED: &str = "lime.hint.v1.reached";
const EVERYTHING: &str = "lime.hint.v1.*";
const ORIGIN: &str = "Lime-Origin";
/// Keeps every message far below NATS's limit of 1 MiB.
const PAIRS_A_MESSAGE: usize = 8_192;
const REACHED_A_MESSAGE: usize = 1_024;

/// Messages of one kind begin at least this far apart; what comes meanwhile shares the next. The first after a quiet
/// while goes at once.
const PACE: Duration = Duration::from_millis(2);

/// Starts the tasks that send and hear. They end when the hub is gone.
pub(crate) fn start(
    client: Client,
    hub: &Arc<Hub>,
    committed: Arc<Notify>,
    announcements: mpsc::Receiver<Announcement>,
) {
    let origin = Uuid::new_v4().to_string();
    tokio::spawn(send_committed(client.clone(), origin.clone(), Arc::downgrade(hub), committed));
    tokio::spawn(send_announcements(client.clone(), origin.clone(), announcements));
    tokio::spawn(hear(client, origin, Arc::downgrade(hub)));
}

/// Any number of commits while one message is on its way make one more message.
async fn send_committed(client: Client, origin: String, hub: Weak<Hub>, committed: Arc<Notify>) {
    let mut alive = tokio::time::interval(Duration::from_secs(5));
    loop {
        tokio::select! {
            () = committed.notified() => {
                publish(&client, COMMITTED, &origin, Bytes::new()).await;
                tokio::time::sleep(PACE).await;
            }
            _ = alive.tick() => {}
        }
        if hub.strong_count() == 0 {
            return;
        }
    }
}

async fn send_announcements(client: Client, origin: String, mut announcements: mpsc::Receiver<Announcement>) {
    let mut waiting = Vec::new();
    while announcements.recv_many(&mut waiting, REACHED_A_MESSAGE).await > 0 {
        let mut pairs: Vec<(i64, Position)> = Vec::new();
        let mut reached: Vec<Reached> = Vec::new();
        for announcement in waiting.drain(..) {
            match announcement {
                Announcement::Sequenced(rows) => pairs.extend(rows),
                Announcement::Reached(one) => reached.push(one),
            }
        }
        for chunk in pairs.chunks(PAIRS_A_MESSAGE) {
            publish(&client, SEQUENCED, &origin, encode_pairs(chunk)).await;
        }
        if !reached.is_empty()
            && let Ok(json) = serde_json::to_vec(&reached)
        {
            publish(&client, REACHED, &origin, json.into()).await;
        }
        tokio::time::sleep(PACE).await;
    }
}

async fn publish(client: &Client, subject: &'static str, origin: &str, payload: Bytes) {
    let mut headers = HeaderMap::new();
    headers.insert(ORIGIN, origin);
    if let Err(error) = client.publish_with_headers(subject, headers, payload).await {
        tracing::debug!(%subject, %error, "a hint was not sent");
    }
}

async fn hear(client: Client, origin: String, hub: Weak<Hub>) {
    let mut heard = match client.subscribe(EVERYTHING).await {
        Ok(subscriber) => subscriber,
        Err(error) => {
            tracing::warn!(%error, "hints of other processes are not heard; polling goes on");
            return;
        }
    };
    let mut alive = tokio::time::interval(Duration::from_secs(5));
    loop {
        let message = tokio::select! {
            message = heard.next() => message,
            _ = alive.tick() => {
                if hub.strong_count() == 0 { return; }
                continue;
            }
        };
        let (Some(message), Some(hub)) = (message, hub.upgrade()) else { return };
        let own = message
            .headers
            .as_ref()
            .and_then(|headers| headers.get(ORIGIN))
            .is_some_and(|from| from.as_str() == origin);
        if !own {
            pass_on(&hub, &message);
        }
    }
}

fn pass_on(hub: &Hub, message: &Message) {
    match message.subject.as_str() {
        COMMITTED => hub.heard_committed(),
        SEQUENCED => hub.heard_sequenced(&decode_pairs(&message.payload)),
        REACHED => match serde_json::from_slice::<Vec<Reached>>(&message.payload) {
            Ok(reached) => reached.into_iter().for_each(|one| hub.heard_reached(one)),
            Err(error) => tracing::debug!(%error, "a hint could not be read"),
        },
        other => tracing::debug!(subject = other, "an unknown hint"),
    }
}

fn encode_pairs(pairs: &[(i64, Position)]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(pairs.len() * 16);
    for (row, position) in pairs {
        bytes.put_i64(*row);
        bytes.put_u64(*position);
    }
    bytes.freeze()
}

fn decode_pairs(bytes: &[u8]) -> Vec<(i64, Position)> {
    let (pairs, _) = bytes.as_chunks::<16>();
    pairs
        .iter()
        .filter_map(|pair| {
            let (row, position) = pair.split_first_chunk::<8>()?;
            Some((i64::from_be_bytes(*row), u64::from_be_bytes(*position.first_chunk::<8>()?)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_survive_the_wire() {
        let pairs = vec![(1, 2), (i64::MAX, u64::MAX), (0, 0)];
        assert_eq!(decode_pairs(&encode_pairs(&pairs)), pairs);
        assert_eq!(decode_pairs(&[1, 2, 3]), vec![]);
    }
}
