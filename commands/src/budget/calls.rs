//! The table of calls: reserved before, settled after.

use chrono::NaiveDate;
use domain::org::BudgetScope;
use domain::{OrgId, ProjectId, RunId, TicketId};
use sqlx::{PgConnection, PgPool, Row};
use uuid::Uuid;

#[derive(Debug, thiserror::Error)]
pub enum SpendingError {
    #[error("failed to reserve what a call may cost")]
    Reserve(#[source] sqlx::Error),
    #[error("failed to settle what a call has cost")]
    Settle(#[source] sqlx::Error),
    #[error("failed to read what is spent")]
    Read(#[source] sqlx::Error),
}

/// Whose call it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    pub org: OrgId,
    pub project: ProjectId,
    pub ticket: Option<TicketId>,
    pub run: RunId,
    /// Of the lease that the worker holds.
    pub token: u64,
}

/// In micros of a US dollar; none: no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub org: Option<u64>,
    pub project: Option<u64>,
    pub ticket: Option<u64>,
    pub run: Option<u64>,
    pub time_zone: String,
}

impl Limits {
    /// The scopes that have a limit, the narrowest first. [`BudgetScope::EachRun`] is the call's own run.
    pub fn scopes(&self, call: &Call) -> Vec<(BudgetScope, u64)> {
        let ticket = call.ticket.map(|ticket| BudgetScope::Ticket { ticket });
        let all = [
            (Some(BudgetScope::EachRun), self.run),
            (ticket, self.ticket),
            (Some(BudgetScope::Project { project: call.project }), self.project),
            (Some(BudgetScope::Org), self.org),
        ];
        all.into_iter().filter_map(|(scope, limit)| Some((scope?, limit?))).collect()
    }
}

/// What a call needs set aside, in micros of a US dollar: as much as it can cost (`most`) where there is that much; else
/// what is left, up to `enough`; not below `least`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub least: u64,
    pub enough: u64,
    pub most: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserved {
    pub amount_usd_micros: u64,
    /// The budget that has the least left, as it stood before: the call must not cost more than the amount. None:
    /// nothing bounds it.
    pub tightest: Option<OverBudget>,
}

/// How a budget stands that bounds a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverBudget {
    pub scope: BudgetScope,
    /// Of a daily budget, in the org's time zone.
    pub day: Option<NaiveDate>,
    pub limit_usd_micros: u64,
    pub spent_usd_micros: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserve {
    Reserved(Reserved),
    /// What is left is set aside for other calls under way: ask again when one of them has ended.
    Waits(OverBudget),
    Refused(OverBudget),
    /// The worker holds the run no more.
    LeaseLost,
}

/// What was spent and what is set aside, of one scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) spent: u64,
    pub(super) reserved: u64,
}

impl Sums {
    fn left(self, limit: u64) -> u64 {
        limit.saturating_sub(self.spent).saturating_sub(self.reserved)
    }
}

/// What models cost, of all orgs.
#[derive(Clone, Debug)]
pub struct Spending {
    pub(super) pool: PgPool,
}

/// A lock of the org, until the transaction ends. The number keeps it apart from other locks on an org.
const LOCK: &str = "select pg_advisory_xact_lock(hashtextextended($1, 70))";

const HOLDS_LEASE: &str = "select exists (select from run_leases
    where run_id = $1 and token = $2 and not released and expires_at > now())";

const RESERVE: &str =
    "insert into model_calls (call_id, org, project_id, ticket_id, run_id, token, reserved_usd_micros)
    values ($1, $2, $3, $4, $5, $6, $7)";

/// Spent in the scope (`$2` is its id), and set aside by calls under way whose lease is held.
macro_rules! sums {
    ($spent:literal, $of:literal) => {
        concat!(
            "select (select coalesce(sum(cost_usd_micros), 0) from model_calls where org = $1 and ",
            $spent,
            ")::bigint, (select coalesce(sum(c.reserved_usd_micros), 0) from model_calls c join run_leases l
              on l.run_id = c.run_id and l.token = c.token and not l.released and l.expires_at > now()
              where c.org = $1 and c.settled_at is null and ",
            $of,
            ")::bigint, (now() at time zone $3)::date"
        )
    };
}
const OF_ORG: &str = sums!(
    "$2::uuid is not null and settled_at >= date_trunc('day', now() at time zone $3) at time zone $3",
    "$2::uuid is not null"
);
const OF_PROJECT: &str = sums!(
    "project_id = $2 and settled_at >= date_trunc('day', now() at time zone $3) at time zone $3",
    "c.project_id = $2"
);
const OF_TICKET: &str = sums!("ticket_id = $2", "c.ticket_id = $2");
const OF_RUN: &str = sums!("run_id = $2", "c.run_id = $2");

impl Spending {
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Sets money aside for a call, in all its budgets or in none.
    pub async fn reserve(
        &self,
        id: Uuid,
        call: &Call,
        limits: &Limits,
        wanted: Wanted,
    ) -> Result<Reserve, SpendingError> {
        let mut transaction = feed::transaction::begin(&self.pool, "begin").await.map_err(SpendingError::Reserve)?;
        let answer = reserve(&mut transaction, id, call, limits, wanted).await.map_err(SpendingError::Reserve)?;
        transaction.commit().await.map_err(SpendingError::Reserve)?;
        Ok(answer)
    }

    /// The call has ended and cost this. What it has reserved is free; the second time nothing happens.
    pub async fn settle(&self, id: Uuid, cost_usd_micros: u64) -> Result<(), SpendingError> {
        let settle = "update model_calls set cost_usd_micros = $2, settled_at = now()
                      where call_id = $1 and settled_at is null";
        sqlx::query(settle)
            .bind(id)
            .bind(bigint(cost_usd_micros))
            .execute(&self.pool)
            .await
            .map_err(SpendingError::Settle)?;
        Ok(())
    }

    /// How much of each of the call's budgets is spent.
    pub async fn spent(&self, call: &Call, limits: &Limits) -> Result<Vec<OverBudget>, SpendingError> {
        let mut connection = self.pool.acquire().await.map_err(SpendingError::Read)?;
        let mut all = Vec::new();
        for (scope, limit) in limits.scopes(call) {
            let (sums, day) = sums_of(&mut connection, call, scope, limits).await.map_err(SpendingError::Read)?;
            all.push(over(scope, day, limit, sums));
        }
        Ok(all)
    }
}

async fn reserve(
    connection: &mut PgConnection,
    id: Uuid,
    call: &Call,
    limits: &Limits,
    wanted: Wanted,
) -> Result<Reserve, sqlx::Error> {
    let scopes = limits.scopes(call);
    if !scopes.is_empty() {
        // Where nothing is limited nobody needs to wait for anybody.
        sqlx::query(LOCK).bind(call.org.to_string()).execute(&mut *connection).await?;
    }
    let holds: bool = sqlx::query_scalar(HOLDS_LEASE)
        .bind(call.run.as_uuid())
        .bind(call.token.cast_signed())
        .fetch_one(&mut *connection)
        .await?;
    if !holds {
        return Ok(Reserve::LeaseLost);
    }
    let mut amount = wanted.most;
    let mut tightest: Option<(u64, OverBudget)> = None;
    for (scope, limit) in scopes.iter().copied() {
        let (sums, day) = sums_of(connection, call, scope, limits).await?;
        if sums.left(limit) < wanted.least || sums.left(limit) == 0 {
            let over = over(scope, day, limit, sums);
            let alone = Sums { reserved: 0, ..sums }.left(limit);
            return Ok(if alone > 0 && alone >= wanted.least { Reserve::Waits(over) } else { Reserve::Refused(over) });
        }
        let left = sums.left(limit);
        if tightest.is_none_or(|(least, _)| left < least) {
            tightest = Some((left, over(scope, day, limit, sums)));
        }
        if left < wanted.most {
            amount = amount.min(left).min(wanted.enough.max(wanted.least));
        }
    }
    sqlx::query(RESERVE)
        .bind(id)
        .bind(call.org.as_uuid())
        .bind(call.project.as_uuid())
        .bind(call.ticket.map(TicketId::as_uuid))
        .bind(call.run.as_uuid())
        .bind(call.token.cast_signed())
        .bind(bigint(amount))
        .execute(connection)
        .await?;
    Ok(Reserve::Reserved(Reserved { amount_usd_micros: amount, tightest: tightest.map(|(_, standing)| standing) }))
}

fn over(scope: BudgetScope, day: NaiveDate, limit: u64, sums: Sums) -> OverBudget {
    let day = scope.is_daily().then_some(day);
    OverBudget { scope, day, limit_usd_micros: limit, spent_usd_micros: sums.spent }
}

async fn sums_of(
    connection: &mut PgConnection,
    call: &Call,
    scope: BudgetScope,
    limits: &Limits,
) -> Result<(Sums, NaiveDate), sqlx::Error> {
    let (statement, id) = match scope {
        BudgetScope::Org => (OF_ORG, call.org.as_uuid()),
        BudgetScope::Project { project } => (OF_PROJECT, project.as_uuid()),
        BudgetScope::Ticket { ticket } => (OF_TICKET, ticket.as_uuid()),
        BudgetScope::EachRun => (OF_RUN, call.run.as_uuid()),
    };
    let query = sqlx::query(statement).bind(call.org.as_uuid()).bind(id).bind(&limits.time_zone);
    let row = query.fetch_one(connection).await?;
    let sums = Sums { spent: amount(row.try_get(0)?), reserved: amount(row.try_get(1)?) };
    Ok((sums, row.try_get(2)?))
}

/// As PostgreSQL counts. What no budget reaches is cut.
fn bigint(amount: u64) -> i64 {
    i64::try_from(amount.min(domain::limits::USD_MICROS_MAX)).unwrap_or(i64::MAX)
}

pub(super) fn amount(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or_default()
}
