//! Numbers that are taken before deciding: a ticket's own, and its place at the end of the board's columns.
//!
//! Gaps are allowed: a number whose command fails or crashes is never used again, or was never seen by anybody.

use crate::store::{StoreError, within};
use crate::{CommandError, Commands};
use domain::{BoardId, OrgId, ProjectId, rank};

// These statements do not wait for the disk (synchronous_commit is off for their own transaction). That is safe:
// whoever uses the number appends an event afterwards, and flushing that commit flushes all that was written before
// it, the counter's row included. If the server dies before, then nobody ever saw the number.
const TICKET: &str = "
with relaxed as materialized (select set_config('synchronous_commit', 'off', true)),
number as (
    insert into ticket_numbers (org, project_id, last) select $1, $2, 1 from relaxed
    on conflict (org, project_id) do update set last = ticket_numbers.last + 1 returning last
), place as (
    insert into board_ends (org, board_id, last) select $1, $3, 1 from relaxed
    on conflict (org, board_id) do update set last = board_ends.last + 1 returning last
)
select number.last, place.last from number, place";

const END: &str = "
with relaxed as materialized (select set_config('synchronous_commit', 'off', true))
insert into board_ends (org, board_id, last) select $1, $2, 1 from relaxed
on conflict (org, board_id) do update set last = board_ends.last + 1 returning last";

/// The next ticket number of the project, and a rank at the end of any column of the board.
pub(crate) async fn next_ticket(
    commands: &Commands,
    org: OrgId,
    project: ProjectId,
    board: BoardId,
) -> Result<(u64, String), CommandError> {
    let (number, place): (i64, i64) = within(commands.settings().patience, async {
        let query = sqlx::query_as(TICKET).bind(org.0).bind(project.0).bind(board.0);
        query.fetch_one(commands.pool()).await.map_err(StoreError::Number)
    })
    .await?;
    Ok((number.unsigned_abs(), rank::from_counter(place.unsigned_abs())))
}

/// A rank at the end of any column of the board: above every rank that was made in it before.
pub(crate) async fn end_of_column(commands: &Commands, org: OrgId, board: BoardId) -> Result<String, CommandError> {
    let place: i64 = within(commands.settings().patience, async {
        let query = sqlx::query_scalar(END).bind(org.0).bind(board.0);
        query.fetch_one(commands.pool()).await.map_err(StoreError::Number)
    })
    .await?;
    Ok(rank::from_counter(place.unsigned_abs()))
}
