//! The rules of a ticket, one a function.

use super::{
    AssignTicket, CommentOnTicket, CreateTicket, DelegateTicket, EditTicket, MoveTicket, ParentFacts, RestoreTicket,
    Ticket, TicketArchived, TicketAssigned, TicketCommand, TicketCommented, TicketCreated, TicketDelegated,
    TicketDescribed, TicketDueDateSet, TicketEstimated, TicketEvent, TicketKindChanged, TicketLabelled, TicketMoved,
    TicketPrioritised, TicketReparented, TicketRestored, TicketRetitled,
};
use crate::decider::Rejection;
use crate::limits::{
    COMMENT_MAX_BYTES, DESCRIPTION_MAX_BYTES, ESTIMATE_MAX, LABEL_MAX_CHARS, LABELS_MAX, TITLE_MAX_CHARS,
};
use crate::text::{self, LineProblem};
use std::collections::BTreeSet;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TicketRejection {
    #[error("this ticket exists already")]
    Exists,
    #[error("there is no such ticket")]
    Unknown,
    #[error("the ticket is archived; restore it first")]
    Archived,
    #[error("the title {0}")]
    Title(LineProblem),
    #[error("the description is longer than {DESCRIPTION_MAX_BYTES} bytes")]
    DescriptionTooLong,
    #[error("the comment is empty")]
    CommentEmpty,
    #[error("the comment is longer than {COMMENT_MAX_BYTES} bytes")]
    CommentTooLong,
    #[error("a label {0}")]
    Label(LineProblem),
    #[error("a ticket has at most {LABELS_MAX} labels")]
    TooManyLabels,
    #[error("an estimate is at most {ESTIMATE_MAX}")]
    EstimateTooLarge,
    #[error("the board has no column {column}")]
    UnknownColumn { column: String },
    #[error("the assignee is not a member of the organisation")]
    NotAMember,
    #[error("no agent is known as {provider}")]
    UnknownProvider { provider: String },
    #[error("the parent belongs to another project")]
    ParentElsewhere,
    #[error("a ticket cannot stand below itself")]
    ParentBelow,
}

impl Rejection for TicketRejection {
    fn reason(&self) -> &'static str {
        match self {
            Self::Exists => "EXISTS",
            Self::Unknown => "UNKNOWN_TICKET",
            Self::Archived => "ARCHIVED",
            Self::Title(problem) => text::title_reason(*problem),
            Self::DescriptionTooLong => "DESCRIPTION_TOO_LONG",
            Self::CommentEmpty => "COMMENT_EMPTY",
            Self::CommentTooLong => "COMMENT_TOO_LONG",
            Self::Label(_) => "LABEL_MALFORMED",
            Self::TooManyLabels => "TOO_MANY_LABELS",
            Self::EstimateTooLarge => "ESTIMATE_TOO_LARGE",
            Self::UnknownColumn { .. } => "UNKNOWN_COLUMN",
            Self::NotAMember => "NOT_A_MEMBER",
            Self::UnknownProvider { .. } => "UNKNOWN_PROVIDER",
            Self::ParentElsewhere => "PARENT_ELSEWHERE",
            Self::ParentBelow => "PARENT_BELOW",
        }
    }
}

type Decision = Result<Vec<TicketEvent>, TicketRejection>;

pub(super) fn decide(ticket: &Ticket, command: &TicketCommand) -> Decision {
    if let TicketCommand::Create(command) = command {
        return create(ticket, command);
    }
    if ticket.home.is_none() {
        return Err(TicketRejection::Unknown);
    }
    match command {
        TicketCommand::Archive => return Ok(archive(ticket)),
        TicketCommand::Restore(command) => return Ok(restore(ticket, command)),
        _ if ticket.archived => return Err(TicketRejection::Archived),
        TicketCommand::Create(command) => create(ticket, command),
        TicketCommand::Edit(command, parent) => edit(ticket, command, *parent),
        TicketCommand::Move(command) => move_ticket(ticket, command),
        TicketCommand::Assign(command) => assign(ticket, command),
        TicketCommand::Delegate(command) => delegate(ticket, command),
        TicketCommand::Comment(command) => comment(command),
    }
}

fn create(ticket: &Ticket, command: &CreateTicket) -> Decision {
    if ticket.home.is_some() {
        return Err(TicketRejection::Exists);
    }
    in_column(&command.column, &command.board_columns)?;
    member(command.assignee.is_none() || command.assignee_is_member)?;
    parent_fits(command.parent_facts)?;
    Ok(vec![
        TicketCreated {
            project: command.project,
            board: command.board,
            key: command.key.clone(),
            number: command.number,
            title: title(&command.title)?,
            kind: command.kind,
            description_md: description(&command.description_md)?,
            column: command.column.clone(),
            rank: command.rank.clone(),
            parent: command.parent,
            labels: labels(&command.labels)?,
            priority: command.priority,
            assignee: command.assignee,
            estimate: estimate(command.estimate)?,
            planned_by: command.planned_by.clone(),
        }
        .into(),
    ])
}

/// One event for each field that really changes.
fn edit(ticket: &Ticket, command: &EditTicket, parent: ParentFacts) -> Decision {
    let mut events: Vec<TicketEvent> = Vec::new();
    if let Some(title) = command.title.as_deref().map(title).transpose()?
        && title != ticket.title
    {
        events.push(TicketRetitled { title }.into());
    }
    if let Some(description_md) = command.description_md.as_deref().map(description).transpose()?
        && description_md != ticket.description_md
    {
        events.push(TicketDescribed { description_md }.into());
    }
    if let Some(kind) = command.kind
        && kind != ticket.kind
    {
        events.push(TicketKindChanged { kind }.into());
    }
    if let Some(new) = command.parent
        && new != ticket.parent
    {
        parent_fits(parent)?;
        events.push(TicketReparented { parent: new }.into());
    }
    if let Some(labels) = command.labels.as_deref().map(labels).transpose()?
        && labels != ticket.labels
    {
        events.push(TicketLabelled { labels }.into());
    }
    if let Some(priority) = command.priority
        && priority != ticket.priority
    {
        events.push(TicketPrioritised { priority }.into());
    }
    if let Some(estimate) = command.estimate.map(estimate).transpose()?
        && estimate != ticket.estimate
    {
        events.push(TicketEstimated { estimate }.into());
    }
    if let Some(due_on) = command.due_on
        && due_on != ticket.due_on
    {
        events.push(TicketDueDateSet { due_on }.into());
    }
    Ok(events)
}

fn move_ticket(ticket: &Ticket, command: &MoveTicket) -> Decision {
    in_column(&command.to, &command.board_columns)?;
    if ticket.column == command.to && ticket.rank == command.rank {
        return Ok(Vec::new());
    }
    let (from, to, rank) = (ticket.column.clone(), command.to.clone(), command.rank.clone());
    Ok(vec![TicketMoved { from, to, rank }.into()])
}

fn assign(ticket: &Ticket, command: &AssignTicket) -> Decision {
    member(command.assignee.is_none() || command.assignee_is_member)?;
    if ticket.assignee == command.assignee {
        return Ok(Vec::new());
    }
    Ok(vec![TicketAssigned { assignee: command.assignee }.into()])
}

fn delegate(ticket: &Ticket, command: &DelegateTicket) -> Decision {
    if let Some(provider) = &command.provider
        && !command.known_providers.contains(provider)
    {
        return Err(TicketRejection::UnknownProvider { provider: provider.clone() });
    }
    if ticket.delegate == command.provider {
        return Ok(Vec::new());
    }
    Ok(vec![TicketDelegated { provider: command.provider.clone() }.into()])
}

/// Never "so already": saying the same twice is two comments. The command id tells a repeat from a second one.
fn comment(command: &CommentOnTicket) -> Decision {
    let body_md = text::text(&command.body_md);
    if body_md.trim().is_empty() {
        return Err(TicketRejection::CommentEmpty);
    }
    if body_md.len() > COMMENT_MAX_BYTES {
        return Err(TicketRejection::CommentTooLong);
    }
    Ok(vec![TicketCommented { comment: command.comment, body_md }.into()])
}

fn archive(ticket: &Ticket) -> Vec<TicketEvent> {
    if ticket.archived { Vec::new() } else { vec![TicketArchived {}.into()] }
}

fn restore(ticket: &Ticket, command: &RestoreTicket) -> Vec<TicketEvent> {
    if !ticket.archived {
        return Vec::new();
    }
    let still_there = command.board_columns.contains(&ticket.column);
    let column = command.board_columns.first().filter(|_| !still_there).unwrap_or(&ticket.column).clone();
    vec![TicketRestored { column, rank: command.rank.clone() }.into()]
}

fn in_column(column: &str, board_columns: &[String]) -> Result<(), TicketRejection> {
    if board_columns.iter().any(|key| key == column) {
        return Ok(());
    }
    Err(TicketRejection::UnknownColumn { column: text::cut(column, 80).to_owned() })
}

fn member(is_member: bool) -> Result<(), TicketRejection> {
    if is_member { Ok(()) } else { Err(TicketRejection::NotAMember) }
}

fn parent_fits(parent: ParentFacts) -> Result<(), TicketRejection> {
    match parent {
        ParentFacts { elsewhere: true, .. } => Err(TicketRejection::ParentElsewhere),
        ParentFacts { below: true, .. } => Err(TicketRejection::ParentBelow),
        ParentFacts { elsewhere: false, below: false } => Ok(()),
    }
}

fn title(text: &str) -> Result<String, TicketRejection> {
    text::line(text, TITLE_MAX_CHARS).map_err(TicketRejection::Title)
}

fn description(text: &str) -> Result<String, TicketRejection> {
    let text = text::text(text);
    if text.len() > DESCRIPTION_MAX_BYTES { Err(TicketRejection::DescriptionTooLong) } else { Ok(text) }
}

/// Sorted, without repeats.
fn labels(labels: &[String]) -> Result<Vec<String>, TicketRejection> {
    if labels.len() > LABELS_MAX {
        return Err(TicketRejection::TooManyLabels);
    }
    let clean = |label: &String| text::line(label, LABEL_MAX_CHARS).map_err(TicketRejection::Label);
    let labels = labels.iter().map(clean).collect::<Result<BTreeSet<_>, _>>()?;
    Ok(labels.into_iter().collect())
}

fn estimate(estimate: Option<u32>) -> Result<Option<u32>, TicketRejection> {
    if estimate.is_some_and(|points| points > ESTIMATE_MAX) {
        return Err(TicketRejection::EstimateTooLarge);
    }
    Ok(estimate)
}
