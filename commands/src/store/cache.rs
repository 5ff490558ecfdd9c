//! Folded aggregates in memory. What is here may be behind: the expected version at the append tells.

use super::{Folded, Stream};
use domain::Decider;
use std::any::Any;
use std::sync::Arc;

/// A fixed share for the key, the bookkeeping and the empty state.
const ENTRY_BYTES: u32 = 800;

type Entry = (Arc<dyn Any + Send + Sync>, u32);

pub(super) struct Cache {
    entries: moka::future::Cache<Stream, Entry>,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").field("entries", &self.entries.entry_count()).finish()
    }
}

impl Cache {
    pub(super) fn new(max_bytes: u64) -> Self {
        let weigher = |_: &Stream, (_, bytes): &Entry| bytes.saturating_add(ENTRY_BYTES);
        Self { entries: moka::future::Cache::builder().max_capacity(max_bytes).weigher(weigher).build() }
    }

    pub(super) async fn get<D: Decider>(&self, stream: Stream) -> Option<Arc<Folded<D>>> {
        self.entries.get(&stream).await.and_then(|(folded, _)| folded.downcast().ok())
    }

    pub(super) async fn put<D: Decider>(&self, stream: Stream, folded: Arc<Folded<D>>) {
        let bytes = folded.bytes;
        self.entries.insert(stream, (folded, bytes)).await;
    }

    pub(super) async fn forget(&self, stream: Stream) {
        self.entries.invalidate(&stream).await;
    }
}
