//! How the process ends. The codes are documented in `lime --help` and the README; scripts rely on them.

use std::fmt;
use std::process::ExitCode;

use crate::settings::SettingsError;

/// Why the process ends with an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Something failed, or a check found something wrong.
    Failed = 1,
    /// Flags or settings cannot be used; nothing was started.
    Usage = 2,
    /// Another lime runs on this home.
    HomeInUse = 3,
    /// The asked-for address is taken.
    AddressInUse = 4,
    /// A private server could not be found or started.
    ServerFailed = 5,
}

pub(crate) const HELP: &str = "Exit codes: 0 done · 1 failed, or a check found something wrong · 2 flags or settings \
cannot be used · 3 another lime runs on this home · 4 the address is taken · 5 PostgreSQL or NATS could not be found or started";

impl Exit {
    pub(crate) fn because(self, reason: impl fmt::Display) -> anyhow::Error {
        Ended { exit: self, reason: reason.to_string() }.into()
    }

    /// The code for an error that reached the edge.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        if error.is::<SettingsError>() {
            return Self::Usage;
        }
        error.chain().find_map(|cause| cause.downcast_ref::<Ended>()).map_or(Self::Failed, |ended| ended.exit)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[derive(Debug)]
struct Ended {
    exit: Exit,
    reason: String,
}

impl fmt::Display for Ended {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.reason)
    }
}

impl std::error::Error for Ended {}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn the_reason_survives_context() {
        let error = Err::<(), _>(Exit::AddressInUse.because("taken")).context("failed to start").unwrap_err();
        assert_eq!(Exit::of(&error), Exit::AddressInUse);
        assert_eq!(Exit::of(&anyhow::anyhow!("else")), Exit::Failed);
    }
}
