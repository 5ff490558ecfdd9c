//! Rows of the board → structs.

use crate::reads::{Changes, ReadError, Reads};
use domain::agent_run::{FailureReason, RunMode};
use domain::ticket::{Priority, TicketKind};
use domain::{BoardId, CommandId, OrgId, Position, ProjectId, RepoConnectionId, RunId, TicketId, UserId, Version};

use crate::runs::RunState;

/// A board with every card that is not archived.
#[derive(Clone, Debug, PartialEq)]
pub struct Board {
    pub id: BoardId,
    pub project: ProjectId,
    pub name: String,
    /// The log up to here is in it: the cursor to go on from with [`Reads::board_changes`].
    pub position: Position,
    /// Left to right.
    pub columns: Vec<BoardColumn>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct BoardColumn {
    pub key: String,
    pub name: String,
    pub wip_limit: Option<u32>,
    /// By rank, ties by ticket id.
    pub cards: Vec<Card>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    pub ticket: TicketId,
    pub key: String,
    /// Of the ticket's stream. Facts of runs change a card without raising it: of two cards with the same version the
    /// one with the later `position` is newer.
    pub version: Version,
    /// Of the last event that changed the card.
    pub position: Position,
    pub title: String,
    pub kind: TicketKind,
    pub column: String,
    pub rank: String,
    pub priority: Option<Priority>,
    pub labels: Vec<String>,
    pub assignee: Option<UserId>,
    /// The provider that the ticket is delegated to.
    pub delegate: Option<String>,
    pub repo: Option<RepoBadge>,
    pub branch: Option<String>,
    /// The run that was asked for last.
    pub run: Option<RunBadge>,
    /// Of all its runs.
    pub cost_usd_micros: u64,
    /// The furthest of all its runs, 0 to 5.
    pub stations_reached: u8,
    pub comment_count: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepoBadge {
    pub id: RepoConnectionId,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RunBadge {
    pub run: RunId,
    pub state: RunState,
    pub mode: RunMode,
    pub provider: String,
    /// Of plan, build, test, review, ship: how many this card's runs have reached, 0 to 5.
    pub stations_reached: u8,
    pub failure: Option<RunFailure>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFailure {
    pub reason: FailureReason,
    pub message: String,
}

/// One event of the log that changed the board, with what it changed as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct BoardChange {
    pub position: Position,
    pub command_id: CommandId,
    pub what: ChangedOnBoard,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ChangedOnBoard {
    Card(Box<Card>),
    /// It is archived.
    Removed(TicketId),
    /// The board itself, such as its columns: read it again.
    Board,
}

impl Reads {
    pub async fn org_of_board(&self, board: BoardId) -> Result<Option<OrgId>, ReadError> {
        let _ = board;
        todo!()
    }

    /// The board that a project opens with.
    pub async fn default_board(&self, org: OrgId, project: ProjectId) -> Result<Option<BoardId>, ReadError> {
        let _ = (org, project);
        todo!()
    }

    /// The whole board in one snapshot.
    pub async fn board(&self, org: OrgId, board: BoardId) -> Result<Option<Board>, ReadError> {
        let _ = (org, board);
        todo!()
    }

    /// What changed on a board after `after`: at most `limit` events. `None`: no such board in this org.
    ///
    /// Changes are kept for 7 days and 100,000 a board, by the events' own times and count.
    pub async fn board_changes(
        &self,
        org: OrgId,
        board: BoardId,
        after: Position,
        limit: u32,
    ) -> Result<Option<Changes<BoardChange>>, ReadError> {
        let _ = (org, board, after, limit);
        todo!()
    }
}
