//! Named places where a test kills the process, to prove that nothing is lost there.
//!
//! `crashpoint!("relay.mid_batch")` does nothing unless the process was started with `LIME_CRASHPOINT` naming it, and
//! exists only in builds with debug assertions: a release build contains no trace of it.
//!
//! `LIME_CRASHPOINT=relay.mid_batch` aborts at the first visit (no destructor runs, as with SIGKILL);
//! `relay.mid_batch:3` at the third. Several are separated by commas. In a test inside one process, [`stall_at`] makes
//! the task that comes by stand still for ever instead, so that the test can abort it there.

#[cfg(debug_assertions)]
use std::collections::HashMap;
#[cfg(debug_assertions)]
use std::sync::{LazyLock, Mutex, PoisonError};

/// Every crash point of the ledger. Other crates name theirs alike, `<role>.<place>`.
pub const LEDGER: &[&str] = &[
    "sequencer.after_insert_before_commit",
    "sequencer.after_commit",
    "relay.mid_batch",
    "relay.after_publish_before_checkpoint",
];

/// Dies here when a test asked for it. Must be awaited in an async function: `crashpoint!("role.place")`.
#[macro_export]
macro_rules! crashpoint {
    ($name:literal) => {
        $crate::crashpoint::reach($name).await
    };
}

#[cfg(debug_assertions)]
enum Plan {
    /// Visits left until it happens.
    Abort(u32),
    Stall(u32, tokio::sync::mpsc::UnboundedSender<()>),
}

#[cfg(debug_assertions)]
static PLANS: LazyLock<Mutex<HashMap<String, Plan>>> = LazyLock::new(|| {
    let configured = std::env::var("LIME_CRASHPOINT").unwrap_or_default();
    Mutex::new(configured.split(',').filter_map(parse).collect())
});

/// `name` or `name:visit`.
#[cfg(debug_assertions)]
fn parse(text: &str) -> Option<(String, Plan)> {
    let text = text.trim();
    let (name, visit) = text.split_once(':').unwrap_or((text, "1"));
    (!name.is_empty()).then(|| (name.to_owned(), Plan::Abort(visit.parse().unwrap_or(1))))
}

/// Makes whoever comes by `name` for the `visit`th time (from 1) stand still for ever. The receiver learns of it.
#[cfg(debug_assertions)]
pub fn stall_at(name: &str, visit: u32) -> tokio::sync::mpsc::UnboundedReceiver<()> {
    let (reached, receiver) = tokio::sync::mpsc::unbounded_channel();
    PLANS.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), Plan::Stall(visit, reached));
    receiver
}

/// Whether a test wants to crash at `name`: for places that need another way of working to have the point at all.
pub fn is_planned(name: &str) -> bool {
    #[cfg(debug_assertions)]
    return PLANS.lock().unwrap_or_else(PoisonError::into_inner).contains_key(name);
    #[cfg(not(debug_assertions))]
    {
        let _ = name;
        false
    }
}

/// What [`crashpoint!`] calls.
#[cfg_attr(not(debug_assertions), allow(clippy::unused_async))]
pub async fn reach(name: &str) {
    #[cfg(debug_assertions)]
    if let Some(Plan::Stall(_, reached)) = due(name) {
        // Nobody listens any more: the test is over, and so is this task.
        let _ = reached.send(());
        std::future::pending::<()>().await;
    }
    #[cfg(not(debug_assertions))]
    let _ = name;
}

/// The plan to stall when this visit is the one; aborts the process when that is the plan.
#[cfg(debug_assertions)]
fn due(name: &str) -> Option<Plan> {
    let mut plans = PLANS.lock().unwrap_or_else(PoisonError::into_inner);
    let left = match plans.get_mut(name)? {
        Plan::Abort(left) | Plan::Stall(left, _) => left,
    };
    *left = left.saturating_sub(1);
    if *left > 0 {
        return None;
    }
    let plan = plans.remove(name)?;
    if matches!(plan, Plan::Abort(_)) {
        tracing::error!(name, "crash point: aborting");
        std::process::abort();
    }
    Some(plan)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn it_stalls_at_the_visit_that_was_asked_for() {
        let mut stalled = stall_at("test.point", 2);
        assert!(is_planned("test.point"));
        let visitor = tokio::spawn(async {
            crashpoint!("test.point");
            crashpoint!("test.point");
        });
        stalled.recv().await.unwrap();
        assert!(!visitor.is_finished());
        visitor.abort();
        assert!(!is_planned("test.point"));
    }

    #[test]
    fn the_setting_names_points_and_visits() {
        assert!(matches!(parse("a.b"), Some((name, Plan::Abort(1))) if name == "a.b"));
        assert!(matches!(parse(" a.b:3"), Some((name, Plan::Abort(3))) if name == "a.b"));
        assert!(parse("").is_none());
    }
}
