//! Rows of the board → structs.

use super::NAME;
use crate::reads::{Changes, ReadError, Reading, Reads, Snapshot, had_more, one_more};
use crate::words::{count, meaning, optional_meaning, parsed};
use domain::agent_run::{FailureReason, RunMode};
use domain::ticket::{Priority, TicketKind};
use domain::{BoardId, CommandId, OrgId, Position, ProjectId, RepoConnectionId, RunId, TicketId, UserId, Version};

use crate::runs::RunState;
use feed::log::{from_bigint, to_bigint};
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::collections::HashMap;
use uuid::Uuid;

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

/// Its own columns from place 0 on: what [`card`] reads.
macro_rules! select_card {
    ($more:literal, $from:literal) => {
        concat!(
            "select k.ticket_id, k.key, k.version, k.position, k.title, k.kind, k.column_key, k.rank, k.priority, ",
            "k.labels, k.assignee, k.delegate, k.repo_id, k.repo_name, k.branch, k.stations_reached, ",
            "k.cost_usd_micros, k.comment_count, r.run_id, r.state, r.mode, r.provider, r.failure_reason, ",
            "r.failure_message",
            $more,
            " from ",
            $from,
            " left join card_runs r on r.org = k.org and r.run_id = k.run_id "
        )
    };
}
const CARDS: &str = concat!(
    select_card!("", "cards k"),
    "where k.org = $1 and k.board_id = $2 and not k.archived order by k.rank, k.ticket_id"
);
const CHANGES: &str = concat!(
    select_card!(
        ", c.position, c.command_id, c.ticket_id",
        "board_changes c left join cards k on k.org = c.org and k.ticket_id = c.ticket_id and not k.archived"
    ),
    "where c.org = $1 and c.board_id = $2 and c.position > $3 order by c.position limit $4"
);
/// How many columns `select_card` has before `$more`.
const CARD_COLUMNS: usize = 24;

impl Reads {
    pub async fn org_of_board(&self, board: BoardId) -> Result<Option<OrgId>, ReadError> {
        let mut snapshot = self.snapshot(NAME).await?;
        let org: Option<Uuid> = sqlx::query_scalar("select org from boards where board_id = $1 limit 1")
            .bind(board.as_uuid())
            .fetch_optional(snapshot.connection())
            .await
            .reading("a board's org")?;
        snapshot.close().await;
        Ok(org.map(OrgId))
    }

    /// The board that a project opens with.
    pub async fn default_board(&self, org: OrgId, project: ProjectId) -> Result<Option<BoardId>, ReadError> {
        let mut snapshot = self.snapshot(NAME).await?;
        let board: Option<Uuid> =
            sqlx::query_scalar("select default_board from projects where org = $1 and project_id = $2")
                .bind(org.as_uuid())
                .bind(project.as_uuid())
                .fetch_optional(snapshot.connection())
                .await
                .reading("a project's default board")?;
        snapshot.close().await;
        Ok(board.map(BoardId))
    }

    /// The whole board in one snapshot. A card whose column is gone stands in the first one.
    pub async fn board(&self, org: OrgId, board: BoardId) -> Result<Option<Board>, ReadError> {
        let mut snapshot = self.snapshot(NAME).await?;
        let head = sqlx::query("select project_id, name from boards where org = $1 and board_id = $2")
            .bind(org.as_uuid())
            .bind(board.as_uuid())
            .fetch_optional(snapshot.connection())
            .await
            .reading("a board")?;
        let Some(head) = head else {
            snapshot.close().await;
            return Ok(None);
        };
        let mut columns = columns(&mut snapshot, org, board).await.reading("a board's columns")?;
        let rows = sqlx::query(CARDS)
            .bind(org.as_uuid())
            .bind(board.as_uuid())
            .fetch_all(snapshot.connection())
            .await
            .reading("a board's cards")?;
        let place: HashMap<String, usize> =
            columns.iter().enumerate().map(|(place, column)| (column.key.clone(), place)).collect();
        for row in &rows {
            let card = card(row)?;
            let place = place.get(&card.column).copied().unwrap_or(0);
            if let Some(column) = columns.get_mut(place) {
                column.cards.push(card);
            }
        }
        let position = snapshot.position;
        snapshot.close().await;
        Ok(Some(Board {
            id: board,
            project: ProjectId(head.try_get(0).reading("a board")?),
            name: head.try_get(1).reading("a board")?,
            position,
            columns,
        }))
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
        let mut snapshot = self.snapshot(NAME).await?;
        let floor: Option<i64> =
            sqlx::query_scalar("select changes_floor from boards where org = $1 and board_id = $2")
                .bind(org.as_uuid())
                .bind(board.as_uuid())
                .fetch_optional(snapshot.connection())
                .await
                .reading("a board")?;
        let Some(floor) = floor else {
            snapshot.close().await;
            return Ok(None);
        };
        let position = snapshot.position;
        if snapshot.is_out_of_reach(after, from_bigint(floor)).await.reading("the log's end")? {
            snapshot.close().await;
            return Ok(Some(Changes { resync: true, items: Vec::new(), position, more: false }));
        }
        let rows = sqlx::query(CHANGES)
            .bind(org.as_uuid())
            .bind(board.as_uuid())
            .bind(to_bigint(after))
            .bind(one_more(limit))
            .fetch_all(snapshot.connection())
            .await
            .reading("a board's changes")?;
        snapshot.close().await;
        let mut items = rows.iter().map(board_change).collect::<Result<Vec<_>, _>>()?;
        let more = had_more(&mut items, limit);
        Ok(Some(Changes { resync: false, items, position, more }))
    }
}

async fn columns(snapshot: &mut Snapshot, org: OrgId, board: BoardId) -> Result<Vec<BoardColumn>, sqlx::Error> {
    let rows = sqlx::query("select key, name, wip_limit from columns where org = $1 and board_id = $2 order by place")
        .bind(org.as_uuid())
        .bind(board.as_uuid())
        .fetch_all(snapshot.connection())
        .await?;
    rows.iter()
        .map(|row| {
            let wip_limit: Option<i32> = row.try_get(2)?;
            Ok(BoardColumn {
                key: row.try_get(0)?,
                name: row.try_get(1)?,
                wip_limit: wip_limit.map(|limit| count(limit.into())),
                cards: Vec::new(),
            })
        })
        .collect()
}

/// By place, not by name: a board may have 10,000.
fn card(row: &PgRow) -> Result<Card, ReadError> {
    const WHAT: &str = "a card";
    let kind: &str = row.try_get(5).reading(WHAT)?;
    let priority: Option<&str> = row.try_get(8).reading(WHAT)?;
    let assignee: Option<Uuid> = row.try_get(10).reading(WHAT)?;
    let repo: Option<Uuid> = row.try_get(12).reading(WHAT)?;
    let stations: i16 = row.try_get(15).reading(WHAT)?;
    let stations_reached = count(stations.into());
    let comments: i32 = row.try_get(17).reading(WHAT)?;
    Ok(Card {
        ticket: TicketId(row.try_get(0).reading(WHAT)?),
        key: row.try_get(1).reading(WHAT)?,
        version: from_bigint(row.try_get(2).reading(WHAT)?),
        position: from_bigint(row.try_get(3).reading(WHAT)?),
        title: row.try_get(4).reading(WHAT)?,
        kind: meaning::<TicketKind>(WHAT, kind)?,
        column: row.try_get(6).reading(WHAT)?,
        rank: row.try_get(7).reading(WHAT)?,
        priority: optional_meaning::<Priority>(WHAT, priority)?,
        labels: row.try_get(9).reading(WHAT)?,
        assignee: assignee.map(UserId),
        delegate: row.try_get(11).reading(WHAT)?,
        repo: match (repo, row.try_get(13).reading(WHAT)?) {
            (Some(id), Some(name)) => Some(RepoBadge { id: RepoConnectionId(id), name }),
            _ => None,
        },
        branch: row.try_get(14).reading(WHAT)?,
        run: run_badge(row, stations_reached)?,
        cost_usd_micros: count(row.try_get(16).reading(WHAT)?),
        stations_reached,
        comment_count: count(comments.into()),
    })
}

fn run_badge(row: &PgRow, stations_reached: u8) -> Result<Option<RunBadge>, ReadError> {
    const WHAT: &str = "a card's run";
    let Some(run): Option<Uuid> = row.try_get(18).reading(WHAT)? else { return Ok(None) };
    let state: &str = row.try_get(19).reading(WHAT)?;
    let mode: &str = row.try_get(20).reading(WHAT)?;
    let reason: Option<&str> = row.try_get(22).reading(WHAT)?;
    let message: Option<String> = row.try_get(23).reading(WHAT)?;
    Ok(Some(RunBadge {
        run: RunId(run),
        state: parsed(WHAT, state)?,
        mode: meaning::<RunMode>(WHAT, mode)?,
        provider: row.try_get(21).reading(WHAT)?,
        stations_reached,
        failure: optional_meaning::<FailureReason>(WHAT, reason)?
            .map(|reason| RunFailure { reason, message: message.unwrap_or_default() }),
    }))
}

fn board_change(row: &PgRow) -> Result<BoardChange, ReadError> {
    const WHAT: &str = "a board's change";
    let ticket: Option<Uuid> = row.try_get(CARD_COLUMNS + 2).reading(WHAT)?;
    let shown: Option<Uuid> = row.try_get(0).reading(WHAT)?;
    Ok(BoardChange {
        position: from_bigint(row.try_get(CARD_COLUMNS).reading(WHAT)?),
        command_id: CommandId(row.try_get(CARD_COLUMNS + 1).reading(WHAT)?),
        what: match (ticket, shown) {
            (None, _) => ChangedOnBoard::Board,
            (Some(_), Some(_)) => ChangedOnBoard::Card(Box::new(card(row)?)),
            (Some(ticket), None) => ChangedOnBoard::Removed(TicketId(ticket)),
        },
    })
}
