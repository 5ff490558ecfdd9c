//! The git side of a run: a repository comes in, an agent's commits come back, and no code of either runs
//! on the host.
//!
//! ```text
//! remote ── RemotePolicy::check ── Mirror::fetch ── HostRepository::create ── clone_for_agent ──▶ workspace
//!                                                        ▲                                          │ agent
//!                                                        └── import ◀── bundle in `out` ◀── finish ◀┘ (sandbox)
//!                                                        └──▶ diff, commits
//! ```
//! Three rules hold it: the host never runs git in a tree that an agent has written; what an agent hands
//! in is checked and capped before anything looks at it; its files are read only by [`read_beneath`].
//!
//! How to add a step that needs the agent's tree: run it in a sandbox as `finish.rs` does. One that needs
//! the history alone: a method of [`HostRepository`] with a git command that takes no work tree.

mod diff;
mod error;
mod fetch;
mod finish;
mod git;
mod host;
mod import;
mod names;
mod read;
mod remote;

pub use diff::{ChangeKind, CommitInfo, Diff, DiffCaps, EntryKind, FileChange};
pub use error::WorkspaceError;
pub use fetch::{Base, FetchCaps, Mirror};
pub use finish::{Delivery, finish};
pub use git::Git;
pub use host::{Author, HostRepository};
pub use import::ImportCaps;
pub use names::{BaseRef, CommitId, RefName};
pub use read::{open_beneath, read_beneath, remove_tree};
pub use remote::{Remote, RemotePolicy};
