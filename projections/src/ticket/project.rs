//! Events → rows of tickets, each with the entry of their history.

use crate::words::{optional_word, stored, word};
use domain::agent_run::AgentRunEvent;
use domain::ticket::{TicketCommented, TicketCreated, TicketEvent};
use domain::{DomainEvent, Envelope};
use feed::log::to_bigint;
use feed::runner::{ApplyError, Definition, Projection};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{Executor, PgConnection, Postgres, Row};
use uuid::Uuid;

const TABLES: &str = include_str!("tables.sql");
/// Raise it with every change to the tables or to what is written.
const REVISION: u32 = 1;

/// The read model `ticket`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TicketProjection;

/// A statement whose `with` list ends in one named `ticket`, with the history's entry: `$1` org, `$2` position, `$3`
/// the stream's id, `$4` event id, `$5` time, `$6` actor, `$7` event, `$8` command, `$9` cause.
macro_rules! and_entry {
    ($with:expr, $shown:literal) => {
        concat!(
            "with ",
            $with,
            " insert into history (org, ticket_id, position, event_id, at, actor, action, command_id, cause, shown) ",
            "select $1, ticket_id, $2, $4, $5, $6, $7, $8, $9, ",
            $shown,
            " from ticket returning ticket_id"
        )
    };
}

/// A change by the ticket's own stream: `$10` is the version, then what is set.
macro_rules! set_ticket {
    ($set:literal) => {
        and_entry!(
            concat!(
                "ticket as (update tickets set version = $10, updated_at = $5, ",
                $set,
                " where org = $1 and ticket_id = $3 returning ticket_id)"
            ),
            "true"
        )
    };
}

/// An event of a run, whose id is `$3`, that shows on the page of its ticket.
macro_rules! of_run {
    ($shown:literal) => {
        and_entry!("ticket as (select ticket_id from ticket_runs where org = $1 and run_id = $3)", $shown)
    };
}

const CREATE: &str = and_entry!(
    "ticket as (insert into tickets (org, ticket_id, created_at, updated_at, created_by, version, project_id, board_id, \
     key, number, title, kind, description_md, column_key, rank, parent, labels, priority, assignee, estimate, \
     planned_by_run, planned_by_item) \
     values ($1, $3, $5, $5, $6, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26) \
     returning ticket_id)",
    "true"
);
const COMMENT: &str = and_entry!(
    "ticket as (update tickets set version = $10, updated_at = $5, comment_count = comment_count + 1 \
     where org = $1 and ticket_id = $3 returning ticket_id), \
     comment as (insert into comments (org, ticket_id, position, comment_id, author, body_md, at) \
     select $1, ticket_id, $2, $11, $6, $12, $5 from ticket)",
    "true"
);
const REQUEST_RUN: &str = and_entry!(
    "run as (insert into ticket_runs (org, run_id, ticket_id) values ($1, $3, $10) returning ticket_id), \
     ticket as (select t.ticket_id from tickets t join run using (ticket_id) where t.org = $1)",
    "true"
);
const START_RUN: &str = and_entry!(
    "ticket as (update tickets t set branch = coalesce($10, branch) from ticket_runs r \
     where r.org = $1 and r.run_id = $3 and t.org = $1 and t.ticket_id = r.ticket_id returning t.ticket_id)",
    "true"
);
/// A statement does not see its own changes: the sum of all other runs' costs, and this one's new one.
macro_rules! cost_of_run {
    ($set:literal, $shown:literal) => {
        and_entry!(
            concat!(
                "run as (update ticket_runs set cost_usd_micros = greatest(cost_usd_micros, $10) ",
                "where org = $1 and run_id = $3 returning ticket_id, cost_usd_micros), ",
                "ticket as (update tickets t set ",
                $set,
                "cost_usd_micros = run.cost_usd_micros + (select coalesce(sum(o.cost_usd_micros), 0) ",
                "from ticket_runs o where o.org = $1 and o.ticket_id = run.ticket_id and o.run_id <> $3) ",
                "from run where t.org = $1 and t.ticket_id = run.ticket_id returning t.ticket_id)"
            ),
            $shown
        )
    };
}

#[async_trait::async_trait]
impl Projection for TicketProjection {
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
        let (statement, own) = match &envelope.event {
            DomainEvent::Ticket(event) => (ticket(envelope, event)?, true),
            DomainEvent::AgentRun(event) => match run(envelope, event)? {
                Some(statement) => (statement, false),
                None => return Ok(Vec::new()),
            },
            DomainEvent::Org(_) | DomainEvent::Project(_) | DomainEvent::Board(_) | DomainEvent::RepoConnection(_) => {
                return Ok(Vec::new());
            }
        };
        match statement.fetch_optional(connection).await? {
            Some(row) => Ok(vec![row.try_get(0)?]),
            None if own => Err(ApplyError::poison("its ticket was never created")),
            // A run without a ticket.
            None => Ok(Vec::new()),
        }
    }
}

type Statement = Query<'static, Postgres, PgArguments>;

/// With the nine parameters that all entries share.
fn entry(envelope: &Envelope, statement: &'static str) -> Statement {
    sqlx::query(statement)
        .bind(envelope.org.as_uuid())
        .bind(to_bigint(envelope.position))
        .bind(envelope.aggregate_id)
        .bind(envelope.event_id.as_uuid())
        .bind(envelope.at)
        .bind(envelope.actor.to_string())
        .bind(envelope.event.event_type())
        .bind(envelope.metadata.command_id.as_uuid())
        .bind(envelope.metadata.causation_id.map(domain::EventId::as_uuid))
}

fn ticket(envelope: &Envelope, event: &TicketEvent) -> Result<Statement, ApplyError> {
    let set = |statement| entry(envelope, statement).bind(to_bigint(envelope.version));
    Ok(match event {
        TicketEvent::TicketCreated(created) => create(set(CREATE), created)?,
        TicketEvent::TicketRetitled(event) => set(set_ticket!("title = $11")).bind(event.title.clone()),
        TicketEvent::TicketDescribed(event) => {
            set(set_ticket!("description_md = $11")).bind(event.description_md.clone())
        }
        TicketEvent::TicketKindChanged(event) => set(set_ticket!("kind = $11")).bind(word(event.kind)?),
        TicketEvent::TicketReparented(event) => {
            set(set_ticket!("parent = $11")).bind(event.parent.map(domain::TicketId::as_uuid))
        }
        TicketEvent::TicketLabelled(event) => set(set_ticket!("labels = $11")).bind(event.labels.clone()),
        TicketEvent::TicketPrioritised(event) => {
            set(set_ticket!("priority = $11")).bind(optional_word(event.priority)?)
        }
        TicketEvent::TicketEstimated(event) => set(set_ticket!("estimate = $11"))
            .bind(event.estimate.map(|estimate| stored::<_, i32>("the estimate", estimate)).transpose()?),
        TicketEvent::TicketDueDateSet(event) => set(set_ticket!("due_on = $11")).bind(event.due_on),
        TicketEvent::TicketMoved(event) => {
            set(set_ticket!("column_key = $11, rank = $12")).bind(event.to.clone()).bind(event.rank.clone())
        }
        TicketEvent::TicketAssigned(event) => {
            set(set_ticket!("assignee = $11")).bind(event.assignee.map(domain::UserId::as_uuid))
        }
        TicketEvent::TicketDelegated(event) => set(set_ticket!("delegate = $11")).bind(event.provider.clone()),
        TicketEvent::TicketCommented(TicketCommented { comment, body_md }) => {
            set(COMMENT).bind(comment.as_uuid()).bind(body_md.clone())
        }
        TicketEvent::TicketArchived(_) => set(set_ticket!("archived = true")),
        TicketEvent::TicketRestored(event) => set(set_ticket!("archived = false, column_key = $11, rank = $12"))
            .bind(event.column.clone())
            .bind(event.rank.clone()),
    })
}

fn create(statement: Statement, created: &TicketCreated) -> Result<Statement, ApplyError> {
    Ok(statement
        .bind(created.project.as_uuid())
        .bind(created.board.as_uuid())
        .bind(created.key.clone())
        .bind(stored::<_, i64>("the number", created.number)?)
        .bind(created.title.clone())
        .bind(word(created.kind)?)
        .bind(created.description_md.clone())
        .bind(created.column.clone())
        .bind(created.rank.clone())
        .bind(created.parent.map(domain::TicketId::as_uuid))
        .bind(created.labels.clone())
        .bind(optional_word(created.priority)?)
        .bind(created.assignee.map(domain::UserId::as_uuid))
        .bind(created.estimate.map(|estimate| stored::<_, i32>("the estimate", estimate)).transpose()?)
        .bind(created.planned_by.as_ref().map(|planned| planned.run.as_uuid()))
        .bind(created.planned_by.as_ref().map(|planned| planned.item.as_uuid())))
}

/// None: it does not show on a ticket's page.
fn run(envelope: &Envelope, event: &AgentRunEvent) -> Result<Option<Statement>, ApplyError> {
    let entry = |statement| entry(envelope, statement);
    Ok(Some(match event {
        AgentRunEvent::RunRequested(requested) => match &requested.ticket {
            Some(ticket) => entry(REQUEST_RUN).bind(ticket.id.as_uuid()),
            None => return Ok(None),
        },
        AgentRunEvent::RunLeased(_) => entry(of_run!("false")),
        AgentRunEvent::RunWorkStarted(started) => entry(START_RUN).bind(started.branch.clone()),
        AgentRunEvent::RunCostReached(reached) => {
            entry(cost_of_run!("", "false")).bind(stored::<_, i64>("the cost", reached.cost_usd_micros)?)
        }
        AgentRunEvent::RunCancelRequested(_) => entry(of_run!("true")),
        AgentRunEvent::RunEnded(ended) => entry(cost_of_run!("branch = coalesce($11, t.branch), ", "true"))
            .bind(stored::<_, i64>("the cost", ended.cost_usd_micros)?)
            .bind(ended.work.as_ref().map(|work| work.branch.clone())),
        AgentRunEvent::RunPlanItemProposed(_)
        | AgentRunEvent::RunArtifactProduced(_)
        | AgentRunEvent::RunBudgetWarned(_)
        | AgentRunEvent::RunPlanAccepted(_) => return Ok(None),
    }))
}
