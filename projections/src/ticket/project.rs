//! Events → rows of tickets, each with the entry of their history.

use crate::edits::{Edits, keep_or_set};
use crate::words::{optional_word, stored, word};
use chrono::{DateTime, Utc};
use domain::agent_run::AgentRunEvent;
use domain::ticket::{TicketCommented, TicketCreated, TicketEvent};
use domain::{DomainEvent, Envelope};
use feed::log::to_bigint;
use feed::runner::{ApplyError, Definition, Projection};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{Executor, PgConnection, Postgres, Row};
use std::sync::Arc;
use uuid::Uuid;

const TABLES: &str = include_str!("tables.sql");
/// Raise it with every change to the tables or to what is written.
const REVISION: u32 = 2;

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
/// `$1` edits; `$2`… the history's entries: org, ticket, position, event id, time, actor, event, command, cause; `$11`…
/// the comments: org, ticket, position, author, time, id, text. Returns each ticket.
const EDIT: &str = concat!(
    "with e as (select edit, (edit->>'org')::uuid as org, (edit->>'ticket_id')::uuid as ticket_id \
         from jsonb_array_elements($1) as edit), \
     ticket as (update tickets t set updated_at = (e.edit->>'at')::timestamptz, ",
    keep_or_set!(
        "title" as "text", "description_md" as "text", "kind" as "text", "column_key" as "text", "rank" as "text",
        "archived" as "boolean";
        "priority" as "text", "estimate" as "integer", "due_on" as "timestamptz", "parent" as "uuid",
        "assignee" as "uuid", "delegate" as "text"
    ),
    " from e where t.org = e.org and t.ticket_id = e.ticket_id returning t.ticket_id), \
     entered as (insert into history \
         (org, ticket_id, position, event_id, at, actor, action, command_id, cause, shown) \
         select *, true from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10)), \
     said as (insert into comments (org, ticket_id, position, author, at, comment_id, body_md) \
         select * from unnest($11, $12, $13, $14, $15, $16, $17)) \
     select ticket_id from ticket"
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
        let mut edits = TicketEdits::default();
        if edits.add(envelope)? {
            return edits.write(connection).await;
        }
        let statement = match &envelope.event {
            DomainEvent::Ticket(TicketEvent::TicketCreated(created)) => {
                Some(create(entry(envelope, CREATE).bind(to_bigint(envelope.version)), created)?)
            }
            DomainEvent::AgentRun(event) => run(envelope, event)?,
            DomainEvent::Ticket(_)
            | DomainEvent::Org(_)
            | DomainEvent::Project(_)
            | DomainEvent::Board(_)
            | DomainEvent::RepoConnection(_) => None,
        };
        let Some(statement) = statement else { return Ok(Vec::new()) };
        // No row: a run without a ticket.
        let row = statement.fetch_optional(connection).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?.into_iter().collect())
    }

    async fn apply_all(
        &self,
        connection: &mut PgConnection,
        envelopes: &[Arc<Envelope>],
    ) -> Result<Vec<Uuid>, ApplyError> {
        let mut edits = TicketEdits::default();
        let mut tickets = Vec::new();
        for envelope in envelopes {
            if !edits.add(envelope)? {
                tickets.append(&mut edits.write(connection).await?);
                tickets.append(&mut self.apply(connection, envelope).await?);
            }
        }
        tickets.append(&mut edits.write(connection).await?);
        Ok(tickets)
    }
}

/// Changes to tickets by their own streams that follow each other.
#[derive(Debug, Default)]
struct TicketEdits {
    edits: Edits,
    entries: Entries,
    comments: Comments,
}

#[derive(Debug, Default)]
struct Entries {
    orgs: Vec<Uuid>,
    tickets: Vec<Uuid>,
    positions: Vec<i64>,
    ids: Vec<Uuid>,
    times: Vec<DateTime<Utc>>,
    actors: Vec<String>,
    actions: Vec<&'static str>,
    commands: Vec<Uuid>,
    causes: Vec<Option<Uuid>>,
}

#[derive(Debug, Default)]
struct Comments {
    orgs: Vec<Uuid>,
    tickets: Vec<Uuid>,
    positions: Vec<i64>,
    authors: Vec<String>,
    times: Vec<DateTime<Utc>>,
    ids: Vec<Uuid>,
    bodies: Vec<String>,
}

impl TicketEdits {
    /// False: not a change to a ticket that is there.
    fn add(&mut self, envelope: &Envelope) -> Result<bool, ApplyError> {
        let DomainEvent::Ticket(event) = &envelope.event else { return Ok(false) };
        if !Edits::is_edit(event) {
            return Ok(false);
        }
        self.edits.add(envelope, event)?;
        let Self { entries, comments, .. } = self;
        entries.orgs.push(envelope.org.as_uuid());
        entries.tickets.push(envelope.aggregate_id);
        entries.positions.push(to_bigint(envelope.position));
        entries.ids.push(envelope.event_id.as_uuid());
        entries.times.push(envelope.at);
        entries.actors.push(envelope.actor.to_string());
        entries.actions.push(envelope.event.event_type());
        entries.commands.push(envelope.metadata.command_id.as_uuid());
        entries.causes.push(envelope.metadata.causation_id.map(domain::EventId::as_uuid));
        if let TicketEvent::TicketCommented(TicketCommented { comment, body_md }) = event {
            comments.orgs.push(envelope.org.as_uuid());
            comments.tickets.push(envelope.aggregate_id);
            comments.positions.push(to_bigint(envelope.position));
            comments.authors.push(envelope.actor.to_string());
            comments.times.push(envelope.at);
            comments.ids.push(comment.as_uuid());
            comments.bodies.push(body_md.clone());
        }
        Ok(true)
    }

    /// Returns the tickets, and is empty afterwards.
    async fn write(&mut self, connection: &mut PgConnection) -> Result<Vec<Uuid>, ApplyError> {
        if self.edits.is_empty() {
            return Ok(Vec::new());
        }
        let Self { mut edits, entries, comments } = std::mem::take(self);
        let (expected, edits) = edits.take();
        let tickets: Vec<Uuid> = sqlx::query_scalar(EDIT)
            .bind(edits)
            .bind(entries.orgs)
            .bind(entries.tickets)
            .bind(entries.positions)
            .bind(entries.ids)
            .bind(entries.times)
            .bind(entries.actors)
            .bind(entries.actions)
            .bind(entries.commands)
            .bind(entries.causes)
            .bind(comments.orgs)
            .bind(comments.tickets)
            .bind(comments.positions)
            .bind(comments.authors)
            .bind(comments.times)
            .bind(comments.ids)
            .bind(comments.bodies)
            .fetch_all(connection)
            .await?;
        if tickets.len() != expected {
            return Err(ApplyError::poison("its ticket was never created"));
        }
        Ok(tickets)
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
