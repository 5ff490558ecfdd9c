//! `lime doctor`: looks at the machine and at a running installation; each finding comes with its remedy.
//!
//! # How to add a check
//! A function in [`machine`] or [`installation`] that returns [`Finding`]s; one that cannot look is a finding too.

mod installation;
mod machine;

use std::process::ExitCode;

use crate::exit::Exit;
use crate::screen::print;
use crate::settings::Settings;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Good,
    /// Works, and somebody should know.
    Note,
    Bad,
}

#[derive(Debug)]
struct Finding {
    verdict: Verdict,
    what: String,
    /// What to do; empty for what is good.
    remedy: String,
}

impl Finding {
    fn good(what: impl Into<String>) -> Self {
        Self { verdict: Verdict::Good, what: what.into(), remedy: String::new() }
    }

    fn note(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { verdict: Verdict::Note, what: what.into(), remedy: remedy.into() }
    }

    fn bad(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { verdict: Verdict::Bad, what: what.into(), remedy: remedy.into() }
    }

    /// Good, or what the error says with what to do about it.
    fn of(outcome: anyhow::Result<String>, remedy: &str) -> Self {
        match outcome {
            Ok(what) => Self::good(what),
            Err(error) => Self::bad(format!("{error:#}"), remedy),
        }
    }
}

/// Ends with code 1 when something is bad.
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<ExitCode> {
    print("This machine");
    let mut findings = machine::look(settings).await;
    findings.iter().for_each(show);
    print("\nThe installation");
    let installed = installation::look(settings).await;
    installed.iter().for_each(show);
    findings.extend(installed);
    let bad = findings.iter().filter(|finding| finding.verdict == Verdict::Bad).count();
    if bad == 0 {
        print("\nNothing is wrong.");
        return Ok(ExitCode::SUCCESS);
    }
    print(format!("\n{bad} of {} checks need somebody.", findings.len()));
    Ok(Exit::Failed.into())
}

fn show(finding: &Finding) {
    let mark = match finding.verdict {
        Verdict::Good => "ok  ",
        Verdict::Note => "note",
        Verdict::Bad => "BAD ",
    };
    print(format!("  {mark}  {}", finding.what));
    if !finding.remedy.is_empty() {
        print(format!("        → {}", finding.remedy));
    }
}
