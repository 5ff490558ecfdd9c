//! Takes known secret values out of text before it is stored or shown.
//!
//! A second net: no secret is in the sandbox in the first place. It finds a value as it is, in base64
//! (at any offset, both alphabets), in hexadecimal, percent-encoded and JSON-escaped.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use regex::Regex;
use secrecy::{ExposeSecret, SecretString};

/// What stands in a secret's place.
pub const REDACTED: &str = "[redacted]";

/// Shorter values would take harmless words out of a text.
const SHORTEST: usize = 8;

/// Cheap to clone; says nothing of its values in `Debug`.
#[derive(Clone, Default)]
pub struct Scrubber {
    pattern: Option<Arc<Regex>>,
}

impl std::fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scrubber").finish_non_exhaustive()
    }
}

impl Scrubber {
    /// Values of fewer than eight characters are not looked for.
    ///
    /// # Errors
    /// Too many or too large values for one pattern (some thousands).
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a SecretString>) -> Result<Self, ScrubberError> {
        let mut forms: Vec<String> = Vec::new();
        for secret in secrets {
            let secret = secret.expose_secret().trim();
            if secret.len() >= SHORTEST {
                forms.extend(forms_of(secret));
            }
        }
        if forms.is_empty() {
            return Ok(Self::default());
        }
        // The longest first, so that a form within another leaves nothing of the longer one.
        forms.sort_unstable_by_key(|form| std::cmp::Reverse(form.len()));
        forms.dedup();
        let pattern = Regex::new(&forms.join("|")).map_err(|_| ScrubberError)?;
        Ok(Self { pattern: Some(Arc::new(pattern)) })
    }

    /// The text without the secrets; borrowed when there are none in it.
    pub fn scrub<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match &self.pattern {
            Some(pattern) => pattern.replace_all(text, REDACTED),
            None => Cow::Borrowed(text),
        }
    }
}

/// The secrets do not make a pattern. Does not say which: it is printed.
#[derive(Debug, thiserror::Error)]
#[error("too many secret values to look for")]
pub struct ScrubberError;

fn forms_of(secret: &str) -> Vec<String> {
    let exact = |text: &str| regex::escape(text);
    let mut forms = vec![exact(secret), format!("(?i:{})", hex::encode(secret))];
    let json = serde_json::to_string(secret).unwrap_or_default();
    forms.push(exact(json.trim_matches('"')));
    forms.push(percent(secret));
    for offset in 0..3 {
        // Three bytes make four characters. With `offset` unknown bytes before it, the first characters
        // depend on those, the last on what follows; between them the secret alone decides.
        let mut bytes = vec![0; offset];
        bytes.extend_from_slice(secret.as_bytes());
        let from = (offset * 8).div_ceil(6);
        let to = bytes.len() * 8 / 6;
        for alphabet in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
            if let Some(sure) = alphabet.get(from..to).filter(|sure| sure.len() >= SHORTEST) {
                forms.push(exact(sure));
            }
        }
    }
    forms
}

/// Each character as it is or percent-encoded: encoders differ in which ones they leave alone.
fn percent(secret: &str) -> String {
    let either = |byte: u8| {
        let plain = regex::escape(&char::from(byte).to_string());
        if byte.is_ascii() { format!("(?:{plain}|(?i:%{byte:02x}))") } else { format!("(?i:%{byte:02x})") }
    };
    secret.bytes().map(either).collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const KEY: &str = "sk-proj-Ab+/9 \"canary\"~x=ZZ";

    fn scrubber() -> Scrubber {
        Scrubber::new([&SecretString::from(KEY), &SecretString::from("short")]).unwrap()
    }

    #[test]
    fn the_value_is_found_in_every_form() {
        let scrubber = scrubber();
        let url: String = url::form_urlencoded::byte_serialize(KEY.as_bytes()).collect();
        let forms = [
            KEY.to_owned(),
            serde_json::to_string(KEY).unwrap(),
            hex::encode(KEY),
            hex::encode_upper(KEY),
            url.replace('+', "%20"),
            KEY.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat(),
        ];
        for form in forms {
            let text = format!("before {form} after");
            let clean = scrubber.scrub(&text);
            assert!(clean.contains(REDACTED) && clean.starts_with("before ") && clean.ends_with(" after"), "{clean}");
            assert!(!clean.contains("canary"), "{clean}");
        }
    }

    #[test]
    fn base64_is_found_at_any_offset_and_in_both_alphabets() {
        for before in ["", "a", "ab", "abc", "Authorization: Bearer "] {
            for after in ["", "z", "zz"] {
                let text = format!("{before}{KEY}{after}");
                for encoded in [base64::engine::general_purpose::STANDARD.encode(&text), URL_SAFE_NO_PAD.encode(&text)]
                {
                    let clean = scrubber().scrub(&encoded).into_owned();
                    assert!(clean.contains(REDACTED), "{before:?} {after:?}");
                }
            }
        }
    }

    #[test]
    fn harmless_text_is_left_alone_and_not_copied() {
        assert!(matches!(scrubber().scrub("a short text"), Cow::Borrowed("a short text")));
        assert!(matches!(Scrubber::default().scrub(KEY), Cow::Borrowed(_)));
    }

    #[test]
    fn debug_says_nothing() {
        assert_eq!(format!("{:?}", scrubber()), "Scrubber { .. }");
    }
}
