//! Tickets.

use crate::input::{Input, derived_id};
use crate::numbers::{end_of_column, next_ticket};
use crate::place::{Wanted, rank_at};
use crate::{Accepted, Caller, CommandError, Commands};
use domain::board::Board;
use domain::limits::{COMMENT_MAX_BYTES, DESCRIPTION_MAX_BYTES, LABELS_MAX, TITLE_MAX_CHARS};
use domain::org::Org;
use domain::project::Project;
use domain::ticket::{
    AssignTicket as Assign, CommentOnTicket as Comment, CreateTicket as Create, DelegateTicket as Delegate,
    EditTicket as TicketChanges, MoveTicket as Move, ParentFacts, PlannedBy, Priority, RestoreTicket as Restore,
    Ticket, TicketCommand, TicketHome, TicketKind,
};
use domain::{BoardId, CommentId, ProjectId, TicketId, UserId};
use garde::Validate;
use serde::Serialize;

/// Ancestors that are looked at before a parent counts as standing below its child.
const DEEPEST: usize = 50;
/// A bound on what reaches the rules; they count the characters of what remains after cleaning.
const TITLE_BYTES: usize = TITLE_MAX_CHARS * 16;
const TEXT_BYTES: usize = DESCRIPTION_MAX_BYTES * 2;

#[derive(Clone, Debug, Serialize, Validate)]
pub struct CreateTicket {
    #[garde(skip)]
    pub project: ProjectId,
    /// None: the project's default board.
    #[garde(skip)]
    pub board: Option<BoardId>,
    #[garde(skip)]
    pub title: String,
    #[garde(skip)]
    pub kind: TicketKind,
    #[garde(length(bytes, max = TEXT_BYTES))]
    pub description_md: String,
    /// A column's key, such as `backlog`.
    #[garde(skip)]
    pub column: String,
    #[garde(skip)]
    pub parent: Option<TicketId>,
    #[garde(length(max = LABELS_MAX), inner(length(bytes, max = TITLE_BYTES)))]
    pub labels: Vec<String>,
    #[garde(skip)]
    pub priority: Option<Priority>,
    #[garde(skip)]
    pub assignee: Option<UserId>,
    #[garde(skip)]
    pub estimate: Option<u32>,
}

#[derive(Clone, Debug, Serialize, Validate)]
pub struct EditTicket {
    #[garde(skip)]
    pub ticket: TicketId,
    /// Outer none: leave it. Inner none: clear it.
    #[garde(custom(bounded_changes))]
    pub changes: TicketChanges,
}

fn bounded_changes(changes: &TicketChanges, (): &()) -> garde::Result {
    let too_large = changes.description_md.as_ref().is_some_and(|text| text.len() > TEXT_BYTES)
        || changes.labels.as_ref().is_some_and(|labels| labels.iter().any(|label| label.len() > TITLE_BYTES));
    if too_large { Err(garde::Error::new("holds a text that is too long")) } else { Ok(()) }
}

/// Between `after` and `before`; with one of them next to it; with neither at the end of the column.
#[derive(Clone, Debug, Serialize, Validate)]
pub struct MoveTicket {
    #[garde(skip)]
    pub ticket: TicketId,
    #[garde(skip)]
    pub column: String,
    #[garde(skip)]
    pub after: Option<TicketId>,
    #[garde(skip)]
    pub before: Option<TicketId>,
}

#[derive(Clone, Debug, Serialize, Validate)]
pub struct AssignTicket {
    #[garde(skip)]
    pub ticket: TicketId,
    #[garde(skip)]
    pub assignee: Option<UserId>,
}

#[derive(Clone, Debug, Serialize, Validate)]
pub struct DelegateTicket {
    #[garde(skip)]
    pub ticket: TicketId,
    #[garde(skip)]
    pub provider: Option<String>,
}

#[derive(Clone, Debug, Serialize, Validate)]
pub struct CommentOnTicket {
    #[garde(skip)]
    pub ticket: TicketId,
    #[garde(length(bytes, max = COMMENT_MAX_BYTES * 2))]
    pub body_md: String,
}

#[derive(Clone, Copy, Debug, Serialize, Validate)]
pub struct ArchiveTicket {
    #[garde(skip)]
    pub ticket: TicketId,
}

#[derive(Clone, Copy, Debug, Serialize, Validate)]
pub struct RestoreTicket {
    #[garde(skip)]
    pub ticket: TicketId,
}

macro_rules! inputs {
    ($($input:ident = $name:literal),+ $(,)?) => {
        $(impl Input for $input { const NAME: &'static str = $name; })+
    };
}
inputs! {
    CreateTicket = "create_ticket",
    EditTicket = "edit_ticket",
    MoveTicket = "move_ticket",
    AssignTicket = "assign_ticket",
    DelegateTicket = "delegate_ticket",
    CommentOnTicket = "comment_on_ticket",
    ArchiveTicket = "archive_ticket",
    RestoreTicket = "restore_ticket",
}

/// The new ticket goes to the end of its column. Its id derives from the command, its number from the project's
/// counter.
pub async fn create_ticket(
    commands: &Commands,
    caller: &Caller,
    input: CreateTicket,
) -> Result<Accepted, CommandError> {
    let ticket = TicketId(derived_id(caller, "ticket"));
    let digest = input.digest(caller);
    commands.perform(caller, &input, create(commands, caller, ticket, digest, input.clone(), None)).await
}

/// Fetches what the rule needs and creates the ticket; also how an accepted plan's items get onto the board.
pub(crate) async fn create(
    commands: &Commands,
    caller: &Caller,
    ticket: TicketId,
    digest: [u8; 32],
    input: CreateTicket,
    planned_by: Option<PlannedBy>,
) -> Result<Accepted, CommandError> {
    let project = commands.find::<Project>(caller.org, input.project).await?;
    let project = project.state.created.as_ref().ok_or(CommandError::NotFound)?;
    let board_id = input.board.unwrap_or(project.default_board);
    let board = commands.find::<Board>(caller.org, board_id).await?;
    if board.state.project != Some(input.project) {
        return Err(CommandError::NotFound);
    }
    let parent_facts = parent_facts(commands, caller, ticket, input.project, input.parent).await?;
    let assignee_is_member = is_member(commands, caller, input.assignee).await?;
    let (number, rank) = next_ticket(commands, caller.org, input.project, board_id).await?;
    let command = TicketCommand::Create(Box::new(Create {
        project: input.project,
        board: board_id,
        key: format!("{}-{number}", project.key),
        number,
        title: input.title,
        kind: input.kind,
        description_md: input.description_md,
        column: input.column,
        board_columns: board.state.column_keys(),
        rank,
        parent: input.parent,
        parent_facts,
        labels: input.labels,
        priority: input.priority,
        assignee: input.assignee,
        assignee_is_member,
        estimate: input.estimate,
        planned_by,
    }));
    commands.execute::<Ticket>(caller, ticket.0, digest, &command).await
}

pub async fn edit_ticket(commands: &Commands, caller: &Caller, input: EditTicket) -> Result<Accepted, CommandError> {
    commands
        .perform(caller, &input, async {
            let home = home_of(commands, caller, input.ticket).await?;
            let parent = input.changes.parent.flatten();
            let facts = parent_facts(commands, caller, input.ticket, home.project, parent).await?;
            let command = TicketCommand::Edit(input.changes.clone(), facts);
            commands.execute::<Ticket>(caller, input.ticket.0, input.digest(caller), &command).await
        })
        .await
}

pub async fn move_ticket(commands: &Commands, caller: &Caller, input: MoveTicket) -> Result<Accepted, CommandError> {
    commands
        .perform(caller, &input, async {
            let home = home_of(commands, caller, input.ticket).await?;
            let board = commands.find::<Board>(caller.org, home.board).await?;
            let board_columns = board.state.column_keys();
            let wanted = Wanted {
                board: home.board,
                board_columns: &board_columns,
                column: &input.column,
                ticket: input.ticket,
                after: input.after,
                before: input.before,
            };
            let rank = rank_at(commands, caller, wanted).await?;
            let command = TicketCommand::Move(Move { to: input.column.clone(), board_columns, rank });
            commands.execute::<Ticket>(caller, input.ticket.0, input.digest(caller), &command).await
        })
        .await
}

pub async fn assign_ticket(
    commands: &Commands,
    caller: &Caller,
    input: AssignTicket,
) -> Result<Accepted, CommandError> {
    commands
        .perform(caller, &input, async {
            home_of(commands, caller, input.ticket).await?;
            let assignee_is_member = is_member(commands, caller, input.assignee).await?;
            let command = TicketCommand::Assign(Assign { assignee: input.assignee, assignee_is_member });
            commands.execute::<Ticket>(caller, input.ticket.0, input.digest(caller), &command).await
        })
        .await
}

pub async fn delegate_ticket(
    commands: &Commands,
    caller: &Caller,
    input: DelegateTicket,
) -> Result<Accepted, CommandError> {
    commands
        .perform(caller, &input, async {
            home_of(commands, caller, input.ticket).await?;
            let known_providers = commands.settings().providers.clone();
            let command = TicketCommand::Delegate(Delegate { provider: input.provider.clone(), known_providers });
            commands.execute::<Ticket>(caller, input.ticket.0, input.digest(caller), &command).await
        })
        .await
}

pub async fn comment_on_ticket(
    commands: &Commands,
    caller: &Caller,
    input: CommentOnTicket,
) -> Result<Accepted, CommandError> {
    commands
        .perform(caller, &input, async {
            home_of(commands, caller, input.ticket).await?;
            let comment = CommentId(derived_id(caller, "comment"));
            let command = TicketCommand::Comment(Comment { comment, body_md: input.body_md.clone() });
            commands.execute::<Ticket>(caller, input.ticket.0, input.digest(caller), &command).await
        })
        .await
}

pub async fn archive_ticket(
    commands: &Commands,
    caller: &Caller,
    input: ArchiveTicket,
) -> Result<Accepted, CommandError> {
    commands
        .perform(caller, &input, async {
            home_of(commands, caller, input.ticket).await?;
            let digest = input.digest(caller);
            commands.execute::<Ticket>(caller, input.ticket.0, digest, &TicketCommand::Archive).await
        })
        .await
}

/// Back to the end of the column that it was in.
pub async fn restore_ticket(
    commands: &Commands,
    caller: &Caller,
    input: RestoreTicket,
) -> Result<Accepted, CommandError> {
    commands
        .perform(caller, &input, async {
            let home = home_of(commands, caller, input.ticket).await?;
            let board = commands.find::<Board>(caller.org, home.board).await?;
            let rank = end_of_column(commands, caller.org, home.board).await?;
            let command = TicketCommand::Restore(Restore { board_columns: board.state.column_keys(), rank });
            commands.execute::<Ticket>(caller, input.ticket.0, input.digest(caller), &command).await
        })
        .await
}

async fn home_of(commands: &Commands, caller: &Caller, ticket: TicketId) -> Result<TicketHome, CommandError> {
    let ticket = commands.find::<Ticket>(caller.org, ticket).await?;
    ticket.state.home.clone().ok_or(CommandError::NotFound)
}

async fn is_member(commands: &Commands, caller: &Caller, user: Option<UserId>) -> Result<bool, CommandError> {
    let Some(user) = user else { return Ok(false) };
    let org = commands.find::<Org>(caller.org, caller.org).await?;
    if org.state.is_member(user) {
        return Ok(true);
    }
    // They may have joined through another process a moment ago.
    Ok(commands.find_now::<Org>(caller.org, caller.org).await?.state.is_member(user))
}

/// Looks at the parent and up from it. Two moves at once could still tie a knot; whoever walks up bounds the walk.
async fn parent_facts(
    commands: &Commands,
    caller: &Caller,
    ticket: TicketId,
    project: ProjectId,
    parent: Option<TicketId>,
) -> Result<ParentFacts, CommandError> {
    let mut facts = ParentFacts::default();
    let mut next = parent;
    for depth in 0..DEEPEST {
        let Some(id) = next else { return Ok(facts) };
        if id == ticket {
            return Ok(ParentFacts { below: true, ..facts });
        }
        let ancestor = commands.find::<Ticket>(caller.org, id).await?;
        let home = ancestor.state.home.as_ref();
        facts.elsewhere |= depth == 0 && home.is_none_or(|home| home.project != project);
        next = ancestor.state.parent;
    }
    Ok(ParentFacts { below: true, ..facts })
}
