//! The script: which turn is played to which request.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Api;

/// The scripts that stand ready, by file name. The first three want a marker such as `[slow]` in the prompt; `plan` plays
/// whenever tickets can be created, `implement` otherwise: together they are the demo.
const BUILTIN: [(&str, &str); 5] = [
    ("slow", include_str!("../../scripts/slow.json")),
    ("flood", include_str!("../../scripts/flood.json")),
    ("faults", include_str!("../../scripts/faults.json")),
    ("plan", include_str!("../../scripts/plan.json")),
    ("implement", include_str!("../../scripts/implement.json")),
];

/// A list of scenarios. As JSON: `{"scenarios": [SCENARIO, …]}`.
///
/// The first scenario that matches a request is played: its `when` must occur in a user message and its `when_tool` must
/// be among the tools offered; one without either matches always. Its `turns` are played in order of the assistant turns
/// that the request carries; past the last, `after` (default: the text "Done."). A request that offers no tools gets
/// `side` (default: the text "ok") and does not count.
///
/// `${NAME}` in any string is replaced by the variable of that name; an unknown name stays as it is.
#[derive(Debug, Clone)]
pub struct Script {
    scenarios: Arc<Vec<Scenario>>,
    variables: Arc<HashMap<String, String>>,
    refused: Arc<Mutex<HashMap<PlayedTurn, u32>>>,
}

/// A scenario's place, the turn in it, and whether it is the side turn.
type PlayedTurn = (usize, usize, bool);

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_tool: Option<String>,
    #[serde(default)]
    pub turns: Vec<Turn>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Turn>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Turn>,
}

/// What the assistant does once.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Turn {
    /// Reasoning shown before the text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub thinking: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolUse>,
    pub usage: TurnUsage,
    /// Wait before answering.
    pub delay_ms: u64,
    /// Wait between the frames of the stream.
    pub chunk_ms: u64,
    /// Sends the stream's opening, then nothing until the client goes.
    pub hang: bool,
    /// Sends the stream's opening, then breaks the connection.
    pub cut: bool,
    /// Refuses instead of answering.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorTurn>,
    /// Fields that replace these for one API only.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub per: BTreeMap<Api, Map<String, Value>>,
}

/// A call that the assistant makes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolUse {
    pub name: String,
    /// An object; with `custom` or `raw` a string.
    pub input: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// A free-form call of the Responses API: the input is plain text.
    #[serde(default)]
    pub custom: bool,
    /// The input is sent as the arguments' text just as it is, to play arguments that are no JSON.
    #[serde(default)]
    pub raw: bool,
}

impl ToolUse {
    /// The arguments as text, as the Responses API carries them.
    pub(super) fn arguments(&self) -> String {
        let plain = self.input.as_str().filter(|_| self.raw || self.custom);
        plain.map_or_else(|| self.input.to_string(), str::to_owned)
    }
}

/// Tokens that the turn reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TurnUsage {
    pub input: u64,
    pub output: u64,
    pub cache_read: u64,
    pub cache_write: u64,
}

impl Default for TurnUsage {
    fn default() -> Self {
        Self { input: 1_000, output: 50, cache_read: 0, cache_write: 0 }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorTurn {
    pub status: u16,
    /// The vendor's error type, `server_error` and the like.
    #[serde(rename = "type")]
    pub kind: String,
    pub message: String,
    /// Refuses so many times, then plays the turn itself; always when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
}

#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    #[error("failed to read the script {path}")]
    Read {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("failed to parse the script {name}")]
    Parse {
        name: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("there is no script named {name}")]
    Unknown { name: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScriptFile {
    scenarios: Vec<Scenario>,
}

/// What a request of any API says that matters here.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// All user messages, joined by line ends.
    pub(super) user: String,
    /// Assistant turns that were already played.
    pub(super) done: usize,
    pub(super) tools: Vec<String>,
}

impl Asked {
    pub(super) fn is_side(&self) -> bool {
        self.tools.is_empty()
    }
}

impl Script {
    pub fn new(scenarios: Vec<Scenario>) -> Self {
        Self { scenarios: Arc::new(scenarios), variables: Arc::default(), refused: Arc::default() }
    }

    /// One scenario that matches every request: what a test that writes its own turns wants.
    pub fn of_turns(turns: Vec<Turn>) -> Self {
        Self::new(vec![Scenario { name: "only".into(), when: None, when_tool: None, turns, after: None, side: None }])
    }

    pub fn parse(name: &str, text: &str) -> Result<Self, ScriptError> {
        let file: ScriptFile =
            serde_json::from_str(text).map_err(|source| ScriptError::Parse { name: name.into(), source })?;
        for turn in file.scenarios.iter().flat_map(|s| s.turns.iter().chain(&s.after).chain(&s.side)) {
            for api in [Api::Responses, Api::Messages] {
                turn.for_api(api).map_err(|source| ScriptError::Parse { name: name.into(), source })?;
            }
        }
        Ok(Self::new(file.scenarios))
    }

    pub fn load(path: &Path) -> Result<Self, ScriptError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| ScriptError::Read { path: name.clone(), source })?;
        Self::parse(&name, &text)
    }

    /// A script of `testkit/scripts/`, by its file's name without the ending.
    pub fn named(name: &str) -> Result<Self, ScriptError> {
        let (_, text) =
            BUILTIN.iter().find(|(n, _)| *n == name).ok_or_else(|| ScriptError::Unknown { name: name.into() })?;
        Self::parse(name, text)
    }

    /// Every script of `testkit/scripts/` in one: a marker in the prompt picks a scenario, else plan or implement plays.
    pub fn builtin() -> Result<Self, ScriptError> {
        let mut scenarios = Vec::new();
        for (name, text) in BUILTIN {
            scenarios.extend(Self::parse(name, text)?.scenarios.iter().cloned());
        }
        Ok(Self::new(scenarios))
    }

    /// A turn of a named scenario, for a test that wants it a little different.
    ///
    /// # Panics
    /// When there is no such scenario or turn.
    #[allow(clippy::expect_used, reason = "a test that names what is not there is wrong")]
    pub fn turn_mut(&mut self, scenario: &str, turn: usize) -> &mut Turn {
        let scenarios = Arc::make_mut(&mut self.scenarios);
        let found = scenarios.iter_mut().find(|s| s.name == scenario);
        found.and_then(|s| s.turns.get_mut(turn)).expect("the script has this turn")
    }

    #[must_use]
    pub fn with_variables(mut self, variables: Vec<(String, String)>) -> Self {
        if !variables.is_empty() {
            self.variables = Arc::new(variables.into_iter().collect());
        }
        self
    }

    /// The scenario's name and the turn that answers this request.
    pub(super) fn pick(&self, api: Api, asked: &Asked) -> (Option<String>, Turn) {
        let found = self.scenarios.iter().enumerate().find(|(_, s)| s.matches(asked));
        let Some((at, scenario)) = found else {
            return (None, Turn { text: "No scenario matches.".into(), ..Turn::default() });
        };
        let written = if asked.is_side() {
            scenario.side.clone().unwrap_or_else(|| Turn::saying("ok"))
        } else if let Some(turn) = scenario.turns.get(asked.done) {
            turn.clone()
        } else {
            scenario.after.clone().unwrap_or_else(|| Turn::saying("Done."))
        };
        let mut turn = self.filled(written.for_api(api).unwrap_or(written));
        if let Some(times) = turn.error.as_ref().and_then(|e| e.times) {
            let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            let count = refused.entry((at, asked.done, asked.is_side())).or_default();
            if *count >= times {
                turn.error = None;
            }
            *count += 1;
        }
        (Some(scenario.name.clone()), turn)
    }

    fn filled(&self, turn: Turn) -> Turn {
        if self.variables.is_empty() {
            return turn;
        }
        serde_json::to_value(&turn).map(|value| self.fill(value)).and_then(serde_json::from_value).unwrap_or(turn)
    }

    fn fill(&self, value: Value) -> Value {
        match value {
            Value::String(text) => {
                let named = self.variables.iter();
                Value::String(named.fold(text, |text, (name, v)| text.replace(&format!("${{{name}}}"), v)))
            }
            Value::Array(values) => values.into_iter().map(|v| self.fill(v)).collect(),
            Value::Object(fields) => fields.into_iter().map(|(k, v)| (k, self.fill(v))).collect(),
            plain @ (Value::Null | Value::Bool(_) | Value::Number(_)) => plain,
        }
    }
}

impl Scenario {
    fn matches(&self, asked: &Asked) -> bool {
        self.when.as_ref().is_none_or(|text| asked.user.contains(text.as_str()))
            && self.when_tool.as_ref().is_none_or(|tool| asked.tools.contains(tool))
    }
}

impl Turn {
    pub fn saying(text: &str) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// With one call of a tool.
    #[must_use]
    pub fn calling(mut self, name: &str, input: Value) -> Self {
        let tool = ToolUse { name: name.into(), input, namespace: None, id: None, custom: false, raw: false };
        self.tools.push(tool);
        self
    }

    fn for_api(&self, api: Api) -> Result<Self, serde_json::Error> {
        let Some(fields) = self.per.get(&api) else { return Ok(Self { per: BTreeMap::new(), ..self.clone() }) };
        let mut value = serde_json::to_value(Self { per: BTreeMap::new(), ..self.clone() })?;
        if let Value::Object(whole) = &mut value {
            whole.extend(fields.clone());
        }
        serde_json::from_value(value)
    }
}
