//! Verifies an export with nothing but the file, and names the first place where it is broken.

use super::{AuditEntry, FORMAT, Header, Trailer};
use crate::hash_chain::{GENESIS, Hash};
use domain::ids::{OrgId, Position};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt;
use std::io::{self, BufRead, Read};
use std::str::FromStr;

/// No line of an export is longer: an event is at most 256 KiB, and escaping makes at most six bytes of one.
const LONGEST_LINE: u64 = 4 << 20;

/// The hash of the event at one place of the org: what to keep elsewhere, to compare with later.
///
/// Written as `<org position>:<hash in hexadecimal>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub org_position: Position,
    pub hash: Hash,
}

/// A file that is whole in itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    pub org: OrgId,
    pub events: u64,
    /// Of the last event; 0 without events.
    pub position: Position,
    pub head: Head,
    /// Whether a head that was given from outside stands in it. Without one the file is consistent, not authenticated:
    /// whoever can rewrite all of it can make it consistent again.
    pub matches_given_head: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("failed to read the export")]
    Read(#[source] io::Error),
    #[error(transparent)]
    Broken(#[from] Broken),
}

/// The first place where the file is not what was exported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Broken {
    /// From 1.
    pub line: u64,
    /// What the line says its position is; none when it says nothing readable.
    pub position: Option<Position>,
    /// The last position that is still proven.
    pub good_up_to: Position,
    pub problem: Problem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("this is not an audit export")]
    NotAnExport,
    #[error("the line cannot be read")]
    Unreadable,
    #[error("the line is not written the way an export writes it")]
    Respelled,
    #[error("the event is of another org")]
    OtherOrg,
    #[error("events are missing: the org's event {expected} should stand here, not {found}")]
    Missing { expected: Position, found: Position },
    #[error("an event is repeated or out of order: the org's event {expected} should stand here, not {found}")]
    OutOfOrder { expected: Position, found: Position },
    #[error("its position is not after the one before it")]
    PositionNotAfter,
    #[error("it does not follow the event before it: the previous hash differs")]
    OtherPrevious,
    #[error("it was altered: its fields do not give its hash")]
    Altered,
    #[error("the end is missing: the file is cut off")]
    CutOff,
    #[error("the last line does not say what the events before it give")]
    OtherEnd,
    #[error("something follows the end")]
    AfterTheEnd,
    #[error("the org's event {org_position} has another hash than the one that was kept elsewhere")]
    OtherHead { org_position: Position },
    #[error("the org's event {org_position}, whose hash was kept elsewhere, is missing")]
    HeadMissing { org_position: Position },
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(position) => write!(f, "broken at position {position}")?,
            None => write!(f, "broken after position {}", self.good_up_to)?,
        }
        write!(f, " (line {}): {}", self.line, self.problem)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a head is written as <org position>:<64 hexadecimal digits>")]
pub struct InvalidHead;

impl FromStr for Head {
    type Err = InvalidHead;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (org_position, digits) = text.split_once(':').ok_or(InvalidHead)?;
        let mut hash = GENESIS;
        hex::decode_to_slice(digits, &mut hash).map_err(|_| InvalidHead)?;
        Ok(Self { org_position: org_position.parse().map_err(|_| InvalidHead)?, hash })
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.org_position, hex::encode(self.hash))
    }
}

/// Reads a whole export. `given` is a head that was kept elsewhere: the event at its place must have its hash.
///
/// # Errors
/// [`VerifyError::Broken`] names the first place where the file is not what was exported.
pub fn verify(export: impl BufRead, given: Option<Head>) -> Result<Verified, VerifyError> {
    let mut lines = Lines { export, number: 0 };
    let Some(first) = lines.next()? else { return Err(broken(1, None, 0, Problem::NotAnExport)) };
    let header: Header = spelled(&first).map_err(|_| broken(1, None, 0, Problem::NotAnExport))?;
    if header.format != FORMAT {
        return Err(broken(1, None, 0, Problem::NotAnExport));
    }
    let mut chain = Chain { org: header.org, events: 0, position: 0, hash: GENESIS, given, matches_given_head: false };
    loop {
        let line = lines.next()?;
        let at = lines.number;
        let Some(line) = line else { return Err(broken(at + 1, None, chain.position, Problem::CutOff)) };
        if let Ok(trailer) = spelled::<Trailer>(&line) {
            return chain.end(&trailer, at, lines.next()?.is_some()).map_err(VerifyError::Broken);
        }
        let entry = spelled::<AuditEntry>(&line)
            .map_err(|problem| broken(at, stated_position(&line), chain.position, problem))?;
        chain.follow(&entry).map_err(|problem| broken(at, Some(entry.position), chain.position, problem))?;
    }
}

fn broken(line: u64, position: Option<Position>, good_up_to: Position, problem: Problem) -> VerifyError {
    Broken { line, position, good_up_to, problem }.into()
}

/// What is proven so far.
struct Chain {
    org: OrgId,
    events: u64,
    position: Position,
    hash: Hash,
    given: Option<Head>,
    matches_given_head: bool,
}

impl Chain {
    fn follow(&mut self, entry: &AuditEntry) -> Result<(), Problem> {
        let expected = self.events + 1;
        let found = entry.org_position;
        if entry.org != self.org {
            return Err(Problem::OtherOrg);
        }
        // A changed number looks like a missing event; the hash tells them apart.
        let altered = entry.computed_hash() != entry.hash;
        if altered && (entry.prev_hash == self.hash || found == expected) {
            return Err(Problem::Altered);
        }
        if found > expected {
            return Err(Problem::Missing { expected, found });
        }
        if found < expected {
            return Err(Problem::OutOfOrder { expected, found });
        }
        if entry.prev_hash != self.hash {
            return Err(Problem::OtherPrevious);
        }
        if entry.position <= self.position {
            return Err(Problem::PositionNotAfter);
        }
        if let Some(given) = self.given.filter(|given| given.org_position == found) {
            if given.hash != entry.hash {
                return Err(Problem::OtherHead { org_position: found });
            }
            self.matches_given_head = true;
        }
        self.events = found;
        self.position = entry.position;
        self.hash = entry.hash;
        Ok(())
    }

    fn end(self, trailer: &Trailer, line: u64, more: bool) -> Result<Verified, Broken> {
        let broken = |line, problem| Broken { line, position: None, good_up_to: self.position, problem };
        if *trailer != (Trailer { events: self.events, position: self.position, head: self.hash }) {
            return Err(broken(line, Problem::OtherEnd));
        }
        if more {
            return Err(broken(line + 1, Problem::AfterTheEnd));
        }
        if let Some(given) = self.given
            && !self.matches_given_head
        {
            return Err(broken(line, Problem::HeadMissing { org_position: given.org_position }));
        }
        Ok(Verified {
            org: self.org,
            events: self.events,
            position: self.position,
            head: Head { org_position: self.events, hash: self.hash },
            matches_given_head: self.matches_given_head,
        })
    }
}

struct Lines<R> {
    export: R,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// The next line without its line feed; a line that has none (the last, or one that is too long) comes empty.
    fn next(&mut self) -> Result<Option<Vec<u8>>, VerifyError> {
        let mut line = Vec::new();
        let read = self.export.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(VerifyError::Read)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        if line.pop() != Some(b'\n') {
            line.clear();
        }
        Ok(Some(line))
    }
}

/// Reads a line, and only if it is written in the one way.
fn spelled<T: Serialize + DeserializeOwned>(line: &[u8]) -> Result<T, Problem> {
    let value: T = serde_json::from_slice(line).map_err(|_| Problem::Unreadable)?;
    let again = serde_json::to_vec(&value).map_err(|_| Problem::Unreadable)?;
    if again == line { Ok(value) } else { Err(Problem::Respelled) }
}

/// What a line that cannot be read as a whole says of its place.
fn stated_position(line: &[u8]) -> Option<Position> {
    let digits = line.strip_prefix(br#"{"position":"#)?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(digits.get(..end)?).ok()?.parse().ok()
}
