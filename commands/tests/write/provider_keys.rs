//! Keys of model providers: the log names them, the vault holds them.

use crate::world::{World, caller_in, invalid, new_org, not_found, rejected};
use commands::provider_key::*;
use commands::vault::{Keyring, Vault};
use commands::{Accepted, Caller, CommandError};
use domain::{Actor, OrgId, UserId};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

const ONE: &str = "sk-canary-one-0001";
const TWO: &str = "sk-canary-two-0002";

fn master_key() -> SecretString {
    Keyring::generate().unwrap()
}

async fn vault(world: &World, keys: &[&SecretString]) -> Vault {
    let text: Vec<&str> = keys.iter().map(|key| key.expose_secret()).collect();
    let keyring = Keyring::parse(&SecretString::from(text.join(","))).unwrap();
    Vault::open(world.database.pool.clone(), keyring).await.unwrap()
}

async fn set(world: &World, vault: &Vault, caller: &Caller, key: &str) -> Result<Accepted, CommandError> {
    let input = SetProviderKey { provider: "codex".to_owned(), key: SecretString::from(key.to_owned()) };
    set_provider_key(&world.commands, vault, caller, input).await
}

async fn found(world: &World, vault: &Vault, org: OrgId) -> Option<String> {
    let found = provider_key(&world.commands, vault, org, "codex").await.unwrap();
    found.map(|found| found.key.expose_secret().to_owned())
}

async fn sealed(world: &World) -> i64 {
    world.count("select count(*) from vault_secrets where name like 'provider_key/%'").await
}

#[tokio::test]
async fn a_key_is_set_replaced_and_removed_and_never_in_the_log() {
    let world = World::new().await;
    let vault = vault(&world, &[&master_key()]).await;
    assert_eq!(found(&world, &vault, world.org).await, None);
    let first = world.caller();
    set(&world, &vault, &first, ONE).await.unwrap();
    assert_eq!(found(&world, &vault, world.org).await.as_deref(), Some(ONE));
    set(&world, &vault, &world.caller(), TWO).await.unwrap();
    assert_eq!(found(&world, &vault, world.org).await.as_deref(), Some(TWO));
    // An old command that comes again brings nothing back, and leaves nothing behind.
    assert!(set(&world, &vault, &first, ONE).await.unwrap().repeated);
    assert_eq!((found(&world, &vault, world.org).await.as_deref(), sealed(&world).await), (Some(TWO), 1));

    let remove = || RemoveProviderKey { provider: "codex".to_owned() };
    // Another process sees it at once.
    let other = world.other_process();
    remove_provider_key(&other, &vault, &world.caller(), remove()).await.unwrap();
    assert_eq!((found(&world, &vault, world.org).await, sealed(&world).await), (None, 0));
    let nothing = remove_provider_key(&world.commands, &vault, &world.caller(), remove()).await.unwrap();
    assert!(nothing.event_ids.is_empty());

    let events = world.events_of(world.org.0).await;
    let said: Vec<(&str, &str)> = events[2..]
        .iter()
        .map(|(name, payload)| (name.as_str(), payload["last_four"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(said, [("ProviderKeySet", "0001"), ("ProviderKeySet", "0002"), ("ProviderKeyRemoved", "")]);
    assert!(!format!("{events:?}").contains("canary"));
    let kept: i64 = world.count("select count(*) from events where payload::text like '%canary%'").await;
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn a_key_is_of_one_org_and_one_known_provider() {
    let world = World::new().await;
    let vault = vault(&world, &[&master_key()]).await;
    let stranger = UserId(Uuid::now_v7());
    let theirs = new_org(&world.commands, stranger).await;
    set(&world, &vault, &world.caller(), ONE).await.unwrap();
    set(&world, &vault, &caller_in(theirs, Actor::User(stranger)), TWO).await.unwrap();
    assert_eq!(found(&world, &vault, world.org).await.as_deref(), Some(ONE));
    assert_eq!(found(&world, &vault, theirs).await.as_deref(), Some(TWO));
    let nowhere = caller_in(OrgId(Uuid::now_v7()), Actor::User(stranger));
    not_found(set(&world, &vault, &nowhere, ONE).await);
    let other = SetProviderKey { provider: "nobody".to_owned(), key: SecretString::from(ONE) };
    rejected(set_provider_key(&world.commands, &vault, &world.caller(), other).await, "UNKNOWN_PROVIDER");
    for key in ["", "short", "with space and more", "sk-\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}"] {
        invalid(set(&world, &vault, &world.caller(), key).await, "key");
    }
    assert_eq!(sealed(&world).await, 2);
}

#[tokio::test]
async fn a_rotation_covers_provider_keys_and_an_old_key_that_is_gone_too_early_is_said() {
    let world = World::new().await;
    let (old, new) = (master_key(), master_key());
    let before = vault(&world, &[&old]).await;
    set(&world, &before, &world.caller(), ONE).await.unwrap();
    let both = vault(&world, &[&new, &old]).await;
    let only_new = Keyring::parse(&new).unwrap();
    let too_early = Vault::open(world.database.pool.clone(), only_new).await.unwrap_err().to_string();
    assert!(too_early.contains("configure that key again"), "{too_early}");
    both.rewrap(|_| {}).await.unwrap();
    let after = vault(&world, &[&new]).await;
    assert_eq!(found(&world, &after, world.org).await.as_deref(), Some(ONE));
}

#[tokio::test]
async fn the_instances_key_serves_whom_an_admin_listed() {
    let world = World::new().await;
    let pool = &world.database.pool;
    let other = OrgId(Uuid::now_v7());
    let serves = async |orgs: &str, org| orgs.parse::<InstanceKeyOrgs>().unwrap().serves(pool, org).await.unwrap();
    assert!(!serves("local", world.org).await, "no `lime up` made it");
    sqlx::query("insert into instance_facts (name, value) values ('local_org', $1)")
        .bind(world.org.to_string())
        .execute(pool)
        .await
        .unwrap();
    assert!(serves("local", world.org).await && !serves("local", other).await);
    assert!(serves("*", other).await && !serves("none", world.org).await);
    assert!(serves(&other.to_string(), other).await && !serves(&other.to_string(), world.org).await);
}
