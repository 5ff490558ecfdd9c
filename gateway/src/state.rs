//! What every request needs, made once.

use crate::auth::github::Github;
use crate::auth::{Viewer, epoch};
use crate::http::auth_routes::Tried;
use crate::http::metrics::Metrics;
use crate::http::origin::{InvalidAddress, Origins};
use crate::key_check::KeyCheckClient;
use crate::limits::{self, Limits};
use crate::live::Live;
use crate::{ApiSchema, GatewayConfig, GatewaySettings};
use commands::Commands;
use commands::objects::Objects;
use commands::vault::Vault;
use domain::org::Role;
use domain::{OrgId, ProjectId, RunId, UserId};
use moka::future::Cache;
use projections::{ReadError, Reads};
use sqlx::PgPool;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What was looked up about a caller may be this old; with the epoch's poll that keeps a revocation below one second.
const REMEMBERED: Duration = Duration::from_millis(400);
/// A way in that did not hold is not written down again for this long; the log itself takes it once a day.
const REFUSAL_REMEMBERED: Duration = Duration::from_mins(10);
const REFUSALS_AT_ONCE: usize = 8;

/// Everything that handlers and resolvers share. Always behind an `Arc`.
pub struct Gateway {
    pub(crate) pool: PgPool,
    pub(crate) commands: Commands,
    pub(crate) reads: Reads,
    pub(crate) objects: Arc<dyn Objects>,
    pub(crate) vault: Vault,
    pub(crate) key_check: KeyCheckClient,
    pub(crate) settings: GatewaySettings,
    pub(crate) origins: Origins,
    pub(crate) github: Option<Github>,
    pub(crate) metrics: Metrics,
    pub(crate) live: Live,
    pub(crate) limits: Limits,
    pub(crate) schema: ApiSchema,
    /// Requests that run at once; more are turned away with a 503.
    pub(crate) room: Semaphore,
    /// By hash of the credential and access epoch.
    pub(crate) viewers: Cache<([u8; 32], i64), Viewer>,
    /// In an org, or where it is given in one project of it.
    pub(crate) roles: Cache<(UserId, OrgId, Option<ProjectId>, i64), Role>,
    /// Which org a ticket, a project or a run belongs to. Never changes.
    pub(crate) orgs: Cache<Uuid, OrgId>,
    /// Which provider a run's agent is of: how the agent is named. Never changes.
    pub(crate) run_providers: Cache<RunId, Arc<str>>,
    pub(crate) sign_ins: Cache<(std::net::IpAddr, Tried), Arc<std::sync::atomic::AtomicU32>>,
    /// Ways in that did not hold and are in the audit log, by org.
    pub(crate) refusals: Cache<(OrgId, Uuid), ()>,
    /// Of these, how many more are written at a time.
    pub(crate) refusals_at_once: Arc<Semaphore>,
    epoch: Arc<watch::Sender<i64>>,
    /// Ends with the gateway: sockets close, watchers stop.
    pub(crate) stop: CancellationToken,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Gateway {
    /// Puts the parts together and starts the watchers, which end with `stop`. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the public address is none.
    pub fn start(config: GatewayConfig, stop: CancellationToken) -> Result<Arc<Self>, InvalidAddress> {
        let GatewayConfig { pool, hints, commands, reads, objects, vault, settings } = config;
        let origins = Origins::new(&settings.public_url, &settings.extra_origins)?;
        let epoch = Arc::new(watch::channel(0).0);
        tokio::spawn(epoch::watch_epoch(pool.clone(), Arc::clone(&epoch), stop.clone()));
        let github = settings.github.clone().map(|wanted| Github::new(wanted, &settings.public_url));
        let gateway = Arc::new(Self {
            limits: Limits::new(settings.cost_per_minute),
            github,
            live: Live::start(&hints, &settings, stop.clone()),
            schema: crate::graphql::schema(),
            metrics: Metrics::default(),
            room: Semaphore::new(settings.requests_at_once),
            viewers: Cache::builder().max_capacity(50_000).time_to_live(REMEMBERED).build(),
            roles: Cache::builder().max_capacity(50_000).time_to_live(REMEMBERED).build(),
            orgs: Cache::builder().max_capacity(50_000).build(),
            run_providers: Cache::builder().max_capacity(20_000).build(),
            sign_ins: Cache::builder().max_capacity(50_000).time_to_live(Duration::from_mins(1)).build(),
            refusals: Cache::builder().max_capacity(50_000).time_to_live(REFUSAL_REMEMBERED).build(),
            refusals_at_once: Arc::new(Semaphore::new(REFUSALS_AT_ONCE)),
            pool,
            commands,
            reads,
            objects,
            vault,
            key_check: KeyCheckClient::default(),
            settings,
            origins,
            epoch,
            stop: stop.clone(),
        });
        tokio::spawn(limits::tidy(Arc::downgrade(&gateway), stop));
        Ok(gateway)
    }

    pub(crate) fn epoch(&self) -> i64 {
        *self.epoch.borrow()
    }

    /// The org that an id belongs to: looked up once, so that a command pays for no read. One that is not there (yet)
    /// is looked up each time. Says nothing about who may enter.
    pub(crate) async fn org_of(
        &self,
        id: Uuid,
        look_up: impl Future<Output = Result<Option<OrgId>, ReadError>>,
    ) -> Result<Option<OrgId>, ReadError> {
        if let Some(org) = self.orgs.get(&id).await {
            return Ok(Some(org));
        }
        let found = look_up.await?;
        if let Some(org) = found {
            self.orgs.insert(id, org).await;
        }
        Ok(found)
    }

    pub(crate) fn watch_epoch(&self) -> watch::Receiver<i64> {
        self.epoch.subscribe()
    }

    /// What was taken away here is gone here at once; other gateways see it at their next look.
    pub(crate) fn hear_epoch(&self, now: i64) {
        epoch::tell(&self.epoch, now);
    }

    /// After a membership changed: everybody who follows something is asked anew who they are.
    pub(crate) async fn access_changed(&self) -> Result<(), sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        self.hear_epoch(epoch::raise(&mut connection).await?);
        Ok(())
    }
}
