//! What happened to an organisation.

use crate::event::events;
use crate::ids::UserId;
use serde::{Deserialize, Serialize};

/// What a member may do; the table is in the gateway. Per org, and where wanted another one per project (later).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Admin,
    Pm,
    Dev,
    Qa,
}

events! {
    OrgEvent of Org { OrgCreated = 1, MemberJoined = 1 }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct OrgCreated {
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MemberJoined {
    pub user: UserId,
    pub role: Role,
}
