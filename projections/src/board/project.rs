//! Events → rows of the board, each with the change that live readers follow.

use crate::edits::{Edits, keep_or_set};
use crate::retention::Retention;
use crate::runs::{RunState, stations_of};
use crate::words::{optional_word, stored, word};
use chrono::{DateTime, Utc};
use domain::agent_run::{AgentRunEvent, RunEnded, RunOutcome, RunRequested};
use domain::board::{BoardCreated, BoardEvent};
use domain::project::ProjectEvent;
use domain::ticket::{TicketCreated, TicketEvent};
use domain::{DomainEvent, Envelope};
use feed::log::to_bigint;
use feed::runner::{ApplyError, Definition, Projection};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{Executor, PgConnection, Postgres};
use std::sync::Arc;
use uuid::Uuid;

const TABLES: &str = include_str!("tables.sql");
/// Raise it with every change to the tables or to what is written.
const REVISION: u32 = 2;

/// The read model `board`.
#[derive(Clone, Copy, Debug, Default)]
pub struct BoardProjection {
    pub changes: Retention,
}

/// The end of each statement that changes a card, whose `with` list ends in one named `card`.
macro_rules! and_change {
    ($with:expr) => {
        concat!(
            "with ",
            $with,
            " insert into board_changes (org, board_id, position, ticket_id, command_id, kind, at) ",
            "select $1, board_id, $2, ticket_id, $4, $5, $6 from card returning board_id"
        )
    };
}

/// A change to a run and to the card that it belongs to, if it belongs to one: `$3` is the run.
macro_rules! set_run {
    ($set:literal, $set_card:literal) => {
        and_change!(concat!(
            "run as (update card_runs set ",
            $set,
            " where org = $1 and run_id = $3 returning ticket_id, stations_reached, cost_usd_micros), ",
            "card as (update cards c set position = $2",
            $set_card,
            " from run where c.org = $1 and c.ticket_id = run.ticket_id returning c.board_id, c.ticket_id)"
        ))
    };
}

/// `$1` edits; `$2`… the changes: org, ticket, position, command, event, time. Returns the board of each card.
///
/// Columns that a card does not have are not on it; its version is, so that the next drag does not look stale.
const EDIT_CARDS: &str = concat!(
    "with e as (select edit, (edit->>'org')::uuid as org, (edit->>'ticket_id')::uuid as ticket_id \
         from jsonb_array_elements($1) as edit), \
     card as (update cards t set position = (e.edit->>'position')::bigint, ",
    keep_or_set!(
        "title" as "text", "kind" as "text", "column_key" as "text", "rank" as "text", "archived" as "boolean";
        "priority" as "text", "assignee" as "uuid", "delegate" as "text"
    ),
    " from e where t.org = e.org and t.ticket_id = e.ticket_id returning t.board_id), \
     changed as (insert into board_changes (org, board_id, position, ticket_id, command_id, kind, at) \
         select org, t.board_id, c.position, ticket_id, c.command_id, c.kind, c.at \
         from unnest($2, $3, $4, $5, $6, $7) as c(org, ticket_id, position, command_id, kind, at) \
         join cards t using (org, ticket_id)) \
     select board_id from card"
);
const CREATE_CARD: &str = and_change!(
    "card as (insert into cards (org, position, ticket_id, version, board_id, key, title, kind, column_key, rank, \
     priority, labels, assignee, stations_reached) \
     values ($1, $2, $3, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) returning board_id, ticket_id)"
);
const REQUEST_RUN: &str = and_change!(
    "run as (insert into card_runs (org, run_id, ticket_id, state, mode, provider, stations_aimed) \
     values ($1, $3, $7, 'queued', $8, $9, $10)), \
     card as (update cards set position = $2, run_id = $3, repo_id = coalesce($11, repo_id), \
     repo_name = coalesce($12, repo_name) where org = $1 and ticket_id = $7 returning board_id, ticket_id)"
);
const START_RUN: &str = set_run!(
    "state = 'working', stations_reached = stations_aimed",
    ", stations_reached = greatest(c.stations_reached, run.stations_reached), branch = coalesce($7, c.branch)"
);
const LEASE_RUN: &str = set_run!("state = 'starting'", "");
// All other runs' costs and this one's new one: a statement does not see its own changes.
const COST_RUN: &str = set_run!(
    "cost_usd_micros = greatest(cost_usd_micros, $7)",
    ", cost_usd_micros = run.cost_usd_micros + (select coalesce(sum(o.cost_usd_micros), 0) from card_runs o \
     where o.org = $1 and o.ticket_id = run.ticket_id and o.run_id <> $3)"
);
const END_RUN: &str = set_run!(
    "cost_usd_micros = greatest(cost_usd_micros, $7), state = $8, failure_reason = $9, failure_message = $10",
    ", branch = coalesce($11, c.branch), \
     cost_usd_micros = run.cost_usd_micros + (select coalesce(sum(o.cost_usd_micros), 0) from card_runs o \
     where o.org = $1 and o.ticket_id = run.ticket_id and o.run_id <> $3)"
);

/// `$3` how many stay, `$4` from which time on they stay, `$5` the newest position. Looks from the oldest on, and counts
/// only where there may be too many: it costs what goes, not what is there.
const FORGET_CHANGES: &str = "with floor as (select greatest( \
             (select case when $5 - position >= $3 then \
                 (select position from board_changes where org = $1 and board_id = $2 \
                  order by position desc offset $3 limit 1) end \
              from board_changes where org = $1 and board_id = $2 order by position limit 1), \
             (select max(position) from board_changes where org = $1 and board_id = $2 and position < \
                 (select position from board_changes where org = $1 and board_id = $2 and at >= $4 \
                  order by position limit 1))) as position), \
         gone as (delete from board_changes c using floor \
             where c.org = $1 and c.board_id = $2 and c.position <= floor.position) \
         update boards b set changes_floor = floor.position from floor \
         where b.org = $1 and b.board_id = $2 and floor.position is not null";

#[async_trait::async_trait]
impl Projection for BoardProjection {
    fn name(&self) -> &'static str {
        super::NAME
    }

    fn definition(&self) -> Definition {
        Definition::new(REVISION, TABLES)
    }

    async fn create_tables(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        connection.execute(TABLES).await.map(|_| ())
    }

    async fn apply(&self, connection: &mut PgConnection, envelope: &Envelope) -> Result<Vec<Uuid>, ApplyError> {
        let mut edits = CardEdits::default();
        if edits.add(envelope)? {
            let boards = edits.write(connection).await?;
            if self.changes.is_due(envelope.position) {
                self.forget_changes(connection, envelope, &boards).await?;
            }
            return Ok(boards);
        }
        let board = match &envelope.event {
            DomainEvent::Project(ProjectEvent::ProjectCreated(created)) => {
                sqlx::query("insert into projects (org, project_id, default_board) values ($1, $2, $3)")
                    .bind(envelope.org.as_uuid())
                    .bind(envelope.aggregate_id)
                    .bind(created.default_board.as_uuid())
                    .execute(&mut *connection)
                    .await?;
                None
            }
            DomainEvent::Board(BoardEvent::BoardCreated(created)) => {
                create_board(connection, envelope, created).await?;
                Some(envelope.aggregate_id)
            }
            DomainEvent::Ticket(TicketEvent::TicketCreated(created)) => {
                let statement = change(envelope, CREATE_CARD).bind(to_bigint(envelope.version));
                board_of(connection, create_card(statement, created)?).await?
            }
            DomainEvent::AgentRun(event) => apply_run(connection, envelope, event).await?,
            DomainEvent::Ticket(_) | DomainEvent::Org(_) | DomainEvent::RepoConnection(_) => None,
        };
        let boards: Vec<Uuid> = board.into_iter().collect();
        if self.changes.is_due(envelope.position) {
            self.forget_changes(connection, envelope, &boards).await?;
        }
        Ok(boards)
    }

    async fn apply_all(
        &self,
        connection: &mut PgConnection,
        envelopes: &[Arc<Envelope>],
    ) -> Result<Vec<Uuid>, ApplyError> {
        let mut edits = CardEdits::default();
        let mut boards = Vec::new();
        for envelope in envelopes {
            // A change that makes room for others comes after all before it.
            let is_edit = !self.changes.is_due(envelope.position) && edits.add(envelope)?;
            if !is_edit {
                boards.append(&mut edits.write(connection).await?);
                boards.append(&mut self.apply(connection, envelope).await?);
            }
        }
        boards.append(&mut edits.write(connection).await?);
        Ok(boards)
    }
}

/// Changes to cards by their own streams that follow each other.
#[derive(Debug, Default)]
struct CardEdits {
    edits: Edits,
    orgs: Vec<Uuid>,
    tickets: Vec<Uuid>,
    positions: Vec<i64>,
    commands: Vec<Uuid>,
    kinds: Vec<&'static str>,
    times: Vec<DateTime<Utc>>,
}

impl CardEdits {
    /// False: not a change to a card that is there.
    fn add(&mut self, envelope: &Envelope) -> Result<bool, ApplyError> {
        let DomainEvent::Ticket(event) = &envelope.event else { return Ok(false) };
        if !Edits::is_edit(event) {
            return Ok(false);
        }
        self.edits.add(envelope, event)?;
        self.orgs.push(envelope.org.as_uuid());
        self.tickets.push(envelope.aggregate_id);
        self.positions.push(to_bigint(envelope.position));
        self.commands.push(envelope.metadata.command_id.as_uuid());
        self.kinds.push(envelope.event.event_type());
        self.times.push(envelope.at);
        Ok(true)
    }

    /// Returns the boards, and is empty afterwards.
    async fn write(&mut self, connection: &mut PgConnection) -> Result<Vec<Uuid>, ApplyError> {
        if self.edits.is_empty() {
            return Ok(Vec::new());
        }
        let Self { mut edits, orgs, tickets, positions, commands, kinds, times } = std::mem::take(self);
        let (cards, edits) = edits.take();
        let boards: Vec<Uuid> = sqlx::query_scalar(EDIT_CARDS)
            .bind(edits)
            .bind(orgs)
            .bind(tickets)
            .bind(positions)
            .bind(commands)
            .bind(kinds)
            .bind(times)
            .fetch_all(connection)
            .await?;
        if boards.len() != cards {
            return Err(ApplyError::poison("its ticket was never created"));
        }
        Ok(boards)
    }
}

async fn create_board(
    connection: &mut PgConnection,
    envelope: &Envelope,
    created: &BoardCreated,
) -> Result<(), ApplyError> {
    sqlx::query("insert into boards (org, board_id, project_id, name) values ($1, $2, $3, $4)")
        .bind(envelope.org.as_uuid())
        .bind(envelope.aggregate_id)
        .bind(created.project.as_uuid())
        .bind(&created.name)
        .execute(&mut *connection)
        .await?;
    for (place, column) in (0_i32..).zip(&created.columns) {
        let wip_limit: Option<i32> = column.wip_limit.map(|limit| stored("the WIP limit", limit)).transpose()?;
        sqlx::query("insert into columns (org, board_id, place, key, name, wip_limit) values ($1, $2, $3, $4, $5, $6)")
            .bind(envelope.org.as_uuid())
            .bind(envelope.aggregate_id)
            .bind(place)
            .bind(&column.key)
            .bind(&column.name)
            .bind(wip_limit)
            .execute(&mut *connection)
            .await?;
    }
    sqlx::query(
        "insert into board_changes (org, board_id, position, command_id, kind, at) values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(envelope.org.as_uuid())
    .bind(envelope.aggregate_id)
    .bind(to_bigint(envelope.position))
    .bind(envelope.metadata.command_id.as_uuid())
    .bind(envelope.event.event_type())
    .bind(envelope.at)
    .execute(connection)
    .await?;
    Ok(())
}

type Statement = Query<'static, Postgres, PgArguments>;

/// With the six parameters that all changes share.
fn change(envelope: &Envelope, statement: &'static str) -> Statement {
    sqlx::query(statement)
        .bind(envelope.org.as_uuid())
        .bind(to_bigint(envelope.position))
        .bind(envelope.aggregate_id)
        .bind(envelope.metadata.command_id.as_uuid())
        .bind(envelope.event.event_type())
        .bind(envelope.at)
}

fn create_card(statement: Statement, created: &TicketCreated) -> Result<Statement, ApplyError> {
    Ok(statement
        .bind(created.board.as_uuid())
        .bind(created.key.clone())
        .bind(created.title.clone())
        .bind(word(created.kind)?)
        .bind(created.column.clone())
        .bind(created.rank.clone())
        .bind(optional_word(created.priority)?)
        .bind(created.labels.clone())
        .bind(created.assignee.map(domain::UserId::as_uuid))
        // A ticket that a plan proposed has been planned.
        .bind(i16::from(created.planned_by.is_some())))
}

/// Returns the board of the card that the run works on, if it works on one that this event changes.
async fn apply_run(
    connection: &mut PgConnection,
    envelope: &Envelope,
    event: &AgentRunEvent,
) -> Result<Option<Uuid>, ApplyError> {
    let statement = match event {
        AgentRunEvent::RunRequested(requested) => match &requested.ticket {
            Some(_) => request_run(change(envelope, REQUEST_RUN), requested)?,
            None => return Ok(None),
        },
        AgentRunEvent::RunLeased(_) => change(envelope, LEASE_RUN),
        AgentRunEvent::RunWorkStarted(started) => change(envelope, START_RUN).bind(started.branch.clone()),
        AgentRunEvent::RunCostReached(reached) => {
            change(envelope, COST_RUN).bind(stored::<_, i64>("the cost", reached.cost_usd_micros)?)
        }
        AgentRunEvent::RunEnded(ended) => end_run(change(envelope, END_RUN), ended)?,
        // Seen on the run's page only. A plan's tickets come with events of their own.
        AgentRunEvent::RunPlanItemProposed(_)
        | AgentRunEvent::RunArtifactProduced(_)
        | AgentRunEvent::RunBudgetWarned(_)
        | AgentRunEvent::RunCancelRequested(_)
        | AgentRunEvent::RunPlanAccepted(_) => return Ok(None),
    };
    board_of(connection, statement).await
}

fn request_run(statement: Statement, requested: &RunRequested) -> Result<Statement, ApplyError> {
    Ok(statement
        .bind(requested.ticket.as_ref().map(|ticket| ticket.id.as_uuid()))
        .bind(word(requested.mode)?)
        .bind(requested.provider.clone())
        .bind(i16::from(stations_of(requested.mode)))
        .bind(requested.repo.as_ref().map(|repo| repo.connection.as_uuid()))
        .bind(requested.repo.as_ref().map(|repo| repo.name.clone())))
}

fn end_run(statement: Statement, ended: &RunEnded) -> Result<Statement, ApplyError> {
    let (state, reason, message) = match &ended.outcome {
        RunOutcome::Succeeded => (RunState::Succeeded, None, None),
        RunOutcome::Cancelled => (RunState::Cancelled, None, None),
        RunOutcome::Failed { reason, message } => (RunState::Failed, Some(word(reason)?), Some(message.clone())),
    };
    Ok(statement
        .bind(stored::<_, i64>("the cost", ended.cost_usd_micros)?)
        .bind(state.as_str())
        .bind(reason)
        .bind(message)
        .bind(ended.work.as_ref().map(|work| work.branch.clone())))
}

async fn board_of(connection: &mut PgConnection, statement: Statement) -> Result<Option<Uuid>, ApplyError> {
    let row = statement.fetch_optional(connection).await?;
    Ok(row.map(|row| sqlx::Row::try_get(&row, 0)).transpose()?)
}

impl BoardProjection {
    async fn forget_changes(
        &self,
        connection: &mut PgConnection,
        envelope: &Envelope,
        boards: &[Uuid],
    ) -> Result<(), ApplyError> {
        for board in boards {
            sqlx::query(FORGET_CHANGES)
                .bind(envelope.org.as_uuid())
                .bind(board)
                .bind(self.changes.count)
                .bind(envelope.at - self.changes.age)
                .bind(to_bigint(envelope.position))
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }
}
