//! The agents' providers: what is configured, and what workers found on their machines.

use super::context::request;
use crate::auth::access::Action;
use crate::errors::ApiError;
use crate::{ProviderSetting, WorkerFound};
use async_graphql::{Context, Object, SimpleObject};
use domain::OrgId;
use sqlx::PgPool;
use uuid::Uuid;

#[derive(SimpleObject, Debug)]
pub(crate) struct Provider {
    id: String,
    name: String,
    available: bool,
    version: Option<String>,
    key_present: bool,
    /// In words: what is missing, when something is.
    health: String,
    /// At most 50.
    models: Vec<String>,
    /// True when a script answers in the model's place.
    scripted: bool,
}

/// What the living workers say: a row whose heartbeat is older than three of them says nothing any more.
async fn living_workers(pool: &PgPool) -> Result<Vec<WorkerFound>, ApiError> {
    let rows: Vec<sqlx::types::Json<serde_json::Value>> = sqlx::query_scalar(
        "select found from workers where heartbeat_at > now() - interval '30 seconds' order by started_at desc limit 100",
    )
    .fetch_all(pool)
    .await?;
    // A newer worker may say things that this build does not know.
    Ok(rows.into_iter().filter_map(|row| serde_json::from_value(row.0).ok()).collect())
}

impl Provider {
    fn new(setting: &ProviderSetting, workers: &[WorkerFound]) -> Self {
        let found = workers.iter().flat_map(|worker| &worker.providers).filter(|found| found.id == setting.id);
        // The best that any worker offers.
        let best = found.max_by_key(|found| (found.problem.is_none(), found.version.is_some()));
        let version = best.and_then(|found| found.version.clone());
        let key_present = setting.key_present || best.is_some_and(|found| found.key_present);
        let health = match best {
            _ if workers.is_empty() => "No worker is running.".to_owned(),
            None => "No worker has its program.".to_owned(),
            Some(found) => match &found.problem {
                Some(problem) => problem.clone(),
                None if !key_present => "No key is set.".to_owned(),
                None => "Ready.".to_owned(),
            },
        };
        Self {
            id: setting.id.clone(),
            name: setting.name.clone(),
            available: best.is_some_and(|found| found.problem.is_none()) && key_present,
            version,
            key_present,
            health,
            models: setting.models.iter().take(50).cloned().collect(),
            scripted: setting.scripted || best.is_some_and(|found| found.scripted),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct ProviderQuery;

#[Object]
impl ProviderQuery {
    /// At most 20: those that this build can drive.
    async fn providers(&self, ctx: &Context<'_>, org_id: Uuid) -> Result<Vec<Provider>, ApiError> {
        let request = request(ctx)?;
        request.access(OrgId(org_id), Action::Read).await?;
        let workers = living_workers(&request.gateway.pool).await?;
        Ok(request.gateway.settings.providers.iter().map(|setting| Provider::new(setting, &workers)).collect())
    }
}
