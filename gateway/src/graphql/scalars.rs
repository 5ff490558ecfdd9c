//! The contract's own scalars.

use crate::errors::ApiError;
use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A place in the log; a JSON number up to 2^53.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position(pub u64);

#[Scalar(name = "Position")]
impl ScalarType for Position {
    fn parse(value: Value) -> InputValueResult<Self> {
        number(&value).map(Self).ok_or_else(|| InputValueError::expected_type(value))
    }

    fn to_value(&self) -> Value {
        Value::from(self.0)
    }
}

/// Money in millionths of a US dollar; a JSON number up to 2^53.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UsdMicros(pub u64);

#[Scalar(name = "UsdMicros")]
impl ScalarType for UsdMicros {
    fn parse(value: Value) -> InputValueResult<Self> {
        number(&value).map(Self).ok_or_else(|| InputValueError::expected_type(value))
    }

    fn to_value(&self) -> Value {
        Value::from(self.0)
    }
}

/// A whole number that JSON can carry without loss.
fn number(value: &Value) -> Option<u64> {
    let Value::Number(number) = value else { return None };
    number.as_u64().filter(|number| *number <= 1 << 53)
}

/// Where a stream was left, to be handed back as it is. What is inside is the gateway's business and may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursor(pub String);

#[Scalar(name = "Cursor")]
impl ScalarType for Cursor {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) if text.len() <= CURSOR_MAX_CHARS => Ok(Self(text)),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

const CURSOR_MAX_CHARS: usize = 64;
const VERSION: u8 = 1;
/// All 256 shards are one group until there is more than one machine.
const GROUP: u32 = 0;

/// What a cursor can stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// (group, position in the log)
    Log,
    /// A run's own sequence.
    Transcript,
    /// Where the next page of a list begins.
    Page,
}

impl Kind {
    const fn tag(self) -> u8 {
        match self {
            Self::Log => b'p',
            Self::Transcript => b's',
            Self::Page => b'l',
        }
    }
}

impl Cursor {
    pub(crate) fn of_position(position: u64) -> Self {
        Self(encode(Kind::Log, position))
    }

    pub(crate) fn of_seq(seq: u64) -> Self {
        Self(encode(Kind::Transcript, seq))
    }

    pub(crate) fn position(&self) -> Result<u64, ApiError> {
        decode(Kind::Log, &self.0).ok_or_else(not_a_cursor)
    }

    pub(crate) fn seq(&self) -> Result<u64, ApiError> {
        decode(Kind::Transcript, &self.0).ok_or_else(not_a_cursor)
    }
}

/// The `after` of a list's next page.
pub(crate) fn page_cursor(place: u64) -> String {
    encode(Kind::Page, place)
}

pub(crate) fn page_place(cursor: Option<&str>) -> Result<Option<u64>, ApiError> {
    cursor.map(|cursor| decode(Kind::Page, cursor).ok_or_else(not_a_cursor)).transpose()
}

fn not_a_cursor() -> ApiError {
    ApiError::invalid("after", "This is no cursor that was given here.")
}

fn encode(kind: Kind, place: u64) -> String {
    let mut bytes = vec![VERSION, kind.tag()];
    bytes.extend(GROUP.to_be_bytes());
    bytes.extend(place.to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(kind: Kind, text: &str) -> Option<u64> {
    if text.len() > CURSOR_MAX_CHARS {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let rest = bytes.strip_prefix(&[VERSION, kind.tag()])?;
    let place: [u8; 8] = rest.strip_prefix(&GROUP.to_be_bytes())?.try_into().ok()?;
    // PostgreSQL's numbers are signed.
    Some(u64::from_be_bytes(place)).filter(|place| i64::try_from(*place).is_ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn cursors_come_back_and_do_not_mix() {
        for place in [0, 1, 41_999, 1 << 53, i64::MAX as u64] {
            assert_eq!(Cursor::of_position(place).position().unwrap(), place);
            assert_eq!(Cursor::of_seq(place).seq().unwrap(), place);
            assert_eq!(page_place(Some(&page_cursor(place))).unwrap(), Some(place));
        }
        assert!(Cursor::of_position(7).seq().is_err());
        assert!(Cursor::of_seq(7).position().is_err());
        assert!(Cursor(page_cursor(7)).position().is_err());
        assert!(Cursor::of_position(u64::MAX).position().is_err());
        for wrong in ["", "7", "AXAAAAAAAAAAAAAA", "not base64!", &"A".repeat(65)] {
            assert!(Cursor(wrong.to_owned()).position().is_err(), "{wrong}");
        }
    }

    #[test]
    fn positions_are_numbers_that_json_carries() {
        assert_eq!(Position::parse(Value::from(1_u64 << 53)).unwrap(), Position(1 << 53));
        for wrong in [Value::from((1_u64 << 53) + 1), Value::from(-1), Value::from("7"), Value::from(1.5)] {
            assert!(Position::parse(wrong).is_err());
        }
    }
}
