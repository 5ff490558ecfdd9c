//! What a run leaves behind: its diff, artifacts, plan, and what it used.

use super::enums::{Role, TicketKind};
use super::ticket::{TicketRef, ticket_ref};
use crate::errors::ApiError;
use async_graphql::{ComplexObject, Context, SimpleObject};
use domain::{OrgId, TicketId};
use projections::runs;
use uuid::Uuid;

/// More of a diff than this is in the artifact only.
const DIFF_MAX_BYTES: usize = 1024 * 1024;

#[derive(SimpleObject, Debug)]
pub(crate) struct Usage {
    pub(super) input_tokens: u64,
    pub(super) cached_input_tokens: u64,
    pub(super) output_tokens: u64,
}

/// The whole unified diff is text up to 1 MiB; larger ones are cut (truncated = true) and whole in the artifact.
#[derive(SimpleObject, Debug)]
pub(crate) struct Diff {
    unified: String,
    truncated: bool,
    additions: u64,
    deletions: u64,
    /// As many as the run changed; the agent's caps bound them. At most 10,000 are listed.
    files: Vec<DiffFile>,
}

impl Diff {
    pub(super) fn new(text: &[u8], changes: &runs::RunDiffStat) -> Self {
        let truncated = text.len() > DIFF_MAX_BYTES;
        let mut kept = text.get(..DIFF_MAX_BYTES).unwrap_or(text);
        if truncated && let Some(end) = kept.iter().rposition(|byte| *byte == b'\n') {
            kept = kept.get(..=end).unwrap_or(kept);
        }
        let files = changes.files.iter().take(10_000).map(|file| DiffFile {
            path: file.path.clone(),
            additions: file.additions,
            deletions: file.deletions,
            status: file.status.clone(),
        });
        Self {
            unified: String::from_utf8_lossy(kept).into_owned(),
            truncated,
            additions: changes.additions,
            deletions: changes.deletions,
            files: files.collect(),
        }
    }
}

#[derive(SimpleObject, Debug)]
pub(crate) struct DiffFile {
    path: String,
    additions: u64,
    deletions: u64,
    status: String,
}

#[derive(SimpleObject, Debug)]
pub(crate) struct Artifact {
    id: Uuid,
    name: String,
    mime: String,
    size_bytes: u64,
    digest: String,
}

impl From<runs::Artifact> for Artifact {
    fn from(artifact: runs::Artifact) -> Self {
        Self {
            id: artifact.id.as_uuid(),
            name: artifact.name,
            mime: artifact.mime,
            size_bytes: artifact.size_bytes,
            digest: artifact.digest,
        }
    }
}

#[derive(SimpleObject, Debug)]
#[graphql(complex)]
pub(crate) struct PlanItem {
    #[graphql(skip)]
    org: OrgId,
    #[graphql(skip)]
    ticket: Option<TicketId>,
    id: Uuid,
    parent_id: Option<Uuid>,
    kind: TicketKind,
    title: String,
    description_md: String,
    /// At most 30.
    acceptance_criteria: Vec<String>,
    owner_role: Role,
    column_key: String,
}

impl PlanItem {
    pub(super) fn new(org: OrgId, item: runs::PlanItem) -> Self {
        Self {
            org,
            ticket: item.accepted_ticket,
            id: item.id.as_uuid(),
            parent_id: item.parent.map(|parent| parent.as_uuid()),
            kind: item.kind.into(),
            title: item.title,
            description_md: item.description_md,
            acceptance_criteria: item.acceptance_criteria,
            owner_role: item.owner_role.into(),
            column_key: item.column,
        }
    }
}

#[ComplexObject]
impl PlanItem {
    async fn accepted_ticket(&self, ctx: &Context<'_>) -> Result<Option<TicketRef>, ApiError> {
        ticket_ref(ctx, self.org, self.ticket).await
    }
}
