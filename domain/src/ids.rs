//! One type an id, so that a ticket's id can't stand where a board's belongs.
//!
//! All are UUIDs; ours are version 7 (time-ordered) and are made outside this crate, where a clock is.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(transparent)]
        #[schemars(with = "String", extend("format" = "uuid"))]
        pub struct $name(pub Uuid);

        impl $name {
            pub const fn as_uuid(self) -> Uuid { self.0 }

            /// The id that always comes from the same name within this one: how a step of a larger command gets an
            /// id that a retry makes again (UUID version 5).
            pub fn derive(self, name: &str) -> Uuid { Uuid::new_v5(&self.0, name.as_bytes()) }
        }
        impl From<Uuid> for $name { fn from(id: Uuid) -> Self { Self(id) } }
        impl From<$name> for Uuid { fn from(id: $name) -> Self { id.0 } }
        impl fmt::Display for $name { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) } }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{}({})", stringify!($name), self.0) }
        }
        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> { Uuid::parse_str(text).map(Self) }
        }
    )+};
}

ids! {
    /// An organisation: the tenant wall. First key of every table.
    OrgId,
    ProjectId,
    BoardId,
    TicketId,
    CommentId,
    RepoConnectionId,
    /// One run of one agent in one mode; also the id of its aggregate.
    RunId,
    /// Groups runs in the Command Center.
    ConversationId,
    /// One ticket that a plan proposes.
    PlanItemId,
    ArtifactId,
    UserId,
    /// Chosen by the client; makes a command safe to send again.
    CommandId,
    EventId,
    /// Rides through everything that one request set off.
    CorrelationId,
    WorkerId,
    /// One invitation into an org; its link's token is known only to who was given it.
    InvitationId,
    /// What a person's list of sessions shows; the cookie's secret is another thing.
    SessionId,
    TokenId,
    /// One saved key of a model provider; the key itself is in the vault alone.
    ProviderKeyId,
}

/// A place in the whole log: 1..N without gaps. 0 means "before the first".
pub type Position = u64;
/// A place in one stream: 1..N without gaps. 0 means "nothing yet".
pub type Version = u64;
