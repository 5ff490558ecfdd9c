//! A run that was asked for waits in the queue; one that shall stop, or has ended, leaves it.

use crate::run::queue::{self, QueueError};
use domain::agent_run::AgentRunEvent;
use domain::{AggregateKind, DomainEvent, Envelope, RunId};
use feed::runner::{ApplyError, Definition, Kind, Projection};
use sqlx::PgConnection;
use uuid::Uuid;

/// Tells workers that something in the queue changed; the key is the run's id. A hint: they poll too.
pub(crate) const HINT: &str = "run_queue";

#[derive(Debug)]
pub(crate) struct RunQueuePolicy;

#[async_trait::async_trait]
impl Projection for RunQueuePolicy {
    fn name(&self) -> &'static str {
        // The runner announces what changed under this name: it is the hint that workers listen for.
        HINT
    }

    fn definition(&self) -> Definition {
        Definition::new(1, "")
    }

    fn kind(&self) -> Kind {
        Kind::Policy
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

    async fn create_tables(&self, _connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        Ok(())
    }

    async fn apply(&self, connection: &mut PgConnection, envelope: &Envelope) -> Result<Vec<Uuid>, ApplyError> {
        let DomainEvent::AgentRun(event) = &envelope.event else { return Ok(Vec::new()) };
        let run = RunId(envelope.aggregate_id);
        let done = match event {
            AgentRunEvent::RunRequested(asked) => {
                queue::enqueue(connection, run, envelope.org, asked.project, &asked.provider, envelope.position).await
            }
            AgentRunEvent::RunCancelRequested(_) => queue::ask_to_stop(connection, run).await,
            AgentRunEvent::RunEnded(_) => queue::close(connection, run).await,
            AgentRunEvent::RunLeased(_)
            | AgentRunEvent::RunWorkStarted(_)
            | AgentRunEvent::RunPlanItemProposed(_)
            | AgentRunEvent::RunArtifactProduced(_)
            | AgentRunEvent::RunCostReached(_)
            | AgentRunEvent::RunBudgetWarned(_)
            | AgentRunEvent::RunPlanAccepted(_) => return Ok(Vec::new()),
        };
        done.map_err(database)?;
        Ok(vec![envelope.aggregate_id])
    }
}

fn database(problem: QueueError) -> ApplyError {
    match problem {
        QueueError::Enqueue { source, .. }
        | QueueError::Claim(source)
        | QueueError::Renew { source, .. }
        | QueueError::Close { source, .. }
        | QueueError::Read { source, .. } => ApplyError::Database(source),
    }
}
