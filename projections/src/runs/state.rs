//! How a run stands, in the words that a person sees, and which stations it has reached.

use domain::agent_run::RunMode;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RunState {
    Queued,
    Starting,
    Working,
    Waiting,
    Paused,
    Checking,
    Succeeded,
    Failed,
    Cancelled,
}

impl RunState {
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Starting,
        Self::Working,
        Self::Waiting,
        Self::Paused,
        Self::Checking,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
    ];

    /// As it is stored in rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Starting => "starting",
            Self::Working => "working",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Checking => "checking",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

impl std::str::FromStr for RunState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(UnknownState)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a state of a run")]
pub struct UnknownState;

/// How many of plan, build, test, review, ship a run in this mode has reached once its agent works.
pub(crate) const fn stations_of(mode: RunMode) -> u8 {
    match mode {
        RunMode::Ask => 0,
        RunMode::Plan => 1,
        RunMode::Implement | RunMode::Bugfix => 2,
        RunMode::Qa => 3,
        RunMode::Review => 4,
    }
}
