//! What a ticket's rules remember.

use super::decide::{TicketRejection, decide};
use super::{EditTicket, Priority, TicketCommand, TicketCreated, TicketEvent, TicketKind};
use crate::decider::{Changes, Context, Decider, LastChange};
use crate::event::{AggregateKind, DecodeError, DomainEvent};
use crate::ids::{BoardId, ProjectId, TicketId, UserId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// None: there is no such ticket.
    pub home: Option<TicketHome>,
    pub title: String,
    pub kind: TicketKind,
    pub description_md: String,
    pub column: String,
    pub rank: String,
    pub parent: Option<TicketId>,
    pub labels: Vec<String>,
    pub priority: Option<Priority>,
    pub assignee: Option<UserId>,
    /// The provider of the agent that it is delegated to.
    pub delegate: Option<String>,
    pub estimate: Option<u32>,
    pub due_on: Option<DateTime<Utc>>,
    pub archived: bool,
    pub changes: Changes<TicketFacet>,
}

/// What a ticket keeps for life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketHome {
    pub project: ProjectId,
    pub board: BoardId,
    pub key: String,
}

/// What can be changed by itself. A comment changes none of these: it makes nobody's change stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TicketFacet {
    Title,
    Description,
    Kind,
    Parent,
    Labels,
    Priority,
    Estimate,
    DueDate,
    Place,
    Assignee,
    Delegate,
    Archived,
}

impl From<TicketFacet> for &'static str {
    fn from(facet: TicketFacet) -> Self {
        match facet {
            TicketFacet::Title => "title",
            TicketFacet::Description => "description",
            TicketFacet::Kind => "kind",
            TicketFacet::Parent => "parent",
            TicketFacet::Labels => "labels",
            TicketFacet::Priority => "priority",
            TicketFacet::Estimate => "estimate",
            TicketFacet::DueDate => "due date",
            TicketFacet::Place => "place",
            TicketFacet::Assignee => "assignee",
            TicketFacet::Delegate => "delegate",
            TicketFacet::Archived => "archived state",
        }
    }
}

impl Ticket {
    fn create(&mut self, created: &TicketCreated) {
        self.home = Some(TicketHome { project: created.project, board: created.board, key: created.key.clone() });
        self.title.clone_from(&created.title);
        self.kind = created.kind;
        self.description_md.clone_from(&created.description_md);
        self.place(&created.column, &created.rank);
        self.parent = created.parent;
        self.labels.clone_from(&created.labels);
        self.priority = created.priority;
        self.assignee = created.assignee;
        self.estimate = created.estimate;
    }

    fn place(&mut self, column: &str, rank: &str) {
        column.clone_into(&mut self.column);
        rank.clone_into(&mut self.rank);
    }

    /// Does what the event says and names the facet that it changed.
    fn change(&mut self, event: &TicketEvent) -> Option<TicketFacet> {
        Some(match event {
            TicketEvent::TicketCreated(created) => {
                self.create(created);
                return None;
            }
            TicketEvent::TicketCommented(_) => return None,
            TicketEvent::TicketRetitled(e) => {
                self.title.clone_from(&e.title);
                TicketFacet::Title
            }
            TicketEvent::TicketDescribed(e) => {
                self.description_md.clone_from(&e.description_md);
                TicketFacet::Description
            }
            TicketEvent::TicketKindChanged(e) => {
                self.kind = e.kind;
                TicketFacet::Kind
            }
            TicketEvent::TicketReparented(e) => {
                self.parent = e.parent;
                TicketFacet::Parent
            }
            TicketEvent::TicketLabelled(e) => {
                self.labels.clone_from(&e.labels);
                TicketFacet::Labels
            }
            TicketEvent::TicketPrioritised(e) => {
                self.priority = e.priority;
                TicketFacet::Priority
            }
            TicketEvent::TicketEstimated(e) => {
                self.estimate = e.estimate;
                TicketFacet::Estimate
            }
            TicketEvent::TicketDueDateSet(e) => {
                self.due_on = e.due_on;
                TicketFacet::DueDate
            }
            TicketEvent::TicketMoved(e) => {
                self.place(&e.to, &e.rank);
                TicketFacet::Place
            }
            TicketEvent::TicketAssigned(e) => {
                self.assignee = e.assignee;
                TicketFacet::Assignee
            }
            TicketEvent::TicketDelegated(e) => {
                self.delegate.clone_from(&e.provider);
                TicketFacet::Delegate
            }
            TicketEvent::TicketArchived(_) => {
                self.archived = true;
                TicketFacet::Archived
            }
            TicketEvent::TicketRestored(e) => {
                self.archived = false;
                self.place(&e.column, &e.rank);
                TicketFacet::Archived
            }
        })
    }
}

fn edited(edit: &EditTicket) -> Vec<TicketFacet> {
    let given = [
        (TicketFacet::Title, edit.title.is_some()),
        (TicketFacet::Description, edit.description_md.is_some()),
        (TicketFacet::Kind, edit.kind.is_some()),
        (TicketFacet::Parent, edit.parent.is_some()),
        (TicketFacet::Labels, edit.labels.is_some()),
        (TicketFacet::Priority, edit.priority.is_some()),
        (TicketFacet::Estimate, edit.estimate.is_some()),
        (TicketFacet::DueDate, edit.due_on.is_some()),
    ];
    given.into_iter().filter_map(|(facet, given)| given.then_some(facet)).collect()
}

impl Decider for Ticket {
    const KIND: AggregateKind = AggregateKind::Ticket;
    const SNAPSHOT_VERSION: u32 = 1;
    type Command = TicketCommand;
    type Event = TicketEvent;
    type Rejection = TicketRejection;
    type Facet = TicketFacet;

    fn decide(&self, command: &TicketCommand, _: &Context) -> Result<Vec<TicketEvent>, TicketRejection> {
        decide(self, command)
    }

    fn apply(&mut self, event: &TicketEvent, change: &LastChange) {
        if let Some(facet) = self.change(event) {
            self.changes.remember(facet, change);
        }
        if matches!(event, TicketEvent::TicketRestored(_)) {
            self.changes.remember(TicketFacet::Place, change);
        }
    }

    fn facets(command: &TicketCommand) -> Vec<TicketFacet> {
        match command {
            TicketCommand::Create(_) | TicketCommand::Comment(_) => Vec::new(),
            TicketCommand::Edit(edit, _) => edited(edit),
            TicketCommand::Move(_) => vec![TicketFacet::Place],
            TicketCommand::Assign(_) => vec![TicketFacet::Assignee],
            TicketCommand::Delegate(_) => vec![TicketFacet::Delegate],
            TicketCommand::Archive | TicketCommand::Restore(_) => vec![TicketFacet::Archived],
        }
    }

    fn last_change(&self, facet: TicketFacet) -> Option<&LastChange> {
        self.changes.last(facet)
    }

    fn event_from_domain(event: DomainEvent) -> Result<TicketEvent, DecodeError> {
        TicketEvent::from_domain(event)
    }
}
