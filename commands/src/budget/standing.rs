//! How an org's budgets stand, for people.

use super::calls::{Spending, SpendingError, Sums, amount};
use chrono::{DateTime, NaiveDate, Utc};
use domain::OrgId;
use domain::org::{BudgetLevel, BudgetScope, budget_level};
use sqlx::Row;
use std::collections::HashMap;
use uuid::Uuid;

/// Of one org.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Today, and when it ends, in the org's time zone.
    pub day: NaiveDate,
    pub day_ends_at: DateTime<Utc>,
    org: Sums,
    projects: HashMap<Uuid, Sums>,
    tickets: HashMap<Uuid, Sums>,
}

/// In micros of a US dollar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetStanding {
    pub spent: u64,
    /// For calls under way.
    pub reserved: u64,
    pub level: BudgetLevel,
}

impl Standing {
    /// None for the budget of each run: every run has its own.
    pub fn of(&self, scope: BudgetScope, limit_usd_micros: u64) -> Option<BudgetStanding> {
        let found = |of: &HashMap<Uuid, Sums>, id: Uuid| of.get(&id).copied().unwrap_or_default();
        let sums = match scope {
            BudgetScope::Org => self.org,
            BudgetScope::Project { project } => found(&self.projects, project.as_uuid()),
            BudgetScope::Ticket { ticket } => found(&self.tickets, ticket.as_uuid()),
            BudgetScope::EachRun => return None,
        };
        let level = budget_level(sums.spent, limit_usd_micros);
        Some(BudgetStanding { spent: sums.spent, reserved: sums.reserved, level })
    }
}

const DAY: &str = "select (now() at time zone $1)::date,
    date_trunc('day', now() at time zone $1) at time zone $1,
    (date_trunc('day', now() at time zone $1) + interval '1 day') at time zone $1";

const SPENT_TODAY: &str = "select project_id, sum(cost_usd_micros)::bigint from model_calls
    where org = $1 and settled_at >= $2 group by project_id";

const SPENT_ON_TICKETS: &str = "select ticket_id, sum(cost_usd_micros)::bigint from model_calls
    where org = $1 and ticket_id = any($2) and settled_at is not null group by ticket_id";

const UNDER_WAY: &str = "select c.project_id, c.ticket_id, c.reserved_usd_micros from model_calls c join run_leases l
    on l.run_id = c.run_id and l.token = c.token and not l.released and l.expires_at > now()
    where c.org = $1 and c.settled_at is null";

impl Spending {
    /// What the org has spent today, and on these tickets ever.
    pub async fn standing(&self, org: OrgId, time_zone: &str, tickets: &[Uuid]) -> Result<Standing, SpendingError> {
        self.read_standing(org, time_zone, tickets).await.map_err(SpendingError::Read)
    }

    async fn read_standing(&self, org: OrgId, time_zone: &str, tickets: &[Uuid]) -> Result<Standing, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        let day = sqlx::query(DAY).bind(time_zone).fetch_one(&mut *connection).await?;
        let begins: DateTime<Utc> = day.try_get(1)?;
        let mut standing = Standing {
            day: day.try_get(0)?,
            day_ends_at: day.try_get(2)?,
            org: Sums::default(),
            projects: HashMap::new(),
            tickets: HashMap::new(),
        };
        let today = sqlx::query(SPENT_TODAY).bind(org.as_uuid()).bind(begins).fetch_all(&mut *connection).await?;
        for row in today {
            let spent = amount(row.try_get(1)?);
            standing.org.spent += spent;
            standing.projects.entry(row.try_get(0)?).or_default().spent = spent;
        }
        let spent = sqlx::query(SPENT_ON_TICKETS).bind(org.as_uuid()).bind(tickets).fetch_all(&mut *connection).await?;
        for row in spent {
            standing.tickets.entry(row.try_get(0)?).or_default().spent = amount(row.try_get(1)?);
        }
        for row in sqlx::query(UNDER_WAY).bind(org.as_uuid()).fetch_all(&mut *connection).await? {
            let reserved = amount(row.try_get(2)?);
            standing.org.reserved += reserved;
            standing.projects.entry(row.try_get(0)?).or_default().reserved += reserved;
            if let Some(ticket) = row.try_get::<Option<Uuid>, _>(1)? {
                standing.tickets.entry(ticket).or_default().reserved += reserved;
            }
        }
        Ok(standing)
    }
}
