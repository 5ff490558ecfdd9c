//! What the write side can be told.

use domain::agent_run::RunMode;
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct CommandSettings {
    /// Providers that this build can drive, such as `codex`.
    pub providers: Vec<String>,
    /// Modes that this build can drive.
    pub modes: Vec<RunMode>,
    /// Hosts that repositories may be cloned from: `host` (https only) or `host:port` (http too, for a server on the
    /// local network that the operator named).
    pub clone_hosts: Vec<String>,
    /// How long an accepted command waits for its position. Zero: not at all.
    pub position_wait: Duration,
    /// How long a command waits for PostgreSQL before it answers UNAVAILABLE.
    pub patience: Duration,
    /// Memory for folded aggregates.
    pub cache_bytes: u64,
}

impl Default for CommandSettings {
    fn default() -> Self {
        Self {
            providers: vec!["codex".to_owned()],
            modes: vec![RunMode::Plan, RunMode::Implement],
            clone_hosts: vec!["github.com".to_owned(), "gitlab.com".to_owned()],
            position_wait: Duration::from_millis(50),
            patience: Duration::from_millis(1_800),
            cache_bytes: 48 * 1024 * 1024,
        }
    }
}
