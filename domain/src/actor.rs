//! Who did it. Events carry ids only, never names or addresses: those live in the users table, where they can be erased.

use crate::ids::{RunId, UserId};
use serde::{Deserialize, Serialize, de};
use std::fmt;
use std::str::FromStr;

/// Written as `user:<uuid>`, `run:<uuid>` or `system:<name>`, in the log and in JSON alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    User(UserId),
    /// An agent, by the run that it acts in.
    Run(RunId),
    /// A named part of the product: `system:setup`, `system:lease-expiry`.
    System(String),
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an actor: {0:?}")]
pub struct InvalidActor(String);

impl Actor {
    pub fn system(name: &str) -> Self {
        Self::System(name.to_owned())
    }

    pub fn user_id(&self) -> Option<UserId> {
        match self {
            Self::User(id) => Some(*id),
            Self::Run(_) | Self::System(_) => None,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Run(id) => write!(f, "run:{id}"),
            Self::System(name) => write!(f, "system:{name}"),
        }
    }
}

impl FromStr for Actor {
    type Err = InvalidActor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidActor(text.chars().take(80).collect());
        let (kind, id) = text.split_once(':').ok_or_else(invalid)?;
        match kind {
            "user" => id.parse().map(Self::User).map_err(|_| invalid()),
            "run" => id.parse().map(Self::Run).map_err(|_| invalid()),
            "system" if !id.is_empty() => Ok(Self::System(id.to_owned())),
            _ => Err(invalid()),
        }
    }
}

impl Serialize for Actor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Actor {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
