//! Takes known secret values out of what an agent writes, before anything is made of it.

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};

const STAND_IN: &str = "[redacted]";
/// Shorter values would tear harmless text apart; a token of ours is far longer.
const SECRET_MIN_BYTES: usize = 12;

/// Knows the secret values of one run, also as base64, hexadecimal and in a URL.
#[derive(Clone)]
pub struct Redactor {
    forms: Vec<String>,
}

impl Redactor {
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a SecretString>) -> Self {
        let mut forms: Vec<String> = Vec::new();
        for secret in secrets.into_iter().map(SecretString::expose_secret).filter(|s| s.len() >= SECRET_MIN_BYTES) {
            forms.push(secret.to_owned());
            forms.push(url::form_urlencoded::byte_serialize(secret.as_bytes()).collect());
            forms.push(hex::encode(secret));
            // Inside a longer base64 text the value stands at one of three offsets; its middle reads the same in each.
            for skip in 0..3 {
                let inner: Vec<u8> = secret.bytes().skip(skip).collect();
                forms.push(inner.chunks_exact(3).map(|three| BASE64_STANDARD_NO_PAD.encode(three)).collect());
            }
        }
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        forms.dedup();
        Self { forms }
    }

    pub fn clean(&self, text: String) -> String {
        self.forms.iter().fold(text, |text, form| if text.contains(form) { text.replace(form, STAND_IN) } else { text })
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").field("forms", &self.forms.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "lime_run_s3cr3t/with+signs";

    fn cleaned(text: &str) -> String {
        Redactor::new([&SecretString::from(SECRET)]).clean(text.to_owned())
    }

    #[test]
    fn a_secret_is_taken_out_in_each_form() {
        let padded = |before: &str| BASE64_STANDARD_NO_PAD.encode(format!("{before}{SECRET}"));
        let url: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
        for form in [SECRET.to_owned(), url, hex::encode(SECRET), padded(""), padded("a"), padded("ab"), padded("abc")]
        {
            let text = cleaned(&format!("before {form} after"));
            assert!(text.contains(STAND_IN), "{form}: {text}");
            assert!(!text.contains(&form));
        }
    }

    #[test]
    fn other_text_stays() {
        assert_eq!(cleaned("nothing to see"), "nothing to see");
    }
}
