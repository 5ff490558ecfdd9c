//! Where a card goes: the rank between its new neighbours, or at the end of the column.

use crate::numbers::end_of_column;
use crate::store::{StoreError, within};
use crate::{Caller, CommandError, Commands};
use domain::ticket::{MoveTicket, Ticket, TicketCommand};
use domain::{Actor, BoardId, OrgId, TicketId, rank};
use sqlx::Row;
use uuid::Uuid;

/// Cards on each side of the place that a rebalancing spreads first; doubled until they come out short.
const FIRST_WINDOW: usize = 8;
/// What a spread rank may measure, so that the next one is far away.
const SHORT_CHARS: usize = 12;

/// A place that was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) board: BoardId,
    pub(crate) board_columns: &'a [String],
    pub(crate) column: &'a str,
    pub(crate) ticket: TicketId,
    pub(crate) after: Option<TicketId>,
    pub(crate) before: Option<TicketId>,
}

/// A neighbour that moved away meanwhile is left out: the other one decides, or the end of the column. One that the
/// org does not have is NOT_FOUND.
pub(crate) async fn rank_at(commands: &Commands, caller: &Caller, wanted: Wanted<'_>) -> Result<String, CommandError> {
    let after = rank_of(commands, caller.org, wanted, wanted.after).await?;
    let before = rank_of(commands, caller.org, wanted, wanted.before).await?;
    if after.is_none() && before.is_none() {
        return end_of_column(commands, caller.org, wanted.board).await;
    }
    let room = rank::between(after.as_deref(), before.as_deref());
    if let Some(rank) = room
        && !rank::is_long(&rank)
    {
        return Ok(rank);
    }
    let (Some(after), Some(before)) = (&after, &before) else {
        // A long rank at the edge of a column, or one that this build cannot read: spread what is there.
        return spread_then_rank(commands, caller, wanted).await;
    };
    if after <= before {
        return spread_then_rank(commands, caller, wanted).await;
    }
    // They changed places meanwhile: behind the one that it was to follow.
    match rank::between(Some(after), None) {
        Some(rank) => Ok(rank),
        None => end_of_column(commands, caller.org, wanted.board).await,
    }
}

async fn spread_then_rank(commands: &Commands, caller: &Caller, wanted: Wanted<'_>) -> Result<String, CommandError> {
    rebalance(commands, caller, wanted).await?;
    let after = rank_of(commands, caller.org, wanted, wanted.after).await?;
    let before = rank_of(commands, caller.org, wanted, wanted.before).await?;
    match rank::between(after.as_deref(), before.as_deref()).filter(|_| after.is_some() || before.is_some()) {
        Some(rank) => Ok(rank),
        None => end_of_column(commands, caller.org, wanted.board).await,
    }
}

/// The neighbour's rank, when it still stands in that column.
async fn rank_of(
    commands: &Commands,
    org: OrgId,
    wanted: Wanted<'_>,
    neighbour: Option<TicketId>,
) -> Result<Option<String>, CommandError> {
    let Some(id) = neighbour else { return Ok(None) };
    let neighbour = commands.find::<Ticket>(org, id).await?;
    let ticket = &neighbour.state;
    let on_board = ticket.home.as_ref().is_some_and(|home| home.board == wanted.board);
    let stands_there = on_board && ticket.column == wanted.column && !ticket.archived && id != wanted.ticket;
    Ok(stands_there.then(|| ticket.rank.clone()))
}

// Straight from the events, because the write side keeps no list of a column: this happens once in some hundred
// moves to the same spot. The primary key's order serves the inner query.
const PLACES: &str = "
select distinct on (aggregate_id) aggregate_id, coalesce(payload->>'to', payload->>'column') as in_column,
       payload->>'rank' as rank
from events
where org = $1 and aggregate_type = 'Ticket' and event_type in ('TicketCreated', 'TicketMoved', 'TicketRestored')
  and aggregate_id in (select aggregate_id from events
                       where org = $1 and aggregate_type = 'Ticket' and sequence = 1 and payload->>'board' = $2)
order by aggregate_id, sequence desc";

/// Gives the cards around the wanted place short ranks again, in the order that they have.
async fn rebalance(commands: &Commands, caller: &Caller, wanted: Wanted<'_>) -> Result<(), CommandError> {
    let column = column_in_order(commands, caller.org, wanted).await?;
    let at = |id: Option<TicketId>| id.and_then(|id| column.iter().position(|(ticket, _)| *ticket == id));
    let middle = at(wanted.after).map(|at| at + 1).or_else(|| at(wanted.before)).unwrap_or(column.len());
    let mut window = FIRST_WINDOW;
    loop {
        let from = middle.saturating_sub(window);
        let to = column.len().min(middle + window);
        let rank_at = |at: Option<usize>| at.and_then(|at| column.get(at)).map(|(_, rank)| rank.as_str());
        let spread = rank::spread(rank_at(from.checked_sub(1)), rank_at(Some(to)), to - from);
        let whole = from == 0 && to == column.len();
        match spread {
            Some(ranks) if whole || ranks.iter().all(|rank| rank.len() <= SHORT_CHARS) => {
                let cards = column.get(from..to).unwrap_or_default();
                for ((ticket, _), rank) in cards.iter().zip(ranks) {
                    give(commands, caller, wanted, *ticket, rank).await?;
                }
                return Ok(());
            }
            None if whole => return Ok(()),
            _ => window *= 2,
        }
    }
}

async fn column_in_order(
    commands: &Commands,
    org: OrgId,
    wanted: Wanted<'_>,
) -> Result<Vec<(TicketId, String)>, CommandError> {
    let rows = within(commands.settings().patience, async {
        let query = sqlx::query(PLACES).bind(org.0).bind(wanted.board.to_string());
        query.fetch_all(commands.pool()).await.map_err(StoreError::Places)
    })
    .await?;
    let mut column = Vec::new();
    for row in rows {
        let place = |name: &str| row.try_get::<String, _>(name).map_err(StoreError::Places);
        let ticket = TicketId(Uuid::parse_str(&place("aggregate_id")?).map_err(|_| StoreError::Malformed)?);
        if place("in_column")? == wanted.column && ticket != wanted.ticket {
            column.push((ticket, place("rank")?));
        }
    }
    column.sort_by(|(a_id, a), (b_id, b)| a.cmp(b).then(a_id.cmp(b_id)));
    Ok(column)
}

/// Unless it moved away or was archived meanwhile: then it needs no rank here.
async fn give(
    commands: &Commands,
    caller: &Caller,
    wanted: Wanted<'_>,
    ticket: TicketId,
    rank: String,
) -> Result<(), CommandError> {
    let known = commands.find_now::<Ticket>(caller.org, ticket).await?;
    if known.state.column != wanted.column || known.state.archived {
        return Ok(());
    }
    let mover = Caller {
        actor: Actor::system("rebalance"),
        expected_version: Some(known.version),
        ..caller.step(&format!("rebalance/{ticket}/{rank}"))
    };
    let board_columns = wanted.board_columns.to_vec();
    let command = TicketCommand::Move(MoveTicket { to: wanted.column.to_owned(), board_columns, rank });
    match commands.execute::<Ticket>(&mover, ticket.0, [0; 32], &command).await {
        Ok(_) | Err(CommandError::Stale { .. } | CommandError::Rejected { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
