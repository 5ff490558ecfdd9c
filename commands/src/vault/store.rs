//! The table of sealed secrets.

use super::envelope::{self, EnvelopeError, Place, Sealed};
use super::master_key::Keyring;
use domain::OrgId;
use feed::crashpoint;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{PgPool, Row};
use std::sync::Arc;
use uuid::Uuid;

const TABLE: &str = "vault_secrets";
/// Rows that one transaction of a rotation moves.
const BATCH: i64 = 100;
/// Under this name the nil org keeps a known word, by which a wrong master key shows at start.
const CHECK: &str = "check";
const CHECK_WORD: &str = "assembly-lime";

#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("failed to read the vault")]
    Read(#[source] sqlx::Error),
    #[error("failed to write the vault")]
    Write(#[source] sqlx::Error),
    #[error("failed to seal a secret")]
    Seal(#[source] EnvelopeError),
    #[error("the secret {name} does not open")]
    Open {
        name: String,
        #[source]
        source: EnvelopeError,
    },
    /// The product must not start: what it would seal now could not be told from what it cannot open.
    #[error(
        "{secrets} secrets in this database are sealed under the master key {key_id}, which is not configured. Nothing \
         is lost: configure that key again, beside the current one if there is a newer, and run `lime keys rotate` \
         before it is taken out"
    )]
    WrongMasterKey { key_id: String, secrets: u64 },
}

/// What a rotation did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rewrapped {
    /// Moved to the current key by this call.
    pub moved: u64,
    /// Still under another key: written by another process meanwhile, call again.
    pub left: u64,
}

/// The secrets of all orgs. Cloning shares the keys.
#[derive(Clone, Debug)]
pub struct Vault {
    pool: PgPool,
    keyring: Arc<Keyring>,
}

impl Vault {
    /// Opens the vault with these master keys.
    ///
    /// # Errors
    /// [`VaultError::WrongMasterKey`] when something in the database is sealed under a key that is not among them.
    pub async fn open(pool: PgPool, keyring: Keyring) -> Result<Self, VaultError> {
        let vault = Self { pool, keyring: Arc::new(keyring) };
        vault.check_master_key().await?;
        Ok(vault)
    }

    async fn check_master_key(&self) -> Result<(), VaultError> {
        for (key_id, secrets) in self.keys_in_use().await? {
            if self.keyring.find(&key_id).is_none() {
                return Err(VaultError::WrongMasterKey { key_id, secrets });
            }
        }
        let nobody = OrgId(Uuid::nil());
        if self.row(nobody, CHECK).await?.is_none() {
            // Whoever is first writes it; two at a time agree on the one that is there.
            let word = SecretString::from(CHECK_WORD.to_owned());
            self.insert(nobody, CHECK, &word, "do nothing").await?;
        }
        self.get(nobody, CHECK).await.map(drop)
    }

    /// Whether secrets are sealed under this key now.
    pub fn is_current(&self, key_id: &str) -> bool {
        self.keyring.current().0 == key_id
    }

    /// Seals `secret` under `name`; what was there is gone.
    pub async fn put(&self, org: OrgId, name: &str, secret: &SecretString) -> Result<(), VaultError> {
        let replace = "do update set key_id = excluded.key_id, wrapped_key = excluded.wrapped_key, \
                       sealed = excluded.sealed, sealed_at = now()";
        self.insert(org, name, secret, replace).await
    }

    async fn insert(&self, org: OrgId, name: &str, secret: &SecretString, there: &str) -> Result<(), VaultError> {
        let place = Place { table: TABLE, org: org.0, row: name };
        let sealed = envelope::seal(&self.keyring, place, secret.expose_secret()).map_err(VaultError::Seal)?;
        let insert = format!(
            "insert into vault_secrets (org, name, key_id, wrapped_key, sealed) values ($1, $2, $3, $4, $5)
             on conflict (org, name) {there}"
        );
        let insert = sqlx::query(&insert).bind(org.0).bind(name).bind(sealed.key_id).bind(sealed.wrapped_key);
        insert.bind(sealed.value).execute(&self.pool).await.map_err(VaultError::Write)?;
        Ok(())
    }

    /// The secret of this name. None: there is none.
    pub async fn get(&self, org: OrgId, name: &str) -> Result<Option<SecretString>, VaultError> {
        let Some(sealed) = self.row(org, name).await? else { return Ok(None) };
        let opened = envelope::open(&self.keyring, Place { table: TABLE, org: org.0, row: name }, &sealed);
        opened.map(Some).map_err(|source| VaultError::Open { name: name.to_owned(), source })
    }

    /// Whether there was one.
    pub async fn remove(&self, org: OrgId, name: &str) -> Result<bool, VaultError> {
        let delete = sqlx::query("delete from vault_secrets where org = $1 and name = $2").bind(org.0).bind(name);
        Ok(delete.execute(&self.pool).await.map_err(VaultError::Write)?.rows_affected() > 0)
    }

    /// Removes every secret whose name begins so, but for `kept`.
    pub async fn remove_below(&self, org: OrgId, prefix: &str, kept: Option<&str>) -> Result<(), VaultError> {
        sqlx::query("delete from vault_secrets where org = $1 and starts_with(name, $2) and name is distinct from $3")
            .bind(org.0)
            .bind(prefix)
            .bind(kept)
            .execute(&self.pool)
            .await
            .map_err(VaultError::Write)?;
        Ok(())
    }

    async fn row(&self, org: OrgId, name: &str) -> Result<Option<Sealed>, VaultError> {
        let select = "select key_id, wrapped_key, sealed from vault_secrets where org = $1 and name = $2";
        let row = sqlx::query(select).bind(org.0).bind(name).fetch_optional(&self.pool).await;
        let sealed = |row: sqlx::postgres::PgRow| -> Result<Sealed, sqlx::Error> {
            Ok(Sealed {
                key_id: row.try_get("key_id")?,
                wrapped_key: row.try_get("wrapped_key")?,
                value: row.try_get("sealed")?,
            })
        };
        row.and_then(|row| row.map(sealed).transpose()).map_err(VaultError::Read)
    }

    /// How many secrets stand under each key that is in use, by the key's name.
    pub async fn keys_in_use(&self) -> Result<Vec<(String, u64)>, VaultError> {
        let count = "select key_id, count(*) from vault_secrets group by key_id order by key_id";
        let rows: Vec<(String, i64)> = sqlx::query_as(count).fetch_all(&self.pool).await.map_err(VaultError::Read)?;
        Ok(rows.into_iter().map(|(id, count)| (id, u64::try_from(count).unwrap_or(0))).collect())
    }

    /// Moves every secret to the current master key, in batches: killed at any moment, the next call goes on. Several
    /// at a time share the work. `progress` hears how many were moved so far.
    pub async fn rewrap(&self, mut progress: impl FnMut(u64)) -> Result<Rewrapped, VaultError> {
        let mut moved = 0;
        loop {
            let batch = self.rewrap_batch().await?;
            moved += batch;
            progress(moved);
            if batch == 0 {
                break;
            }
        }
        let (current, _) = self.keyring.current();
        let left: i64 = sqlx::query_scalar("select count(*) from vault_secrets where key_id <> $1")
            .bind(current)
            .fetch_one(&self.pool)
            .await
            .map_err(VaultError::Read)?;
        Ok(Rewrapped { moved, left: u64::try_from(left).unwrap_or(0) })
    }

    async fn rewrap_batch(&self) -> Result<u64, VaultError> {
        let (current, _) = self.keyring.current();
        let mut transaction = feed::transaction::begin(&self.pool, "begin").await.map_err(VaultError::Write)?;
        let rows: Vec<(Uuid, String, String, Vec<u8>, Vec<u8>)> = sqlx::query_as(
            "select org, name, key_id, wrapped_key, sealed from vault_secrets where key_id <> $1
             limit $2 for update skip locked",
        )
        .bind(current)
        .bind(BATCH)
        .fetch_all(&mut *transaction)
        .await
        .map_err(VaultError::Read)?;
        let count = rows.len();
        for (org, name, key_id, wrapped_key, value) in rows {
            let place = Place { table: TABLE, org, row: &name };
            let moved = envelope::rewrap(&self.keyring, place, &Sealed { key_id, wrapped_key, value })
                .map_err(|source| VaultError::Open { name: name.clone(), source })?;
            sqlx::query("update vault_secrets set key_id = $3, wrapped_key = $4 where org = $1 and name = $2")
                .bind(org)
                .bind(&name)
                .bind(moved.key_id)
                .bind(moved.wrapped_key)
                .execute(&mut *transaction)
                .await
                .map_err(VaultError::Write)?;
        }
        crashpoint!("key_rotation.mid_rewrap");
        transaction.commit().await.map_err(VaultError::Write)?;
        Ok(u64::try_from(count).unwrap_or(u64::MAX))
    }
}
