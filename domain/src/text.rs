//! What text may hold, checked at the command boundary.
//!
//! A *line* (title, name, label) is what lists and logs show: it holds no control character and nothing invisible that
//! reorders or hides text. A *text* (description, comment, prompt) is markdown: it keeps its lines and its direction.

use unicode_normalization::UnicodeNormalization;

/// Why a line was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineProblem {
    #[error("is empty")]
    Empty,
    #[error("is longer than {max_chars} characters")]
    TooLong { max_chars: usize },
    /// Such a line reads otherwise than it is stored: refused and not silently repaired, because whoever sent it did
    /// not type it.
    #[error("holds characters that change the direction of text")]
    Bidi,
}

/// A line as it is stored: NFC, control and invisible characters gone, white space collapsed, trimmed.
///
/// # Errors
/// [`LineProblem`]; the length is counted in characters of the result.
pub fn line(text: &str, max_chars: usize) -> Result<String, LineProblem> {
    if text.chars().any(is_bidi_control) {
        return Err(LineProblem::Bidi);
    }
    // A bound on the work before the exact count: NFC never makes less than a third of the characters.
    if text.chars().nth(max_chars.saturating_mul(8)).is_some() {
        return Err(LineProblem::TooLong { max_chars });
    }
    let visible = text.chars().map(|c| if c.is_control() || c.is_whitespace() { ' ' } else { c });
    let composed: String = visible.filter(|c| !is_invisible(*c)).nfc().collect();
    let line = composed.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.chars().count() {
        0 => Err(LineProblem::Empty),
        count if count > max_chars => Err(LineProblem::TooLong { max_chars }),
        _ => Ok(line),
    }
}

/// The stable reason for a refused title.
pub(crate) const fn title_reason(problem: LineProblem) -> &'static str {
    match problem {
        LineProblem::Empty => "TITLE_EMPTY",
        LineProblem::TooLong { .. } => "TITLE_TOO_LONG",
        LineProblem::Bidi => "TITLE_BIDI",
    }
}

/// The stable reason for a refused name.
pub(crate) const fn name_reason(problem: LineProblem) -> &'static str {
    match problem {
        LineProblem::Empty => "NAME_EMPTY",
        LineProblem::TooLong { .. } => "NAME_TOO_LONG",
        LineProblem::Bidi => "NAME_BIDI",
    }
}

/// A markdown text as it is stored: NFC, line ends as `\n`, no control characters but tab and line end, no invisible
/// tags, no white space at the end. Its size is for the caller to check.
pub fn text(text: &str) -> String {
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    let kept = lines.chars().filter(|c| matches!(c, '\n' | '\t') || !(c.is_control() || is_tag(*c)));
    let composed: String = kept.nfc().collect();
    composed.trim_end().to_owned()
}

/// The longest beginning of `text` that has at most `max_bytes` and ends between characters.
pub fn cut(text: &str, max_bytes: usize) -> &str {
    let end = (0..=max_bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}

/// Overrides, embeddings and isolates: these make a line show what it does not say.
const fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Zero-width characters, direction marks, fillers and tags. The joiners U+200C and U+200D stay: Persian and emoji
/// need them.
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{00ad}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}'
    ) || is_tag(c)
}

/// Text that only machines read: the carrier of hidden instructions to agents.
const fn is_tag(c: char) -> bool {
    matches!(c, '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_is_cleaned() {
        assert_eq!(line("  Rate\tlimit\u{0}\n the\u{200b} API ", 300), Ok("Rate limit the API".to_owned()));
        assert_eq!(line("Cafe\u{301}", 300), Ok("Café".to_owned()));
        assert_eq!(line("do\u{e0041}ne", 300), Ok("done".to_owned()));
    }

    #[test]
    fn a_line_that_reads_otherwise_than_it_is_stored_is_refused() {
        assert_eq!(line("gnp.\u{202e}cod.exe", 300), Err(LineProblem::Bidi));
        assert_eq!(line("a\u{2067}b", 300), Err(LineProblem::Bidi));
    }

    #[test]
    fn the_cap_counts_characters() {
        assert_eq!(line(&"ä".repeat(300), 300), Ok("ä".repeat(300)));
        assert_eq!(line(&"ä".repeat(301), 300), Err(LineProblem::TooLong { max_chars: 300 }));
        assert_eq!(line(" \u{200b}\n", 300), Err(LineProblem::Empty));
        assert_eq!(line(&" ".repeat(1_000_000), 300), Err(LineProblem::TooLong { max_chars: 300 }));
    }

    #[test]
    fn a_text_keeps_its_lines() {
        assert_eq!(text("# Goal\r\n\n\tcode\u{0}\u{1b}[31m\n\n"), "# Goal\n\n\tcode[31m");
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        assert_eq!(cut("äöü", 3), "ä");
        assert_eq!(cut("abc", 10), "abc");
    }

    proptest! {
        #[test]
        fn a_line_is_clean_and_stays_as_it_is(input in any::<String>()) {
            if let Ok(cleaned) = line(&input, 300) {
                prop_assert!(!cleaned.chars().any(|c| c.is_control() || is_bidi_control(c) || is_invisible(c)));
                prop_assert!(cleaned.chars().count() <= 300);
                prop_assert_eq!(line(&cleaned, 300), Ok(cleaned.clone()));
            }
        }

        #[test]
        fn a_text_is_clean_and_stays_as_it_is(input in any::<String>()) {
            let cleaned = text(&input);
            prop_assert!(!cleaned.chars().any(|c| (c.is_control() && !matches!(c, '\n' | '\t')) || is_tag(c)));
            prop_assert_eq!(text(&cleaned), cleaned);
        }

        #[test]
        fn a_cut_is_a_beginning(input in any::<String>(), max in 0_usize..40) {
            let beginning = cut(&input, max);
            prop_assert!(input.starts_with(beginning) && beginning.len() <= max);
        }
    }
}
