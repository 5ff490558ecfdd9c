//! Reads how many tokens a model call took from the answer as it passes by. Nothing is changed in it.
//!
//! Tolerant on purpose: vendors add event kinds all the time. What cannot be read is estimated from the
//! size of what passed, upwards, and counted: a call never costs nothing because its shape was new.

use serde_json::Value;

/// Of one model call. The three kinds of input do not overlap, whatever the vendor's own fields say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Read for the first time.
    pub input: u64,
    /// Served from the vendor's prompt cache.
    pub cached_input: u64,
    /// Read and written to the prompt cache (Anthropic).
    pub cache_write: u64,
    pub output: u64,
}

/// One line of an event stream longer than this is not looked into: a picture, not a usage.
const LONGEST_LINE: usize = 4 << 20;
/// An answer that is no stream is kept up to here to find its usage.
const LONGEST_BODY: usize = 32 << 20;

/// Follows one answer.
#[derive(Debug)]
pub(crate) struct Meter {
    /// The unfinished line of a stream, or the body so far.
    held: Vec<u8>,
    streamed: bool,
    /// A line that is too long is skipped to its end.
    skipping: bool,
    reported: Tokens,
    /// The vendor's own last word on usage was seen.
    complete: bool,
    model: Option<String>,
    /// Counted from the pieces of text, for an answer that never says or is cut off.
    estimated_output: u64,
}

impl Meter {
    /// `streamed`: the answer is an event stream (`text/event-stream`), not one JSON document.
    pub(crate) fn new(streamed: bool) -> Self {
        Self {
            held: Vec::new(),
            streamed,
            skipping: false,
            reported: Tokens::default(),
            complete: false,
            model: None,
            estimated_output: 0,
        }
    }

    pub(crate) fn see(&mut self, mut bytes: &[u8]) {
        if !self.streamed {
            let room = LONGEST_BODY.saturating_sub(self.held.len()).min(bytes.len());
            self.held.extend_from_slice(bytes.get(..room).unwrap_or_default());
            return;
        }
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at(end);
            bytes = rest.get(1..).unwrap_or_default();
            self.hold(line);
            let line = std::mem::take(&mut self.held);
            if !std::mem::take(&mut self.skipping) {
                self.line(&line);
            }
        }
        self.hold(bytes);
    }

    /// The answer's end. What was counted, or estimated from `asked_bytes` (the question's size) where
    /// the vendor said nothing.
    pub(crate) fn finish(mut self, asked_bytes: u64) -> Counted {
        let rest = std::mem::take(&mut self.held);
        if self.streamed {
            self.line(&rest);
        } else if let Ok(body) = serde_json::from_slice::<Value>(&rest) {
            self.document(&body);
            self.complete = self.reported != Tokens::default();
            self.estimated_output = rest.len() as u64 / 4;
        }
        let mut tokens = self.reported;
        if !self.complete {
            tokens.output = tokens.output.max(self.estimated_output);
            if tokens.input + tokens.cached_input + tokens.cache_write == 0 {
                tokens.input = input_estimate(asked_bytes);
            }
        }
        Counted { tokens, model: self.model, estimated: !self.complete }
    }

    /// Tokens of the answer so far: reported, or estimated from what has passed.
    pub(crate) fn output_so_far(&self) -> u64 {
        self.reported.output.max(self.estimated_output)
    }

    /// The vendor has reported its final usage: nothing more is coming that costs.
    pub(crate) fn complete(&self) -> bool {
        self.complete
    }

    fn hold(&mut self, part: &[u8]) {
        if self.skipping || self.held.len() + part.len() > LONGEST_LINE {
            self.skipping = true;
            self.held = Vec::new();
        } else {
            self.held.extend_from_slice(part);
        }
    }

    fn line(&mut self, line: &[u8]) {
        let Some(data) = line.strip_prefix(b"data:") else { return };
        if let Ok(event) = serde_json::from_slice::<Value>(data) {
            self.event(&event);
        }
    }

    fn event(&mut self, event: &Value) {
        let kind = event.get("type").and_then(Value::as_str).unwrap_or_default();
        match kind {
            // OpenAI Responses: the whole response stands at its end.
            "response.completed" | "response.incomplete" | "response.failed" => {
                if let Some(response) = event.get("response") {
                    self.document(response);
                    self.complete = response.get("usage").is_some_and(Value::is_object);
                }
            }
            // Anthropic: the prompt's tokens at the start, the answer's, cumulative, towards the end.
            "message_start" => {
                if let Some(message) = event.get("message") {
                    self.document(message);
                }
            }
            "message_delta" => self.usage(event.get("usage")),
            "message_stop" => self.complete = true,
            _ if kind.ends_with("delta") => {
                self.estimated_output += text_tokens(event.get("delta"));
            }
            // OpenAI chat: pieces without a type; usage, if asked for, in the last one.
            "" if event.get("choices").is_some() => {
                self.document(event);
                self.complete = event.get("usage").is_some_and(Value::is_object);
                let first = event.get("choices").and_then(|choices| choices.get(0));
                self.estimated_output += text_tokens(first.and_then(|choice| choice.get("delta")));
            }
            _ => {}
        }
    }

    fn document(&mut self, document: &Value) {
        if let Some(model) = document.get("model").and_then(Value::as_str) {
            // A vendor's word, but from outside all the same.
            self.model = Some(model.chars().take(100).collect());
        }
        self.usage(document.get("usage"));
    }

    fn usage(&mut self, usage: Option<&Value>) {
        let Some(usage) = usage.filter(|usage| usage.is_object()) else { return };
        let number = |path: &str| usage.pointer(path).and_then(Value::as_u64);
        if let Some(output) = number("/output_tokens").or_else(|| number("/completion_tokens")) {
            self.reported.output = output;
        }
        let cached =
            number("/input_tokens_details/cached_tokens").or_else(|| number("/prompt_tokens_details/cached_tokens"));
        let Some(input) = number("/input_tokens").or_else(|| number("/prompt_tokens")) else { return };
        if let Some(cached) = cached {
            // OpenAI counts the cached ones within the input.
            self.reported.input = input.saturating_sub(cached);
            self.reported.cached_input = cached;
        } else {
            self.reported.input = input;
            self.reported.cached_input = number("/cache_read_input_tokens").unwrap_or(self.reported.cached_input);
            self.reported.cache_write = number("/cache_creation_input_tokens").unwrap_or(self.reported.cache_write);
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    pub tokens: Tokens,
    pub model: Option<String>,
    pub estimated: bool,
}

/// Tokens of a question of this many bytes of JSON. Text and code take three to four bytes a token, and
/// JSON's own signs make it more.
pub(crate) fn input_estimate(bytes: u64) -> u64 {
    bytes / 4
}

/// A piece of an answer is a token or more.
fn text_tokens(delta: Option<&Value>) -> u64 {
    fn characters(value: &Value) -> usize {
        match value {
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(characters).sum(),
            Value::Object(fields) => {
                fields.iter().filter(|(name, _)| *name != "type").map(|(_, value)| characters(value)).sum()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
    }
    (delta.map_or(0, characters) as u64 / 4).max(1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn stream(text: &str, step: usize) -> Counted {
        let mut meter = Meter::new(true);
        for part in text.as_bytes().chunks(step) {
            meter.see(part);
        }
        meter.finish(4_000)
    }

    const RESPONSES: &str = "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"model\":\"gpt-5.5\",\"usage\":null}}\n\n\
        event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"Hello\"}\n\n\
        event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"model\":\"gpt-5.5-2026-04-01\",\"usage\":{\"input_tokens\":1200,\"input_tokens_details\":{\"cached_tokens\":1000},\"output_tokens\":34,\"total_tokens\":1234}}}\n\n";

    #[test]
    fn responses_are_counted_wherever_the_stream_is_cut_into_pieces() {
        for step in [1, 2, 3, 7, 64, 10_000] {
            let counted = stream(RESPONSES, step);
            assert_eq!(counted.tokens, Tokens { input: 200, cached_input: 1000, cache_write: 0, output: 34 });
            assert_eq!(counted.model.as_deref(), Some("gpt-5.5-2026-04-01"));
            assert!(!counted.estimated);
        }
    }

    #[test]
    fn messages_take_the_prompt_from_the_start_and_the_answer_from_the_last_delta() {
        let text = "event: message_start\r\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-sonnet-4-5\",\"usage\":{\"input_tokens\":3,\"cache_creation_input_tokens\":500,\"cache_read_input_tokens\":9000,\"output_tokens\":1}}}\r\n\r\n\
            data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi\"}}\r\n\r\n\
            data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":77}}\r\n\r\n\
            data: {\"type\":\"message_stop\"}\r\n\r\n";
        let counted = stream(text, 5);
        assert_eq!(counted.tokens, Tokens { input: 3, cached_input: 9000, cache_write: 500, output: 77 });
        assert!(!counted.estimated);
    }

    #[test]
    fn chat_is_counted_when_it_says_and_estimated_when_not() {
        let piece = "data: {\"model\":\"gpt-5-mini\",\"choices\":[{\"delta\":{\"content\":\"word\"}}]}\n\n";
        let usage = "data: {\"model\":\"gpt-5-mini\",\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":3}}\n\ndata: [DONE]\n\n";
        let counted = stream(&format!("{piece}{usage}"), 9);
        assert_eq!((counted.tokens.input, counted.tokens.output, counted.estimated), (10, 3, false));
        let counted = stream(&piece.repeat(20), 9);
        assert_eq!((counted.tokens.input, counted.tokens.output, counted.estimated), (1000, 20, true));
    }

    #[test]
    fn a_stream_that_breaks_off_is_not_free() {
        let cut = RESPONSES.find("event: response.completed").unwrap();
        let counted = stream(RESPONSES.get(..cut).unwrap(), 16);
        assert!(counted.estimated);
        assert_eq!((counted.tokens.input, counted.tokens.output), (1000, 1));
    }

    #[test]
    fn one_document_is_counted_too() {
        let mut meter = Meter::new(false);
        meter.see(br#"{"model":"claude-haiku-4-5","usage":{"input_tokens":7,"#);
        meter.see(br#""output_tokens":2}}"#);
        let counted = meter.finish(100);
        assert_eq!((counted.tokens.input, counted.tokens.output, counted.estimated), (7, 2, false));
    }

    #[test]
    fn rubbish_and_endless_lines_do_no_harm() {
        let mut meter = Meter::new(true);
        meter.see(b"data: {not json\n\ndata: 7\n\n");
        for _ in 0..6 {
            meter.see(&vec![b'x'; 1 << 20]);
        }
        meter.see(b"\n");
        meter.see(RESPONSES.as_bytes());
        assert!(meter.complete());
        assert_eq!(meter.finish(0).tokens.output, 34);
    }
}
