//! What the tests of every crate stand on: real servers, a database of one's own, waiting with a deadline.
//!
//! - [`TestDatabase`]: an empty migrated database on the shared test server; dropped at the end of the test.
//! - [`TestNats`]: a nats-server with JetStream of the test's own, gone with the test.
//! - [`PrivatePostgres`]: a durable PostgreSQL of the test's own, to be killed, paused and restarted.
//! - [`scripted_model::ScriptedModel`]: a model vendor's API that plays a script, for real agent programs
//!   ([`agent_programs`]) on a real repository ([`sample_repo`]).
//! - [`demo`]: all of it together, as `make demo` shows it and the browser tests use it.
//! - [`TestLog`]: events written straight into the log, for tests of what reads it.
//! - [`FakeGithub`]: a stand-in for GitHub's sign-in.
//! - [`GitServer`]: git repositories over smart HTTP, with faults.
//! - [`oracle`]: judges a run with faults: what was promised, and what the log and the clients have.
//! - [`eventually`]: waits for a state, with a deadline, instead of sleeping.
//!
//! Recipe for a test with a database:
//! ```no_run
//! # async fn test() -> anyhow::Result<()> {
//! let database = testkit::TestDatabase::create().await?;
//! let one: i32 = sqlx::query_scalar("select 1").fetch_one(&database.pool).await?;
//! assert_eq!(one, 1);
//! # Ok(()) }
//! ```
//! `pool` signs in as the application's role, with the application's rights; `owner_pool` may do everything (for
//! tests that tamper). The servers' programs are found as [`binaries`] says; `make test` fetches them.

pub mod agent_programs;
pub mod binaries;
pub mod child;
pub mod database;
pub mod demo;
pub mod eventually;
pub mod fake_github;
pub mod git_server;
pub mod log;
pub mod oracle;
pub mod sample_repo;
pub mod scripted_model;
pub mod servers;

pub use database::TestDatabase;
pub use eventually::{eventually, slack};
pub use fake_github::FakeGithub;
pub use git_server::{GitFault, GitServer};
pub use log::TestLog;
pub use servers::nats::TestNats;
pub use servers::private_postgres::PrivatePostgres;
