//! Who and what an org has: members, projects, boards, repositories. People by id only.

mod read;

pub use read::{BoardRef, Member, Org, Project, RepoConnection};
