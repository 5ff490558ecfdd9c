//! Rows of an org's provider keys and budgets → structs.

use crate::reads::{ReadError, Reading, Reads};
use crate::words::{count, parsed};
use chrono::{DateTime, Utc};
use domain::org::BudgetScope;
use domain::{Actor, OrgId, ProjectId, ProviderKeyId, TicketId};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

/// A key that is in the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderKey {
    pub provider: String,
    pub key: ProviderKeyId,
    pub last_four: String,
    pub set_by: Actor,
    pub set_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    pub scope: BudgetScope,
    pub limit_usd_micros: u64,
    pub set_by: Actor,
    pub set_at: DateTime<Utc>,
}

impl Reads {
    /// By provider.
    pub async fn provider_keys(&self, org: OrgId) -> Result<Vec<ProviderKey>, ReadError> {
        let query = sqlx::query(
            "select provider, key_id, last_four, set_by, set_at from provider_keys where org = $1 \
             order by provider collate \"C\"",
        )
        .bind(org.as_uuid());
        self.directory_rows("an org's provider keys", query).await?.iter().map(read_key).collect()
    }

    /// The org's own first, then that of each run, then projects', then tickets', each in the order in which they were
    /// set first.
    pub async fn budgets(&self, org: OrgId) -> Result<Vec<Budget>, ReadError> {
        let query = sqlx::query(
            "select scope, scope_id, limit_usd_micros, set_by, set_at from budgets where org = $1 \
             order by array_position(array['org', 'each_run', 'project', 'ticket'], scope), position",
        )
        .bind(org.as_uuid());
        self.directory_rows("an org's budgets", query).await?.iter().map(read_budget).collect()
    }
}

fn read_key(row: &PgRow) -> Result<ProviderKey, ReadError> {
    const WHAT: &str = "a provider key";
    Ok(ProviderKey {
        provider: row.try_get("provider").reading(WHAT)?,
        key: ProviderKeyId(row.try_get("key_id").reading(WHAT)?),
        last_four: row.try_get("last_four").reading(WHAT)?,
        set_by: parsed(WHAT, row.try_get("set_by").reading(WHAT)?)?,
        set_at: row.try_get("set_at").reading(WHAT)?,
    })
}

fn read_budget(row: &PgRow) -> Result<Budget, ReadError> {
    const WHAT: &str = "a budget";
    let id: Uuid = row.try_get("scope_id").reading(WHAT)?;
    let scope = match row.try_get("scope").reading(WHAT)? {
        "org" => BudgetScope::Org,
        "each_run" => BudgetScope::EachRun,
        "project" => BudgetScope::Project { project: ProjectId(id) },
        "ticket" => BudgetScope::Ticket { ticket: TicketId(id) },
        other => return Err(ReadError::Unknown { what: WHAT, value: other.chars().take(80).collect() }),
    };
    Ok(Budget {
        scope,
        limit_usd_micros: count(row.try_get("limit_usd_micros").reading(WHAT)?),
        set_by: parsed(WHAT, row.try_get("set_by").reading(WHAT)?)?,
        set_at: row.try_get("set_at").reading(WHAT)?,
    })
}
