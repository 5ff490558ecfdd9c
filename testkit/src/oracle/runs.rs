//! R6 and R7: each run ends once, and nobody writes under a token that is not the newest.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::Broken;
use super::log::{Entry, Log};

#[derive(Debug, Default)]
struct Run {
    newest: u64,
    endings: usize,
}

/// Every run's facts. All runs of the log must be over.
pub fn judge(log: &Log) -> Vec<Broken> {
    let mut broken = Vec::new();
    let mut runs: BTreeMap<Uuid, Run> = BTreeMap::new();
    for entry in log.entries.iter().filter(|entry| entry.aggregate_type == "AgentRun") {
        let Ok(id) = entry.aggregate_id.parse::<Uuid>() else { continue };
        let run = runs.entry(id).or_default();
        judge_token(id, run, entry, &mut broken);
        if entry.event_type == "RunEnded" {
            run.endings += 1;
        }
    }
    for (run, Run { endings, .. }) in runs {
        if endings != 1 {
            broken.push(Broken::Endings { run, times: endings });
        }
    }
    broken
}

fn judge_token(id: Uuid, run: &mut Run, entry: &Entry, broken: &mut Vec<Broken>) {
    let Some(token) = entry.json().get("token").and_then(serde_json::Value::as_u64) else { return };
    let (event, position) = (entry.event_type.clone(), entry.position());
    let is_lease = event == "RunLeased";
    // A lease must be newer than all before it; a fact is under the newest of them.
    let stale = if is_lease { run.newest > 0 && token <= run.newest } else { token < run.newest };
    if stale {
        broken.push(Broken::StaleToken { run: id, event: event.clone(), position, token, newest: run.newest });
    }
    if run.endings > 0 && event != "RunEnded" {
        broken.push(Broken::AfterTheEnd { run: id, event, position });
    }
    run.newest = run.newest.max(token);
}
