//! What must be in place before Codex starts: its settings file, its environment, its arguments.

use std::path::Path;

use secrecy::ExposeSecret as _;

use crate::agents::driver::{HomeFile, LaunchPaths, LaunchPlan, RunSpec};

/// Asked for when a run names no model.
pub const DEFAULT_MODEL: &str = "gpt-5.5";

/// Holds the run's token; the settings name it, and commands of the agent do not get it.
const TOKEN_VARIABLE: &str = "LIME_RUN_TOKEN";

pub(super) fn plan(spec: &RunSpec, paths: &LaunchPaths) -> LaunchPlan {
    let home = paths.agent_home.display().to_string();
    let package = paths.program.parent().and_then(Path::parent);
    let own_tools = package.map(|p| p.join("codex-path").display().to_string());
    let path: Vec<_> = own_tools.into_iter().chain(["/usr/local/bin:/usr/bin:/bin".to_owned()]).collect();
    let environment = [
        ("PATH", path.join(":")),
        ("HOME", home.clone()),
        ("CODEX_HOME", home),
        ("LANG", "C.UTF-8".to_owned()),
        ("TERM", "dumb".to_owned()),
        (TOKEN_VARIABLE, spec.run_token.expose_secret().to_owned()),
        // The agent commits as itself; who stands behind the run is in the log, not in the commit.
        ("GIT_AUTHOR_NAME", "Codex".to_owned()),
        ("GIT_AUTHOR_EMAIL", "codex@agents.invalid".to_owned()),
        ("GIT_COMMITTER_NAME", "Codex".to_owned()),
        ("GIT_COMMITTER_EMAIL", "codex@agents.invalid".to_owned()),
        ("GIT_TERMINAL_PROMPT", "0".to_owned()),
    ];
    LaunchPlan {
        program: paths.program.clone(),
        arguments: vec!["app-server".to_owned()],
        environment: environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        home_files: vec![HomeFile { path: "config.toml".into(), contents: settings(spec) }],
        read_only: package.map(Path::to_path_buf).into_iter().collect(),
    }
}

/// Everything that would talk to anyone but the model, or take orders from the repository, is off.
///
/// `project_doc_max_bytes = 0` and the untrusted folder keep a repository's own agent settings and instructions out;
/// the agent may still read them as the files that they are.
fn settings(spec: &RunSpec) -> String {
    let model = text(spec.model.as_deref().unwrap_or(DEFAULT_MODEL));
    let base_url = text(&spec.model_base_url);
    let folder = text(&spec.cwd.display().to_string());
    format!(
        r#"model = {model}
model_provider = "lime"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false
project_doc_max_bytes = 0
web_search = "disabled"

[model_providers.lime]
name = "Assembly Lime"
base_url = {base_url}
wire_api = "responses"
env_key = "{TOKEN_VARIABLE}"
supports_websockets = false
request_max_retries = 3
stream_max_retries = 3
stream_idle_timeout_ms = 120000

[projects.{folder}]
trust_level = "untrusted"

[shell_environment_policy]
inherit = "all"
exclude = ["LIME_*", "CODEX_HOME"]

[analytics]
enabled = false

[feedback]
enabled = false

[history]
persistence = "none"

[agents]
enabled = false

[skills.bundled]
enabled = false

[features]
apps = false
browser_use = false
computer_use = false
goals = false
hooks = false
image_generation = false
in_app_browser = false
memories = false
plugins = false
remote_plugin = false
shell_snapshot = false
skill_search = false
sleep_tool = false
tool_suggest = false
unbounded_connection_retries = false
"#
    )
}

/// A TOML basic string.
fn text(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.extend(format!("\\u{:04X}", u32::from(c)).chars()),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
