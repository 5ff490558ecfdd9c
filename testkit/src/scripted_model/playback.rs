//! Playing frames to a client as server-sent events, with the waits and faults that the turn asks for.

use std::{io, time::Duration};

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::script::Turn;

/// Characters of text in one delta.
const PIECE_CHARS: usize = 24;

/// Between a stream's opening and its cut.
const OPENING_LEAVES: Duration = Duration::from_millis(30);

#[derive(Debug)]
pub(super) struct Frame {
    pub(super) event: &'static str,
    pub(super) data: Value,
}

impl Frame {
    fn encoded(&self) -> Bytes {
        format!("event: {}\ndata: {}\n\n", self.event, self.data).into()
    }
}

/// The body of a streamed answer.
///
/// A turn that hangs sends its first frame and then nothing until the client goes or the model stops; one that is cut
/// sends its first frame and then breaks the connection.
pub(super) fn body(
    frames: Vec<Frame>,
    turn: &Turn,
    stopping: CancellationToken,
) -> impl Stream<Item = io::Result<Bytes>> + use<> {
    let pause = Duration::from_millis(turn.chunk_ms);
    let (hang, cut) = (turn.hang, turn.cut);
    stream::iter(frames.into_iter().enumerate()).then(move |(at, frame)| {
        let stopping = stopping.clone();
        async move {
            if at > 0 && cut {
                // The opening must have left before the connection breaks.
                tokio::time::sleep(OPENING_LEAVES).await;
                return Err(io::Error::new(io::ErrorKind::ConnectionReset, "the script cuts the stream here"));
            }
            if at > 0 && hang {
                stopping.cancelled().await;
                return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the scripted model stops"));
            }
            if at > 0 && !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            Ok(frame.encoded())
        }
    })
}

/// The text in pieces as a model would stream it; one empty piece for an empty text.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = text.char_indices().nth(PIECE_CHARS).map_or(text.len(), |(at, _)| at);
        let (piece, after) = text.split_at(end);
        rest = (!after.is_empty()).then_some(after);
        Some(piece)
    })
}

/// A string field, or "" when it is absent or no string.
pub(super) fn text_of<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// A message's text: it may be a string, or blocks of which some have text.
pub(super) fn plain_text(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(blocks)) => {
            let texts: Vec<_> = blocks.iter().map(|b| text_of(b, "text")).filter(|t| !t.is_empty()).collect();
            texts.join("\n")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_keep_every_character_whole() {
        let text = "ä".repeat(PIECE_CHARS + 1);
        assert_eq!(pieces(&text).map(|p| p.chars().count()).collect::<Vec<_>>(), [PIECE_CHARS, 1]);
        assert_eq!(pieces("").collect::<Vec<_>>(), [""]);
    }
}
