//! The rules of an org.

use super::{CreateOrg, MemberJoined, Org, OrgCommand, OrgCreated, OrgEvent, Role};
use crate::decider::Rejection;
use crate::limits::NAME_MAX_CHARS;
use crate::text::{self, LineProblem};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrgRejection {
    #[error("this organisation exists already")]
    Exists,
    #[error("the name {0}")]
    Name(LineProblem),
}

impl Rejection for OrgRejection {
    fn reason(&self) -> &'static str {
        match self {
            Self::Exists => "EXISTS",
            Self::Name(problem) => text::name_reason(*problem),
        }
    }
}

pub(super) fn decide(org: &Org, command: &OrgCommand) -> Result<Vec<OrgEvent>, OrgRejection> {
    match command {
        OrgCommand::Create(command) => create(org, command),
    }
}

fn create(org: &Org, command: &CreateOrg) -> Result<Vec<OrgEvent>, OrgRejection> {
    if org.name.is_some() {
        return Err(OrgRejection::Exists);
    }
    let name = text::line(&command.name, NAME_MAX_CHARS).map_err(OrgRejection::Name)?;
    let owner = MemberJoined { user: command.owner, role: Role::Admin };
    Ok(vec![OrgCreated { name }.into(), owner.into()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UserId;
    use crate::given::{given, uuid};

    fn create(name: &str) -> OrgCommand {
        OrgCommand::Create(CreateOrg { name: name.to_owned(), owner: UserId(uuid(7)) })
    }

    #[test]
    fn its_owner_is_its_first_member() {
        let org = given::<Org>([])
            .when(create(" Northwind "))
            .then([
                OrgCreated { name: "Northwind".to_owned() }.into(),
                MemberJoined { user: UserId(uuid(7)), role: Role::Admin }.into(),
            ])
            .state;
        assert!(org.is_member(UserId(uuid(7))) && !org.is_member(UserId(uuid(8))));
    }

    #[test]
    fn it_is_made_once_and_has_a_name() {
        given::<Org>([OrgCreated { name: "A".to_owned() }.into()])
            .when(create("B"))
            .then_rejected(OrgRejection::Exists);
        given::<Org>([]).when(create("\n")).then_rejected(OrgRejection::Name(LineProblem::Empty));
        assert_eq!(OrgRejection::Name(LineProblem::Empty).reason(), "NAME_EMPTY");
    }
}
