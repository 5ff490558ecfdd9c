//! Organisations.

use crate::input::Input;
use crate::{Accepted, Caller, CommandError, Commands};
use domain::limits::NAME_MAX_CHARS;
use domain::org::{CreateOrg as Create, Org, OrgCommand};
use domain::{OrgId, UserId};
use garde::Validate;
use serde::Serialize;

#[derive(Clone, Debug, Serialize, Validate)]
pub struct CreateOrg {
    #[garde(length(bytes, max = NAME_MAX_CHARS * 8))]
    pub name: String,
    /// Becomes the first member, as admin.
    #[garde(skip)]
    pub owner: UserId,
}

impl Input for CreateOrg {
    const NAME: &'static str = "create_org";
}

/// Makes an org. [`Caller::org`] is not looked at: the new org's id (`aggregate_id` of the answer) derives from the
/// actor and the command id.
pub async fn create_org(commands: &Commands, caller: &Caller, input: CreateOrg) -> Result<Accepted, CommandError> {
    let org = OrgId(caller.command_id.derive(&format!("{}/org", caller.actor)));
    let caller = &Caller { org, ..caller.clone() };
    commands
        .perform(caller, &input, async {
            let command = OrgCommand::Create(Create { name: input.name.clone(), owner: input.owner });
            commands.execute::<Org>(caller, org.0, input.digest(caller), &command).await
        })
        .await
}
