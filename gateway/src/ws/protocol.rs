//! The messages of `graphql-transport-ws`, and the codes that a socket is closed with.

use crate::http::graphql::GraphQlRequest;
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ClientMessage {
    ConnectionInit {
        #[serde(default)]
        payload: Option<InitPayload>,
    },
    Ping {
        #[serde(default)]
        #[allow(dead_code)] // Taken so that any payload is fine; it means nothing here.
        payload: Option<serde_json::Value>,
    },
    Pong {
        #[serde(default)]
        #[allow(dead_code)]
        payload: Option<serde_json::Value>,
    },
    Subscribe {
        id: String,
        payload: GraphQlRequest,
    },
    Complete {
        id: String,
    },
}

#[derive(Debug, Deserialize)]
pub(super) struct InitPayload {
    #[serde(default)]
    pub authorization: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ServerMessage<'a> {
    ConnectionAck,
    Pong,
    Next { id: &'a str, payload: &'a async_graphql::Response },
    Error { id: &'a str, payload: &'a [async_graphql::ServerError] },
    Complete { id: &'a str },
}

impl ServerMessage<'_> {
    /// None when it cannot be written, which the log tells.
    pub(super) fn encode(&self) -> Option<String> {
        serde_json::to_string(self).inspect_err(|error| tracing::error!(%error, "a message was not written")).ok()
    }
}

/// Why a socket ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The client went, or its connection did.
    Gone,
    /// What came is no message of the protocol.
    Malformed,
    /// Nobody is signed in, or not any more. Final for the client.
    Unauthorized,
    /// The session goes on under another secret: come again with that.
    Rotated,
    InitTimeout,
    AlreadySubscribed,
    TooManyInits,
    TooManySubscriptions,
    /// It does not take what it asked for; the subscription and the cursor to go on from.
    Slow {
        id: String,
        cursor: Option<String>,
    },
    /// This gateway stops; another will answer.
    Restart,
    /// The database that knows who is signed in does not answer.
    Unavailable,
    Broken,
}

impl End {
    /// Code and reason of the close frame; a reason has at most 123 bytes.
    pub(super) fn frame(&self) -> Option<(u16, String)> {
        let (code, reason) = match self {
            Self::Gone => return None,
            Self::Malformed => (4400, "Invalid message"),
            Self::Unauthorized => (4401, "Unauthorized"),
            Self::InitTimeout => (4408, "Connection initialisation timeout"),
            Self::AlreadySubscribed => (4409, "Subscriber already exists"),
            Self::TooManyInits => (4429, "Too many initialisation requests"),
            Self::TooManySubscriptions => (1008, "Too many subscriptions on one socket"),
            Self::Slow { id, cursor } => {
                let id: String = id.chars().take(40).collect();
                let cursor = cursor.as_deref().unwrap_or("none");
                let mut reason = format!("Too slow; go on with {id} after {cursor}");
                while reason.len() > 123 {
                    reason.pop();
                }
                return Some((1013, reason));
            }
            Self::Restart => (1012, "Service restart"),
            Self::Rotated => (1012, "The session has another id"),
            Self::Unavailable => (1013, "Try again later"),
            Self::Broken => (1011, "Internal error"),
        };
        Some((code, reason.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn messages_are_read_and_others_refused() {
        for good in [
            r#"{"type":"connection_init"}"#,
            r#"{"type":"connection_init","payload":{"authorization":"Bearer x","other":1}}"#,
            r#"{"type":"ping","payload":{"a":1}}"#,
            r#"{"id":"1","type":"subscribe","payload":{"query":"{ me { user { id } } }"}}"#,
            r#"{"id":"1","type":"complete"}"#,
        ] {
            serde_json::from_str::<ClientMessage>(good).unwrap();
        }
        for bad in ["", "{}", "[]", r#"{"type":"start"}"#, r#"{"type":"subscribe","payload":{"query":""}}"#] {
            serde_json::from_str::<ClientMessage>(bad).unwrap_err();
        }
    }

    #[test]
    fn reasons_fit_into_their_frame() {
        let slow = End::Slow { id: "é".repeat(100), cursor: Some("c".repeat(64)) };
        assert!(slow.frame().unwrap().1.len() <= 123);
    }
}
