//! Live data: who follows what, when to look again, and what is worked out once for all who follow the same.
//!
//! Hints say that something changed; they may be lost, so every follower also looks once a second. What it looks at are
//! rows after its cursor, in the database: a lost hint, a lagging follower, a cut socket and a gateway that was started
//! again all heal the same way.

mod follow;
mod shared;
mod sources;

pub(crate) use follow::{Step, follow};
pub(crate) use shared::{DocumentKey, LastCursor, Shared, SharedKey};
pub(crate) use sources::{BoardSource, RunEventSource, RunsSource, TicketSource, TicketStep};

use crate::GatewaySettings;
use feed::hints::Hints;
use moka::future::Cache;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What a follower follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Topic {
    Board,
    Ticket,
    Runs,
    Transcript,
}

impl Topic {
    /// The name under which it is announced.
    const fn hint(self) -> &'static str {
        match self {
            Self::Board => "board",
            Self::Ticket => "ticket",
            Self::Runs => "runs",
            Self::Transcript => feed::transcript::HINT,
        }
    }

    fn of_hint(name: &str) -> Option<Self> {
        [Self::Board, Self::Ticket, Self::Runs, Self::Transcript].into_iter().find(|topic| topic.hint() == name)
    }
}

/// A topic of one board, ticket, project or run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Subject {
    pub topic: Topic,
    pub id: Uuid,
}

type Wakes = Arc<Mutex<HashMap<Subject, watch::Sender<u64>>>>;

/// Shared by all followers of a gateway.
#[derive(Debug)]
pub(crate) struct Live {
    wakes: Wakes,
    /// One read serves all who stand at the same place and heard the same hint.
    batches: Cache<BatchKey, Arc<dyn std::any::Any + Send + Sync>>,
    encoded: Cache<SharedKey, Arc<str>>,
    poll: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BatchKey {
    subject: Subject,
    after: u64,
    /// The hint that was heard: a read begun before it may not serve those who come because of it.
    heard: u64,
}

impl Live {
    pub(crate) fn start(hints: &Hints, settings: &GatewaySettings, stop: CancellationToken) -> Self {
        let wakes = Wakes::default();
        tokio::spawn(pass_on(hints.on_reached(), Arc::clone(&wakes), stop));
        Self {
            wakes,
            batches: Cache::builder().max_capacity(2_048).time_to_live(Duration::from_secs(2)).build(),
            encoded: Cache::builder()
                .weigher(|_, text: &Arc<str>| u32::try_from(text.len()).unwrap_or(u32::MAX))
                .max_capacity(settings.encoded_cache_bytes)
                .time_to_live(Duration::from_secs(5))
                .build(),
            poll: settings.live_poll,
        }
    }

    /// Wakes when the subject changed. The number is the last position heard, or less when that is not known.
    fn wake(&self, subject: Subject) -> watch::Receiver<u64> {
        let mut wakes = self.wakes.lock().unwrap_or_else(PoisonError::into_inner);
        // Those whose last follower left make room when a new one comes.
        if wakes.len() % 1_024 == 1_023 {
            wakes.retain(|_, sender| sender.receiver_count() > 0);
        }
        wakes.entry(subject).or_insert_with(|| watch::channel(0).0).subscribe()
    }
}

/// From the one stream of hints to those who follow.
async fn pass_on(mut reached: broadcast::Receiver<feed::hints::Reached>, wakes: Wakes, stop: CancellationToken) {
    loop {
        let heard = tokio::select! {
            () = stop.cancelled() => return,
            heard = reached.recv() => heard,
        };
        match heard {
            Ok(hint) => {
                let Some(topic) = Topic::of_hint(&hint.projection) else { continue };
                let mut wakes = wakes.lock().unwrap_or_else(PoisonError::into_inner);
                let subject = Subject { topic, id: hint.key };
                if let Some(sender) = wakes.get(&subject) {
                    if sender.receiver_count() == 0 {
                        wakes.remove(&subject);
                    } else {
                        // A generation that was swapped in may say less than the one before: a wake all the same.
                        sender.send_modify(|known| *known = (*known + 1).max(hint.position));
                    }
                }
            }
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                tracing::debug!(missed, "hints were missed: everybody looks");
                let wakes = wakes.lock().unwrap_or_else(PoisonError::into_inner);
                for sender in wakes.values() {
                    sender.send_modify(|known| *known += 1);
                }
            }
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}
