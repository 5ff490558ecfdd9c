//! Who and what an org has: members, projects, boards, repositories. People by id only.

mod project;
mod project_org;
mod read;
mod read_money;
mod read_people;

pub use project::OrgDirectoryProjection;
pub use read::{BoardRef, Org, Project, RepoConnection};
pub use read_money::{Budget, ProviderKey};
pub use read_people::{Invitation, Member};

/// The projection's name: for hints and for [`crate::Reads::wait_for`].
pub const NAME: &str = "org_directory";
