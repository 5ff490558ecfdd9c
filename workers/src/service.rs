//! The two roles of this crate: `work` executes runs, `reactor` answers events and watches the time.

use crate::agents::CodexDriver;
use crate::agents::programs::SearchPlaces;
use crate::policies;
use crate::proxy::{ModelApi, Upstream};
use crate::run::equipment::{Equipment, ProviderSetup};
use crate::run::lease_expiry::LeaseExpiry;
use crate::run::model_key::KeyRing;
use crate::run::surroundings::{self, Surroundings};
use crate::run::worker::Worker;
use crate::timers::{self, TimerHandler};
use crate::workspace::{Author, FetchCaps, ImportCaps, RemotePolicy};
use async_nats::jetstream;
use commands::Commands;
use commands::provider_key::InstanceKeyOrgs;
use commands::vault::Vault;
use domain::WorkerId;
use feed::hints::Hints;
use feed::lease::Lease;
use feed::runner::{Runner, Tail};
use secrecy::SecretString;
use sqlx::PgPool;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

/// What a run takes at its peak, agent and its tools together: slots follow from it.
const SLOT_MEMORY_BYTES: u64 = 2 << 30;
const SLOTS_MAX: u64 = 16;
const TIMERS_LEASE: Duration = Duration::from_secs(5);

/// Where a provider's model is, and with which key of the instance's own.
#[derive(Clone, Debug)]
pub struct ModelAccess {
    pub base_url: String,
    pub key: Option<SecretString>,
    /// Plain http is allowed beyond this machine: the operator said so.
    pub plain_http: bool,
    /// A script answers in the model's place: every run says so on every screen.
    pub scripted: bool,
}

#[derive(Clone, Debug)]
pub struct WorkerConfig {
    pub pool: PgPool,
    pub hints: Hints,
    pub commands: Commands,
    /// Holds the orgs' keys of model providers.
    pub vault: Vault,
    /// Which orgs the instance's own keys serve.
    pub instance_key_orgs: InstanceKeyOrgs,
    /// For mirrors and workspaces; made when needed. A sandbox's user must be able to pass through.
    pub work_dir: PathBuf,
    /// None: as many as the machine's memory carries.
    pub slots: Option<u16>,
    /// 30 s by default; a run whose worker is silent that long moves on.
    pub lease_ttl: Duration,
    pub time_budget: Duration,
    /// Where the agents' programs may be.
    pub programs: SearchPlaces,
    pub openai: ModelAccess,
    pub remotes: RemotePolicy,
}

#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    #[error("failed to prepare {path} for runs")]
    WorkDir {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the address of the model is not usable")]
    Upstream(#[from] crate::proxy::ProxyError),
}

/// Executes runs until told to stop. What is missing on this machine (a sandbox, an agent, a key) does not keep it from
/// starting: the worker's row says what is missing, and a run that needs it fails with the remedy.
///
/// # Errors
/// [`WorkerError`] for settings that can never work.
pub async fn run(config: WorkerConfig, shutdown: CancellationToken) -> Result<(), WorkerError> {
    prepare(&config.work_dir)?;
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default();
    let equipment = equip(&config).await?;
    let slots = config.slots.unwrap_or_else(slots_by_memory);
    let found = surroundings::found(&equipment);
    for program in &found.programs {
        info!(provider = %program.provider, health = %program.health, slots, "worker ready");
    }
    if let Some(missing) = &found.sandbox_missing {
        warn!(%missing, "no run can be executed here");
    }
    let worker = Worker {
        id: WorkerId(Uuid::now_v7()),
        host,
        slots,
        lease_ttl: config.lease_ttl,
        programs: config.programs,
        equipment: Mutex::new(Arc::new(equipment)),
    };
    worker.run(shutdown).await;
    Ok(())
}

fn prepare(work_dir: &PathBuf) -> Result<(), WorkerError> {
    use std::os::unix::fs::PermissionsExt;
    let failed = |source| WorkerError::WorkDir { path: work_dir.clone(), source };
    for dir in [work_dir.clone(), work_dir.join("runs")] {
        std::fs::create_dir_all(&dir).map_err(failed)?;
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o711)).map_err(failed)?;
    }
    Ok(())
}

async fn equip(config: &WorkerConfig) -> Result<Equipment, WorkerError> {
    let Surroundings { sandbox, git, codex } = Surroundings::look(&config.programs).await;
    let codex = ProviderSetup {
        driver: Arc::new(CodexDriver::new()),
        name: "Codex",
        program: codex,
        api: ModelApi::OpenAi,
        upstream: Upstream::new(&config.openai.base_url, config.openai.plain_http)?,
        instance_key: config.openai.key.clone(),
        scripted: config.openai.scripted,
    };
    Ok(Equipment {
        pool: config.pool.clone(),
        hints: config.hints.clone(),
        commands: config.commands.clone(),
        keys: KeyRing {
            pool: config.pool.clone(),
            commands: config.commands.clone(),
            vault: config.vault.clone(),
            instance_key_orgs: config.instance_key_orgs.clone(),
        },
        sandbox,
        git,
        remotes: config.remotes.clone(),
        fetch_caps: FetchCaps::default(),
        import_caps: ImportCaps::default(),
        work_dir: config.work_dir.clone(),
        providers: vec![codex],
        author: Author { name: "Assembly Lime".to_owned(), email: "agents@assembly-lime.invalid".to_owned() },
        time_budget: config.time_budget,
    })
}

fn slots_by_memory() -> u16 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:")?.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    let slots = kib.unwrap_or(0) * 1024 / SLOT_MEMORY_BYTES;
    u16::try_from(slots.clamp(1, SLOTS_MAX)).unwrap_or(1)
}

/// Answers events (any number of reactors may) and turns due times into commands (one leader does).
pub async fn reactor(
    pool: PgPool,
    jetstream: Option<jetstream::Context>,
    hints: Hints,
    commands: Commands,
    shutdown: CancellationToken,
) {
    let mut policies = tokio::task::JoinSet::new();
    let tail = Tail::start(jetstream, &hints);
    for policy in policies::all() {
        let runner = Runner::on_tail(pool.clone(), tail.clone(), hints.clone(), policy);
        policies.spawn(runner.run(shutdown.clone()));
    }
    lead_timers(pool, hints, commands, shutdown).await;
    while policies.join_next().await.is_some() {}
}

async fn lead_timers(pool: PgPool, hints: Hints, commands: Commands, shutdown: CancellationToken) {
    let lease = Lease::new("timers", Uuid::now_v7().to_string(), TIMERS_LEASE);
    let handlers: Vec<Arc<dyn TimerHandler>> = vec![Arc::new(LeaseExpiry { pool: pool.clone(), hints, commands })];
    while !shutdown.is_cancelled() {
        let acquired = match pool.acquire().await {
            Ok(mut connection) => lease.acquire(&mut connection).await,
            Err(problem) => {
                warn!(error = %problem, "the timers' lease cannot be asked for");
                Ok(None)
            }
        };
        if let Ok(Some(held)) = acquired {
            info!(epoch = held.epoch, "this process leads the timers");
            let lost = shutdown.child_token();
            let timers = timers::run(pool.clone(), handlers.clone(), lost.clone());
            let renewed = async {
                loop {
                    tokio::select! { () = lost.cancelled() => break, () = tokio::time::sleep(TIMERS_LEASE / 3) => {} }
                    let kept = match pool.acquire().await {
                        Ok(mut connection) => lease.renew(&mut connection, held).await.is_ok(),
                        Err(_) => false,
                    };
                    if !kept {
                        lost.cancel();
                    }
                }
            };
            tokio::join!(timers, renewed);
            if let Ok(mut connection) = pool.acquire().await {
                // Held by its time anyway if this fails.
                let _ = lease.release(&mut connection, held).await;
            }
        }
        tokio::select! { () = shutdown.cancelled() => {} () = tokio::time::sleep(TIMERS_LEASE / 5) => {} }
    }
}
