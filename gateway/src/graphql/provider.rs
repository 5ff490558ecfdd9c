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
    /// A run of the org would find a key: the org's own, or the instance's where that serves the org.
    key_present: bool,
    /// In words: what is missing, when something is.
    health: String,
    /// At most 50.
    models: Vec<String>,
    /// True when a script answers in the model's place.
    scripted: bool,
}

impl Provider {
    fn new(setting: &ProviderSetting, workers: &[Worker], has_key: bool, instance_serves: bool) -> Self {
        let found =
            workers.iter().flat_map(|worker| &worker.found.programs).filter(|found| found.provider == setting.id);
        // The best that any worker offers.
        let best = found.max_by_key(|found| (found.ready, found.version.is_some()));
        let of_instance = setting.instance_key_present || best.is_some_and(|found| found.key_present);
        let key_present = has_key || (instance_serves && of_instance);
        let health = match best {
            _ if workers.is_empty() => "No worker is running.",
            None => "No worker has its program.",
            Some(found) if found.ready && !key_present => {
                "There is no key for its model: an admin sets one under Settings, Providers & budgets."
            }
            Some(found) => found.health.as_str(),
        };
        Self {
            id: setting.id.clone(),
            name: setting.name.clone(),
            available: key_present && best.is_some_and(|found| found.ready),
            version: best.and_then(|found| found.version.clone()),
            key_present,
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
        let org = request.access(OrgId(org_id), Action::Read).await?.org();
        let workers = worker_registry::alive(&request.gateway.pool).await?;
        let gateway = &request.gateway;
        let keys = gateway.reads.provider_keys(org).await?;
        let instance_serves = gateway.settings.instance_key_orgs.serves(&gateway.pool, org).await?;
        let shown = |setting: &ProviderSetting| {
            let has_key = keys.iter().any(|key| key.provider == setting.id);
            Provider::new(setting, &workers, has_key, instance_serves)
        };
        Ok(gateway.settings.providers.iter().map(shown).collect())
    }
}
