//! What may be spent on models: a budget's scope, and what is remembered of it.

use crate::ids::{ProjectId, TicketId};
use crate::limits::BUDGET_WARNING_PERCENT;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// What a budget bounds. Of several that bound a call the strictest wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum BudgetScope {
    /// All runs of the org, in one day of its time zone.
    Org,
    /// All runs of a project, in one day of the org's time zone.
    Project { project: ProjectId },
    /// All runs of a ticket, for good.
    Ticket { ticket: TicketId },
    /// Every single run of the org, beside what the run was started with.
    EachRun,
}

impl BudgetScope {
    /// Whether it begins anew every day.
    pub const fn is_daily(self) -> bool {
        match self {
            Self::Org | Self::Project { .. } => true,
            Self::Ticket { .. } | Self::EachRun => false,
        }
    }
}

/// How far a budget is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BudgetLevel {
    Fine,
    /// From 80 % on.
    Warning,
    UsedUp,
}

/// `spent` of `limit`, in micros of a US dollar.
pub fn budget_level(spent_usd_micros: u64, limit_usd_micros: u64) -> BudgetLevel {
    let percent = |amount: u64, of: u64| u128::from(amount) * u128::from(of);
    if spent_usd_micros >= limit_usd_micros {
        BudgetLevel::UsedUp
    } else if percent(spent_usd_micros, 100) >= percent(limit_usd_micros, BUDGET_WARNING_PERCENT) {
        BudgetLevel::Warning
    } else {
        BudgetLevel::Fine
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    pub scope: BudgetScope,
    pub limit_usd_micros: u64,
    /// When people were warned last, under this limit.
    pub warned: Option<Told>,
    /// When it was used up last, under this limit.
    pub used_up: Option<Told>,
}

/// The day in the org's time zone; none where the budget has no days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub day: Option<NaiveDate>,
}
