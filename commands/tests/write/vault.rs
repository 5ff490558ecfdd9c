//! Secrets at rest, on a real database.

use commands::vault::{Keyring, Rewrapped, Vault, VaultError};
use domain::OrgId;
use feed::crashpoint;
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgPool;
use testkit::TestDatabase;
use uuid::Uuid;

fn key() -> SecretString {
    Keyring::generate().unwrap()
}

/// The keys as the setting has them, the current one first.
fn keyring(keys: &[&SecretString]) -> Keyring {
    let text: Vec<&str> = keys.iter().map(|key| key.expose_secret()).collect();
    Keyring::parse(&SecretString::from(text.join(","))).unwrap()
}

async fn vault(pool: &PgPool, keys: &[&SecretString]) -> Vault {
    Vault::open(pool.clone(), keyring(keys)).await.unwrap()
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

async fn read(vault: &Vault, org: OrgId, name: &str) -> Option<String> {
    vault.get(org, name).await.unwrap().map(|secret| secret.expose_secret().to_owned())
}

#[tokio::test]
async fn a_secret_is_read_replaced_and_removed_and_never_stands_in_the_table() {
    let database = TestDatabase::create().await.unwrap();
    let vault = vault(&database.pool, &[&key()]).await;
    let (ours, theirs) = (OrgId(Uuid::now_v7()), OrgId(Uuid::now_v7()));
    vault.put(ours, "provider_key/codex", &secret("sk-canary-one")).await.unwrap();
    assert_eq!(read(&vault, ours, "provider_key/codex").await.as_deref(), Some("sk-canary-one"));
    assert_eq!(read(&vault, theirs, "provider_key/codex").await, None);
    vault.put(ours, "provider_key/codex", &secret("sk-canary-two")).await.unwrap();
    assert_eq!(read(&vault, ours, "provider_key/codex").await.as_deref(), Some("sk-canary-two"));

    let rows: Vec<String> = sqlx::query_scalar(
        "select encode(wrapped_key, 'escape') || encode(sealed, 'escape') || v::text from vault_secrets v",
    )
    .fetch_all(&database.pool)
    .await
    .unwrap();
    assert!(!rows.is_empty() && rows.iter().all(|row| !row.contains("canary")), "{rows:?}");

    assert!(vault.remove(ours, "provider_key/codex").await.unwrap());
    assert!(!vault.remove(ours, "provider_key/codex").await.unwrap());
    assert_eq!(read(&vault, ours, "provider_key/codex").await, None);
}

#[tokio::test]
async fn a_ciphertext_that_was_moved_or_changed_does_not_open() {
    let database = TestDatabase::create().await.unwrap();
    let vault = vault(&database.pool, &[&key()]).await;
    let (ours, theirs) = (OrgId(Uuid::now_v7()), OrgId(Uuid::now_v7()));
    for (org, name) in [(ours, "a"), (ours, "b"), (theirs, "a")] {
        vault.put(org, name, &secret(&format!("{org} {name}"))).await.unwrap();
    }
    let copy = "update vault_secrets target set key_id = source.key_id, wrapped_key = source.wrapped_key, sealed = source.sealed
                from vault_secrets source
                where source.org = $1 and source.name = 'a' and target.org = $2 and target.name = $3";
    for (org, name) in [(ours, "b"), (theirs, "a")] {
        sqlx::query(copy).bind(ours.0).bind(org.0).bind(name).execute(&database.pool).await.unwrap();
        let refused = vault.get(org, name).await;
        assert!(matches!(refused, Err(VaultError::Open { .. })), "{refused:?}");
    }
    let flip = "update vault_secrets set sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1) where org = $1 and name = 'a'";
    sqlx::query(flip).bind(ours.0).execute(&database.pool).await.unwrap();
    assert!(matches!(vault.get(ours, "a").await, Err(VaultError::Open { .. })));
}

#[tokio::test]
async fn a_rotation_that_was_killed_goes_on_where_it_stood() {
    let database = TestDatabase::create().await.unwrap();
    let (old, new) = (key(), key());
    let before = vault(&database.pool, &[&old]).await;
    let org = OrgId(Uuid::now_v7());
    for number in 0..250 {
        before.put(org, &format!("secret/{number}"), &secret(&format!("value {number}"))).await.unwrap();
    }
    let both = vault(&database.pool, &[&new, &old]).await;
    // Stands still in the middle of its second batch, which is as good as dead.
    let mut stalled = crashpoint::stall_at("key_rotation.mid_rewrap", 2);
    let killed = tokio::spawn({
        let both = both.clone();
        async move { both.rewrap(|_| {}).await }
    });
    stalled.recv().await.unwrap();
    killed.abort();
    let _ = killed.await;
    let in_use = both.keys_in_use().await.unwrap();
    assert_eq!(in_use.iter().map(|(_, count)| count).sum::<u64>(), 251, "nothing was lost: {in_use:?}");
    assert_eq!(in_use.len(), 2, "it was killed in the middle: {in_use:?}");

    // An old key that is taken out too early is a clear error, and nothing is lost by it.
    let too_early = Vault::open(database.pool.clone(), keyring(&[&new])).await.unwrap_err();
    assert!(matches!(&too_early, VaultError::WrongMasterKey { secrets, .. } if *secrets > 0), "{too_early}");
    assert!(too_early.to_string().contains("Nothing is lost"), "{too_early}");

    let done = both.rewrap(|_| {}).await.unwrap();
    assert_eq!(done, Rewrapped { moved: 151, left: 0 });
    let after = vault(&database.pool, &[&new]).await;
    for number in 0..250 {
        assert_eq!(read(&after, org, &format!("secret/{number}")).await, Some(format!("value {number}")));
    }
    assert_eq!(after.rewrap(|_| {}).await.unwrap(), Rewrapped { moved: 0, left: 0 });
}

#[tokio::test]
async fn a_wrong_master_key_opens_no_vault() {
    let database = TestDatabase::create().await.unwrap();
    vault(&database.pool, &[&key()]).await;
    let refused = Vault::open(database.pool.clone(), keyring(&[&key()])).await;
    assert!(matches!(refused, Err(VaultError::WrongMasterKey { secrets: 1, .. })), "{refused:?}");
}
