//! Events → rows of runs, each with the change that live readers follow.

use super::state::{RunState, stations_of};
use crate::retention::Retention;
use crate::words::{stored, word};
use domain::agent_run::{
    AgentRunEvent, RunArtifactProduced, RunCostReached, RunEnded, RunOutcome, RunPlanAccepted, RunPlanItemProposed,
    RunRequested, RunWorkStarted,
};
use domain::{AggregateKind, DomainEvent, Envelope};
use feed::log::to_bigint;
use feed::runner::{ApplyError, Definition, Projection};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{Executor, PgConnection, Postgres, Row};
use uuid::Uuid;

const TABLES: &str = include_str!("tables.sql");
/// Raise it with every change to the tables or to what is written.
const REVISION: u32 = 3;
const TITLE_MAX_CHARS: usize = 120;

/// The read model `runs`.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunsProjection {
    pub changes: Retention,
}

/// A statement whose `with` list ends in one named `run`, with the change: `$1` org, `$2` position, `$3` run, `$4`
/// command, `$5` event, `$6` time, `$7` version.
macro_rules! and_change {
    ($with:expr) => {
        concat!(
            "with ",
            $with,
            " insert into run_changes (org, project_id, position, run_id, command_id, kind, at) ",
            "select $1, project_id, $2, $3, $4, $5, $6 from run returning project_id"
        )
    };
}
macro_rules! set_run {
    ($set:literal) => {
        concat!("run as (update runs set version = $7", $set, " where org = $1 and run_id = $3 returning project_id)")
    };
}

const REQUEST: &str = and_change!(
    "run as (insert into runs (org, run_id, version, requested_position, requested_at, state, requested_by, project_id, \
     ticket_id, ticket_key, ticket_title, repo_id, repo_name, base_ref, conversation_id, mode, provider, model, prompt, \
     constraints, stations_aimed) \
     values ($1, $3, $7, $2, $6, 'queued', $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22) \
     returning project_id)"
);
const LEASE: &str = and_change!(set_run!(", state = 'starting', worker_id = $8"));
const START: &str = and_change!(set_run!(
    ", state = 'working', stations_reached = stations_aimed, started_at = coalesce(started_at, $6), program = $8, \
     scripted = $9, branch = coalesce($10, branch), base_commit = coalesce($11, base_commit)"
));
const COST: &str = and_change!(set_run!(
    ", input_tokens = greatest(input_tokens, $8), cached_input_tokens = greatest(cached_input_tokens, $9), \
     output_tokens = greatest(output_tokens, $10), cost_usd_micros = greatest(cost_usd_micros, $11)"
));
const WARN: &str = and_change!(set_run!(", budget_warned = true"));
const REQUEST_CANCEL: &str = and_change!(set_run!(", cancel_requested = true"));
const END: &str = and_change!(set_run!(
    ", input_tokens = greatest(input_tokens, $8), cached_input_tokens = greatest(cached_input_tokens, $9), \
     output_tokens = greatest(output_tokens, $10), cost_usd_micros = greatest(cost_usd_micros, $11), ended_at = $6, \
     state = $12, failure_reason = $13, failure_message = $14, summary = $15, transcript_count = $16, \
     transcript_digest = $17, branch = coalesce($18, branch), head_commit = $19, additions = $20, deletions = $21, \
     files = $22, diff_artifact = $23"
));
const PROPOSE: &str = and_change!(concat!(
    set_run!(""),
    ", item as (insert into plan_items (org, run_id, position, item_id, parent, kind, title, description_md, \
     acceptance_criteria, owner_role, column_key) values ($1, $3, $2, $8, $9, $10, $11, $12, $13, $14, $15))"
));
const PRODUCE: &str = and_change!(concat!(
    set_run!(""),
    ", artifact as (insert into artifacts (org, run_id, position, artifact_id, name, mime, size_bytes, digest) \
     values ($1, $3, $2, $8, $9, $10, $11, $12))"
));
const ACCEPT: &str = and_change!(concat!(
    set_run!(""),
    ", items as (update plan_items i set accepted_ticket = a.ticket from unnest($8, $9) a (item, ticket) \
     where i.org = $1 and i.run_id = $3 and i.item_id = a.item)"
));

#[async_trait::async_trait]
impl Projection for RunsProjection {
    fn name(&self) -> &'static str {
        super::NAME
    }

    fn definition(&self) -> Definition {
        Definition::new(REVISION, TABLES)
    }

    fn concerns(&self, aggregate: AggregateKind) -> bool {
        match aggregate {
            AggregateKind::AgentRun => true,
            AggregateKind::Org
            | AggregateKind::Project
            | AggregateKind::Board
            | AggregateKind::Ticket
            | AggregateKind::RepoConnection => false,
        }
    }

    async fn create_tables(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        connection.execute(TABLES).await.map(|_| ())
    }

    async fn apply(&self, connection: &mut PgConnection, envelope: &Envelope) -> Result<Vec<Uuid>, ApplyError> {
        let event = match &envelope.event {
            DomainEvent::AgentRun(event) => event,
            DomainEvent::Org(_)
            | DomainEvent::Project(_)
            | DomainEvent::Board(_)
            | DomainEvent::Ticket(_)
            | DomainEvent::RepoConnection(_) => return Ok(Vec::new()),
        };
        if let AgentRunEvent::RunRequested(requested) = event {
            open_conversation(connection, envelope, requested).await?;
        }
        let row = statement(envelope, event)?.fetch_optional(&mut *connection).await?;
        let row = row.ok_or_else(|| ApplyError::poison("its run was never requested"))?;
        let project: Uuid = row.try_get(0)?;
        if self.changes.is_due(envelope.position) {
            forget_changes(connection, envelope, project, self.changes).await?;
        }
        Ok(vec![project])
    }
}

type Statement = Query<'static, Postgres, PgArguments>;

/// With the seven parameters that all changes share.
fn change(envelope: &Envelope, statement: &'static str) -> Statement {
    sqlx::query(statement)
        .bind(envelope.org.as_uuid())
        .bind(to_bigint(envelope.position))
        .bind(envelope.aggregate_id)
        .bind(envelope.metadata.command_id.as_uuid())
        .bind(envelope.event.event_type())
        .bind(envelope.at)
        .bind(to_bigint(envelope.version))
}

fn statement(envelope: &Envelope, event: &AgentRunEvent) -> Result<Statement, ApplyError> {
    let change = |statement| change(envelope, statement);
    Ok(match event {
        AgentRunEvent::RunRequested(event) => request(change(REQUEST).bind(envelope.actor.to_string()), event)?,
        AgentRunEvent::RunLeased(event) => change(LEASE).bind(event.worker.as_uuid()),
        AgentRunEvent::RunWorkStarted(event) => start(change(START), event),
        AgentRunEvent::RunPlanItemProposed(event) => propose(change(PROPOSE), event)?,
        AgentRunEvent::RunArtifactProduced(event) => produce(change(PRODUCE), event)?,
        AgentRunEvent::RunCostReached(RunCostReached { token: _, usage, cost_usd_micros }) => {
            cost(change(COST), *usage, *cost_usd_micros)?
        }
        AgentRunEvent::RunBudgetWarned(_) => change(WARN),
        AgentRunEvent::RunCancelRequested(_) => change(REQUEST_CANCEL),
        AgentRunEvent::RunEnded(event) => end(change(END), event)?,
        AgentRunEvent::RunPlanAccepted(event) => accept(change(ACCEPT), event),
    })
}

fn request(statement: Statement, event: &RunRequested) -> Result<Statement, ApplyError> {
    Ok(statement
        .bind(event.project.as_uuid())
        .bind(event.ticket.as_ref().map(|ticket| ticket.id.as_uuid()))
        .bind(event.ticket.as_ref().map(|ticket| ticket.key.clone()))
        .bind(event.ticket.as_ref().map(|ticket| ticket.title.clone()))
        .bind(event.repo.as_ref().map(|repo| repo.connection.as_uuid()))
        .bind(event.repo.as_ref().map(|repo| repo.name.clone()))
        .bind(event.repo.as_ref().and_then(|repo| repo.base_ref.clone()))
        .bind(event.conversation.map(domain::ConversationId::as_uuid))
        .bind(word(event.mode)?)
        .bind(event.provider.clone())
        .bind(event.model.clone())
        .bind(event.prompt.clone())
        .bind(json(&event.constraints)?)
        .bind(i16::from(stations_of(event.mode))))
}

fn start(statement: Statement, event: &RunWorkStarted) -> Statement {
    statement
        .bind(event.program.clone())
        .bind(event.scripted)
        .bind(event.branch.clone())
        .bind(event.base_commit.clone())
}

fn cost(
    statement: Statement,
    usage: domain::agent_run::TokenUsage,
    cost_usd_micros: u64,
) -> Result<Statement, ApplyError> {
    Ok(statement
        .bind(stored::<_, i64>("the count of tokens", usage.input_tokens)?)
        .bind(stored::<_, i64>("the count of tokens", usage.cached_input_tokens)?)
        .bind(stored::<_, i64>("the count of tokens", usage.output_tokens)?)
        .bind(stored::<_, i64>("the cost", cost_usd_micros)?))
}

fn end(statement: Statement, event: &RunEnded) -> Result<Statement, ApplyError> {
    let (state, reason, message) = match &event.outcome {
        RunOutcome::Succeeded => (RunState::Succeeded, None, None),
        RunOutcome::Cancelled => (RunState::Cancelled, None, None),
        RunOutcome::Failed { reason, message } => (RunState::Failed, Some(word(reason)?), Some(message.clone())),
    };
    let work = event.work.as_ref();
    let lines = |count: Option<u64>| count.map(|count| stored::<_, i64>("a count of lines", count)).transpose();
    Ok(cost(statement, event.usage, event.cost_usd_micros)?
        .bind(state.as_str())
        .bind(reason)
        .bind(message)
        .bind((!event.summary.is_empty()).then(|| event.summary.clone()))
        .bind(stored::<_, i64>("the transcript's length", event.transcript_count)?)
        .bind((!event.transcript_digest.is_empty()).then(|| event.transcript_digest.clone()))
        .bind(work.map(|work| work.branch.clone()))
        .bind(work.map(|work| work.head_commit.clone()))
        .bind(lines(work.map(|work| work.additions))?)
        .bind(lines(work.map(|work| work.deletions))?)
        .bind(work.map(|work| json(&work.files)).transpose()?)
        .bind(work.map(|work| work.diff.as_uuid())))
}

fn propose(statement: Statement, event: &RunPlanItemProposed) -> Result<Statement, ApplyError> {
    Ok(statement
        .bind(event.item.as_uuid())
        .bind(event.parent.map(domain::PlanItemId::as_uuid))
        .bind(word(event.kind)?)
        .bind(event.title.clone())
        .bind(event.description_md.clone())
        .bind(event.acceptance_criteria.clone())
        .bind(word(event.owner_role)?)
        .bind(event.column.clone()))
}

fn produce(statement: Statement, event: &RunArtifactProduced) -> Result<Statement, ApplyError> {
    Ok(statement
        .bind(event.artifact.as_uuid())
        .bind(event.name.clone())
        .bind(event.mime.clone())
        .bind(stored::<_, i64>("the artifact's size", event.size_bytes)?)
        .bind(event.digest.clone()))
}

fn accept(statement: Statement, event: &RunPlanAccepted) -> Statement {
    let items: Vec<Uuid> = event.tickets.iter().map(|accepted| accepted.item.as_uuid()).collect();
    let tickets: Vec<Uuid> = event.tickets.iter().map(|accepted| accepted.ticket.as_uuid()).collect();
    statement.bind(items).bind(tickets)
}

fn json(value: &impl serde::Serialize) -> Result<serde_json::Value, ApplyError> {
    serde_json::to_value(value).map_err(|error| ApplyError::poison(error.to_string()))
}

/// The first run of a conversation names it.
async fn open_conversation(
    connection: &mut PgConnection,
    envelope: &Envelope,
    requested: &RunRequested,
) -> Result<(), ApplyError> {
    let Some(conversation) = requested.conversation else { return Ok(()) };
    let title: String =
        requested.prompt.trim().lines().next().unwrap_or_default().chars().take(TITLE_MAX_CHARS).collect();
    sqlx::query(
        "insert into conversations (org, conversation_id, project_id, position, title, started_at) \
         values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
    )
    .bind(envelope.org.as_uuid())
    .bind(conversation.as_uuid())
    .bind(requested.project.as_uuid())
    .bind(to_bigint(envelope.position))
    .bind(title)
    .bind(envelope.at)
    .execute(connection)
    .await?;
    Ok(())
}

async fn forget_changes(
    connection: &mut PgConnection,
    envelope: &Envelope,
    project: Uuid,
    keep: Retention,
) -> Result<(), ApplyError> {
    sqlx::query(
        // From the oldest on, and counted only where there may be too many: it costs what goes, not what is there.
        "with floor as (select greatest( \
             (select case when $5 - position >= $3 then \
                 (select position from run_changes where org = $1 and project_id = $2 \
                  order by position desc offset $3 limit 1) end \
              from run_changes where org = $1 and project_id = $2 order by position limit 1), \
             (select max(position) from run_changes where org = $1 and project_id = $2 and position < \
                 (select position from run_changes where org = $1 and project_id = $2 and at >= $4 \
                  order by position limit 1))) as position), \
         gone as (delete from run_changes c using floor \
             where c.org = $1 and c.project_id = $2 and c.position <= floor.position) \
         insert into run_changes_floor (org, project_id, position) \
         select $1, $2, position from floor where position is not null \
         on conflict (org, project_id) do update set position = excluded.position",
    )
    .bind(envelope.org.as_uuid())
    .bind(project)
    .bind(keep.count)
    .bind(envelope.at - keep.age)
    .bind(to_bigint(envelope.position))
    .execute(connection)
    .await?;
    Ok(())
}
