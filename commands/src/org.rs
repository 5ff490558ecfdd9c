//! Organisations.

use crate::{Accepted, Caller, CommandError, Commands};
use domain::UserId;

#[derive(Clone, Debug)]
pub struct CreateOrg {
    pub name: String,
    /// Becomes the first member, as admin.
    pub owner: UserId,
}

/// Makes an org. [`Caller::org`] is not looked at: the new org's id (`aggregate_id` of the answer) derives from the
/// actor and the command id.
pub async fn create_org(commands: &Commands, caller: &Caller, input: CreateOrg) -> Result<Accepted, CommandError> {
    Err(commands.pending(caller, &input))
}
