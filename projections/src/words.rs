//! Enums of the domain as rows hold them: the same words as in events.

use crate::reads::ReadError;
use feed::runner::ApplyError;
use serde::Serialize;
use serde::de::value::{Error, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};

/// The word of a fieldless variant.
pub(crate) fn word<T: Serialize>(value: T) -> Result<String, ApplyError> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        Ok(other) => Err(ApplyError::poison(format!("not a word: {other}"))),
        Err(error) => Err(ApplyError::poison(error.to_string())),
    }
}

/// As [`word`], for looking rows up: nothing is stored under an empty word.
pub(crate) fn written<T: Serialize>(value: T) -> String {
    word(value).unwrap_or_default()
}

/// As [`word`], of something that may be missing.
pub(crate) fn optional_word<T: Serialize>(value: Option<T>) -> Result<Option<String>, ApplyError> {
    value.map(word).transpose()
}

/// The variant of a stored word.
pub(crate) fn meaning<T: DeserializeOwned>(what: &'static str, word: &str) -> Result<T, ReadError> {
    let deserializer: StrDeserializer<'_, Error> = word.into_deserializer();
    T::deserialize(deserializer).map_err(|_| ReadError::Unknown { what, value: word.chars().take(80).collect() })
}

pub(crate) fn optional_meaning<T: DeserializeOwned>(
    what: &'static str,
    word: Option<&str>,
) -> Result<Option<T>, ReadError> {
    word.map(|word| meaning(what, word)).transpose()
}

/// A type that is written as text, such as an actor.
pub(crate) fn parsed<T: std::str::FromStr>(what: &'static str, text: &str) -> Result<T, ReadError> {
    text.parse().map_err(|_| ReadError::Unknown { what, value: text.chars().take(80).collect() })
}

/// A count of the domain as PostgreSQL holds it; what is larger than its column is the event's fault.
pub(crate) fn stored<T, U>(what: &'static str, value: T) -> Result<U, ApplyError>
where
    T: Copy + std::fmt::Display,
    U: TryFrom<T>,
{
    U::try_from(value).map_err(|_| ApplyError::poison(format!("{what} is too large: {value}")))
}

/// The other way; our own columns hold no negative counts.
pub(crate) fn count<T>(value: i64) -> T
where
    T: TryFrom<i64> + Default,
{
    T::try_from(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use domain::agent_run::FailureReason;
    use domain::ticket::Priority;

    #[test]
    fn words_mean_what_they_were_made_from() {
        assert_eq!(word(FailureReason::ProviderAuth).unwrap(), "provider_auth");
        assert_eq!(meaning::<FailureReason>("reason", "provider_auth").unwrap(), FailureReason::ProviderAuth);
        assert_eq!(optional_word(None::<Priority>).unwrap(), None);
        assert!(meaning::<Priority>("priority", "whatever").is_err());
        assert!(word(17).is_err());
    }
}
