//! The digest of a run's transcript, as `transcript.md` specifies it.

use ring::digest::{Context, SHA256};

const HEADER: &[u8] = b"lime.transcript.v1\0";

/// Takes rows by `seq` ascending and ends in SHA-256, hex.
#[derive(Clone)]
pub struct Digest(Context);

impl Digest {
    pub fn new() -> Self {
        let mut context = Context::new(&SHA256);
        context.update(HEADER);
        Self(context)
    }

    /// `at_us` is microseconds since 1970; `payload` is the JSON text as stored.
    pub fn add(&mut self, seq: u64, at_us: i64, kind: &str, payload: &str) {
        self.0.update(&seq.to_be_bytes());
        self.0.update(&at_us.to_be_bytes());
        for text in [kind, payload] {
            // A row is capped far below 4 GiB.
            self.0.update(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
            self.0.update(text.as_bytes());
        }
    }

    pub fn finish(self) -> String {
        hex::encode(self.0.finish())
    }
}

impl Default for Digest {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digest(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_the_specified_one() {
        assert_eq!(Digest::new().finish(), EMPTY);
        let mut digest = Digest::new();
        digest.add(1, 1_700_000_000_000_000, "message", r#"{"text":"Started"}"#);
        digest.add(2, 1_700_000_000_050_000, "log", r#"{"text":"$ cargo test"}"#);
        assert_eq!(digest.finish(), TWO_ROWS);
    }

    #[test]
    fn where_a_field_ends_is_part_of_it() {
        let one = |kind: &str, payload: &str| {
            let mut digest = Digest::new();
            digest.add(1, 0, kind, payload);
            digest.finish()
        };
        assert_ne!(one("log", "1"), one("lo", "g1"));
    }

    const EMPTY: &str = "0d16673e55312eeeca8182c033db39018bbe0c350e335428b5ca5335629c9bb0";
    const TWO_ROWS: &str = "6d7ea971fe71c3fe8ed9cd16c1bca5181a587c7855ea5ed4ef89d4f1c78f99c4";
}
