//! Driving agents: recordings of the real program replayed, the real program against a scripted model, and programs that
//! misbehave.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm
)]

mod codex_faults;
mod codex_program;
mod harness;
mod misbehaving_programs;
mod recordings;
