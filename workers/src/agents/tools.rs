//! The tools that the worker serves to an agent: their schemas, and the check of what the agent sends.
//!
//! A malformed call is not the run's end: it goes back with words that say what to change, and the agent tries again.

use async_trait::async_trait;
use domain::{agent_run::RunMode, limits, org::Role, ticket::TicketKind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::plan::PlanItem;

const FINDING_TITLE_MAX_CHARS: usize = 200;
const QUESTION_MAX_CHARS: usize = 2_000;
const OPTIONS_MAX: usize = 6;
const OPTION_MAX_CHARS: usize = 200;
const PATH_MAX_BYTES: usize = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tool {
    CreateTicket,
    AddComment,
    Finding,
    AskPerson,
}

/// A remark on a line of the work, with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Below the work tree.
    pub path: String,
    /// From 1; none when the whole file is meant.
    #[serde(default)]
    pub line: Option<u32>,
    pub severity: Severity,
    pub title: String,
    pub what_to_do: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Blocker,
    Major,
    Minor,
    Note,
}

/// A question that the agent cannot answer itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    pub question: String,
    #[serde(default)]
    pub options: Vec<String>,
}

/// A call with arguments that have been checked for themselves; a plan item is also checked against its plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolCall {
    CreateTicket(PlanItem),
    AddComment { body_md: String },
    Finding(Finding),
    AskPerson(Question),
}

/// Why a call was not carried out, in words for the agent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ToolRefusal(pub String);

/// What the worker does when an agent calls. Arguments have been checked; an error's words go back to the agent.
#[async_trait]
pub trait ToolHost: Send + Sync {
    /// Keeps a planned item. Called once an item, in order, parents first.
    async fn create_ticket(&self, item: &PlanItem) -> Result<(), ToolRefusal>;

    /// Comments on the ticket at hand.
    async fn add_comment(&self, body_md: &str) -> Result<(), ToolRefusal>;

    /// Keeps a finding of a review or a test.
    async fn finding(&self, finding: &Finding) -> Result<(), ToolRefusal>;

    /// Asks a person and waits for the answer, however long that takes. Dropped when the run is stopped.
    async fn ask_person(&self, question: &Question) -> Result<String, ToolRefusal>;
}

impl Tool {
    pub const ALL: [Self; 4] = [Self::CreateTicket, Self::AddComment, Self::Finding, Self::AskPerson];

    /// What a mode may call.
    pub fn of_mode(mode: RunMode) -> Vec<Self> {
        match mode {
            RunMode::Plan => vec![Self::CreateTicket, Self::AskPerson],
            RunMode::Implement | RunMode::Bugfix => vec![Self::AddComment, Self::AskPerson],
            RunMode::Review | RunMode::Qa => vec![Self::Finding, Self::AddComment, Self::AskPerson],
            RunMode::Ask => vec![],
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::CreateTicket => "create_ticket",
            Self::AddComment => "add_comment",
            Self::Finding => "finding",
            Self::AskPerson => "ask_person",
        }
    }

    pub fn description(self) -> &'static str {
        match self {
            Self::CreateTicket => {
                "Adds one ticket to the plan. Create the epic first, then its stories, then each story's tasks: a parent \
                 must exist before its children. A refused call says what to change; correct it and call again."
            }
            Self::AddComment => {
                "Comments on the ticket that you work on. For what its readers must know, not for progress."
            }
            Self::Finding => "Records one finding on a line of the work, with what to do about it.",
            Self::AskPerson => {
                "Asks the person who started this run and waits for the answer. Only for what you cannot find out and \
                 must not guess."
            }
        }
    }

    /// JSON Schema of the arguments. `columns` are the board's column keys.
    pub fn input_schema(self, columns: &[String]) -> Value {
        let text = |what: &str| json!({"type": "string", "description": what});
        match self {
            Self::CreateTicket => json!({
                "type": "object",
                "additionalProperties": false,
                "required": ["temp_id", "kind", "title", "description", "acceptance_criteria", "owner_role", "suggested_column"],
                "properties": {
                    "temp_id": text("A short name of your choice, unique in this plan, such as E1, S2, T2.1."),
                    "parent": {"type": ["string", "null"], "description": "temp_id of the epic (for a story) or of the story (for a task); null for the epic."},
                    "kind": {"type": "string", "enum": ["epic", "story", "task"]},
                    "title": text("One line, at most 300 characters."),
                    "description": text("Markdown: context, goal, constraints, what is out of scope."),
                    "acceptance_criteria": {"type": "array", "minItems": 1, "maxItems": 20, "items": text("Something that can be checked.")},
                    "owner_role": {"type": "string", "enum": ["pm", "dev", "qa"]},
                    "suggested_column": {"type": "string", "enum": columns},
                },
            }),
            Self::AddComment => json!({
                "type": "object", "additionalProperties": false, "required": ["body"],
                "properties": {"body": text("Markdown.")},
            }),
            Self::Finding => json!({
                "type": "object", "additionalProperties": false, "required": ["path", "severity", "title", "what_to_do"],
                "properties": {
                    "path": text("The file, relative to the work tree."),
                    "line": {"type": ["integer", "null"], "minimum": 1},
                    "severity": {"type": "string", "enum": ["blocker", "major", "minor", "note"]},
                    "title": text("One line."),
                    "what_to_do": text("Markdown: why, and what to change."),
                },
            }),
            Self::AskPerson => json!({
                "type": "object", "additionalProperties": false, "required": ["question"],
                "properties": {
                    "question": text("One question."),
                    "options": {"type": "array", "maxItems": 6, "items": text("A possible answer.")},
                },
            }),
        }
    }

    /// Checks arguments as an agent sent them.
    ///
    /// # Errors
    /// Words for the agent that name every wrong field serde can see, and then the rules.
    pub fn parse(self, arguments: &Value) -> Result<ToolCall, ToolRefusal> {
        match self {
            Self::CreateTicket => self.read::<TicketArguments>(arguments).map(|a| ToolCall::CreateTicket(a.into())),
            Self::AddComment => {
                let CommentArguments { body } = self.read(arguments)?;
                self.hold(!body.trim().is_empty(), "body: must not be empty")?;
                self.hold(
                    body.len() <= limits::COMMENT_MAX_BYTES,
                    &format!("body: at most {} bytes are allowed", limits::COMMENT_MAX_BYTES),
                )?;
                Ok(ToolCall::AddComment { body_md: body })
            }
            Self::Finding => {
                let mut finding: Finding = self.read(arguments)?;
                finding.title = one_line(&finding.title);
                let inside = |path: &str| {
                    !path.is_empty() && !path.starts_with('/') && !path.split('/').any(|part| part == "..")
                };
                self.hold(
                    finding.path.len() <= PATH_MAX_BYTES && inside(&finding.path),
                    "path: must be relative to the work tree",
                )?;
                self.hold(finding.line != Some(0), "line: is counted from 1")?;
                self.hold(!finding.title.is_empty(), "title: must not be empty")?;
                self.hold(
                    finding.title.chars().count() <= FINDING_TITLE_MAX_CHARS,
                    &format!("title: at most {FINDING_TITLE_MAX_CHARS} characters are allowed"),
                )?;
                self.hold(!finding.what_to_do.trim().is_empty(), "what_to_do: must not be empty")?;
                self.hold(
                    finding.what_to_do.len() <= limits::COMMENT_MAX_BYTES,
                    &format!("what_to_do: at most {} bytes are allowed", limits::COMMENT_MAX_BYTES),
                )?;
                Ok(ToolCall::Finding(finding))
            }
            Self::AskPerson => {
                let question: Question = self.read(arguments)?;
                let chars = question.question.trim().chars().count();
                self.hold((1..=QUESTION_MAX_CHARS).contains(&chars), "question: must have 1 to 2,000 characters")?;
                let short = |option: &String| (1..=OPTION_MAX_CHARS).contains(&option.trim().chars().count());
                self.hold(
                    question.options.len() <= OPTIONS_MAX && question.options.iter().all(short),
                    "options: at most 6, each of 1 to 200 characters",
                )?;
                Ok(ToolCall::AskPerson(question))
            }
        }
    }

    fn read<T: for<'de> Deserialize<'de>>(self, arguments: &Value) -> Result<T, ToolRefusal> {
        let missing = self.missing_fields(arguments);
        if !missing.is_empty() {
            return Err(self.refusal(&format!("missing: {}", missing.join(", "))));
        }
        T::deserialize(arguments).map_err(|error| self.refusal(&error.to_string()))
    }

    /// All of them at once: serde stops at the first.
    fn missing_fields(self, arguments: &Value) -> Vec<String> {
        let schema = self.input_schema(&[]);
        let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        let absent = |name: &&str| arguments.get(name).is_none_or(Value::is_null);
        required.iter().filter_map(Value::as_str).filter(absent).map(str::to_owned).collect()
    }

    fn hold(self, rule: bool, words: &str) -> Result<(), ToolRefusal> {
        if rule { Ok(()) } else { Err(self.refusal(words)) }
    }

    /// The words every refusal has around its reason.
    pub fn refusal(self, reason: &str) -> ToolRefusal {
        ToolRefusal(format!("{} was refused: {reason}. Correct the call and send it again.", self.name()))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TicketArguments {
    temp_id: String,
    #[serde(default)]
    parent: Option<String>,
    kind: TicketKind,
    title: String,
    description: String,
    acceptance_criteria: Vec<String>,
    owner_role: Role,
    suggested_column: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CommentArguments {
    body: String,
}

impl From<TicketArguments> for PlanItem {
    fn from(a: TicketArguments) -> Self {
        Self {
            temp_id: a.temp_id.trim().to_owned(),
            parent: a.parent.map(|p| p.trim().to_owned()).filter(|p| !p.is_empty()),
            kind: a.kind,
            title: one_line(&a.title),
            description_md: a.description.trim().to_owned(),
            acceptance_criteria: a.acceptance_criteria.iter().map(|c| one_line(c)).collect(),
            owner_role: a.owner_role,
            column: a.suggested_column,
        }
    }
}

/// Without control and direction characters (they make one text look like another), and with single spaces.
fn one_line(text: &str) -> String {
    let direction = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain: String = text.chars().filter(|c| !direction(*c)).map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn ticket() -> Value {
        json!({
            "temp_id": " S1 ", "parent": "E1", "kind": "story", "title": "Ship\n\u{202e}large  orders\u{0} ", "description": " d ",
            "acceptance_criteria": ["one\nline"], "owner_role": "qa", "suggested_column": "todo",
        })
    }

    fn refused(tool: Tool, arguments: &Value) -> String {
        tool.parse(arguments).unwrap_err().to_string()
    }

    #[test]
    fn a_ticket_is_read_and_its_lines_are_cleaned() {
        let ToolCall::CreateTicket(item) = Tool::CreateTicket.parse(&ticket()).unwrap() else { panic!() };
        assert_eq!((item.temp_id.as_str(), item.title.as_str()), ("S1", "Ship large orders"));
        assert_eq!(item.acceptance_criteria, ["one line"]);
        assert_eq!((item.kind, item.owner_role), (TicketKind::Story, Role::Qa));
    }

    #[test]
    fn a_malformed_ticket_is_refused_with_what_to_change() {
        let all = "temp_id, kind, title, description, acceptance_criteria, owner_role, suggested_column";
        let tail = ". Correct the call and send it again.";
        assert_eq!(refused(Tool::CreateTicket, &json!({})), format!("create_ticket was refused: missing: {all}{tail}"));
        assert_eq!(
            refused(Tool::CreateTicket, &json!("text")),
            format!("create_ticket was refused: missing: {all}{tail}")
        );
        let change = |field: &str, value: Value| {
            let mut arguments = ticket();
            arguments[field] = value;
            refused(Tool::CreateTicket, &arguments)
        };
        assert!(change("kind", json!("feature")).contains("unknown variant `feature`"));
        assert!(change("acceptance_criteria", json!("one")).contains("invalid type"));
        assert!(change("surprise", json!(1)).contains("unknown field `surprise`"));
    }

    #[test]
    fn the_other_tools_hold_their_rules() {
        let finding = |field: &str, value: Value| {
            let mut arguments =
                json!({"path": "src/a.rs", "line": 3, "severity": "minor", "title": "t", "what_to_do": "w"});
            arguments[field] = value;
            Tool::Finding.parse(&arguments)
        };
        assert!(finding("line", json!(null)).is_ok());
        for path in ["/etc/passwd", "a/../../b", ""] {
            assert!(finding("path", json!(path)).is_err(), "{path}");
        }
        assert!(finding("line", json!(0)).is_err());
        assert!(finding("severity", json!("fatal")).is_err());
        assert!(Tool::AddComment.parse(&json!({"body": "  "})).is_err());
        assert!(Tool::AddComment.parse(&json!({"body": "x".repeat(100_001)})).is_err());
        assert!(Tool::AskPerson.parse(&json!({"question": "Which?", "options": ["a", "b"]})).is_ok());
        assert!(Tool::AskPerson.parse(&json!({"question": "Which?", "options": vec!["a"; 7]})).is_err());
        assert!(Tool::AskPerson.parse(&json!({"question": ""})).is_err());
    }

    #[test]
    fn each_mode_offers_its_tools_and_each_tool_describes_what_it_requires() {
        assert_eq!(Tool::of_mode(RunMode::Plan), [Tool::CreateTicket, Tool::AskPerson]);
        assert!(!Tool::of_mode(RunMode::Implement).contains(&Tool::CreateTicket));
        for tool in Tool::ALL {
            assert_eq!(Tool::named(tool.name()), Some(tool));
            let schema = tool.input_schema(&["todo".into()]);
            for field in schema["required"].as_array().unwrap() {
                assert!(schema["properties"].get(field.as_str().unwrap()).is_some(), "{field}");
            }
        }
    }
}
