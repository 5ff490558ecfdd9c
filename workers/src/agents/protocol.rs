//! What a run says while it works: our own events, the same for every provider.
//!
//! In order of a run: `message` for high-level steps, `log` for commands' output, `tool` for calls with their result,
//! `diff`, `artifact`, `approval`, `question`, `usage`, `error`. The JSON is stored as it stands here, so it only grows:
//! a new optional field is fine, a rename is not. An event takes at most [`RUN_EVENT_MAX_BYTES`] of JSON.

use domain::{
    agent_run::{FailureReason, TokenUsage},
    limits::RUN_EVENT_MAX_BYTES,
};
use serde::{Deserialize, Serialize};

use super::content::{AttachmentStore, Content};

/// Left of an event's 64 KiB for everything but its long texts.
const FRAME_BYTES: usize = 16 * 1024;
const TEXT_MAX_BYTES: usize = RUN_EVENT_MAX_BYTES - FRAME_BYTES;
/// Short texts: names, titles, paths.
const LABEL_MAX_BYTES: usize = 1_000;
const OPTIONS_MAX: usize = 8;
const DIFF_FILES_MAX: usize = 40;
const DIFF_PATH_MAX_BYTES: usize = 200;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RunEvent {
    Message(Message),
    Log(Log),
    Tool(ToolEvent),
    Diff(Diff),
    Artifact(Artifact),
    Approval(Approval),
    Question(QuestionEvent),
    Usage(Usage),
    Error(RunError),
}

/// A high-level step, in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub from: Speaker,
    #[serde(flatten)]
    pub content: Content,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    Agent,
    Person,
    /// The product itself: what it told the agent, or did around it.
    Lime,
}

/// Output and remarks that are read only when one looks closer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Log {
    pub source: LogSource,
    /// The call that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    #[serde(flatten)]
    pub content: Content,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogSource {
    /// A command's output.
    Command,
    /// The model's reasoning, as far as it is shown.
    Thinking,
    /// The agent's program.
    Agent,
    Lime,
}

/// A call of a tool: once when it starts, once when it ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolEvent {
    /// The same in both.
    pub call: String,
    /// `command`, `edit`, `web_search`, or a tool of ours by its name.
    pub tool: String,
    pub status: ToolStatus,
    /// One line: the command, the paths.
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Content>,
    /// A command's output is in the logs of its call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Content>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolStatus {
    Started,
    Succeeded,
    Failed,
    Declined,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Diff {
    pub scope: DiffScope,
    /// The first files; `more_files` says how many are not listed.
    pub files: Vec<DiffFile>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_files: usize,
    /// Unified.
    #[serde(flatten)]
    pub content: Content,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiffScope {
    /// All edits of the agent so far, as it tells them.
    Turn,
    /// What the run leaves on its branch, taken from git: the one that counts.
    Branch,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffFile {
    pub path: String,
    pub additions: u64,
    pub deletions: u64,
}

/// Something that the run leaves behind: a plan, findings, a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Artifact {
    pub name: String,
    pub mime: String,
    #[serde(flatten)]
    pub content: Content,
}

/// The agent asked to be allowed something, or was answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    pub call: String,
    pub decision: ApprovalDecision,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalDecision {
    Waiting,
    Approved,
    Declined,
}

/// The agent asked a person, or was answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuestionEvent {
    pub call: String,
    pub text: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Content>,
}

/// Tokens of the last model call and of the run so far. Money is the model proxy's, which meters each call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub total: TokenUsage,
    pub last: TokenUsage,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd_micros: Option<u64>,
}

/// Why the run cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunError {
    pub reason: FailureReason,
    pub text: String,
}

impl RunEvent {
    pub fn said(text: impl Into<String>) -> Self {
        Self::Message(Message { from: Speaker::Agent, content: Content::whole(text) })
    }

    /// A step that the product itself took.
    pub fn told(text: impl Into<String>) -> Self {
        Self::Message(Message { from: Speaker::Lime, content: Content::whole(text) })
    }

    pub fn log(source: LogSource, text: impl Into<String>) -> Self {
        Self::Log(Log { source, call: None, content: Content::whole(text) })
    }

    pub fn error(reason: FailureReason, text: impl Into<String>) -> Self {
        Self::Error(RunError { reason, text: text.into() })
    }

    /// A diff with its files counted from the unified text.
    pub fn diff(scope: DiffScope, unified: String) -> Self {
        let files = files_of(&unified);
        Self::Diff(Diff { scope, files, more_files: 0, content: Content::whole(unified) })
    }

    /// The event's type as it is stored: the `type` of its JSON.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Message(_) => "message",
            Self::Log(_) => "log",
            Self::Tool(_) => "tool",
            Self::Diff(_) => "diff",
            Self::Artifact(_) => "artifact",
            Self::Approval(_) => "approval",
            Self::Question(_) => "question",
            Self::Usage(_) => "usage",
            Self::Error(_) => "error",
        }
    }

    /// Cut to the size that an event may have; what is longer goes to `store` and is linked where there is one.
    pub async fn fitted(self, store: Option<&dyn AttachmentStore>) -> Self {
        match self {
            Self::Message(e) => Self::Message(Message { content: fit(e.content, "text/markdown", store).await, ..e }),
            Self::Log(e) => {
                Self::Log(Log { content: fit(e.content, "text/plain", store).await, call: e.call.map(label), ..e })
            }
            Self::Tool(e) => Self::Tool(ToolEvent {
                call: label(e.call),
                tool: label(e.tool),
                text: label(e.text),
                input: e.input.map(|c| c.cut(TEXT_MAX_BYTES / 2)),
                output: e.output.map(|c| c.cut(TEXT_MAX_BYTES / 2)),
                ..e
            }),
            Self::Diff(e) => Self::Diff(e.with_few_files().with_content(store).await),
            Self::Artifact(e) => {
                let content = fit(e.content, &e.mime, store).await;
                Self::Artifact(Artifact { name: label(e.name), mime: label(e.mime), content })
            }
            Self::Approval(e) => Self::Approval(Approval { call: label(e.call), text: label(e.text), ..e }),
            Self::Question(e) => Self::Question(QuestionEvent {
                call: label(e.call),
                text: Content::whole(e.text).cut(FRAME_BYTES / 2).text,
                options: e.options.into_iter().take(OPTIONS_MAX).map(label).collect(),
                answer: e.answer.map(|c| c.cut(TEXT_MAX_BYTES / 2)),
            }),
            Self::Usage(e) => Self::Usage(e),
            Self::Error(e) => Self::Error(RunError { text: Content::whole(e.text).cut(FRAME_BYTES).text, ..e }),
        }
    }
}

impl Diff {
    fn with_few_files(mut self) -> Self {
        self.more_files += self.files.len().saturating_sub(DIFF_FILES_MAX);
        self.files.truncate(DIFF_FILES_MAX);
        for file in &mut self.files {
            file.path = Content::whole(std::mem::take(&mut file.path)).cut(DIFF_PATH_MAX_BYTES).text;
        }
        self
    }

    async fn with_content(self, store: Option<&dyn AttachmentStore>) -> Self {
        Self { content: fit(self.content, "text/x-diff", store).await, ..self }
    }
}

async fn fit(content: Content, mime: &str, store: Option<&dyn AttachmentStore>) -> Content {
    match store {
        Some(store) => content.linked(TEXT_MAX_BYTES, mime, store).await,
        None => content.cut(TEXT_MAX_BYTES),
    }
}

fn label(text: String) -> String {
    Content::whole(text).cut(LABEL_MAX_BYTES).text
}

/// Files and line counts of a unified diff in git's form.
fn files_of(unified: &str) -> Vec<DiffFile> {
    let mut files: Vec<DiffFile> = Vec::new();
    let mut in_hunk = false;
    for line in unified.lines() {
        if let Some(rest) = line.strip_prefix("diff --git ") {
            in_hunk = false;
            let path = rest.rsplit_once(" b/").map_or(rest, |(_, path)| path);
            files.push(DiffFile { path: path.to_owned(), additions: 0, deletions: 0 });
        } else if line.starts_with("@@") {
            in_hunk = true;
        } else if let (true, Some(file)) = (in_hunk, files.last_mut()) {
            if line.starts_with('+') {
                file.additions += 1;
            } else if line.starts_with('-') {
                file.deletions += 1;
            }
        }
    }
    files
}
