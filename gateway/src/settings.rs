//! What the gateway is given and can be told.

use crate::auth::GithubSignIn;
use commands::Commands;
use commands::objects::Objects;
use commands::provider_key::InstanceKeyOrgs;
use commands::vault::Vault;
use feed::hints::Hints;
use projections::Reads;
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// The parts that the gateway stands on.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// Its `acquire_timeout` bounds how long a request waits for a database that is away; 1.8 s keeps promise R9.
    pub pool: PgPool,
    pub hints: Hints,
    pub commands: Commands,
    pub reads: Reads,
    pub objects: Arc<dyn Objects>,
    /// Holds the orgs' keys of model providers.
    pub vault: Vault,
    pub settings: GatewaySettings,
}

/// A hundred whole boards, or ten thousand moved cards.
pub const COST_PER_MINUTE: u32 = 120_000;

#[derive(Clone, Debug)]
pub struct GatewaySettings {
    /// How people reach it, such as `https://lime.example.org`; https means `__Host-` cookies and HSTS. Loopback
    /// addresses are always let in besides.
    pub public_url: String,
    /// Further origins whose pages may call, such as a development server's.
    pub extra_origins: Vec<String>,
    /// Serves `/graphiql`.
    pub explorer: bool,
    /// The providers that this build can drive, in the order in which they are shown.
    pub providers: Vec<ProviderSetting>,
    /// Which orgs the instance's own keys serve, when they have none of their own.
    pub instance_key_orgs: InstanceKeyOrgs,
    /// Sign-in with GitHub, where it is set up.
    pub github: Option<GithubSignIn>,
    pub request_timeout: Duration,
    /// From the socket's opening to `connection_init`.
    pub init_timeout: Duration,
    /// A socket that takes nothing for this long is closed.
    pub slow_client_after: Duration,
    /// How often followers look without a hint.
    pub live_poll: Duration,
    /// Requests to `/graphql` that run at the same time; more get a 503.
    pub requests_at_once: usize,
    /// What a caller may ask for in a minute, in units of about one row read; an org twenty times that. 0: no limit.
    pub cost_per_minute: u32,
    /// Memory for payloads that several sockets share.
    pub encoded_cache_bytes: u64,
}

impl GatewaySettings {
    pub fn new(public_url: &str) -> Self {
        Self {
            public_url: public_url.to_owned(),
            extra_origins: Vec::new(),
            explorer: false,
            providers: vec![ProviderSetting {
                id: "codex".to_owned(),
                name: "Codex".to_owned(),
                instance_key_present: false,
                base_url: openai(),
                models: Vec::new(),
                scripted: false,
            }],
            instance_key_orgs: InstanceKeyOrgs::Local,
            github: None,
            request_timeout: Duration::from_secs(10),
            init_timeout: Duration::from_secs(5),
            slow_client_after: Duration::from_secs(10),
            live_poll: Duration::from_secs(1),
            requests_at_once: 512,
            cost_per_minute: COST_PER_MINUTE,
            encoded_cache_bytes: 32 * 1024 * 1024,
        }
    }

    /// What people call a provider.
    pub(crate) fn provider_name<'a>(&'a self, id: &'a str) -> &'a str {
        self.providers.iter().find(|provider| provider.id == id).map_or(id, |provider| provider.name.as_str())
    }
}

#[allow(clippy::expect_used, reason = "a constant address")]
fn openai() -> Url {
    Url::parse("https://api.openai.com/v1").expect("an address")
}

/// A provider of agents, as this installation is set up.
#[derive(Clone, Debug)]
pub struct ProviderSetting {
    /// Such as `codex`.
    pub id: String,
    pub name: String,
    /// The instance has a key of its own for it.
    pub instance_key_present: bool,
    /// Where its model is: keys are tried there.
    pub base_url: Url,
    pub models: Vec<String>,
    /// A script answers in the model's place (demo and tests).
    pub scripted: bool,
}
