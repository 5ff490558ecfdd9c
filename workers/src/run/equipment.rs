//! What a worker brings to a run: programs, keys, limits, places.

use super::model_key::{KeyRing, ModelKey};
use crate::agents::AgentDriver;
use crate::proxy::{KeySource, ModelApi, Upstream};
use crate::sandbox::{Identity, SLOT_USERS_FROM, Sandbox};
use crate::workspace::{Author, FetchCaps, Git, ImportCaps, RemotePolicy};
use commands::Commands;
use domain::OrgId;
use feed::hints::Hints;
use secrecy::SecretString;
use sqlx::PgPool;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// What was found on the machine may be found anew while the worker runs: a run takes the equipment as it is when it
/// begins ([`super::surroundings`]).
#[derive(Clone, Debug)]
pub(crate) struct Equipment {
    pub pool: PgPool,
    pub hints: Hints,
    pub commands: Commands,
    pub keys: KeyRing,
    /// In the words of the probe why no sandbox can be made here.
    pub sandbox: Result<Sandbox, String>,
    pub git: Result<Git, String>,
    pub remotes: RemotePolicy,
    pub fetch_caps: FetchCaps,
    pub import_caps: ImportCaps,
    /// Where mirrors and the repositories of runs are; the sandbox's users can enter it.
    pub work_dir: PathBuf,
    pub providers: Vec<ProviderSetup>,
    pub author: Author,
    /// For runs that name no other; also the most that one may ask for.
    pub time_budget: Duration,
}

/// One provider as this worker can drive it.
#[derive(Clone, Debug)]
pub(crate) struct ProviderSetup {
    pub driver: Arc<dyn AgentDriver>,
    /// Such as `Codex`.
    pub name: &'static str,
    /// Or why it cannot be run, with the remedy.
    pub program: Result<Program, String>,
    pub api: ModelApi,
    pub upstream: Upstream,
    /// The instance's, for the orgs that it serves.
    pub instance_key: Option<SecretString>,
    /// A script answers in the model's place.
    pub scripted: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    pub path: PathBuf,
    pub version: String,
    /// The file's time and length when it told its version: another file is asked again.
    pub stamp: Option<(SystemTime, u64)>,
}

impl ProviderSetup {
    pub(crate) fn keys_of(&self, ring: &KeyRing, org: OrgId) -> Arc<dyn KeySource> {
        let provider = self.driver.provider();
        Arc::new(ModelKey::new(ring.clone(), org, provider, self.name, self.instance_key.clone()))
    }
}

impl Equipment {
    pub(crate) fn provider(&self, id: &str) -> Option<&ProviderSetup> {
        self.providers.iter().find(|provider| provider.driver.provider() == id)
    }

    /// The sandbox for one slot: each has a user of its own when the worker is root.
    pub(crate) fn sandbox_of(&self, slot: u32) -> Result<Sandbox, &str> {
        let sandbox = self.sandbox.as_ref().map_err(String::as_str)?;
        Ok(Sandbox { identity: Identity::for_slot(SLOT_USERS_FROM, slot), ..sandbox.clone() })
    }
}

impl std::fmt::Debug for dyn AgentDriver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AgentDriver({})", self.provider())
    }
}
