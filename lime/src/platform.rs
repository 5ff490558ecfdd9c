//! The roles, wired: what each is given, and how it is kept running.
//!
//! A role heals by itself when PostgreSQL or NATS was away. One that ends although nobody asked (a fault of ours) is
//! started again a second later and says so; it never takes the others with it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use commands::objects::{DirectoryObjects, Objects};
use commands::vault::Vault;
use commands::{CommandSettings, Commands};
use feed::hints::Hints;
use gateway::auth::GithubSignIn;
use gateway::{GatewayConfig, GatewaySettings, ProviderSetting};
use projections::Reads;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use url::Url;
use workers::agents::programs::SearchPlaces;
use workers::workspace::RemotePolicy;
use workers::{ModelAccess, WorkerConfig};

use crate::connected::Addresses;
use crate::database;
use crate::settings::Settings;

/// Connections of the private PostgreSQL's 200: each role its own, so that none starves another.
const WRITE_CONNECTIONS: u32 = 32;
const LEDGER_CONNECTIONS: u32 = 6;
const PROJECTOR_CONNECTIONS: u32 = 12;
const WORKER_CONNECTIONS: u32 = 12;
/// For runs that name no other.
const TIME_BUDGET: Duration = Duration::from_mins(30);

/// What the roles of one process share.
#[derive(Debug)]
pub(crate) struct Platform {
    database_url: String,
    nats: async_nats::Client,
    hints: Hints,
    objects: Arc<dyn Objects>,
    settings: Arc<Settings>,
    /// Whether the disk is nearly full; none where the disk is not ours to look at.
    storage_low: Option<watch::Receiver<bool>>,
    /// None in roles that need no secret.
    vault: Option<Vault>,
}

impl Platform {
    pub(crate) async fn connect(
        addresses: &Addresses,
        objects: PathBuf,
        settings: Arc<Settings>,
        storage_low: Option<watch::Receiver<bool>>,
        vault: Option<Vault>,
    ) -> anyhow::Result<Self> {
        let nats = database::nats(&addresses.nats_url).await?;
        let objects = DirectoryObjects::open(&objects)
            .with_context(|| format!("failed to keep files in {}", objects.display()))?;
        Ok(Self {
            database_url: addresses.database_url.clone(),
            hints: Hints::over_nats(nats.clone()),
            nats,
            objects: Arc::new(objects),
            settings,
            storage_low,
            vault,
        })
    }

    fn vault(&self) -> anyhow::Result<Vault> {
        self.vault.clone().context("this role was started without the vault")
    }

    pub(crate) fn pool(&self, connections: u32) -> anyhow::Result<PgPool> {
        database::pool(&self.database_url, connections)
    }

    /// The write side on a pool of its own.
    pub(crate) fn commands(&self, pool: PgPool) -> Commands {
        let settings = CommandSettings { clone_hosts: self.settings.clone_hosts.clone(), ..CommandSettings::default() };
        let commands = Commands::new(pool, self.hints.clone(), Arc::clone(&self.objects), settings);
        if let Some(mut low) = self.storage_low.clone() {
            let told = commands.clone();
            tokio::spawn(async move {
                told.set_storage_low(*low.borrow_and_update());
                while low.changed().await.is_ok() {
                    told.set_storage_low(*low.borrow_and_update());
                }
            });
        }
        commands
    }

    /// Serves on `listener` until stopped.
    pub(crate) fn gateway(
        &self,
        listener: TcpListener,
        public_url: &Url,
        stop: CancellationToken,
    ) -> anyhow::Result<Role> {
        let pool = self.pool(WRITE_CONNECTIONS)?;
        let mut settings = GatewaySettings::new(public_url.as_str());
        settings.explorer = true;
        settings.github = self.settings.github_app.clone().map(|(client_id, client_secret)| GithubSignIn {
            client_id,
            client_secret,
            base_url: self.settings.github_base_url.clone(),
            api_url: self.settings.github_api_url.clone(),
        });
        settings.instance_key_orgs = self.settings.instance_key_orgs.clone();
        settings.cost_per_minute = self.settings.rate_limit;
        settings.providers = vec![ProviderSetting {
            id: "codex".to_owned(),
            name: "Codex".to_owned(),
            instance_key_present: self.settings.openai_api_key.is_some(),
            base_url: self.settings.openai_base_url.clone(),
            models: Vec::new(),
            scripted: self.settings.model_scripted,
        }];
        let config = GatewayConfig {
            commands: self.commands(pool.clone()),
            reads: Reads::new(pool.clone()),
            pool,
            hints: self.hints.clone(),
            objects: Arc::clone(&self.objects),
            vault: self.vault()?,
            settings,
        };
        let listener = listener.into_std()?;
        Ok(keep("gateway", stop, move |stop| {
            let (config, listener) = (config.clone(), listener.try_clone().and_then(TcpListener::from_std));
            async move {
                gateway::run(config, listener.context("failed to listen")?, stop).await?;
                Ok(())
            }
        }))
    }

    pub(crate) fn ledger(&self, stop: CancellationToken) -> anyhow::Result<Role> {
        let (pool, nats, hints) = (self.pool(LEDGER_CONNECTIONS)?, self.nats.clone(), self.hints.clone());
        Ok(keep("ledger", stop, move |stop| {
            let (pool, nats, hints) = (pool.clone(), nats.clone(), hints.clone());
            async move {
                let settings = commands::ledger::LedgerSettings::default();
                commands::ledger::run(pool, Some(nats), hints, settings, stop).await;
                Ok(())
            }
        }))
    }

    pub(crate) fn projector(&self, stop: CancellationToken) -> anyhow::Result<Role> {
        let (pool, nats, hints) = (self.pool(PROJECTOR_CONNECTIONS)?, self.nats.clone(), self.hints.clone());
        Ok(keep("projector", stop, move |stop| {
            let (pool, nats, hints) = (pool.clone(), nats.clone(), hints.clone());
            async move {
                projections::run(pool, Some(async_nats::jetstream::new(nats)), hints, stop).await;
                Ok(())
            }
        }))
    }

    /// Answers events with commands, and does what falls due.
    pub(crate) fn reactor(&self, stop: CancellationToken) -> anyhow::Result<Role> {
        let pool = self.pool(WORKER_CONNECTIONS)?;
        let commands = self.commands(pool.clone());
        let (nats, hints) = (self.nats.clone(), self.hints.clone());
        Ok(keep("reactor", stop, move |stop| {
            let jetstream = async_nats::jetstream::new(nats.clone());
            let (pool, hints, commands) = (pool.clone(), hints.clone(), commands.clone());
            async move {
                workers::reactor(pool, Some(jetstream), hints, commands, stop).await;
                Ok(())
            }
        }))
    }

    /// Runs agents, with their repositories and workspaces below `work_folder`.
    pub(crate) fn work(&self, work_folder: PathBuf, stop: CancellationToken) -> anyhow::Result<Role> {
        let pool = self.pool(WORKER_CONNECTIONS)?;
        let config = WorkerConfig {
            commands: self.commands(pool.clone()),
            pool,
            vault: self.vault()?,
            instance_key_orgs: self.settings.instance_key_orgs.clone(),
            hints: self.hints.clone(),
            work_dir: work_folder,
            slots: self.settings.slots,
            lease_ttl: self.settings.run_lease,
            time_budget: TIME_BUDGET,
            programs: SearchPlaces {
                lime_codex_bin: self.settings.codex_bin.as_ref().map(Into::into),
                lime_agents_dir: self.settings.agents_dir.as_ref().map(Into::into),
                ..SearchPlaces::of_this_process()
            },
            openai: ModelAccess {
                base_url: self.settings.openai_base_url.to_string(),
                key: self.settings.openai_api_key.clone(),
                plain_http: false,
                scripted: self.settings.model_scripted,
            },
            remotes: RemotePolicy {
                allowed_hosts: self.settings.clone_hosts.clone(),
                plain_http_on_loopback: true,
                private_addresses: false,
            },
        };
        Ok(keep("work", stop, move |stop| {
            let config = config.clone();
            async move { Ok(workers::run(config, stop).await?) }
        }))
    }
}

/// A role of this process.
#[derive(Debug)]
pub(crate) struct Role {
    name: &'static str,
    task: JoinHandle<()>,
}

impl Role {
    /// Returns when the role has ended, at most `patience` after now.
    pub(crate) async fn ended(self, patience: Duration) {
        if tokio::time::timeout(patience, self.task).await.is_err() {
            tracing::warn!(
                role = self.name,
                "a role did not end in time and is left; what it did not finish is taken up again"
            );
        }
    }
}

fn keep<R, F>(name: &'static str, stop: CancellationToken, run: R) -> Role
where
    R: Fn(CancellationToken) -> F + Send + 'static,
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let task = tokio::spawn(async move {
        while !stop.is_cancelled() {
            // A task of its own: a panic ends that task and not this one.
            let outcome = tokio::spawn(run(stop.clone())).await;
            if stop.is_cancelled() {
                break;
            }
            let why = match outcome {
                Ok(Ok(())) => "it returned".to_owned(),
                Ok(Err(error)) => format!("{error:#}"),
                Err(error) => error.to_string(),
            };
            tracing::error!(role = name, why, "a role ended and is started again");
            tokio::select! { () = sleep(Duration::from_secs(1)) => {}, () = stop.cancelled() => {} }
        }
    });
    Role { name, task }
}
