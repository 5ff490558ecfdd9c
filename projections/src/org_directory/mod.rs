//! Who and what an org has: members, projects, boards, repositories. People by id only.

mod project;
mod read;

pub use project::OrgDirectoryProjection;
pub use read::{BoardRef, Member, Org, Project, RepoConnection};

/// The projection's name: for hints and for [`crate::Reads::wait_for`].
pub const NAME: &str = "org_directory";
