//! What can be asked of an organisation.

use crate::ids::UserId;
use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum OrgCommand {
    Create(CreateOrg),
}

/// Makes the org with its first member as admin.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CreateOrg {
    pub name: String,
    pub owner: UserId,
}
