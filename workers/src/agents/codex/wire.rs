//! The lines of `codex app-server`, read tolerantly: what is not known here is named, never an error.

use serde::Deserialize;
use serde_json::{Value, json};

/// A line from the agent.
#[derive(Debug)]
pub(super) enum Incoming {
    /// The answer to a request of ours.
    Answer {
        id: u64,
        result: Result<Value, RpcError>,
    },
    /// A request that wants an answer under this id.
    Request {
        id: Value,
        request: Request,
    },
    Notice(Notice),
    /// Not JSON, or JSON of no known shape.
    Unreadable,
}

#[derive(Debug, Deserialize)]
pub(super) struct RpcError {
    #[serde(default)]
    pub(super) message: String,
}

#[derive(Deserialize)]
struct Raw {
    id: Option<Value>,
    method: Option<String>,
    #[serde(default)]
    params: Value,
    result: Option<Value>,
    error: Option<RpcError>,
}

/// What the agent asks of us.
#[derive(Debug)]
pub(super) enum Request {
    ToolCall(ToolCallRequest),
    CommandApproval(CommandApproval),
    FileApproval(ItemRef),
    UserInput(UserInput),
    Permissions(ItemRef),
    Elicitation,
    CurrentTime,
    Unknown { method: String },
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolCallRequest {
    pub(super) call_id: String,
    pub(super) tool: String,
    #[serde(default)]
    pub(super) arguments: Value,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CommandApproval {
    pub(super) item_id: String,
    #[serde(default)]
    pub(super) command: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ItemRef {
    pub(super) item_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserInput {
    pub(super) item_id: String,
    pub(super) questions: Vec<UserQuestion>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct UserQuestion {
    pub(super) id: String,
    pub(super) question: String,
    #[serde(default)]
    pub(super) options: Option<Vec<UserOption>>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct UserOption {
    pub(super) label: String,
}

/// What the agent tells.
#[derive(Debug)]
pub(super) enum Notice {
    ItemStarted(Item),
    ItemCompleted(Item),
    CommandOutput(OutputDelta),
    TurnDiff {
        diff: String,
    },
    TurnStarted {
        turn: String,
    },
    TurnCompleted(Turn),
    TokenUsage(TokenUsageUpdate),
    Error(ErrorNotice),
    Warning {
        text: String,
    },
    /// Known, and of no interest to a run.
    Quiet,
    Unknown {
        method: String,
    },
}

#[derive(Debug, Deserialize)]
pub(super) struct Item {
    pub(super) id: String,
    #[serde(flatten)]
    pub(super) kind: ItemKind,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(super) enum ItemKind {
    AgentMessage {
        #[serde(default)]
        text: String,
    },
    Reasoning {
        #[serde(default)]
        summary: Vec<String>,
    },
    CommandExecution {
        command: String,
        status: String,
        #[serde(default)]
        aggregated_output: Option<String>,
        #[serde(default)]
        exit_code: Option<i64>,
        #[serde(default)]
        duration_ms: Option<u64>,
    },
    FileChange {
        #[serde(default)]
        changes: Vec<FileChange>,
        status: String,
    },
    DynamicToolCall {
        tool: String,
        #[serde(default)]
        arguments: Value,
        status: String,
        #[serde(default)]
        content_items: Option<Vec<ContentItem>>,
        #[serde(default)]
        success: Option<bool>,
        #[serde(default)]
        duration_ms: Option<u64>,
    },
    McpToolCall {
        server: String,
        tool: String,
        #[serde(default)]
        arguments: Value,
        status: String,
        #[serde(default)]
        duration_ms: Option<u64>,
    },
    WebSearch {
        #[serde(default)]
        query: String,
    },
    ContextCompaction {},
    /// Our own words, coming back.
    UserMessage {},
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
pub(super) struct FileChange {
    pub(super) path: String,
    #[serde(default)]
    pub(super) diff: String,
    #[serde(default)]
    pub(super) kind: Value,
}

#[derive(Debug, Deserialize)]
pub(super) struct ContentItem {
    #[serde(default)]
    pub(super) text: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OutputDelta {
    pub(super) item_id: String,
    pub(super) delta: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Turn {
    pub(super) id: String,
    pub(super) status: String,
    #[serde(default)]
    pub(super) error: Option<TurnError>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct TurnError {
    pub(super) message: String,
    /// A name, or an object whose one key is the name and whose value may hold an HTTP status.
    pub(super) codex_error_info: Value,
    pub(super) additional_details: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorNotice {
    pub(super) error: TurnError,
    #[serde(default)]
    pub(super) will_retry: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokenUsageUpdate {
    pub(super) token_usage: TokenUsagePair,
}

#[derive(Debug, Deserialize)]
pub(super) struct TokenUsagePair {
    pub(super) total: Tokens,
    pub(super) last: Tokens,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(clippy::struct_field_names, reason = "as on the wire")]
pub(super) struct Tokens {
    pub(super) input_tokens: u64,
    pub(super) cached_input_tokens: u64,
    pub(super) output_tokens: u64,
}

#[derive(Deserialize)]
struct ItemParams {
    item: Item,
}

#[derive(Deserialize)]
struct TurnParams {
    turn: Turn,
}

#[derive(Deserialize)]
struct DiffParams {
    diff: String,
}

#[derive(Deserialize)]
struct WarningParams {
    #[serde(alias = "summary")]
    message: String,
}

impl Incoming {
    pub(super) fn decode(line: &str) -> Self {
        let Ok(raw) = serde_json::from_str::<Raw>(line) else { return Self::Unreadable };
        match (raw.id, raw.method) {
            (Some(id), Some(method)) => Self::Request { id, request: Request::decode(method, &raw.params) },
            (None, Some(method)) => Self::Notice(Notice::decode(method, &raw.params)),
            (Some(id), None) => match (id.as_u64(), raw.error) {
                (Some(id), Some(error)) => Self::Answer { id, result: Err(error) },
                (Some(id), None) => Self::Answer { id, result: Ok(raw.result.unwrap_or_default()) },
                (None, _) => Self::Unreadable,
            },
            (None, None) => Self::Unreadable,
        }
    }
}

impl Request {
    fn decode(method: String, params: &Value) -> Self {
        let known = match method.as_str() {
            "item/tool/call" => read(params).map(Self::ToolCall),
            "item/commandExecution/requestApproval" => read(params).map(Self::CommandApproval),
            "item/fileChange/requestApproval" => read(params).map(Self::FileApproval),
            "item/tool/requestUserInput" => read(params).map(Self::UserInput),
            "item/permissions/requestApproval" => read(params).map(Self::Permissions),
            "mcpServer/elicitation/request" => Some(Self::Elicitation),
            "currentTime/read" => Some(Self::CurrentTime),
            _ => None,
        };
        known.unwrap_or(Self::Unknown { method })
    }
}

impl Notice {
    fn decode(method: String, params: &Value) -> Self {
        let known = match method.as_str() {
            "item/started" => read(params).map(|p: ItemParams| Self::ItemStarted(p.item)),
            "item/completed" => read(params).map(|p: ItemParams| Self::ItemCompleted(p.item)),
            "item/commandExecution/outputDelta" => read(params).map(Self::CommandOutput),
            "turn/diff/updated" => read(params).map(|p: DiffParams| Self::TurnDiff { diff: p.diff }),
            "turn/started" => read(params).map(|p: TurnParams| Self::TurnStarted { turn: p.turn.id }),
            "turn/completed" => read(params).map(|p: TurnParams| Self::TurnCompleted(p.turn)),
            "thread/tokenUsage/updated" => read(params).map(Self::TokenUsage),
            "error" => read(params).map(Self::Error),
            "warning" | "configWarning" | "guardianWarning" | "deprecationNotice" => {
                read(params).map(|p: WarningParams| Self::Warning { text: p.message })
            }
            quiet if is_quiet(quiet) => Some(Self::Quiet),
            _ => None,
        };
        known.unwrap_or(Self::Unknown { method })
    }
}

/// Deltas repeat what the finished item says; the rest is housekeeping.
fn is_quiet(method: &str) -> bool {
    matches!(
        method,
        "item/agentMessage/delta"
            | "item/plan/delta"
            | "item/reasoning/summaryTextDelta"
            | "item/reasoning/summaryPartAdded"
            | "item/reasoning/textDelta"
            | "item/fileChange/outputDelta"
            | "item/fileChange/patchUpdated"
            | "item/commandExecution/terminalInteraction"
            | "item/mcpToolCall/progress"
            | "turn/plan/updated"
            | "turn/moderationMetadata"
            | "serverRequest/resolved"
            | "thread/started"
            | "thread/closed"
            | "thread/name/updated"
            | "thread/status/changed"
            | "thread/readState/changed"
            | "thread/settings/updated"
            | "thread/environment/connected"
            | "account/rateLimits/updated"
            | "account/updated"
            | "remoteControl/status/changed"
            | "mcpServer/startupStatus/updated"
            | "skills/changed"
            | "app/list/updated"
    )
}

fn read<'a, T: Deserialize<'a>>(params: &'a Value) -> Option<T> {
    T::deserialize(params).ok()
}

pub(super) fn request(id: u64, method: &str, params: &Value) -> String {
    json!({"id": id, "method": method, "params": params}).to_string()
}

pub(super) fn notification(method: &str) -> String {
    json!({"method": method}).to_string()
}

pub(super) fn answer(id: &Value, result: &Value) -> String {
    json!({"id": id, "result": result}).to_string()
}

/// JSON-RPC's "method not found".
pub(super) fn refusal(id: &Value, method: &str) -> String {
    json!({"id": id, "error": {"code": -32601, "message": format!("{method} is not offered here")}}).to_string()
}
