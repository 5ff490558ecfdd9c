//! What a project's rules remember.

use super::decide::{ProjectRejection, decide};
use super::{ProjectCommand, ProjectEvent};
use crate::decider::{Context, Decider, LastChange};
use crate::event::{AggregateKind, DecodeError, DomainEvent};
use crate::ids::BoardId;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// None: there is no such project.
    pub created: Option<CreatedProject>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedProject {
    pub key: String,
    pub name: String,
    pub default_board: BoardId,
}

/// Nothing of a project can be changed by two at once yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProjectFacet {}

impl From<ProjectFacet> for &'static str {
    fn from(facet: ProjectFacet) -> Self {
        match facet {}
    }
}

impl Decider for Project {
    const KIND: AggregateKind = AggregateKind::Project;
    const SNAPSHOT_VERSION: u32 = 1;
    type Command = ProjectCommand;
    type Event = ProjectEvent;
    type Rejection = ProjectRejection;
    type Facet = ProjectFacet;

    fn decide(&self, command: &ProjectCommand, _: &Context) -> Result<Vec<ProjectEvent>, ProjectRejection> {
        decide(self, command)
    }

    fn apply(&mut self, event: &ProjectEvent, _: &LastChange) {
        match event {
            ProjectEvent::ProjectCreated(created) => {
                self.created = Some(CreatedProject {
                    key: created.key.clone(),
                    name: created.name.clone(),
                    default_board: created.default_board,
                });
            }
        }
    }

    fn facets(_: &ProjectCommand) -> Vec<ProjectFacet> {
        Vec::new()
    }

    fn last_change(&self, facet: ProjectFacet) -> Option<&LastChange> {
        match facet {}
    }

    fn event_from_domain(event: DomainEvent) -> Result<ProjectEvent, DecodeError> {
        ProjectEvent::from_domain(event)
    }
}
