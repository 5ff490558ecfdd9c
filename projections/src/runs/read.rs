//! Rows of runs → structs.

use super::NAME;
use super::model::{
    Artifact, Conversation, PlanItem, Run, RunChange, RunDiffStat, RunFilter, RunTicketRef, TranscriptEvent,
};
use super::state::RunState;
use crate::board::{RepoBadge, RunFailure};
use crate::reads::{Changes, Page, ReadError, Reading, Reads, had_more, one_more};
use crate::words::{count, meaning, optional_meaning, parsed};
use domain::agent_run::{ChangedFile, FailureReason, RunConstraints, RunMode, TokenUsage};
use domain::org::Role;
use domain::ticket::TicketKind;
use domain::{
    Actor, ArtifactId, CommandId, ConversationId, OrgId, PlanItemId, Position, ProjectId, RepoConnectionId, RunId,
    TicketId, WorkerId,
};
use feed::log::{from_bigint, to_bigint};
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use uuid::Uuid;

impl Reads {
    pub async fn org_of_run(&self, run: RunId) -> Result<Option<OrgId>, ReadError> {
        let mut snapshot = self.snapshot(NAME).await?;
        let org: Option<Uuid> = sqlx::query_scalar("select org from runs where run_id = $1 limit 1")
            .bind(run.as_uuid())
            .fetch_optional(snapshot.connection())
            .await
            .reading("a run's org")?;
        snapshot.close().await;
        Ok(org.map(OrgId))
    }

    pub async fn run(&self, org: OrgId, run: RunId) -> Result<Option<Run>, ReadError> {
        let mut snapshot = self.snapshot(NAME).await?;
        let row = sqlx::query("select * from runs where org = $1 and run_id = $2")
            .bind(org.as_uuid())
            .bind(run.as_uuid())
            .fetch_optional(snapshot.connection())
            .await
            .reading("a run")?;
        let position = snapshot.position;
        snapshot.close().await;
        row.map(|row| read_run(&row, position)).transpose()
    }

    /// Newest first; `before` is the `requested_position` of the last run of the page before.
    pub async fn runs(
        &self,
        org: OrgId,
        filter: &RunFilter,
        first: u32,
        before: Option<Position>,
    ) -> Result<Page<Run>, ReadError> {
        const WHAT: &str = "runs";
        let mut query = sqlx::QueryBuilder::new("select * from runs where org = ");
        query.push_bind(org.as_uuid());
        if let Some(before) = before {
            query.push(" and requested_position < ").push_bind(to_bigint(before));
        }
        if let Some(project) = filter.project {
            query.push(" and project_id = ").push_bind(project.as_uuid());
        }
        if let Some(state) = filter.state {
            query.push(" and state = ").push_bind(state.as_str());
        }
        if let Some(provider) = &filter.provider {
            query.push(" and provider = ").push_bind(provider);
        }
        if let Some(mode) = filter.mode {
            query.push(" and mode = ").push_bind(crate::words::written(mode));
        }
        if let Some(user) = filter.user {
            query.push(" and requested_by = ").push_bind(Actor::User(user).to_string());
        }
        if let Some(ticket) = filter.ticket {
            query.push(" and ticket_id = ").push_bind(ticket.as_uuid());
        }
        if let Some(conversation) = filter.conversation {
            query.push(" and conversation_id = ").push_bind(conversation.as_uuid());
        }
        query.push(" order by requested_position desc limit ").push_bind(one_more(first));
        let mut snapshot = self.snapshot(NAME).await?;
        let rows = query.build().fetch_all(snapshot.connection()).await.reading(WHAT)?;
        let position = snapshot.position;
        snapshot.close().await;
        let runs = rows.iter().map(|row| read_run(row, position)).collect::<Result<_, _>>()?;
        Ok(Page::of(runs, first))
    }

    /// Of several runs at once, in the order in which they were produced.
    pub async fn artifacts(&self, org: OrgId, runs: &[RunId]) -> Result<Vec<Artifact>, ReadError> {
        let mut snapshot = self.snapshot(NAME).await?;
        let rows = sqlx::query("select * from artifacts where org = $1 and run_id = any($2) order by position")
            .bind(org.as_uuid())
            .bind(ids(runs))
            .fetch_all(snapshot.connection())
            .await
            .reading("artifacts")?;
        snapshot.close().await;
        rows.iter().map(read_artifact).collect()
    }

    /// For serving a file by its digest: `None` when no run of the org produced it. The first that did.
    pub async fn artifact_by_digest(&self, org: OrgId, digest: &str) -> Result<Option<Artifact>, ReadError> {
        let mut snapshot = self.snapshot(NAME).await?;
        let row = sqlx::query("select * from artifacts where org = $1 and digest = $2 order by position limit 1")
            .bind(org.as_uuid())
            .bind(digest)
            .fetch_optional(snapshot.connection())
            .await
            .reading("an artifact")?;
        snapshot.close().await;
        row.as_ref().map(read_artifact).transpose()
    }

    /// Of several runs at once, in the order in which they were proposed.
    pub async fn plan_items(&self, org: OrgId, runs: &[RunId]) -> Result<Vec<PlanItem>, ReadError> {
        let mut snapshot = self.snapshot(NAME).await?;
        let rows = sqlx::query("select * from plan_items where org = $1 and run_id = any($2) order by position")
            .bind(org.as_uuid())
            .bind(ids(runs))
            .fetch_all(snapshot.connection())
            .await
            .reading("plan items")?;
        snapshot.close().await;
        rows.iter().map(read_plan_item).collect()
    }

    /// Newest first; `before` is the `position` of the last conversation of the page before.
    pub async fn conversations(
        &self,
        org: OrgId,
        project: ProjectId,
        first: u32,
        before: Option<Position>,
    ) -> Result<Page<Conversation>, ReadError> {
        let mut snapshot = self.snapshot(NAME).await?;
        let rows = sqlx::query(
            "select conversation_id, project_id, title, started_at, position from conversations \
             where org = $1 and project_id = $2 and position < $3 order by position desc limit $4",
        )
        .bind(org.as_uuid())
        .bind(project.as_uuid())
        .bind(before.map_or(i64::MAX, to_bigint))
        .bind(one_more(first))
        .fetch_all(snapshot.connection())
        .await
        .reading("conversations")?;
        snapshot.close().await;
        Ok(Page::of(rows.iter().map(read_conversation).collect::<Result<_, _>>()?, first))
    }

    pub async fn conversation(
        &self,
        org: OrgId,
        conversation: ConversationId,
    ) -> Result<Option<Conversation>, ReadError> {
        let mut snapshot = self.snapshot(NAME).await?;
        let row = sqlx::query(
            "select conversation_id, project_id, title, started_at, position from conversations \
             where org = $1 and conversation_id = $2",
        )
        .bind(org.as_uuid())
        .bind(conversation.as_uuid())
        .fetch_optional(snapshot.connection())
        .await
        .reading("a conversation")?;
        snapshot.close().await;
        row.as_ref().map(read_conversation).transpose()
    }

    /// What changed the project's runs after `after`: at most `limit` events. Kept as the board's changes are. A
    /// project that nobody knows has no changes: ask [`Reads::project`] first.
    pub async fn runs_changes(
        &self,
        org: OrgId,
        project: ProjectId,
        after: Position,
        limit: u32,
    ) -> Result<Changes<RunChange>, ReadError> {
        const WHAT: &str = "changes of runs";
        let mut snapshot = self.snapshot(NAME).await?;
        let position = snapshot.position;
        let floor: Option<i64> =
            sqlx::query_scalar("select position from run_changes_floor where org = $1 and project_id = $2")
                .bind(org.as_uuid())
                .bind(project.as_uuid())
                .fetch_optional(snapshot.connection())
                .await
                .reading(WHAT)?;
        if snapshot.is_out_of_reach(after, floor.map_or(0, from_bigint)).await.reading("the log's end")? {
            snapshot.close().await;
            return Ok(Changes { resync: true, items: Vec::new(), position, more: false });
        }
        let rows = sqlx::query(
            "select r.*, c.position as change_position, c.command_id from run_changes c \
             join runs r on r.org = c.org and r.run_id = c.run_id \
             where c.org = $1 and c.project_id = $2 and c.position > $3 order by c.position limit $4",
        )
        .bind(org.as_uuid())
        .bind(project.as_uuid())
        .bind(to_bigint(after))
        .bind(one_more(limit))
        .fetch_all(snapshot.connection())
        .await
        .reading(WHAT)?;
        snapshot.close().await;
        let mut items = Vec::with_capacity(rows.len());
        for row in &rows {
            items.push(RunChange {
                position: from_bigint(row.try_get("change_position").reading(WHAT)?),
                command_id: CommandId(row.try_get("command_id").reading(WHAT)?),
                run: Box::new(read_run(row, position)?),
            });
        }
        let more = had_more(&mut items, limit);
        Ok(Changes { resync: false, items, position, more })
    }

    /// The transcript after `after_seq`, in order. The transcript is a truth of its own, not a projection.
    pub async fn transcript(
        &self,
        org: OrgId,
        run: RunId,
        after_seq: u64,
        limit: u32,
    ) -> Result<Vec<TranscriptEvent>, ReadError> {
        const WHAT: &str = "a transcript";
        let rows = sqlx::query(
            "select seq, at, type, payload from run_transcript where org = $1 and run_id = $2 and seq > $3 \
             order by seq limit $4",
        )
        .bind(org.as_uuid())
        .bind(run.as_uuid())
        .bind(to_bigint(after_seq))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await
        .reading(WHAT)?;
        rows.iter()
            .map(|row| {
                Ok(TranscriptEvent {
                    seq: from_bigint(row.try_get(0).reading(WHAT)?),
                    at: row.try_get(1).reading(WHAT)?,
                    kind: row.try_get(2).reading(WHAT)?,
                    payload: row.try_get(3).reading(WHAT)?,
                })
            })
            .collect()
    }

    /// 0 when there is none.
    pub async fn transcript_last_seq(&self, org: OrgId, run: RunId) -> Result<u64, ReadError> {
        let last: Option<i64> =
            sqlx::query_scalar("select max(seq) from run_transcript where org = $1 and run_id = $2")
                .bind(org.as_uuid())
                .bind(run.as_uuid())
                .fetch_one(&self.pool)
                .await
                .reading("a transcript")?;
        Ok(last.map_or(0, from_bigint))
    }
}

fn ids(runs: &[RunId]) -> Vec<Uuid> {
    runs.iter().map(|run| run.as_uuid()).collect()
}

fn read_run(row: &PgRow, position: Position) -> Result<Run, ReadError> {
    const WHAT: &str = "a run";
    let mode: &str = row.try_get("mode").reading(WHAT)?;
    let state: &str = row.try_get("state").reading(WHAT)?;
    let requested_by: &str = row.try_get("requested_by").reading(WHAT)?;
    let stations: i16 = row.try_get("stations_reached").reading(WHAT)?;
    let conversation: Option<Uuid> = row.try_get("conversation_id").reading(WHAT)?;
    let worker: Option<Uuid> = row.try_get("worker_id").reading(WHAT)?;
    let constraints: Json<RunConstraints> = row.try_get("constraints").reading(WHAT)?;
    Ok(Run {
        id: RunId(row.try_get("run_id").reading(WHAT)?),
        org: OrgId(row.try_get("org").reading(WHAT)?),
        project: ProjectId(row.try_get("project_id").reading(WHAT)?),
        ticket: read_ticket(row)?,
        repo: read_repo(row)?,
        conversation: conversation.map(ConversationId),
        mode: meaning::<RunMode>(WHAT, mode)?,
        provider: row.try_get("provider").reading(WHAT)?,
        model: row.try_get("model").reading(WHAT)?,
        prompt: row.try_get("prompt").reading(WHAT)?,
        state: parsed::<RunState>(WHAT, state)?,
        version: from_bigint(row.try_get("version").reading(WHAT)?),
        failure: read_failure(row)?,
        requested_by: parsed::<Actor>(WHAT, requested_by)?,
        requested_at: row.try_get("requested_at").reading(WHAT)?,
        started_at: row.try_get("started_at").reading(WHAT)?,
        ended_at: row.try_get("ended_at").reading(WHAT)?,
        base_ref: row.try_get("base_ref").reading(WHAT)?,
        base_commit: row.try_get("base_commit").reading(WHAT)?,
        branch: row.try_get("branch").reading(WHAT)?,
        head_commit: row.try_get("head_commit").reading(WHAT)?,
        summary: row.try_get("summary").reading(WHAT)?,
        changes: read_diff_stat(row)?,
        usage: TokenUsage {
            input_tokens: count(row.try_get("input_tokens").reading(WHAT)?),
            cached_input_tokens: count(row.try_get("cached_input_tokens").reading(WHAT)?),
            output_tokens: count(row.try_get("output_tokens").reading(WHAT)?),
        },
        cost_usd_micros: count(row.try_get("cost_usd_micros").reading(WHAT)?),
        constraints: constraints.0,
        stations_reached: count(stations.into()),
        budget_warned: row.try_get("budget_warned").reading(WHAT)?,
        cancel_requested: row.try_get("cancel_requested").reading(WHAT)?,
        scripted: row.try_get("scripted").reading(WHAT)?,
        program: row.try_get("program").reading(WHAT)?,
        worker: worker.map(WorkerId),
        transcript_count: count(row.try_get("transcript_count").reading(WHAT)?),
        transcript_digest: row.try_get("transcript_digest").reading(WHAT)?,
        requested_position: from_bigint(row.try_get("requested_position").reading(WHAT)?),
        position,
    })
}

fn read_ticket(row: &PgRow) -> Result<Option<RunTicketRef>, ReadError> {
    const WHAT: &str = "a run's ticket";
    let id: Option<Uuid> = row.try_get("ticket_id").reading(WHAT)?;
    let key: Option<String> = row.try_get("ticket_key").reading(WHAT)?;
    let title: Option<String> = row.try_get("ticket_title").reading(WHAT)?;
    Ok(id.map(|id| RunTicketRef { id: TicketId(id), key: key.unwrap_or_default(), title: title.unwrap_or_default() }))
}

fn read_repo(row: &PgRow) -> Result<Option<RepoBadge>, ReadError> {
    const WHAT: &str = "a run's repository";
    let id: Option<Uuid> = row.try_get("repo_id").reading(WHAT)?;
    let name: Option<String> = row.try_get("repo_name").reading(WHAT)?;
    Ok(id.map(|id| RepoBadge { id: RepoConnectionId(id), name: name.unwrap_or_default() }))
}

fn read_failure(row: &PgRow) -> Result<Option<RunFailure>, ReadError> {
    const WHAT: &str = "a run's failure";
    let reason: Option<&str> = row.try_get("failure_reason").reading(WHAT)?;
    let message: Option<String> = row.try_get("failure_message").reading(WHAT)?;
    Ok(optional_meaning::<FailureReason>(WHAT, reason)?
        .map(|reason| RunFailure { reason, message: message.unwrap_or_default() }))
}

fn read_diff_stat(row: &PgRow) -> Result<Option<RunDiffStat>, ReadError> {
    const WHAT: &str = "a run's changes";
    let Some(artifact): Option<Uuid> = row.try_get("diff_artifact").reading(WHAT)? else { return Ok(None) };
    let files: Option<Json<Vec<ChangedFile>>> = row.try_get("files").reading(WHAT)?;
    Ok(Some(RunDiffStat {
        additions: count(row.try_get("additions").reading(WHAT)?),
        deletions: count(row.try_get("deletions").reading(WHAT)?),
        files: files.map(|files| files.0).unwrap_or_default(),
        artifact: ArtifactId(artifact),
    }))
}

fn read_artifact(row: &PgRow) -> Result<Artifact, ReadError> {
    const WHAT: &str = "an artifact";
    Ok(Artifact {
        id: ArtifactId(row.try_get("artifact_id").reading(WHAT)?),
        run: RunId(row.try_get("run_id").reading(WHAT)?),
        name: row.try_get("name").reading(WHAT)?,
        mime: row.try_get("mime").reading(WHAT)?,
        size_bytes: count(row.try_get("size_bytes").reading(WHAT)?),
        digest: row.try_get("digest").reading(WHAT)?,
    })
}

fn read_plan_item(row: &PgRow) -> Result<PlanItem, ReadError> {
    const WHAT: &str = "a plan item";
    let kind: &str = row.try_get("kind").reading(WHAT)?;
    let owner_role: &str = row.try_get("owner_role").reading(WHAT)?;
    let parent: Option<Uuid> = row.try_get("parent").reading(WHAT)?;
    Ok(PlanItem {
        id: PlanItemId(row.try_get("item_id").reading(WHAT)?),
        run: RunId(row.try_get("run_id").reading(WHAT)?),
        parent: parent.map(PlanItemId),
        kind: meaning::<TicketKind>(WHAT, kind)?,
        title: row.try_get("title").reading(WHAT)?,
        description_md: row.try_get("description_md").reading(WHAT)?,
        acceptance_criteria: row.try_get("acceptance_criteria").reading(WHAT)?,
        owner_role: meaning::<Role>(WHAT, owner_role)?,
        column: row.try_get("column_key").reading(WHAT)?,
        accepted_ticket: row.try_get::<Option<Uuid>, _>("accepted_ticket").reading(WHAT)?.map(TicketId),
    })
}

fn read_conversation(row: &PgRow) -> Result<Conversation, ReadError> {
    const WHAT: &str = "a conversation";
    Ok(Conversation {
        id: ConversationId(row.try_get(0).reading(WHAT)?),
        project: ProjectId(row.try_get(1).reading(WHAT)?),
        title: row.try_get(2).reading(WHAT)?,
        started_at: row.try_get(3).reading(WHAT)?,
        position: from_bigint(row.try_get(4).reading(WHAT)?),
    })
}
