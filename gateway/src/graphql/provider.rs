//! The agents' providers: what is configured, and what workers found on their machines.

use super::context::request;
use crate::ProviderSetting;
use crate::auth::access::Action;
use crate::errors::ApiError;
use async_graphql::{Context, Object, SimpleObject};
use domain::OrgId;
use feed::worker_registry::{self, Worker};
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

impl Provider {
    fn new(setting: &ProviderSetting, workers: &[Worker]) -> Self {
        let found =
            workers.iter().flat_map(|worker| &worker.found.programs).filter(|found| found.provider == setting.id);
        // The best that any worker offers.
        let best = found.max_by_key(|found| (found.ready, found.version.is_some()));
        let health = match best {
            _ if workers.is_empty() => "No worker is running.",
            None => "No worker has its program.",
            Some(found) => found.health.as_str(),
        };
        Self {
            id: setting.id.clone(),
            name: setting.name.clone(),
            available: best.is_some_and(|found| found.ready),
            version: best.and_then(|found| found.version.clone()),
            key_present: setting.key_present || best.is_some_and(|found| found.key_present),
            health: health.to_owned(),
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
        let workers = worker_registry::alive(&request.gateway.pool).await?;
        Ok(request.gateway.settings.providers.iter().map(|setting| Provider::new(setting, &workers)).collect())
    }
}
