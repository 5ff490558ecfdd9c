//! One command, start to end.

use crate::objects::Objects;
use crate::{Caller, CommandError, CommandSettings};
use feed::hints::Hints;
use sqlx::PgPool;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The write side of one process. Cloning shares it.
#[derive(Clone)]
pub struct Commands {
    inner: Arc<Inner>,
}

struct Inner {
    pool: PgPool,
    hints: Hints,
    objects: Arc<dyn Objects>,
    settings: CommandSettings,
    storage_low: AtomicBool,
}

impl fmt::Debug for Commands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commands").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

impl Commands {
    /// Starts the writer tasks; must be called inside a tokio runtime. They end when the last clone is dropped.
    pub fn new(pool: PgPool, hints: Hints, objects: Arc<dyn Objects>, settings: CommandSettings) -> Self {
        Self { inner: Arc::new(Inner { pool, hints, objects, settings, storage_low: AtomicBool::new(false) }) }
    }

    /// While set, every command answers [`CommandError::StorageLow`].
    pub fn set_storage_low(&self, low: bool) {
        self.inner.storage_low.store(low, Ordering::Relaxed);
    }

    pub fn objects(&self) -> &Arc<dyn Objects> {
        &self.inner.objects
    }

    pub fn settings(&self) -> &CommandSettings {
        &self.inner.settings
    }

    pub(crate) fn pending(&self, caller: &Caller, input: &dyn fmt::Debug) -> CommandError {
        let _ = (&self.inner.pool, &self.inner.hints);
        CommandError::invalid("command", format!("{:?} of {} cannot be answered yet", input, caller.actor))
    }
}
