//! One follower: what it missed, then the live marker, then what comes.

use super::{BatchKey, Subject};
use crate::auth::Viewer;
use crate::auth::access::{Action, OrgAccess};
use crate::errors::ApiError;
use crate::state::Gateway;
use async_graphql::Error;
use futures::Stream;
use std::future::Future;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// Rows read at once.
pub(super) const BATCH: u32 = 200;

/// What a source has after a place.
#[derive(Debug)]
pub(crate) struct Batch<T> {
    /// The changes no longer reach back to that place.
    pub resync: bool,
    /// By place, ascending.
    pub items: Vec<(u64, T)>,
    /// Everything up to here is in `items`.
    pub up_to: u64,
    pub more: bool,
}

/// Where a follower reads.
pub(crate) trait Source: Send + Sync + 'static {
    type Item: Clone + Send + Sync + 'static;

    fn subject(&self) -> Subject;
    /// The place to begin at for somebody who wants only what comes.
    fn now(&self, gateway: &Gateway) -> impl Future<Output = Result<u64, ApiError>> + Send;
    fn read(&self, gateway: &Gateway, after: u64) -> impl Future<Output = Result<Batch<Self::Item>, ApiError>> + Send;
}

/// One item of a subscription, before it takes the shape of its type.
#[derive(Clone, Debug)]
pub(crate) enum Step<T> {
    /// The change at this place.
    Change(u64, T),
    /// Nothing more up to here: what follows happened after the subscription.
    Live(u64),
    /// Changes before this place are not kept any more: read the whole again.
    Resync(u64),
}

/// Follows a source from `after`, or from now on, for as long as the viewer may read in the org.
pub(crate) fn follow<S: Source>(
    gateway: Arc<Gateway>,
    viewer: Arc<Viewer>,
    access: OrgAccess,
    source: S,
    after: Option<u64>,
) -> impl Stream<Item = Result<Step<S::Item>, Error>> + Send + use<S> {
    // A queue of one: the follower reads on when its client has taken what it has.
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let follower = Follower { gateway, viewer, access, source, sender };
        tokio::select! {
            // The client left.
            () = follower.sender.closed() => {}
            ended = follower.run(after) => {
                if let Err(error) = ended {
                    let _ = follower.sender.send(Err(error.into_graphql())).await;
                }
            }
        }
    });
    tokio_stream::wrappers::ReceiverStream::new(receiver)
}

struct Follower<S: Source> {
    gateway: Arc<Gateway>,
    viewer: Arc<Viewer>,
    access: OrgAccess,
    source: S,
    sender: mpsc::Sender<Result<Step<S::Item>, Error>>,
}

impl<S: Source> Follower<S> {
    async fn run(&self, after: Option<u64>) -> Result<(), ApiError> {
        let mut wake = self.gateway.live.wake(self.source.subject());
        let mut epoch = self.gateway.watch_epoch();
        let mut place = match after {
            Some(place) => place,
            None => self.source.now(&self.gateway).await?,
        };
        let mut is_live = false;
        loop {
            let heard = *wake.borrow_and_update();
            // Membership is asked for at every look: what was taken away a moment ago is not read any more.
            self.gateway.access(&self.viewer, self.access.org(), Action::Read).await?;
            let batch = match self.read(place, heard).await {
                Ok(batch) => batch,
                // A database that is away comes back; the client keeps its place and its socket.
                Err(ApiError::Unavailable { .. }) if is_live => {
                    self.rest(&mut wake, &mut epoch).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            if batch.resync {
                place = batch.up_to;
                if !self.send(Step::Resync(place)).await {
                    return Ok(());
                }
                continue;
            }
            for (at, item) in &batch.items {
                if !self.send(Step::Change(*at, item.clone())).await {
                    return Ok(());
                }
                place = *at;
            }
            if batch.more {
                continue;
            }
            place = place.max(batch.up_to);
            if !is_live {
                is_live = true;
                if !self.send(Step::Live(place)).await {
                    return Ok(());
                }
            }
            self.rest(&mut wake, &mut epoch).await;
        }
    }

    async fn read(&self, after: u64, heard: u64) -> Result<Arc<Batch<S::Item>>, ApiError> {
        let key = BatchKey { subject: self.source.subject(), after, heard };
        let batches = &self.gateway.live.batches;
        let read = async {
            let batch = self.source.read(&self.gateway, after).await?;
            Ok::<Arc<dyn std::any::Any + Send + Sync>, ApiError>(Arc::new(batch))
        };
        let batch = batches.try_get_with(key, read).await.map_err(|error| match &*error {
            ApiError::Unavailable { message, .. } => ApiError::Unavailable { message, source: None },
            ApiError::NotFound => ApiError::NotFound,
            other => ApiError::internal(feed::chain(other)),
        })?;
        let batch = batch.downcast::<Batch<S::Item>>().map_err(|_| ApiError::internal("a batch of another kind"))?;
        if batch.items.is_empty() {
            // Nothing yet is true only now.
            batches.invalidate(&key).await;
        }
        Ok(batch)
    }

    /// Until a hint, or for as long as a hint may have been lost; or until something was taken away from somebody.
    async fn rest(&self, wake: &mut watch::Receiver<u64>, epoch: &mut watch::Receiver<i64>) {
        let rested = tokio::time::timeout(self.gateway.live.poll, wake.changed());
        let rested = tokio::select! {
            rested = rested => rested,
            Ok(()) = epoch.changed() => return,
        };
        // A sender that is gone was cleared away between two hints; the poll goes on.
        if let Ok(Err(_)) = rested {
            tokio::time::sleep(self.gateway.live.poll).await;
            *wake = self.gateway.live.wake(self.source.subject());
        }
    }

    async fn send(&self, step: Step<S::Item>) -> bool {
        self.sender.send(Ok(step)).await.is_ok()
    }
}
