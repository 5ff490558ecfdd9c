//! Text of any length inside events of bounded size: cut with a marker, or linked to the object store.

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A text that an event carries.
///
/// In JSON its fields stand beside the event's own: `text`, and when it was too long `omitted_bytes` and, where the
/// whole could be stored, `attachment`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The text, or its beginning.
    pub text: String,
    /// Bytes of UTF-8 that were left out; 0 when the text is whole.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub omitted_bytes: u64,
    /// The whole text in the object store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment: Option<AttachmentRef>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// Names a stored file by its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentRef {
    /// SHA-256, hex: its name in the object store.
    pub digest: String,
    pub size_bytes: u64,
    pub mime: String,
}

/// Where content goes that is larger than an event may be. The worker gives the object store.
#[async_trait]
pub trait AttachmentStore: Send + Sync {
    /// Keeps the bytes and returns their name; the same bytes have the same name.
    async fn keep(&self, mime: &str, bytes: Bytes) -> Result<AttachmentRef, AttachmentError>;
}

#[derive(Debug, thiserror::Error)]
#[error("failed to keep an attachment")]
pub struct AttachmentError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

impl Content {
    pub fn whole(text: impl Into<String>) -> Self {
        Self { text: text.into(), omitted_bytes: 0, attachment: None }
    }

    /// Cut so that its text takes at most `max_json_bytes` inside JSON, with a marker that says how much is missing.
    #[must_use]
    pub fn cut(self, max_json_bytes: usize) -> Self {
        if json_len(&self.text) <= max_json_bytes {
            return self;
        }
        let kept = fitting(&self.text, max_json_bytes.saturating_sub(MARKER_ROOM));
        let omitted = self.omitted_bytes + (self.text.len() - kept.len()) as u64;
        Self {
            text: format!("{kept}\n[… {omitted} bytes more]"), omitted_bytes: omitted, attachment: self.attachment
        }
    }

    /// Like [`Content::cut`], but first keeps the whole in `store`. When that fails the text is still cut: an event is
    /// never lost because the object store is down.
    pub async fn linked(self, max_json_bytes: usize, mime: &str, store: &dyn AttachmentStore) -> Self {
        if self.attachment.is_some() || json_len(&self.text) <= max_json_bytes {
            return self.cut(max_json_bytes);
        }
        let attachment = match store.keep(mime, Bytes::from(self.text.clone())).await {
            Ok(kept) => Some(kept),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a long text is cut instead of attached");
                None
            }
        };
        Self { attachment, ..self }.cut(max_json_bytes)
    }
}

/// Room for the marker's words and a number of up to 20 digits.
const MARKER_ROOM: usize = 64;

/// The longest beginning, in whole characters, whose JSON form takes at most `max` bytes.
fn fitting(text: &str, max: usize) -> &str {
    let mut taken = 0;
    let end = text.char_indices().find(|(_, c)| {
        taken += json_char_len(*c);
        taken > max
    });
    end.and_then(|(at, _)| text.get(..at)).unwrap_or(text)
}

/// Bytes that the text takes inside a JSON string.
fn json_len(text: &str) -> usize {
    text.chars().map(json_char_len).sum()
}

fn json_char_len(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        c if u32::from(c) < 0x20 => 6,
        c => c.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn a_text_that_fits_stays_as_it_is() {
        assert_eq!(Content::whole("plain").cut(5), Content::whole("plain"));
    }

    #[test]
    fn a_cut_text_says_how_much_is_missing_and_its_json_fits() {
        for text in ["a".repeat(10_000), "\u{1}".repeat(10_000), "ä\"\n".repeat(4_000)] {
            let cut = Content::whole(text.as_str()).cut(1_000);
            let (kept, marker) = cut.text.rsplit_once("\n[… ").unwrap();
            assert!(text.starts_with(kept));
            assert_eq!(cut.omitted_bytes, (text.len() - kept.len()) as u64);
            assert_eq!(marker, format!("{} bytes more]", cut.omitted_bytes));
            assert!(serde_json::to_string(&cut.text).unwrap().len() <= 1_002);
        }
    }

    #[test]
    fn the_counted_length_is_what_serde_writes() {
        let text: String = (0..0x300).filter_map(char::from_u32).chain(['\u{2028}', '🍋']).collect();
        assert_eq!(json_len(&text) + 2, serde_json::to_string(&text).unwrap().len());
    }

    struct Kept;

    #[async_trait]
    impl AttachmentStore for Kept {
        async fn keep(&self, mime: &str, bytes: Bytes) -> Result<AttachmentRef, AttachmentError> {
            Ok(AttachmentRef { digest: "d".into(), size_bytes: bytes.len() as u64, mime: mime.into() })
        }
    }

    struct Down;

    #[async_trait]
    impl AttachmentStore for Down {
        async fn keep(&self, _: &str, _: Bytes) -> Result<AttachmentRef, AttachmentError> {
            Err(AttachmentError("no space".into()))
        }
    }

    #[tokio::test]
    async fn a_long_text_is_linked_and_without_a_store_still_cut() {
        let long = Content::whole("x".repeat(5_000));
        let linked = long.clone().linked(1_000, "text/plain", &Kept).await;
        assert_eq!(linked.attachment.unwrap().size_bytes, 5_000);
        let cut = long.linked(1_000, "text/plain", &Down).await;
        assert_eq!(cut.attachment, None);
        assert!(cut.omitted_bytes > 4_000);
    }
}
