//! Logs on standard error: readable on a terminal, JSON elsewhere. Request, command and correlation ids come as the
//! fields of the spans that a line was written in.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::settings::{LogFormat, Settings};

/// Starts writing logs; a filter that cannot be read falls back to `info` and says so.
pub(crate) fn start(settings: &Settings) {
    let (filter, complaint) = match EnvFilter::try_new(&settings.log_filter) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new("info"), Some(error)),
    };
    let is_json = match settings.log {
        LogFormat::Json => true,
        LogFormat::Pretty => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let logs =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_span_events(FmtSpan::NONE);
    if is_json {
        logs.json().with_current_span(false).with_span_list(true).flatten_event(true).init();
    } else {
        logs.with_ansi(std::io::stderr().is_terminal()).with_target(false).compact().init();
    }
    if let Some(error) = complaint {
        tracing::warn!(filter = settings.log_filter, %error, "RUST_LOG could not be read; logging at info");
    }
}
