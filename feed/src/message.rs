//! One event as a message: CloudEvents 1.0 in NATS's binary mode. Headers say what and where, the payload is the
//! event's JSON exactly as stored.
//!
//! | header | holds |
//! |---|---|
//! | `ce-specversion` | `1.0` |
//! | `ce-id` | event id |
//! | `ce-source` | `/orgs/<org>` |
//! | `ce-subject` | `<Aggregate>/<aggregate id>` |
//! | `ce-type` | `lime.<EventName>.v<schema version>` |
//! | `ce-time` | RFC 3339, microseconds |
//! | `ce-datacontenttype` | `application/json` |
//! | `ce-traceparent` | W3C trace context; only when there is one |
//! | `ce-position`, `ce-orgposition`, `ce-orgpreviousposition` | places in the log and in the org's part of it |
//! | `ce-streamversion` | place in the aggregate's stream |
//! | `ce-actor`, `ce-commandid`, `ce-correlationid`, `ce-causationid` | who and why; the last only when there is one |

use crate::log::LogRow;
use async_nats::HeaderMap;
use chrono::{DateTime, SecondsFormat, Utc};
use domain::actor::Actor;
use domain::envelope::{Envelope, Metadata};
use domain::event::{AggregateKind, DomainEvent};
use domain::ids::{EventId, OrgId};
use std::str::FromStr;

const SPEC_VERSION: &str = "ce-specversion";
const ID: &str = "ce-id";
const SOURCE: &str = "ce-source";
const SUBJECT: &str = "ce-subject";
const TYPE: &str = "ce-type";
const TIME: &str = "ce-time";
const CONTENT_TYPE: &str = "ce-datacontenttype";
const TRACEPARENT: &str = "ce-traceparent";
const POSITION: &str = "ce-position";
const ORG_POSITION: &str = "ce-orgposition";
const ORG_PREVIOUS_POSITION: &str = "ce-orgpreviousposition";
const STREAM_VERSION: &str = "ce-streamversion";
const ACTOR: &str = "ce-actor";
const COMMAND_ID: &str = "ce-commandid";
const CORRELATION_ID: &str = "ce-correlationid";
const CAUSATION_ID: &str = "ce-causationid";

/// A message that is not an event of this build's making. PostgreSQL has the event itself.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    #[error("the message has no usable header {0}")]
    Header(&'static str),
    #[error("the payload is not UTF-8")]
    NotText(#[source] std::str::Utf8Error),
    #[error("the payload cannot be read")]
    Event(#[source] domain::DecodeError),
}

/// The subject that a row is published under.
pub fn subject_of(row: &LogRow) -> String {
    crate::subjects::subject(row.org, &row.aggregate_type, &row.aggregate_id, &row.event_type)
}

/// The headers of a row. Its metadata need not be readable: what cannot be read is left out, and the receiver reads
/// such an event from PostgreSQL, where it parks.
pub fn headers(row: &LogRow) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(SPEC_VERSION, "1.0");
    headers.insert(ID, row.event_id.to_string());
    headers.insert(SOURCE, format!("/orgs/{}", row.org));
    headers.insert(SUBJECT, format!("{}/{}", row.aggregate_type, row.aggregate_id));
    headers.insert(TYPE, format!("lime.{}.v{}", row.event_type, row.event_version));
    headers.insert(TIME, row.at.to_rfc3339_opts(SecondsFormat::Micros, true));
    headers.insert(CONTENT_TYPE, "application/json");
    headers.insert(POSITION, row.position.to_string());
    headers.insert(ORG_POSITION, row.org_position.to_string());
    headers.insert(ORG_PREVIOUS_POSITION, row.org_previous_position.to_string());
    headers.insert(STREAM_VERSION, row.version.to_string());
    insert_text(&mut headers, ACTOR, &row.actor);
    if let Ok(metadata) = serde_json::from_str::<Metadata>(&row.metadata) {
        headers.insert(COMMAND_ID, metadata.command_id.to_string());
        headers.insert(CORRELATION_ID, metadata.correlation_id.to_string());
        if let Some(causation) = metadata.causation_id {
            headers.insert(CAUSATION_ID, causation.to_string());
        }
        if let Some(traceparent) = &metadata.traceparent {
            insert_text(&mut headers, TRACEPARENT, traceparent);
        }
    }
    headers
}

/// A header cannot hold a line break; a text that has one is left out.
fn insert_text(headers: &mut HeaderMap, name: &'static str, text: &str) {
    if let Ok(value) = async_nats::HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

/// The typed event of a message of the stream.
///
/// # Errors
/// [`MessageError`] when it cannot be read; read the position from PostgreSQL then.
pub fn from_message(message: &async_nats::Message) -> Result<Envelope, MessageError> {
    from_parts(message.headers.as_ref(), &message.payload)
}

/// The same from headers and payload, for messages that were got one by one.
pub fn from_parts(headers: Option<&HeaderMap>, payload: &[u8]) -> Result<Envelope, MessageError> {
    let headers = Headers(headers.ok_or(MessageError::Header(ID))?);
    let org = headers.text(SOURCE)?.strip_prefix("/orgs/").and_then(|org| org.parse::<OrgId>().ok());
    let (aggregate, aggregate_id) = headers.text(SUBJECT)?.split_once('/').ok_or(MessageError::Header(SUBJECT))?;
    let aggregate: AggregateKind = aggregate.parse().map_err(MessageError::Event)?;
    let (event_type, event_version) = headers
        .text(TYPE)?
        .strip_prefix("lime.")
        .and_then(|rest| rest.rsplit_once(".v"))
        .and_then(|(name, version)| Some((name, version.parse().ok()?)))
        .ok_or(MessageError::Header(TYPE))?;
    let payload = std::str::from_utf8(payload).map_err(MessageError::NotText)?;
    Ok(Envelope {
        position: headers.parse(POSITION)?,
        org_position: headers.parse(ORG_POSITION)?,
        event_id: headers.parse::<EventId>(ID)?,
        org: org.ok_or(MessageError::Header(SOURCE))?,
        aggregate,
        aggregate_id: aggregate_id.parse().map_err(|_| MessageError::Header(SUBJECT))?,
        version: headers.parse(STREAM_VERSION)?,
        actor: headers.parse::<Actor>(ACTOR)?,
        at: headers.parse::<DateTime<Utc>>(TIME)?,
        metadata: Metadata {
            command_id: headers.parse(COMMAND_ID)?,
            correlation_id: headers.parse(CORRELATION_ID)?,
            causation_id: headers.optional(CAUSATION_ID)?,
            traceparent: headers.optional(TRACEPARENT)?,
        },
        event: DomainEvent::decode(aggregate, event_type, event_version, payload).map_err(MessageError::Event)?,
    })
}

/// The event id alone: enough to tell whether a message is the event that the ledger has at its position.
pub fn event_id(headers: &HeaderMap) -> Option<EventId> {
    Headers(headers).parse(ID).ok()
}

struct Headers<'a>(&'a HeaderMap);

impl<'a> Headers<'a> {
    fn text(&self, name: &'static str) -> Result<&'a str, MessageError> {
        self.0.get(name).map(async_nats::HeaderValue::as_str).ok_or(MessageError::Header(name))
    }

    fn parse<T: FromStr>(&self, name: &'static str) -> Result<T, MessageError> {
        self.text(name)?.parse().map_err(|_| MessageError::Header(name))
    }

    fn optional<T: FromStr>(&self, name: &'static str) -> Result<Option<T>, MessageError> {
        if self.0.get(name).is_none() { Ok(None) } else { self.parse(name).map(Some) }
    }
}
