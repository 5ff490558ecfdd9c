//! What each role may do: one table, and the only way to a tenant's data.
//!
//! A resolver asks the viewer for an [`OrgAccess`] and reads with the org inside it. There is no other way to get one,
//! so a resolver that forgets to ask has no org to read with.

use domain::OrgId;
use domain::org::Role;

/// What can be done in an org. Each resolver names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Read,
    ReadAudit,
    /// Not in an org: any signed-in person.
    CreateOrgs,
    CreateProjects,
    ConnectRepositories,
    ChangeTickets,
    StartRuns,
    AcceptPlans,
    /// Inviting, roles, removal, and who is invited.
    ManageMembers,
    /// Setting and removing them, and seeing which there are. No role sees a key itself.
    ManageProviderKeys,
    SetBudgets,
    /// Oneself.
    LeaveOrgs,
    /// Not in an org: one's own sessions and tokens, and joining by an invitation.
    ManageOwnAccess,
}

impl Action {
    pub const ALL: [Self; 13] = [
        Self::Read,
        Self::ReadAudit,
        Self::CreateOrgs,
        Self::CreateProjects,
        Self::ConnectRepositories,
        Self::ChangeTickets,
        Self::StartRuns,
        Self::AcceptPlans,
        Self::ManageMembers,
        Self::ManageProviderKeys,
        Self::SetBudgets,
        Self::LeaveOrgs,
        Self::ManageOwnAccess,
    ];
}

/// The table.
pub const fn allows(role: Role, action: Action) -> bool {
    match action {
        Action::Read
        | Action::ReadAudit
        | Action::CreateOrgs
        | Action::ChangeTickets
        | Action::StartRuns
        | Action::LeaveOrgs
        | Action::ManageOwnAccess => true,
        Action::ManageMembers | Action::ManageProviderKeys | Action::SetBudgets => matches!(role, Role::Admin),
        Action::CreateProjects => matches!(role, Role::Admin | Role::Pm),
        Action::ConnectRepositories => matches!(role, Role::Admin | Role::Dev),
        Action::AcceptPlans => matches!(role, Role::Admin | Role::Pm | Role::Dev),
    }
}

/// The viewer may do what was asked, in this org.
#[derive(Clone, Copy, Debug)]
pub struct OrgAccess {
    org: OrgId,
    role: Role,
}

impl OrgAccess {
    pub(super) const fn new(org: OrgId, role: Role) -> Self {
        Self { org, role }
    }

    pub const fn org(&self) -> OrgId {
        self.org
    }

    pub const fn role(&self) -> Role {
        self.role
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Scope;

    #[test]
    fn the_whole_matrix() {
        let mut matrix = String::new();
        for action in Action::ALL {
            let yes = |allowed: bool| if allowed { 'x' } else { '-' };
            let roles: String =
                [Role::Admin, Role::Pm, Role::Dev, Role::Qa].map(|role| yes(allows(role, action))).iter().collect();
            let scopes: String = Scope::ALL.map(|scope| yes(scope.covers(action))).iter().collect();
            matrix.push_str(&format!("{action:?} {roles} {scopes}\n"));
        }
        // Columns: admin pm dev qa, then the token scopes read tickets runs write.
        let expected = "\
            Read xxxx xxxx\n\
            ReadAudit xxxx xxxx\n\
            CreateOrgs xxxx ---x\n\
            CreateProjects xx-- ---x\n\
            ConnectRepositories x-x- ---x\n\
            ChangeTickets xxxx -x-x\n\
            StartRuns xxxx --xx\n\
            AcceptPlans xxx- --xx\n\
            ManageMembers x--- ---x\n\
            ManageProviderKeys x--- ---x\n\
            SetBudgets x--- ---x\n\
            LeaveOrgs xxxx ---x\n\
            ManageOwnAccess xxxx ---x\n";
        assert_eq!(matrix, expected);
    }
}
