//! What a worker asks before it begins: what was requested, and how far the run has come.

use crate::project::default_board_of;
use crate::store::{StoreError, Stream, within};
use crate::{CommandError, Commands};
use domain::agent_run::{AgentRun, RunRequested};
use domain::board::Board;
use domain::{AggregateKind, CorrelationId, EventId, OrgId, RunId};
use sqlx::Row;

/// What a run was asked to do.
#[derive(Clone, Debug)]
pub struct Assignment {
    pub request: RunRequested,
    /// Keys of the default board's columns, left to right.
    pub columns: Vec<String>,
    /// Of the request: rides through everything that the run sets off.
    pub correlation_id: CorrelationId,
    /// The event that asked for the run.
    pub requested_by: EventId,
    pub ended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunProgress {
    /// No work has started: another worker may begin.
    Waiting,
    Working,
    Ended,
}

/// # Errors
/// [`CommandError::NotFound`] when the org has no such run, [`CommandError::Unavailable`] while PostgreSQL is away.
pub async fn assignment(commands: &Commands, org: OrgId, run: RunId) -> Result<Assignment, CommandError> {
    let found = commands.find_now::<AgentRun>(org, run).await?;
    let request = found.state.request.clone().ok_or(CommandError::NotFound)?;
    let board = commands.find::<Board>(org, default_board_of(request.project)).await?;
    let columns = board.state.column_keys();
    let first = "select event_id, metadata ->> 'correlation_id' as correlation_id from events
                 where org = $1 and aggregate_type = 'AgentRun' and aggregate_id = $2 and sequence = 1";
    let stream = Stream { org, kind: AggregateKind::AgentRun, id: run.as_uuid() };
    let failed = |source| StoreError::Load { stream, source };
    let read = async {
        let row = sqlx::query(first).bind(org.as_uuid()).bind(run.to_string()).fetch_one(commands.pool()).await;
        let row = row.map_err(failed)?;
        let event_id: uuid::Uuid = row.try_get("event_id").map_err(failed)?;
        let correlation: String = row.try_get("correlation_id").map_err(failed)?;
        Ok((EventId(event_id), correlation))
    };
    let (requested_by, correlation) = within(commands.settings().patience, read).await?;
    let correlation_id = correlation.parse().unwrap_or(CorrelationId(run.as_uuid()));
    Ok(Assignment { request, columns, correlation_id, requested_by, ended: found.state.outcome.is_some() })
}

/// # Errors
/// As [`assignment`].
pub async fn progress_of(commands: &Commands, org: OrgId, run: RunId) -> Result<RunProgress, CommandError> {
    let found = commands.find_now::<AgentRun>(org, run).await?;
    Ok(match (&found.state.outcome, found.state.started_under) {
        (Some(_), _) => RunProgress::Ended,
        (None, Some(_)) => RunProgress::Working,
        (None, None) => RunProgress::Waiting,
    })
}
