//! The `OpenAI` Responses API: reading a request, writing an answer.

use serde_json::{Value, json};

use super::{
    playback::{Frame, pieces, plain_text, text_of},
    script::{Asked, ErrorTurn, Turn, TurnUsage},
};

/// Items that the assistant made; one turn may leave several in a row.
const MADE: [&str; 4] = ["function_call", "custom_tool_call", "local_shell_call", "reasoning"];

pub(super) fn read(body: &Value) -> Asked {
    let mut asked = Asked { tools: tool_names(body), ..Asked::default() };
    match body.get("input") {
        Some(Value::String(text)) => asked.user.clone_from(text),
        Some(Value::Array(items)) => {
            let mut inside = false;
            for item in items {
                let role = text_of(item, "role");
                let made = role == "assistant" || MADE.contains(&text_of(item, "type"));
                if made && !inside {
                    asked.done += 1;
                }
                inside = made;
                if role == "user" {
                    asked.user.push_str(&plain_text(item.get("content")));
                    asked.user.push('\n');
                }
            }
        }
        _ => {}
    }
    asked
}

fn tool_names(body: &Value) -> Vec<String> {
    let tools = body.get("tools").and_then(Value::as_array).into_iter().flatten();
    tools
        .map(|tool| match text_of(tool, "name") {
            "" => text_of(tool, "type").to_owned(),
            name => name.to_owned(),
        })
        .collect()
}

fn items(turn: &Turn, uid: &str) -> Vec<Value> {
    let mut items = Vec::new();
    if !turn.thinking.is_empty() {
        items.push(json!({
            "type": "reasoning", "id": format!("rs_{uid}"), "encrypted_content": null,
            "summary": [{"type": "summary_text", "text": turn.thinking}],
        }));
    }
    if !turn.text.is_empty() {
        items.push(json!({
            "type": "message", "id": format!("msg_{uid}"), "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": turn.text, "annotations": []}],
        }));
    }
    for (at, tool) in turn.tools.iter().enumerate() {
        let call_id = tool.id.clone().unwrap_or_else(|| format!("call_{uid}_{at}"));
        let (kind, carries) = if tool.custom { ("custom_tool_call", "input") } else { ("function_call", "arguments") };
        let mut item = json!({
            "type": kind, "id": format!("fc_{uid}_{at}"), "call_id": call_id, "name": tool.name, "status": "completed",
        });
        if let Value::Object(fields) = &mut item {
            fields.insert(carries.into(), tool.arguments().into());
            if let Some(namespace) = &tool.namespace {
                fields.insert("namespace".into(), namespace.clone().into());
            }
        }
        items.push(item);
    }
    items
}

pub(super) fn whole(body: &Value, turn: &Turn, uid: &str) -> Value {
    // A vendor keeps to the bound that it is told.
    let bound = body.get("max_output_tokens").and_then(Value::as_u64).unwrap_or(u64::MAX);
    let usage = TurnUsage { output: turn.usage.output.min(bound), ..turn.usage };
    json!({
        "id": format!("resp_{uid}"), "object": "response", "created_at": 0, "status": "completed",
        "model": body.get("model").cloned().unwrap_or_else(|| "scripted".into()),
        "output": items(turn, uid),
        "usage": {
            "input_tokens": usage.input,
            "input_tokens_details": {"cached_tokens": usage.cache_read},
            "output_tokens": usage.output,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": usage.input + usage.output,
        },
    })
}

pub(super) fn frames(body: &Value, turn: &Turn, uid: &str) -> Vec<Frame> {
    let full = whole(body, turn, uid);
    let mut frames = Frames::default();
    let mut opening = full.clone();
    if let Value::Object(fields) = &mut opening {
        fields.insert("status".into(), "in_progress".into());
        fields.insert("output".into(), json!([]));
        fields.insert("usage".into(), Value::Null);
    }
    frames.push("response.created", json!({"response": opening}));
    for (at, item) in items(turn, uid).into_iter().enumerate() {
        let id = text_of(&item, "id").to_owned();
        let kind = text_of(&item, "type").to_owned();
        let mut blank = item.clone();
        if let (Value::Object(fields), "message") = (&mut blank, kind.as_str()) {
            fields.insert("content".into(), json!([]));
        }
        frames.push("response.output_item.added", json!({"output_index": at, "item": blank}));
        if kind == "message" {
            for piece in pieces(&turn.text) {
                let delta = json!({"output_index": at, "item_id": id, "content_index": 0, "delta": piece});
                frames.push("response.output_text.delta", delta);
            }
            let done = json!({"output_index": at, "item_id": id, "content_index": 0, "text": turn.text});
            frames.push("response.output_text.done", done);
        } else if kind == "reasoning" {
            for piece in pieces(&turn.thinking) {
                let delta = json!({"output_index": at, "item_id": id, "summary_index": 0, "delta": piece});
                frames.push("response.reasoning_summary_text.delta", delta);
            }
        }
        frames.push("response.output_item.done", json!({"output_index": at, "item": item}));
    }
    frames.push("response.completed", json!({"response": full}));
    frames.0
}

#[derive(Default)]
struct Frames(Vec<Frame>);

impl Frames {
    /// Adds a frame with its type and its place in the stream.
    fn push(&mut self, event: &'static str, mut data: Value) {
        if let Value::Object(fields) = &mut data {
            fields.insert("type".into(), event.into());
            fields.insert("sequence_number".into(), self.0.len().into());
        }
        self.0.push(Frame { event, data });
    }
}

pub(super) fn refusal(error: &ErrorTurn) -> Value {
    json!({"error": {"type": error.kind, "code": error.kind, "message": error.message}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_of_one_turn_count_once_and_a_tool_result_ends_the_turn() {
        let asked =
            read(&json!({"tools": [{"type": "function", "name": "exec_command"}, {"type": "web_search"}], "input": [
                {"role": "developer", "content": "rules"},
                {"role": "user", "content": [{"type": "input_text", "text": "fix it"}]},
                {"type": "reasoning"}, {"role": "assistant", "content": []}, {"type": "function_call"},
                {"type": "function_call_output"},
                {"type": "custom_tool_call"}, {"type": "custom_tool_call_output"},
                {"role": "user", "content": "and more"},
            ]}));
        assert_eq!(asked.done, 2);
        assert_eq!(asked.user, "fix it\nand more\n");
        assert_eq!(asked.tools, ["exec_command", "web_search"]);
    }

    #[test]
    fn frames_number_themselves_and_end_with_the_whole_answer() {
        let turn = Turn::saying("A text of more than one piece.").calling("create_ticket", json!({"kind": "epic"}));
        let frames = frames(&json!({"model": "m"}), &turn, "7");
        let numbers: Vec<_> = frames.iter().map(|f| f.data["sequence_number"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (0..frames.len() as u64).collect::<Vec<_>>());
        let said: String = frames.iter().filter_map(|f| f.data["delta"].as_str()).collect();
        assert_eq!(said, turn.text);
        let last = frames.last().unwrap();
        assert_eq!(last.event, "response.completed");
        assert_eq!(last.data["response"]["output"][1]["arguments"], r#"{"kind":"epic"}"#);
        assert_eq!(last.data["response"]["usage"]["total_tokens"], 1_050);
        let bounded = whole(&json!({"model": "m", "max_output_tokens": 20}), &turn, "7");
        assert_eq!(bounded["usage"]["output_tokens"], 20);
    }
}
