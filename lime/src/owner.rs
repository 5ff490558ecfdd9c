//! The local owner: who signs in where no sign-in provider is set up.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use commands::objects::DirectoryObjects;
use commands::org::{CreateOrg, create_org};
use commands::{Caller, CommandError, CommandSettings, Commands};
use domain::org::Role;
use domain::{Actor, CommandId, OrgId, UserId};
use feed::hints::Hints;
use gateway::auth::{self, NewToken, Scope};
use projections::{ReadError, Reads};
use sqlx::PgPool;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::cli;
use crate::connected::Addresses;
use crate::exit::Exit;
use crate::screen::{print, say};
use crate::settings::Settings;

const ORG_FACT: &str = "local_org";

/// The owner, with an organisation to work in: both made at the first start, through the same path as everything else.
pub(crate) async fn ensure(pool: &PgPool, commands: &Commands, settings: &Settings) -> anyhow::Result<(UserId, OrgId)> {
    let owner = auth::ensure_owner(pool, &settings.owner_name).await?;
    let known: Option<String> = sqlx::query_scalar("select value from instance_facts where name = $1")
        .bind(ORG_FACT)
        .fetch_optional(pool)
        .await
        .context("failed to read the first organisation's id")?;
    if let Some(known) = known {
        return Ok((owner, known.parse::<OrgId>().context("the first organisation's id is damaged")?));
    }
    // The same id whenever this is tried again: a start that is broken off here makes no second organisation.
    let command_id = CommandId(owner.derive("first organisation"));
    let caller = Caller::new(OrgId(Uuid::nil()), Actor::User(owner), command_id);
    let wanted = CreateOrg { name: settings.org_name.clone(), owner };
    let accepted = create_org(commands, &caller, wanted).await.map_err(|error| match error {
        CommandError::Invalid { message, .. } => Exit::Usage.because(format!("LIME_ORG_NAME does not do: {message}")),
        other => anyhow::Error::new(other).context("failed to make the first organisation"),
    })?;
    let org = OrgId(accepted.aggregate_id);
    sqlx::query("insert into instance_facts (name, value) values ($1, $2) on conflict do nothing")
        .bind(ORG_FACT)
        .bind(org.to_string())
        .execute(pool)
        .await
        .context("failed to note the first organisation's id")?;
    Ok((owner, org))
}

/// Returns when the read models know the owner as a member: from then on a sign-in shows something.
pub(crate) async fn is_known(reads: &Reads, owner: UserId, org: OrgId) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match reads.role_of(owner, org).await {
            Ok(Some(_)) => return,
            // A rebuild after an update may take longer: people may sign in and see it fill.
            _ if Instant::now() > deadline => {
                tracing::warn!("the read models are still catching up");
                return;
            }
            Ok(None) | Err(_) => sleep(Duration::from_millis(10)).await,
        }
    }
}

/// Returns when it can be read who is in which organisation: right after a first start, or an update, that is being
/// built. A minute later it is left to the caller to say what is wrong.
async fn until_built(reads: &Reads, owner: UserId) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while matches!(reads.orgs_of(owner).await, Err(ReadError::NotBuilt(_))) && Instant::now() < deadline {
        sleep(Duration::from_millis(20)).await;
    }
}

/// A fresh one-time sign-in link below `url`.
pub(crate) async fn link(pool: &PgPool, owner: UserId, url: &str) -> anyhow::Result<String> {
    let link = auth::create_owner_link(pool, owner).await.context("failed to make a sign-in link")?;
    Ok(link.url(url))
}

/// `lime owner-link`.
pub(crate) async fn print_link(settings: &Settings) -> anyhow::Result<()> {
    let addresses = Addresses::find(settings)?;
    let Some(url) = addresses.url.clone() else {
        bail!("LIME_PUBLIC_URL must be set: the link begins with it");
    };
    let pool = addresses.pool()?;
    let owner = auth::ensure_owner(&pool, &settings.owner_name).await?;
    print(link(&pool, owner, &url).await?);
    say("Signs the owner in once, within 15 minutes.");
    Ok(())
}

/// `lime token create`.
pub(crate) async fn print_token(settings: &Settings, wanted: cli::TokenCreate) -> anyhow::Result<()> {
    let role = wanted.role.as_deref().map(parse_role).transpose()?;
    let scopes: Result<Vec<Scope>, _> = wanted.scope.iter().map(|scope| scope.parse::<Scope>()).collect();
    let scopes = scopes.map_err(|error| Exit::Usage.because(error))?;
    let pool = Addresses::find(settings)?.pool()?;
    let owner = auth::ensure_owner(&pool, &settings.owner_name).await?;
    let new = NewToken { name: wanted.name, role, scopes, expires_at: None };
    let objects = settings.objects.clone().unwrap_or_else(|| settings.home.join("objects"));
    let objects = DirectoryObjects::open(&objects).context("failed to open the files' directory")?;
    let commands = Commands::new(pool.clone(), Hints::local(), Arc::new(objects), CommandSettings::default());
    let reads = Reads::new(pool.clone());
    until_built(&reads, owner).await;
    let token = auth::create_recorded_token(&pool, &commands, &reads, owner, new).await;
    print(token.context("failed to make a token")?);
    say("Shown once; only its hash is kept.");
    Ok(())
}

fn parse_role(text: &str) -> anyhow::Result<Role> {
    serde_json::from_value(serde_json::Value::from(text))
        .map_err(|_| Exit::Usage.because(format!("unknown role {text:?}: known are admin, pm, dev and qa")))
}
