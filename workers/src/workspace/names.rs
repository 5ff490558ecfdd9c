//! Names that reach git's command line: checked once, typed ever after.

use std::fmt;

use super::error::WorkspaceError;

/// A branch or tag name without `refs/heads/`, by git's own rules (`git check-ref-format`) and ours.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RefName(String);

/// Git would take longer ones; file systems do not.
const LONGEST: usize = 200;

impl RefName {
    /// # Errors
    /// [`WorkspaceError::RefName`] with the first rule that the name breaks.
    pub fn parse(name: &str) -> Result<Self, WorkspaceError> {
        let broken = broken_rule(name);
        broken.map_or_else(
            || Ok(Self(name.to_owned())),
            |reason| Err(WorkspaceError::RefName { name: name.chars().take(LONGEST).collect(), reason }),
        )
    }

    /// The branch of a ticket: `al/AL-12-rate-limit`. The key stays whole, so that the branch links to
    /// the ticket; of the title what fits into plain letters and digits.
    ///
    /// # Errors
    /// [`WorkspaceError::RefName`] for a key that is no key.
    pub fn for_ticket(key: &str, title: &str) -> Result<Self, WorkspaceError> {
        let mut slug = String::new();
        for character in title.chars() {
            if character.is_ascii_alphanumeric() {
                slug.push(character.to_ascii_lowercase());
            } else if !slug.ends_with('-') && !slug.is_empty() {
                slug.push('-');
            }
            if slug.len() >= 40 {
                break;
            }
        }
        let slug = slug.trim_matches('-');
        Self::parse(&if slug.is_empty() { format!("al/{key}") } else { format!("al/{key}-{slug}") })
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn broken_rule(name: &str) -> Option<&'static str> {
    let has = |signs: &[char]| name.contains(|sign: char| signs.contains(&sign));
    let any_part = |rule: fn(&str) -> bool| name.split('/').any(rule);
    let rules = [
        (name.is_empty() || name == "@" || name == "HEAD", "it names nothing of its own"),
        (name.len() > LONGEST, "it is longer than 200 bytes"),
        (name.starts_with('-'), "it begins with a dash"),
        (name.contains(|sign: char| sign.is_control() || sign.is_whitespace()), "it has spaces or control characters"),
        (has(&['~', '^', ':', '?', '*', '[', '\\']), "it has a sign that git reserves"),
        (name.contains("..") || name.contains("@{"), "it has a sequence that git reserves"),
        (any_part(str::is_empty), "it has an empty part"),
        (any_part(|part| part.starts_with('.')), "a part begins with a dot"),
        (
            any_part(|part| part.ends_with('.') || part.strip_suffix(".lock").is_some()),
            "a part ends with a dot or .lock",
        ),
    ];
    rules.into_iter().find_map(|(broken, reason)| broken.then_some(reason))
}

/// A full SHA-1 object name in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CommitId(String);

impl CommitId {
    /// `None` if it is anything but 40 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        (text.len() == 40 && digits).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where an agent's branch begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaseRef {
    /// Whatever the repository's HEAD names.
    DefaultBranch,
    /// A branch, or else a tag, of this name.
    Named(RefName),
    Commit(CommitId),
}

impl BaseRef {
    /// From what a person gave: nothing, a name, or a full commit id.
    ///
    /// # Errors
    /// [`WorkspaceError::RefName`].
    pub fn parse(text: Option<&str>) -> Result<Self, WorkspaceError> {
        match text.map(str::trim).filter(|text| !text.is_empty()) {
            None => Ok(Self::DefaultBranch),
            Some(text) => match CommitId::parse(text) {
                Some(commit) => Ok(Self::Commit(commit)),
                None => RefName::parse(text.strip_prefix("refs/heads/").unwrap_or(text)).map(Self::Named),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_that_git_or_a_shell_would_read_otherwise_are_refused() {
        for good in ["main", "feature/x", "al/AL-12-rate-limit", "v1.0", "ünïcode", "a@b"] {
            assert!(RefName::parse(good).is_ok(), "{good}");
        }
        let long = "x".repeat(201);
        for bad in [
            "",
            "-x",
            "--upload-pack=touch /tmp/x",
            "a b",
            "a..b",
            "a~1",
            "a^",
            "a:b",
            "a?",
            "a*",
            "[a",
            "a\\b",
            "a\n",
            "/a",
            "a/",
            "a//b",
            ".a",
            "a/.b",
            "a.lock",
            "a.lock/b",
            "a.",
            "@",
            "HEAD",
            "a@{1}",
            &long,
        ] {
            assert!(RefName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_tickets_branch_keeps_the_key_and_slims_the_title() {
        let name = |title| RefName::for_ticket("AL-12", title).unwrap().to_string();
        assert_eq!(name("Rate limit!"), "al/AL-12-rate-limit");
        assert_eq!(name("  ../../etc/passwd $(rm -rf)"), "al/AL-12-etc-passwd-rm-rf");
        assert_eq!(name("日本語"), "al/AL-12");
        assert!(name(&"long title ".repeat(30)).len() <= 50);
        assert!(RefName::for_ticket("AL 12", "x").is_err());
    }

    #[test]
    fn a_base_is_a_name_a_commit_or_the_default() {
        assert_eq!(BaseRef::parse(None).unwrap(), BaseRef::DefaultBranch);
        assert_eq!(BaseRef::parse(Some(" ")).unwrap(), BaseRef::DefaultBranch);
        assert!(
            matches!(BaseRef::parse(Some("refs/heads/main")).unwrap(), BaseRef::Named(name) if name.as_str() == "main")
        );
        assert!(matches!(BaseRef::parse(Some(&"a".repeat(40))).unwrap(), BaseRef::Commit(_)));
        assert!(BaseRef::parse(Some("--all")).is_err());
    }
}
