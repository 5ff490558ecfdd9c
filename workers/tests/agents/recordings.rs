//! Recordings of `codex app-server` 0.169.0, replayed through the driver. The events that they become are kept beside
//! them; `LIME_BLESS=1` writes them anew, for a person to read before they are committed.

use std::{fmt::Write as _, path::PathBuf, sync::Arc};

use domain::agent_run::RunMode;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio_util::sync::CancellationToken;
use workers::agents::{AgentEnd, AgentStdio, CodexDriver};

use crate::harness::{Host, desk, drive, spec};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/recordings").join(name)
}

/// Plays the agent's side: writes its lines, and waits where the recorded client spoke until ours has said the same kind
/// of thing.
async fn play(
    lines: Vec<Value>,
    from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    stop: CancellationToken,
) {
    let mut heard = BufReader::new(from).lines();
    for line in lines {
        if let Some(spoken) = line.get("<-") {
            to.write_all(format!("{spoken}\n").as_bytes()).await.unwrap();
            continue;
        }
        let expected = &line["->"];
        if expected["method"] == "turn/interrupt" {
            stop.cancel();
        }
        let said: Value = serde_json::from_str(&heard.next_line().await.unwrap().expect("the driver speaks")).unwrap();
        assert_eq!(said["method"], expected["method"]);
        assert_eq!(said["id"], expected["id"], "{said}");
    }
}

async fn replay(name: &str) -> (AgentEnd, String) {
    let text = std::fs::read_to_string(path(&format!("{name}.jsonl"))).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (input, agent_in) = tokio::io::duplex(1 << 20);
    // Narrow, so that the agent's side is never far ahead of what the driver has read.
    let (agent_out, output) = tokio::io::duplex(16);
    let stop = CancellationToken::new();
    let agent = tokio::spawn(play(lines, agent_in, agent_out, stop.clone()));
    let host = Arc::new(Host { answer: Some("yes".into()), ..Host::default() });
    let spec = spec(RunMode::Implement, "Fix the add bug", "/workspace/ws2".as_ref(), "http://unused/v1".into());
    let stdio = AgentStdio::new(input, output, tokio::io::empty());
    let (end, events) = drive(&CodexDriver::new(), &spec, stdio, desk(RunMode::Implement, &host), stop).await;
    agent.await.unwrap();
    let mut told = String::new();
    for event in events {
        writeln!(told, "{}", serde_json::to_string(&event).unwrap()).unwrap();
    }
    (end, told)
}

async fn golden(name: &str) -> AgentEnd {
    let (end, told) = replay(name).await;
    let golden = path(&format!("{name}.events.jsonl"));
    if std::env::var_os("LIME_BLESS").is_some() {
        std::fs::write(&golden, &told).unwrap();
    }
    let kept = std::fs::read_to_string(&golden).unwrap();
    for (now, then) in told.lines().zip(kept.lines()) {
        assert_eq!(now, then);
    }
    assert_eq!(told.lines().count(), kept.lines().count());
    end
}

#[tokio::test]
async fn a_fix_with_approvals() {
    let end = golden("codex-app-approve").await;
    let summary = "Fixed: add() now adds, and the test passes.".to_owned();
    assert_eq!(end, AgentEnd::Completed { summary });
}

#[tokio::test]
async fn a_fix_whose_test_run_is_declined() {
    assert!(matches!(golden("codex-app-deny").await, AgentEnd::Completed { .. }));
}

#[tokio::test]
async fn a_call_of_a_tool() {
    assert_eq!(golden("codex-app-tool").await, AgentEnd::Completed { summary: "Saved.".into() });
}

#[tokio::test]
async fn an_interrupt() {
    assert_eq!(golden("codex-app-interrupt").await, AgentEnd::Interrupted);
}
