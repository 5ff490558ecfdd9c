//! What providers answered to keys.

use chrono::{DateTime, Utc};
use domain::{OrgId, ProviderKeyId};
use sqlx::{PgPool, Row};
use std::collections::HashMap;

/// How a provider took a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyOutcome {
    Accepted,
    /// In words, such as the provider's status; free of secrets.
    Refused(String),
    /// The provider gave no answer to go by; in words, free of secrets.
    Unreachable(String),
}

impl KeyOutcome {
    fn stored(&self) -> (&'static str, &str) {
        match self {
            Self::Accepted => ("accepted", ""),
            Self::Refused(detail) => ("refused", detail),
            Self::Unreachable(detail) => ("unreachable", detail),
        }
    }

    fn read(outcome: &str, detail: String) -> Self {
        match outcome {
            "accepted" => Self::Accepted,
            "refused" => Self::Refused(detail),
            _ => Self::Unreachable(detail),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCheck {
    pub key: ProviderKeyId,
    pub outcome: KeyOutcome,
    pub checked_at: DateTime<Utc>,
}

/// The last answers to an org's keys, by provider.
pub async fn checks_of(pool: &PgPool, org: OrgId) -> Result<HashMap<String, KeyCheck>, sqlx::Error> {
    let select = "select provider, key_id, outcome, detail, checked_at from provider_key_checks where org = $1";
    let rows = sqlx::query(select).bind(org.as_uuid()).fetch_all(pool).await?;
    rows.into_iter()
        .map(|row| {
            let outcome = KeyOutcome::read(row.try_get("outcome")?, row.try_get("detail")?);
            let check = KeyCheck {
                key: ProviderKeyId(row.try_get("key_id")?),
                outcome,
                checked_at: row.try_get("checked_at")?,
            };
            Ok((row.try_get("provider")?, check))
        })
        .collect()
}

/// Notes how the provider took the key just now.
pub async fn note_check(
    pool: &PgPool,
    org: OrgId,
    provider: &str,
    key: ProviderKeyId,
    outcome: &KeyOutcome,
) -> Result<(), sqlx::Error> {
    let (word, detail) = outcome.stored();
    sqlx::query(
        "insert into provider_key_checks (org, provider, key_id, outcome, detail) values ($1, $2, $3, $4, $5)
         on conflict (org, provider) do update set key_id = excluded.key_id, outcome = excluded.outcome,
             detail = excluded.detail, checked_at = now()",
    )
    .bind(org.as_uuid())
    .bind(provider)
    .bind(key.as_uuid())
    .bind(word)
    .bind(detail)
    .execute(pool)
    .await?;
    Ok(())
}
