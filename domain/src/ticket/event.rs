//! What happened to a ticket.

use crate::event::events;
use crate::ids::{BoardId, CommentId, PlanItemId, ProjectId, RunId, TicketId, UserId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TicketKind {
    Epic,
    Story,
    #[default]
    Task,
    Bug,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    Urgent,
    High,
    Medium,
    Low,
}

events! {
    TicketEvent of Ticket {
        TicketCreated = 1,
        TicketRetitled = 1,
        TicketDescribed = 1,
        TicketKindChanged = 1,
        TicketReparented = 1,
        TicketLabelled = 1,
        TicketPrioritised = 1,
        TicketEstimated = 1,
        TicketDueDateSet = 1,
        TicketMoved = 1,
        TicketAssigned = 1,
        TicketDelegated = 1,
        TicketCommented = 1,
        TicketArchived = 1,
        TicketRestored = 1,
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TicketCreated {
    pub project: ProjectId,
    pub board: BoardId,
    /// The project's key and the number, such as `AL-12`.
    pub key: String,
    pub number: u64,
    pub title: String,
    pub kind: TicketKind,
    #[serde(default)]
    pub description_md: String,
    pub column: String,
    /// Fractional index: order inside the column, by bytes; ties by ticket id.
    pub rank: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<TicketId>,
    #[serde(default)]
    pub labels: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<u32>,
    /// The plan that proposed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_by: Option<PlannedBy>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PlannedBy {
    pub run: RunId,
    pub item: PlanItemId,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TicketRetitled {
    pub title: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TicketDescribed {
    pub description_md: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TicketKindChanged {
    pub kind: TicketKind,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TicketReparented {
    pub parent: Option<TicketId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TicketLabelled {
    /// All of them, sorted, without repeats.
    pub labels: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TicketPrioritised {
    pub priority: Option<Priority>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TicketEstimated {
    pub estimate: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TicketDueDateSet {
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub due_on: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TicketMoved {
    pub from: String,
    pub to: String,
    pub rank: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TicketAssigned {
    pub assignee: Option<UserId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TicketDelegated {
    /// The agent's provider, such as `codex`; the assignee stays responsible.
    pub provider: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TicketCommented {
    pub comment: CommentId,
    pub body_md: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TicketArchived {}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TicketRestored {
    /// Where it stands again.
    pub column: String,
    pub rank: String,
}
