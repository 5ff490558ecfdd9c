//! Takes known secret values out of text before it is stored or shown.
//!
//! A second net: no secret is in the sandbox in the first place. It finds a value as it is, JSON-escaped (also several
//! times over, as in a command's output within a protocol's line), percent-encoded, in hexadecimal and in base64 (at any
//! offset, both alphabets).

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
/// No key or token is longer; a pattern of such a value would be a burden.
const LONGEST: usize = 16 << 10;

/// Cheap to clone; says nothing of its values in `Debug`.
#[derive(Clone, Default)]
pub struct Scrubber {
    looked_for: LookedFor,
}

#[derive(Clone, Default)]
enum LookedFor {
    #[default]
    Nothing,
    Pattern(Arc<Regex>),
    /// The secrets make no pattern: better to say nothing than too much.
    Everything,
}

impl std::fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scrubber").finish_non_exhaustive()
    }
}

impl Scrubber {
    /// Values of fewer than eight characters are not looked for. Values that are too large for a pattern (16 KiB, or
    /// many that are nearly so) make it take every text away.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a SecretString>) -> Self {
        let mut forms: Vec<String> = Vec::new();
        for secret in secrets {
            let secret = secret.expose_secret().trim();
            if secret.len() > LONGEST {
                return Self { looked_for: LookedFor::Everything };
            }
            if secret.len() >= SHORTEST {
                forms.extend(forms_of(secret));
            }
        }
        if forms.is_empty() {
            return Self::default();
        }
        // The longest first, so that a form within another leaves nothing of the longer one.
        forms.sort_unstable_by_key(|form| std::cmp::Reverse(form.len()));
        forms.dedup();
        let pattern = Regex::new(&forms.join("|"));
        Self { looked_for: pattern.map_or(LookedFor::Everything, |pattern| LookedFor::Pattern(Arc::new(pattern))) }
    }

    /// The text without the secrets; borrowed when there are none in it.
    pub fn scrub<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match &self.looked_for {
            LookedFor::Nothing => Cow::Borrowed(text),
            LookedFor::Pattern(pattern) => pattern.replace_all(text, REDACTED),
            LookedFor::Everything => Cow::Borrowed(REDACTED),
        }
    }

    /// The same for a text that is at hand: it is not copied when there is nothing in it.
    pub fn clean(&self, text: String) -> String {
        let scrubbed = match self.scrub(&text) {
            Cow::Borrowed(same) if std::ptr::eq(same, text.as_str()) => None,
            Cow::Borrowed(other) => Some(other.to_owned()),
            Cow::Owned(clean) => Some(clean),
        };
        scrubbed.unwrap_or(text)
    }
}

fn forms_of(secret: &str) -> Vec<String> {
    let exact = |text: &str| regex::escape(text);
    let mut forms = vec![exact(secret), format!("(?i:{})", hex::encode(secret)), escaped(secret)];
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

/// Each character as it is, percent-encoded, or as JSON escapes it at any depth: encoders differ in which ones they
/// leave alone.
fn escaped(secret: &str) -> String {
    let any = |sign: char| {
        let mut bytes = [0; 4];
        let percent: Vec<_> = sign.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02x}")).collect();
        let mut units = [0; 2];
        let unicode: Vec<_> = sign.encode_utf16(&mut units).iter().map(|unit| format!(r"\\+u{unit:04x}")).collect();
        let plain = match sign {
            '\\' => r"\\+".to_owned(),
            '"' | '/' => format!(r"\\*{sign}"),
            other => regex::escape(&other.to_string()),
        };
        format!("(?:{plain}|(?i:{}|{}))", percent.concat(), unicode.concat())
    };
    secret.chars().map(any).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const KEY: &str = "sk-proj-Ab+/9 \"canary\"~x=\\ZZ-é";

    fn scrubber() -> Scrubber {
        Scrubber::new([&SecretString::from(KEY), &SecretString::from("short")])
    }

    #[test]
    fn the_value_is_found_in_every_form() {
        let scrubber = scrubber();
        let url: String = url::form_urlencoded::byte_serialize(KEY.as_bytes()).collect();
        let json = serde_json::to_string(KEY).unwrap();
        let forms = [
            KEY.to_owned(),
            json.trim_matches('"').to_owned(),
            json.clone(),
            serde_json::to_string(&json).unwrap(),
            json.replace('/', r"\/").replace('é', r"\u00e9").replace('+', r"\u002B"),
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
            assert_eq!(scrubber.clean(text.clone()), clean);
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
    fn a_line_of_json_stays_one() {
        let line = serde_json::json!({ "output": serde_json::json!({ "key": KEY }).to_string(), "n": 1 }).to_string();
        let clean: serde_json::Value = serde_json::from_str(&scrubber().clean(line)).unwrap();
        assert_eq!(clean, serde_json::json!({ "output": r#"{"key":"[redacted]"}"#, "n": 1 }));
    }

    #[test]
    fn harmless_text_is_left_alone_and_not_copied() {
        assert!(matches!(scrubber().scrub("a short text"), Cow::Borrowed("a short text")));
        assert!(matches!(Scrubber::default().scrub(KEY), Cow::Borrowed(_)));
        assert_eq!(Scrubber::default().clean(KEY.to_owned()), KEY);
    }

    #[test]
    fn secrets_that_make_no_pattern_take_everything_away() {
        let endless = SecretString::from("x\"".repeat(LONGEST));
        let scrubber = Scrubber::new([&endless]);
        assert_eq!(scrubber.scrub("anything at all"), REDACTED);
        assert_eq!(scrubber.clean("ten signs!".to_owned()), REDACTED);
    }

    #[test]
    fn debug_says_nothing() {
        assert_eq!(format!("{:?}", scrubber()), "Scrubber { .. }");
    }
}
