//! From Codex's notices to run events. Pure: the same notices give the same events, which recordings hold.

use std::{collections::HashMap, path::PathBuf};

use domain::agent_run::TokenUsage;

use super::wire::{FileChange, Item, ItemKind, Notice, OutputDelta, Tokens};
use crate::agents::{
    Content, RunEvent,
    protocol::{DiffScope, Log, LogSource, ToolEvent, ToolStatus, Usage},
};

/// Of one command's output; a person reads the beginning, and no run may fill the transcript by one `yes`.
const CALL_OUTPUT_MAX_BYTES: usize = 256 * 1024;
/// Of all commands together.
const RUN_OUTPUT_MAX_BYTES: usize = 16 * 1024 * 1024;
/// Unknown messages that are named; the rest is only counted.
const UNKNOWN_NAMED: usize = 50;

pub(super) struct Translator {
    cwd: PathBuf,
    /// Bytes of output logged for each call that runs.
    calls: HashMap<String, usize>,
    logged_bytes: usize,
    last_words: String,
    last_diff: String,
    unknown: usize,
}

impl Translator {
    pub(super) fn new(cwd: PathBuf) -> Self {
        Self {
            cwd,
            calls: HashMap::new(),
            logged_bytes: 0,
            last_words: String::new(),
            last_diff: String::new(),
            unknown: 0,
        }
    }

    /// What the agent said last.
    pub(super) fn last_words(&self) -> &str {
        &self.last_words
    }

    pub(super) fn notice(&mut self, notice: Notice) -> Vec<RunEvent> {
        match notice {
            Notice::ItemStarted(item) => self.started(item),
            Notice::ItemCompleted(item) => self.completed(item),
            Notice::CommandOutput(OutputDelta { item_id, delta }) => self.output(&item_id, delta),
            Notice::TurnDiff { diff } if diff == self.last_diff => Vec::new(),
            Notice::TurnDiff { diff } => {
                self.last_diff.clone_from(&diff);
                vec![RunEvent::diff(DiffScope::Turn, diff)]
            }
            Notice::TokenUsage(update) => {
                let (total, last) = (usage(update.token_usage.total), usage(update.token_usage.last));
                vec![RunEvent::Usage(Usage { total, last, cost_usd_micros: None })]
            }
            // An error that ends the turn comes again with the turn's end.
            Notice::Error(error) if error.will_retry => {
                let error = error.error;
                let why = error.additional_details.unwrap_or_default();
                vec![RunEvent::log(LogSource::Agent, format!("{} {why}", error.message).trim().to_owned())]
            }
            Notice::Error(_) | Notice::TurnStarted { .. } | Notice::TurnCompleted(_) | Notice::Quiet => Vec::new(),
            Notice::Warning { text } => vec![RunEvent::log(LogSource::Agent, text)],
            Notice::Unknown { method } => self.unknown(&method),
        }
    }

    /// A log for a message that is not known; after some only silence, because a flood of them says no more.
    pub(super) fn unknown(&mut self, what: &str) -> Vec<RunEvent> {
        self.unknown += 1;
        if self.unknown > UNKNOWN_NAMED {
            return Vec::new();
        }
        vec![RunEvent::log(LogSource::Agent, format!("A message that this version does not know: {what}"))]
    }

    fn started(&mut self, item: Item) -> Vec<RunEvent> {
        let id = item.id;
        let start = |tool: String, text: String, input: Option<String>| {
            vec![RunEvent::Tool(ToolEvent {
                call: id.clone(),
                tool,
                status: ToolStatus::Started,
                text,
                input: input.map(Content::whole),
                output: None,
                exit_code: None,
                duration_ms: None,
            })]
        };
        match item.kind {
            ItemKind::CommandExecution { command, .. } => {
                self.calls.insert(id.clone(), 0);
                start("command".into(), unwrapped(&command), None)
            }
            ItemKind::FileChange { changes, .. } => start("edit".into(), self.paths(&changes), None),
            ItemKind::DynamicToolCall { tool, arguments, .. } => start(tool.clone(), tool, Some(arguments.to_string())),
            ItemKind::McpToolCall { server, tool, arguments, .. } => {
                start(format!("{server}/{tool}"), tool, Some(arguments.to_string()))
            }
            ItemKind::WebSearch { query } => start("web_search".into(), query, None),
            ItemKind::AgentMessage { .. }
            | ItemKind::Reasoning { .. }
            | ItemKind::ContextCompaction {}
            | ItemKind::UserMessage {}
            | ItemKind::Other => Vec::new(),
        }
    }

    fn completed(&mut self, item: Item) -> Vec<RunEvent> {
        let id = item.id;
        match item.kind {
            ItemKind::AgentMessage { text } if text.is_empty() => Vec::new(),
            ItemKind::AgentMessage { text } => {
                self.last_words.clone_from(&text);
                vec![RunEvent::said(text)]
            }
            ItemKind::Reasoning { summary } if summary.is_empty() => Vec::new(),
            ItemKind::Reasoning { summary } => vec![RunEvent::log(LogSource::Thinking, summary.join("\n\n"))],
            ItemKind::CommandExecution { command, status, aggregated_output, exit_code, duration_ms } => {
                // Output of a command that was quick comes only here.
                let silent = self.calls.remove(&id).unwrap_or_default() == 0;
                let mut events = match aggregated_output {
                    Some(output) if silent && !output.is_empty() => self.output(&id, output),
                    _ => Vec::new(),
                };
                self.calls.remove(&id);
                let status = match exit_code {
                    Some(code) if code != 0 => ToolStatus::Failed,
                    _ => status_of(&status),
                };
                let text = unwrapped(&command);
                events.push(finished(id, "command".into(), status, text, None, exit_code, duration_ms));
                events
            }
            ItemKind::FileChange { changes, status } => {
                let diff: String = changes.iter().map(|c| self.told(c)).collect();
                let (text, status) = (self.paths(&changes), status_of(&status));
                vec![finished(id, "edit".into(), status, text, Some(diff), None, None)]
            }
            ItemKind::DynamicToolCall { tool, status, content_items, success, duration_ms, .. } => {
                let told = content_items.unwrap_or_default().into_iter().map(|c| c.text).collect::<Vec<_>>().join("\n");
                let status = if success == Some(false) { ToolStatus::Failed } else { status_of(&status) };
                vec![finished(id, tool.clone(), status, tool, Some(told), None, duration_ms)]
            }
            ItemKind::McpToolCall { server, tool, status, duration_ms, .. } => {
                let name = format!("{server}/{tool}");
                vec![finished(id, name, status_of(&status), tool, None, None, duration_ms)]
            }
            ItemKind::WebSearch { query } => {
                vec![finished(id, "web_search".into(), ToolStatus::Succeeded, query, None, None, None)]
            }
            ItemKind::ContextCompaction {} => {
                vec![RunEvent::log(LogSource::Agent, "The conversation was shortened to fit the model.")]
            }
            ItemKind::UserMessage {} => Vec::new(),
            ItemKind::Other => self.unknown("an item"),
        }
    }

    /// A command's output as far as the caps allow; where they end, a line says so once.
    fn output(&mut self, call: &str, text: String) -> Vec<RunEvent> {
        let logged = self.calls.entry(call.to_owned()).or_default();
        if *logged > CALL_OUTPUT_MAX_BYTES || self.logged_bytes > RUN_OUTPUT_MAX_BYTES {
            return Vec::new();
        }
        let room = (CALL_OUTPUT_MAX_BYTES - *logged).min(RUN_OUTPUT_MAX_BYTES - self.logged_bytes);
        *logged += text.len();
        self.logged_bytes += text.len();
        let log = |text: String| {
            RunEvent::Log(Log {
                source: LogSource::Command,
                call: Some(call.to_owned()),
                content: Content::whole(text),
            })
        };
        if text.len() <= room {
            return vec![log(text)];
        }
        let kept = text.get(..text.floor_char_boundary(room)).unwrap_or_default();
        vec![log(format!("{kept}\n[… further output of this command is not kept]"))]
    }

    fn paths(&self, changes: &[FileChange]) -> String {
        changes.iter().map(|change| self.short(&change.path)).collect::<Vec<_>>().join(", ")
    }

    fn told(&self, change: &FileChange) -> String {
        let kind = change.kind.get("type").and_then(serde_json::Value::as_str).unwrap_or("change");
        format!("{kind} {}\n{}\n", self.short(&change.path), change.diff)
    }

    /// Below the work tree as people know it.
    fn short(&self, path: &str) -> String {
        let inside = std::path::Path::new(path).strip_prefix(&self.cwd).ok();
        inside.map_or_else(|| path.to_owned(), |p| p.display().to_string())
    }
}

fn finished(
    call: String,
    tool: String,
    status: ToolStatus,
    text: String,
    output: Option<String>,
    exit_code: Option<i64>,
    duration_ms: Option<u64>,
) -> RunEvent {
    let output = output.filter(|o| !o.is_empty()).map(Content::whole);
    RunEvent::Tool(ToolEvent { call, tool, status, text, input: None, output, exit_code, duration_ms })
}

fn status_of(status: &str) -> ToolStatus {
    match status {
        "failed" => ToolStatus::Failed,
        "declined" => ToolStatus::Declined,
        _ => ToolStatus::Succeeded,
    }
}

fn usage(tokens: Tokens) -> TokenUsage {
    TokenUsage {
        input_tokens: tokens.input_tokens,
        cached_input_tokens: tokens.cached_input_tokens,
        output_tokens: tokens.output_tokens,
    }
}

/// The command that the agent wrote, without the shell that Codex wraps around it.
pub(super) fn unwrapped(command: &str) -> String {
    let inner = command.split_once(" -lc ").filter(|(shell, _)| shell.starts_with('/') && !shell.contains(' '));
    let Some((_, inner)) = inner else { return command.to_owned() };
    match inner.strip_prefix('\'').and_then(|i| i.strip_suffix('\'')) {
        Some(quoted) => quoted.replace("'\\''", "'"),
        None => match inner.strip_prefix('"').and_then(|i| i.strip_suffix('"')) {
            Some(quoted) => quoted.to_owned(),
            None => inner.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::wildcard_enum_match_arm)]
    use super::*;

    #[test]
    fn the_shell_around_a_command_is_taken_off() {
        assert_eq!(unwrapped("/bin/bash -lc 'cat calc.py'"), "cat calc.py");
        assert_eq!(unwrapped(r"/bin/bash -lc 'echo '\''hi'\'''"), "echo 'hi'");
        assert_eq!(unwrapped("/bin/bash -lc ls"), "ls");
        assert_eq!(unwrapped("cargo test -lc x"), "cargo test -lc x");
    }

    #[test]
    fn a_flood_is_cut_once_a_call() {
        let mut translator = Translator::new("/w".into());
        let mut events = Vec::new();
        for _ in 0..1_000 {
            let delta = OutputDelta { item_id: "c1".into(), delta: "x".repeat(8_192) };
            events.extend(translator.notice(Notice::CommandOutput(delta)));
        }
        let texts: Vec<_> = events
            .iter()
            .map(|e| match e {
                RunEvent::Log(log) => log.content.text.as_str(),
                _ => "",
            })
            .collect();
        assert_eq!(texts.iter().map(|t| t.matches('x').count()).sum::<usize>(), CALL_OUTPUT_MAX_BYTES);
        assert!(texts.last().is_some_and(|t| t.contains("not kept")));
        let other = OutputDelta { item_id: "c2".into(), delta: "fine".into() };
        assert_eq!(translator.notice(Notice::CommandOutput(other)).len(), 1);
    }

    #[test]
    fn unknown_messages_are_named_and_then_only_counted() {
        let mut translator = Translator::new("/w".into());
        let logs = (0..500).flat_map(|n| translator.notice(Notice::Unknown { method: format!("m/{n}") })).count();
        assert_eq!(logs, UNKNOWN_NAMED);
    }
}
