//! What a board's rules remember.

use super::decide::{BoardRejection, decide};
use super::{BoardCommand, BoardEvent, Column};
use crate::decider::{Context, Decider, LastChange};
use crate::event::{AggregateKind, DecodeError, DomainEvent};
use crate::ids::ProjectId;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Board {
    /// None: there is no such board.
    pub project: Option<ProjectId>,
    pub columns: Vec<Column>,
}

impl Board {
    /// The keys of its columns, left to right.
    pub fn column_keys(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.key.clone()).collect()
    }
}

/// Nothing of a board can be changed by two at once yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoardFacet {}

impl From<BoardFacet> for &'static str {
    fn from(facet: BoardFacet) -> Self {
        match facet {}
    }
}

impl Decider for Board {
    const KIND: AggregateKind = AggregateKind::Board;
    const SNAPSHOT_VERSION: u32 = 1;
    type Command = BoardCommand;
    type Event = BoardEvent;
    type Rejection = BoardRejection;
    type Facet = BoardFacet;

    fn decide(&self, command: &BoardCommand, _: &Context) -> Result<Vec<BoardEvent>, BoardRejection> {
        decide(self, command)
    }

    fn apply(&mut self, event: &BoardEvent, _: &LastChange) {
        match event {
            BoardEvent::BoardCreated(created) => {
                self.project = Some(created.project);
                self.columns.clone_from(&created.columns);
            }
        }
    }

    fn facets(_: &BoardCommand) -> Vec<BoardFacet> {
        Vec::new()
    }

    fn last_change(&self, facet: BoardFacet) -> Option<&LastChange> {
        match facet {}
    }

    fn event_from_domain(event: DomainEvent) -> Result<BoardEvent, DecodeError> {
        BoardEvent::from_domain(event)
    }
}
