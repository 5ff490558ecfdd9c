//! What a person reads: results on standard output, progress on standard error, apart from the logs.

use std::fmt::Display;
use std::io::Write;

/// A result, for a person or a pipe. A reader that went away is no failure of ours.
pub(crate) fn print(text: impl Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Progress and errors.
pub(crate) fn say(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
