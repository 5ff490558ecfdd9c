//! Boards: columns, cards, and their changes as they come.

use super::context::request;
use super::enums::{Priority, RunMode, RunState, TicketKind};
use super::people::{User, user};
use super::project::access_to_project;
use super::repo::RepoBadge;
use super::run::RunFailure;
use super::scalars::{Cursor, Position, UsdMicros};
use crate::auth::access::{Action, OrgAccess};
use crate::errors::ApiError;
use crate::live::{BoardSource, Shared, Step, Subject, Topic, follow};
use async_graphql::{ComplexObject, Context, Object, SimpleObject, Subscription};
use domain::{BoardId, ProjectId, UserId};
use futures::{Stream, StreamExt};
use projections::board::{self, ChangedOnBoard};
use std::sync::Arc;
use uuid::Uuid;

/// More cards than this are not sent; archive some.
const CARDS_MAX: usize = 20_000;

#[derive(SimpleObject, Debug)]
pub(crate) struct Board {
    id: Uuid,
    project_id: Uuid,
    name: String,
    cursor: Cursor,
    position: Position,
    /// At most 30, left to right.
    columns: Vec<Column>,
}

#[derive(SimpleObject, Debug)]
pub(crate) struct Column {
    key: String,
    name: String,
    wip_limit: Option<u32>,
    count: usize,
    /// At most 20,000 on the whole board, by rank.
    cards: Vec<Card>,
}

#[derive(SimpleObject, Clone, Debug)]
#[graphql(complex)]
pub(crate) struct Card {
    #[graphql(skip)]
    assignee_id: Option<UserId>,
    #[graphql(skip)]
    repo_badge: Option<board::RepoBadge>,
    #[graphql(skip)]
    run_badge: Option<board::RunBadge>,
    #[graphql(skip)]
    provider: Option<String>,
    ticket_id: Uuid,
    key: String,
    version: u64,
    title: String,
    kind: TicketKind,
    column_key: String,
    rank: String,
    priority: Option<Priority>,
    /// At most 30.
    labels: Vec<String>,
    branch: Option<String>,
    cost_usd_micros: UsdMicros,
    comment_count: u32,
}

#[ComplexObject]
impl Card {
    async fn assignee(&self, ctx: &Context<'_>) -> Result<Option<User>, ApiError> {
        user(ctx, self.assignee_id).await
    }

    async fn delegate(&self) -> Option<Delegate> {
        self.provider.clone().map(|provider| Delegate { provider })
    }

    async fn repo(&self) -> Option<RepoBadge> {
        self.repo_badge.clone().map(Into::into)
    }

    async fn run(&self) -> Option<RunBadge> {
        self.run_badge.clone().map(Into::into)
    }
}

impl From<board::Card> for Card {
    fn from(card: board::Card) -> Self {
        Self {
            assignee_id: card.assignee,
            repo_badge: card.repo,
            run_badge: card.run,
            provider: card.delegate,
            ticket_id: card.ticket.as_uuid(),
            key: card.key,
            version: card.version,
            title: card.title,
            kind: card.kind.into(),
            column_key: card.column,
            rank: card.rank,
            priority: card.priority.map(Into::into),
            labels: card.labels,
            branch: card.branch,
            cost_usd_micros: UsdMicros(card.cost_usd_micros),
            comment_count: card.comment_count,
        }
    }
}

#[derive(SimpleObject, Debug)]
pub(crate) struct Delegate {
    pub(super) provider: String,
}

/// stations: plan, build, test, review, ship; reached counts how many this card's runs have reached (0 to 5).
#[derive(SimpleObject, Debug)]
pub(crate) struct RunBadge {
    run_id: Uuid,
    state: RunState,
    mode: RunMode,
    provider: String,
    stations_reached: u8,
    failure: Option<RunFailure>,
}

impl From<board::RunBadge> for RunBadge {
    fn from(run: board::RunBadge) -> Self {
        Self {
            run_id: run.run.as_uuid(),
            state: run.state.into(),
            mode: run.mode.into(),
            provider: run.provider,
            stations_reached: run.stations_reached,
            failure: run.failure.map(Into::into),
        }
    }
}

impl From<board::Board> for Board {
    fn from(board: board::Board) -> Self {
        let columns = board.columns.into_iter().map(|column| Column {
            key: column.key,
            name: column.name,
            wip_limit: column.wip_limit,
            count: column.cards.len(),
            cards: column.cards.into_iter().map(Into::into).collect(),
        });
        Self {
            id: board.id.as_uuid(),
            project_id: board.project.as_uuid(),
            name: board.name,
            cursor: Cursor::of_position(board.position),
            position: Position(board.position),
            columns: columns.collect(),
        }
    }
}

/// The board that is meant: the one named, or the one that the project opens with.
async fn board_of(
    ctx: &Context<'_>,
    access: OrgAccess,
    project: ProjectId,
    board: Option<Uuid>,
) -> Result<BoardId, ApiError> {
    let reads = &request(ctx)?.gateway.reads;
    match board {
        Some(board) => {
            let of_project = reads.boards(access.org(), project).await?;
            let found = of_project.into_iter().find(|candidate| candidate.id.as_uuid() == board);
            found.map(|board| board.id).ok_or(ApiError::NotFound)
        }
        None => reads.default_board(access.org(), project).await?.ok_or(ApiError::NotFound),
    }
}

async fn read_board(ctx: &Context<'_>, access: OrgAccess, board: BoardId) -> Result<Board, ApiError> {
    let board = request(ctx)?.gateway.reads.board(access.org(), board).await?.ok_or(ApiError::NotFound)?;
    let cards: usize = board.columns.iter().map(|column| column.cards.len()).sum();
    if cards > CARDS_MAX {
        return Err(ApiError::Rejected {
            reason: "BOARD_TOO_LARGE",
            message: format!("This board has {cards} cards; at most {CARDS_MAX} can be shown. Archive some."),
        });
    }
    Ok(board.into())
}

#[derive(Debug, Default)]
pub(crate) struct BoardQuery;

#[Object]
impl BoardQuery {
    /// The project's default board when boardId is left out. Its cost is fixed.
    #[graphql(complexity = "1_000 + child_complexity")]
    async fn board(
        &self,
        ctx: &Context<'_>,
        project_id: Uuid,
        board_id: Option<Uuid>,
        after_command: Option<Uuid>,
        min_position: Option<Position>,
    ) -> Result<Board, ApiError> {
        let min_position = min_position.map(|position| position.0);
        request(ctx)?.after("board", after_command, min_position).await?;
        let access = access_to_project(ctx, ProjectId(project_id), Action::Read).await?;
        let board = board_of(ctx, access, ProjectId(project_id), board_id).await?;
        read_board(ctx, access, board).await
    }
}

#[derive(SimpleObject, Debug)]
#[graphql(complex)]
pub(crate) struct BoardChange {
    /// Set when the board itself changed.
    #[graphql(skip)]
    changed_board: Option<(OrgAccess, BoardId)>,
    cursor: Cursor,
    live: bool,
    resync: bool,
    position: Option<Position>,
    command_id: Option<Uuid>,
    card: Option<Card>,
    removed_ticket_id: Option<Uuid>,
}

#[ComplexObject]
impl BoardChange {
    /// The board as it is now, when the board itself changed.
    async fn board(&self, ctx: &Context<'_>) -> Result<Option<Board>, ApiError> {
        match self.changed_board {
            Some((access, board)) => Ok(Some(read_board(ctx, access, board).await?)),
            None => Ok(None),
        }
    }
}

impl BoardChange {
    fn marker(place: u64) -> Self {
        Self {
            changed_board: None,
            cursor: Cursor::of_position(place),
            live: false,
            resync: false,
            position: None,
            command_id: None,
            card: None,
            removed_ticket_id: None,
        }
    }

    fn of(access: OrgAccess, board: BoardId, step: Step<Arc<board::BoardChange>>) -> Shared<Self> {
        let (item, place) = match step {
            Step::Live(place) => (Self { live: true, ..Self::marker(place) }, None),
            Step::Resync(place) => (Self { resync: true, ..Self::marker(place) }, None),
            Step::Change(place, change) => {
                let (card, removed, changed_board) = match &change.what {
                    ChangedOnBoard::Card(card) => (Some(Card::from((**card).clone())), None, None),
                    ChangedOnBoard::Removed(ticket) => (None, Some(ticket.as_uuid()), None),
                    ChangedOnBoard::Board => (None, None, Some((access, board))),
                };
                let item = Self {
                    changed_board,
                    position: Some(Position(change.position)),
                    command_id: Some(change.command_id.as_uuid()),
                    card,
                    removed_ticket_id: removed,
                    ..Self::marker(place)
                };
                (item, Some((Subject { topic: Topic::Board, id: board.as_uuid() }, place)))
            }
        };
        Shared { cursor: item.cursor.0.clone(), item, place }
    }
}

#[derive(Debug, Default)]
pub(crate) struct BoardSubscription;

#[Subscription]
impl BoardSubscription {
    /// What changed since `after` (or from now), then one item with live = true, then what comes.
    async fn board_changed(
        &self,
        ctx: &Context<'_>,
        project_id: Uuid,
        board_id: Option<Uuid>,
        after: Option<Cursor>,
    ) -> Result<impl Stream<Item = async_graphql::Result<Shared<BoardChange>>> + use<>, ApiError> {
        let request = request(ctx)?;
        let access = access_to_project(ctx, ProjectId(project_id), Action::Read).await?;
        let board = board_of(ctx, access, ProjectId(project_id), board_id).await?;
        let after = after.map(|cursor| cursor.position()).transpose()?;
        let source = BoardSource { access, board };
        let steps = follow(Arc::clone(&request.gateway), Arc::clone(&request.viewer), access, source, after);
        Ok(steps.map(move |step| step.map(|step| BoardChange::of(access, board, step))))
    }
}
