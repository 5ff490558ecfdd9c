//! What can be followed.

use super::follow::{BATCH, Batch, Source};
use super::{Subject, Topic};
use crate::auth::access::OrgAccess;
use crate::errors::ApiError;
use crate::state::Gateway;
use domain::{BoardId, OrgId, ProjectId, RunId, TicketId};
use feed::transcript::{self, TranscriptEvent};
use projections::Changes;
use projections::board::BoardChange;
use projections::runs::RunChange;
use projections::ticket::{Ticket, TicketChange};
use std::sync::Arc;

fn batch<T>(changes: Changes<T>, position: impl Fn(&T) -> u64) -> Batch<Arc<T>> {
    Batch {
        resync: changes.resync,
        items: changes.items.into_iter().map(|item| (position(&item), Arc::new(item))).collect(),
        up_to: changes.position,
        more: changes.more,
    }
}

pub(crate) struct BoardSource {
    pub access: OrgAccess,
    pub board: BoardId,
}

impl Source for BoardSource {
    type Item = Arc<BoardChange>;

    fn subject(&self) -> Subject {
        Subject { topic: Topic::Board, id: self.board.as_uuid() }
    }

    async fn now(&self, gateway: &Gateway) -> Result<u64, ApiError> {
        Ok(gateway.reads.position_of("board").await?)
    }

    async fn read(&self, gateway: &Gateway, after: u64) -> Result<Batch<Self::Item>, ApiError> {
        let changes = gateway.reads.board_changes(self.access.org(), self.board, after, BATCH).await?;
        Ok(batch(changes.ok_or(ApiError::NotFound)?, |change| change.position))
    }
}

pub(crate) struct TicketSource {
    pub access: OrgAccess,
    pub ticket: TicketId,
}

/// A change with the ticket as it is now.
#[derive(Clone, Debug)]
pub(crate) struct TicketStep {
    pub change: Arc<TicketChange>,
    pub ticket: Arc<Ticket>,
}

impl Source for TicketSource {
    type Item = TicketStep;

    fn subject(&self) -> Subject {
        Subject { topic: Topic::Ticket, id: self.ticket.as_uuid() }
    }

    async fn now(&self, gateway: &Gateway) -> Result<u64, ApiError> {
        Ok(gateway.reads.position_of("ticket").await?)
    }

    async fn read(&self, gateway: &Gateway, after: u64) -> Result<Batch<Self::Item>, ApiError> {
        let org = self.access.org();
        let changes = gateway.reads.ticket_changes(org, self.ticket, after, BATCH).await?.ok_or(ApiError::NotFound)?;
        let changes = batch(changes, |change| change.position);
        // Read after the changes: it shows at least all of them.
        let ticket = match changes.items.is_empty() {
            true => None,
            false => Some(Arc::new(gateway.reads.ticket(org, self.ticket).await?.ok_or(ApiError::NotFound)?)),
        };
        let items = changes.items.into_iter().zip(ticket.iter().cycle());
        let items = items.map(|((at, change), ticket)| (at, TicketStep { change, ticket: Arc::clone(ticket) }));
        Ok(Batch { items: items.collect(), resync: changes.resync, up_to: changes.up_to, more: changes.more })
    }
}

pub(crate) struct RunsSource {
    pub access: OrgAccess,
    pub project: ProjectId,
}

impl Source for RunsSource {
    type Item = Arc<RunChange>;

    fn subject(&self) -> Subject {
        Subject { topic: Topic::Runs, id: self.project.as_uuid() }
    }

    async fn now(&self, gateway: &Gateway) -> Result<u64, ApiError> {
        Ok(gateway.reads.position_of("runs").await?)
    }

    async fn read(&self, gateway: &Gateway, after: u64) -> Result<Batch<Self::Item>, ApiError> {
        let changes = gateway.reads.runs_changes(self.access.org(), self.project, after, BATCH).await?;
        Ok(batch(changes, |change| change.position))
    }
}

/// A run's transcript: places are its own sequence.
pub(crate) struct RunEventSource {
    pub org: OrgId,
    pub run: RunId,
}

impl Source for RunEventSource {
    type Item = Arc<TranscriptEvent>;

    fn subject(&self) -> Subject {
        Subject { topic: Topic::Transcript, id: self.run.as_uuid() }
    }

    async fn now(&self, gateway: &Gateway) -> Result<u64, ApiError> {
        Ok(transcript::last_seq(&gateway.pool, self.org, self.run).await?)
    }

    async fn read(&self, gateway: &Gateway, after: u64) -> Result<Batch<Self::Item>, ApiError> {
        let events = transcript::read_after(&gateway.pool, self.org, self.run, after, BATCH).await?;
        let up_to = events.last().map_or(after, |event| event.seq);
        let more = events.len() >= BATCH as usize;
        let items = events.into_iter().map(|event| (event.seq, Arc::new(event))).collect();
        Ok(Batch { resync: false, items, up_to, more })
    }
}
