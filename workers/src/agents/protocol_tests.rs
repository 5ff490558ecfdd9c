//! The stored form of events must not change, and none may be too large.
#![allow(clippy::unwrap_used)]

use domain::{
    agent_run::{FailureReason, TokenUsage},
    limits::RUN_EVENT_MAX_BYTES,
};

use super::{
    content::{AttachmentRef, Content},
    protocol::*,
};

fn usage(n: u64) -> TokenUsage {
    TokenUsage { input_tokens: n, cached_input_tokens: 0, output_tokens: n }
}

/// One of each type, with every optional field.
fn samples(text: &str) -> Vec<RunEvent> {
    let content = || Content::whole(text);
    let t = || text.to_owned();
    vec![
        RunEvent::Message(Message { from: Speaker::Agent, content: content() }),
        RunEvent::Log(Log { source: LogSource::Command, call: Some(t()), content: content() }),
        RunEvent::Tool(ToolEvent {
            call: t(),
            tool: t(),
            status: ToolStatus::Failed,
            text: t(),
            input: Some(content()),
            output: Some(content()),
            exit_code: Some(1),
            duration_ms: Some(20),
        }),
        RunEvent::Diff(Diff {
            scope: DiffScope::Branch,
            files: vec![DiffFile { path: t(), additions: 1, deletions: 2 }; if text.len() > 10 { 500 } else { 1 }],
            more_files: 0,
            content: content(),
        }),
        RunEvent::Artifact(Artifact { name: t(), mime: t(), content: content() }),
        RunEvent::Approval(Approval { call: t(), decision: ApprovalDecision::Declined, text: t() }),
        RunEvent::Question(QuestionEvent { call: t(), text: t(), options: vec![t(); 2], answer: Some(content()) }),
        RunEvent::Usage(Usage { total: usage(3), last: usage(1), cost_usd_micros: Some(7) }),
        RunEvent::error(FailureReason::AgentCrashed, t()),
    ]
}

#[test]
fn the_json_of_each_type_is_kept() {
    let kept = [
        r#"{"type":"message","from":"agent","text":"x"}"#,
        r#"{"type":"log","source":"command","call":"x","text":"x"}"#,
        r#"{"type":"tool","call":"x","tool":"x","status":"failed","text":"x","input":{"text":"x"},"output":{"text":"x"},"exit_code":1,"duration_ms":20}"#,
        r#"{"type":"diff","scope":"branch","files":[{"path":"x","additions":1,"deletions":2}],"text":"x"}"#,
        r#"{"type":"artifact","name":"x","mime":"x","text":"x"}"#,
        r#"{"type":"approval","call":"x","decision":"declined","text":"x"}"#,
        r#"{"type":"question","call":"x","text":"x","options":["x","x"],"answer":{"text":"x"}}"#,
        r#"{"type":"usage","total":{"input_tokens":3,"cached_input_tokens":0,"output_tokens":3},"last":{"input_tokens":1,"cached_input_tokens":0,"output_tokens":1},"cost_usd_micros":7}"#,
        r#"{"type":"error","reason":"agent_crashed","text":"x"}"#,
    ];
    for (event, json) in samples("x").into_iter().zip(kept) {
        assert_eq!(serde_json::to_string(&event).unwrap(), json);
        assert_eq!(serde_json::from_str::<RunEvent>(json).unwrap(), event);
        assert!(json.starts_with(&format!(r#"{{"type":"{}""#, event.kind())));
    }
}

#[test]
fn a_linked_text_stands_beside_the_event_s_own_fields() {
    let attachment = AttachmentRef { digest: "ab".into(), size_bytes: 9, mime: "text/plain".into() };
    let content = Content { text: "be".into(), omitted_bytes: 7, attachment: Some(attachment) };
    let event = RunEvent::Message(Message { from: Speaker::Lime, content });
    let json = r#"{"type":"message","from":"lime","text":"be","omitted_bytes":7,"attachment":{"digest":"ab","size_bytes":9,"mime":"text/plain"}}"#;
    assert_eq!(serde_json::to_string(&event).unwrap(), json);
    assert_eq!(serde_json::from_str::<RunEvent>(json).unwrap(), event);
}

#[tokio::test]
async fn no_event_is_too_large_whatever_it_is_made_of() {
    for text in ["a".repeat(300_000), "\u{1}\"\\\n".repeat(100_000), "🍋ä".repeat(60_000)] {
        for event in samples(&text) {
            let kind = event.kind();
            let size = serde_json::to_vec(&event.fitted(None).await).unwrap().len();
            assert!(size <= RUN_EVENT_MAX_BYTES, "{kind}: {size}");
        }
    }
}

#[test]
fn a_diff_counts_its_files() {
    let unified = "diff --git a/a.rs b/a.rs\n--- a/a.rs\n+++ b/a.rs\n@@ -1,2 +1,3 @@\n one\n-two\n+2\n+3\n\
                   diff --git a/old b/new\nsimilarity index 100%\nrename from old\nrename to new\n";
    let RunEvent::Diff(diff) = RunEvent::diff(DiffScope::Turn, unified.into()) else { unreachable!() };
    let counted: Vec<_> = diff.files.iter().map(|f| (f.path.as_str(), f.additions, f.deletions)).collect();
    assert_eq!(counted, [("a.rs", 2, 1), ("new", 0, 0)]);
}
