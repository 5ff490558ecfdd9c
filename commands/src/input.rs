//! What every command function does with its input first: check its form, and name it by a digest.

use crate::{Caller, CommandError};
use garde::Validate;
use ring::digest::{SHA256, digest};
use serde::Serialize;
use uuid::Uuid;

/// The input of a use case.
pub(crate) trait Input: Validate<Context = ()> + Serialize {
    /// The use case, such as `move_ticket`: part of the digest, so that a command id serves one use case only.
    const NAME: &'static str;
    /// How often the patience for PostgreSQL it may take altogether; each step of it has that patience for itself.
    const STEPS: u32 = 1;

    /// Sizes and forms that no rule of an aggregate judges. Names the first field that does not fit.
    fn check(&self) -> Result<(), CommandError> {
        let Err(report) = self.validate() else { return Ok(()) };
        let first = report.into_inner().into_iter().next();
        Err(first.map_or_else(
            || CommandError::invalid("input", "is malformed"),
            |(path, error)| CommandError::invalid(&camel_case(&path.to_string()), error.to_string()),
        ))
    }

    /// SHA-256 of the use case, the expected version and the input.
    fn digest(&self, caller: &Caller) -> [u8; 32] {
        // Serializing plain structs cannot fail; if it ever did, the digest would just not tell inputs apart.
        let input = serde_json::to_string(self).unwrap_or_default();
        let text = format!("{}\n{:?}\n{input}", Self::NAME, caller.expected_version);
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        bytes
    }
}

/// An id for what this command makes: the same when the command is sent again.
pub(crate) fn derived_id(caller: &Caller, what: &str) -> Uuid {
    caller.command_id.derive(&format!("{}/{}/{what}", caller.org, caller.actor))
}

/// Fields are named as the public API names them.
fn camel_case(path: &str) -> String {
    let mut words = path.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut name, word| {
        let mut letters = word.chars();
        name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        name.push_str(letters.as_str());
        name
    })
}
