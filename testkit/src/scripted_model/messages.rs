//! The Anthropic Messages API: reading a request, writing an answer.

use serde_json::{Value, json};

use super::{
    playback::{Frame, pieces, plain_text, text_of},
    script::{Asked, ErrorTurn, Turn},
};

pub(super) fn read(body: &Value) -> Asked {
    let tools = body.get("tools").and_then(Value::as_array).into_iter().flatten();
    let mut asked = Asked { tools: tools.map(|t| text_of(t, "name").to_owned()).collect(), ..Asked::default() };
    let mut last = "";
    for message in body.get("messages").and_then(Value::as_array).into_iter().flatten() {
        let role = text_of(message, "role");
        if role == "assistant" && last != "assistant" {
            asked.done += 1;
        }
        if role == "user" {
            asked.user.push_str(&plain_text(message.get("content")));
            asked.user.push('\n');
        }
        if role != "system" {
            last = role;
        }
    }
    asked
}

fn blocks(turn: &Turn, uid: &str) -> Vec<Value> {
    let mut blocks = Vec::new();
    if !turn.thinking.is_empty() {
        blocks.push(json!({"type": "thinking", "thinking": turn.thinking, "signature": "scripted"}));
    }
    if !turn.text.is_empty() {
        blocks.push(json!({"type": "text", "text": turn.text}));
    }
    for (at, tool) in turn.tools.iter().enumerate() {
        let id = tool.id.clone().unwrap_or_else(|| format!("toolu_{uid}_{at}"));
        blocks.push(json!({"type": "tool_use", "id": id, "name": tool.name, "input": tool.input}));
    }
    blocks
}

pub(super) fn whole(body: &Value, turn: &Turn, uid: &str) -> Value {
    let usage = turn.usage;
    json!({
        "id": format!("msg_{uid}"), "type": "message", "role": "assistant",
        "model": body.get("model").cloned().unwrap_or_else(|| "scripted".into()),
        "content": blocks(turn, uid),
        "stop_reason": if turn.tools.is_empty() { "end_turn" } else { "tool_use" },
        "stop_sequence": null,
        "usage": {
            "input_tokens": usage.input, "output_tokens": usage.output,
            "cache_read_input_tokens": usage.cache_read, "cache_creation_input_tokens": usage.cache_write,
        },
    })
}

pub(super) fn frames(body: &Value, turn: &Turn, uid: &str) -> Vec<Frame> {
    let full = whole(body, turn, uid);
    let mut frames = Vec::new();
    let mut push = |event: &'static str, mut data: Value| {
        if let Value::Object(fields) = &mut data {
            fields.insert("type".into(), event.into());
        }
        frames.push(Frame { event, data });
    };
    let mut opening = full.clone();
    if let Value::Object(fields) = &mut opening {
        fields.insert("content".into(), json!([]));
        fields.insert("stop_reason".into(), Value::Null);
        if let Some(Value::Object(usage)) = fields.get_mut("usage") {
            usage.insert("output_tokens".into(), 1.into());
        }
    }
    push("message_start", json!({"message": opening}));
    for (index, block) in blocks(turn, uid).into_iter().enumerate() {
        let (start, deltas) = opened(turn, block);
        push("content_block_start", json!({"index": index, "content_block": start}));
        for delta in deltas {
            push("content_block_delta", json!({"index": index, "delta": delta}));
        }
        push("content_block_stop", json!({"index": index}));
    }
    let delta = json!({"stop_reason": full.get("stop_reason"), "stop_sequence": null});
    push("message_delta", json!({"delta": delta, "usage": full.get("usage")}));
    push("message_stop", json!({}));
    frames
}

/// A block as it opens, and the deltas that fill it.
fn opened(turn: &Turn, mut block: Value) -> (Value, Vec<Value>) {
    let kind = text_of(&block, "type").to_owned();
    let input = block.get("input").cloned().unwrap_or_default();
    let Value::Object(fields) = &mut block else { return (block, Vec::new()) };
    let deltas = match kind.as_str() {
        "text" => {
            fields.insert("text".into(), "".into());
            pieces(&turn.text).map(|p| json!({"type": "text_delta", "text": p})).collect()
        }
        "thinking" => {
            fields.insert("thinking".into(), "".into());
            fields.insert("signature".into(), "".into());
            let signature = json!({"type": "signature_delta", "signature": "scripted"});
            let thoughts = pieces(&turn.thinking).map(|p| json!({"type": "thinking_delta", "thinking": p}));
            thoughts.chain([signature]).collect()
        }
        _ => {
            fields.insert("input".into(), json!({}));
            let text = input.as_str().map_or_else(|| input.to_string(), str::to_owned);
            pieces(&text).map(|p| json!({"type": "input_json_delta", "partial_json": p})).collect()
        }
    };
    (block, deltas)
}

/// A rough count, four bytes a token: agents only want an order of magnitude.
pub(super) fn count_tokens(body: &[u8]) -> Value {
    json!({"input_tokens": body.len() / 4})
}

pub(super) fn refusal(error: &ErrorTurn) -> Value {
    json!({"type": "error", "error": {"type": error.kind, "message": error.message}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assistant_messages_in_a_row_are_one_turn() {
        let asked = read(&json!({"tools": [{"name": "Bash"}], "messages": [
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": "a"}, {"role": "system", "content": "s"}, {"role": "assistant", "content": "b"},
            {"role": "user", "content": [{"type": "tool_result"}, {"type": "text", "text": "on"}]},
        ]}));
        assert_eq!(asked, Asked { user: "go\non\n".into(), done: 1, tools: vec!["Bash".into()] });
    }

    #[test]
    fn the_stream_rebuilds_the_whole_message() {
        let turn =
            Turn { thinking: "First the code, then the test.".into(), ..Turn::saying("I will read the code now.") }
                .calling("Bash", json!({"command": "cat src/rates.py && true"}));
        let frames = frames(&json!({}), &turn, "3");
        let text = |field: &str| -> String { frames.iter().filter_map(|f| f.data["delta"][field].as_str()).collect() };
        assert_eq!(text("text"), turn.text);
        assert_eq!(text("thinking"), turn.thinking);
        assert_eq!(serde_json::from_str::<Value>(&text("partial_json")).unwrap(), turn.tools[0].input);
        assert_eq!(frames[frames.len() - 2].data["delta"]["stop_reason"], "tool_use");
        assert_eq!(frames.last().unwrap().event, "message_stop");
    }
}
