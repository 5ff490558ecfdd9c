//! What a run's calls are paid from: the budgets of its org, its project, its ticket and its own.

use super::facts::Facts;
use crate::proxy::{Needs, NoMoney, OverBudget, Purse, SetAside};
use async_trait::async_trait;
use chrono::NaiveDate;
use commands::budget::{
    self, Call, Limits, NoteSpending, Reserve, Spending, SpendingError, Wanted, WarnOfBudget, limits_of, note_spending,
    warn_of_budget,
};
use commands::{Caller, CommandError, Commands};
use domain::CommandId;
use domain::agent_run::RunBudgetWarned;
use domain::org::{BudgetLevel, BudgetScope, budget_level};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tracing::warn;
use uuid::Uuid;

/// How long a call waits for others' calls that hold what is left of a budget. Models answer for minutes, and agents wait
/// as long for the first sign of an answer.
const WAIT: Duration = Duration::from_mins(2);
/// How long PostgreSQL may be away before a call is given up.
const AWAY: Duration = Duration::from_secs(15);
const ASK_AGAIN: Duration = Duration::from_millis(200);
/// While PostgreSQL is away a cost is tried to be kept so often and so far apart: it is money that was spent.
const TRIES: u32 = 40;
const TRY_AGAIN: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(crate) struct RunPurse {
    commands: Commands,
    spending: Spending,
    facts: Facts,
    call: Call,
    told: Mutex<Vec<News>>,
}

/// What there is to say of a budget, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct News {
    scope: BudgetScope,
    day: Option<NaiveDate>,
    limit_usd_micros: u64,
    level: BudgetLevel,
}

impl RunPurse {
    pub(crate) fn new(commands: Commands, spending: Spending, facts: Facts) -> Self {
        let call = Call {
            org: facts.org,
            project: facts.request.project,
            ticket: facts.request.ticket.as_ref().map(|ticket| ticket.id),
            run: facts.run,
            token: facts.token,
        };
        Self { commands, spending, facts, call, told: Mutex::default() }
    }

    fn told(&self) -> MutexGuard<'_, Vec<News>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn limits(&self) -> Result<Limits, CommandError> {
        let asked = self.facts.request.constraints.max_cost_usd_micros;
        limits_of(&self.commands, self.facts.org, &self.call, asked).await
    }

    async fn reserve(&self, call: Uuid, wanted: Wanted) -> Result<Reserve, Box<dyn std::error::Error + Send + Sync>> {
        let limits = self.limits().await?;
        Ok(self.spending.reserve(call, &self.call, &limits, wanted).await?)
    }

    /// Tells the org what it should know of its budgets, each once a day.
    async fn tell(&self, standing: budget::OverBudget, refused: bool) {
        let budget::OverBudget { scope, day, limit_usd_micros, spent_usd_micros } = standing;
        let spent = budget_level(spent_usd_micros, limit_usd_micros);
        let level = if refused { BudgetLevel::UsedUp } else { spent };
        let news = News { scope, day, limit_usd_micros, level };
        if level == BudgetLevel::Fine || self.told().contains(&news) {
            return;
        }
        // Whoever says it first has said it: the rules know what was said.
        let caller = Caller { command_id: CommandId(Uuid::now_v7()), ..self.facts.step("budget") };
        let sent = if scope == BudgetScope::EachRun {
            // How the run ends says that its own budget is used up.
            if level == BudgetLevel::UsedUp {
                return;
            }
            let warning = RunBudgetWarned { token: self.call.token, limit_usd_micros, spent_usd_micros };
            warn_of_budget(&self.commands, &caller, WarnOfBudget { run: self.call.run, warning }).await
        } else {
            let note = NoteSpending { scope, day, limit_usd_micros, spent_usd_micros, refused };
            note_spending(&self.commands, &caller, note).await
        };
        match sent {
            Ok(_) => self.told().push(news),
            // The next call tells it again.
            Err(problem) => warn!(error = %feed::chain(&problem), "how a budget stands could not be told"),
        }
    }

    async fn tell_all(&self) {
        let Ok(limits) = self.limits().await else { return };
        match self.spending.spent(&self.call, &limits).await {
            Ok(all) => {
                for standing in all {
                    self.tell(standing, false).await;
                }
            }
            Err(problem) => warn!(error = %feed::chain(&problem), "how the budgets stand cannot be read just now"),
        }
    }
}

fn seen(standing: budget::OverBudget) -> OverBudget {
    let budget::OverBudget { scope, limit_usd_micros, spent_usd_micros, .. } = standing;
    OverBudget { scope, limit_usd_micros, spent_usd_micros }
}

fn unknown(problem: &(dyn std::error::Error + 'static)) -> NoMoney {
    warn!(error = %feed::chain(problem), "a model call could not be paid for");
    NoMoney::Unknown("the budgets cannot be asked just now, so the call is not made".to_owned())
}

#[async_trait]
impl Purse for RunPurse {
    async fn set_aside(&self, call: Uuid, needs: Needs) -> Result<SetAside, NoMoney> {
        let Needs { least, enough, most } = needs;
        let began = Instant::now();
        loop {
            let reserved = match self.reserve(call, Wanted { least, enough, most }).await {
                Ok(reserved) => reserved,
                Err(_) if began.elapsed() < AWAY => {
                    tokio::time::sleep(TRY_AGAIN).await;
                    continue;
                }
                Err(problem) => return Err(unknown(problem.as_ref())),
            };
            match reserved {
                Reserve::Reserved(reserved) => {
                    let tightest = reserved.tightest.map(seen);
                    return Ok(SetAside { amount_usd_micros: reserved.amount_usd_micros, tightest });
                }
                Reserve::Waits(_) if began.elapsed() < WAIT => tokio::time::sleep(ASK_AGAIN).await,
                Reserve::Waits(standing) => return Err(NoMoney::OverBudget(seen(standing))),
                Reserve::Refused(standing) => {
                    self.tell(standing, true).await;
                    return Err(NoMoney::OverBudget(seen(standing)));
                }
                Reserve::LeaseLost => return Err(NoMoney::LeaseLost),
            }
        }
    }

    async fn settle(&self, call: Uuid, cost_usd_micros: u64) {
        for tried in 1..=TRIES {
            match self.spending.settle(call, cost_usd_micros).await {
                Ok(()) => break,
                Err(problem) if tried == TRIES => {
                    tracing::error!(%call, cost_usd_micros, error = %feed::chain(&problem), "a cost could not be kept");
                    return;
                }
                Err(SpendingError::Reserve(_) | SpendingError::Settle(_) | SpendingError::Read(_)) => {
                    tokio::time::sleep(TRY_AGAIN).await;
                }
            }
        }
        if cost_usd_micros > 0 {
            self.tell_all().await;
        }
    }
}
