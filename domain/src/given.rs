//! Tests of rules, in the words of the rule: given events, when a command comes, then these events or that rejection.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::decider::{Context, Decider, LastChange};
use crate::{Actor, CommandId, OrgId, UserId};
use chrono::{DateTime, Utc};
use uuid::Uuid;

pub(crate) fn uuid(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

pub(crate) fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
}

pub(crate) fn someone() -> Actor {
    Actor::User(UserId(uuid(0xaa)))
}

pub(crate) fn context() -> Context {
    Context { org: OrgId(uuid(1)), actor: someone(), now: at(1_000), command_id: CommandId(uuid(2)) }
}

/// Applies events as the store does, one version after the other.
pub(crate) fn fold<D: Decider>(
    mut state: D,
    from_version: u64,
    events: impl IntoIterator<Item = D::Event>,
) -> (D, u64) {
    let mut version = from_version;
    for event in events {
        version += 1;
        state.apply(&event, &LastChange { version, by: someone(), at: at(i64::try_from(version).unwrap()) });
    }
    (state, version)
}

pub(crate) fn given<D: Decider>(events: impl IntoIterator<Item = D::Event>) -> Given<D> {
    let (state, version) = fold(D::default(), 0, events);
    Given { state, version }
}

pub(crate) struct Given<D> {
    pub(crate) state: D,
    version: u64,
}

impl<D: Decider> Given<D> {
    /// The same once more, to ask it something else.
    pub(crate) fn from(other: &Self) -> Self {
        Self { state: other.state.clone(), version: other.version }
    }

    pub(crate) fn when(self, command: D::Command) -> When<D> {
        let result = self.state.decide(&command, &context());
        When { given: self, command, result }
    }
}

pub(crate) struct When<D: Decider> {
    given: Given<D>,
    command: D::Command,
    result: Result<Vec<D::Event>, D::Rejection>,
}

impl<D: Decider> When<D> {
    #[track_caller]
    pub(crate) fn then(self, expected: impl IntoIterator<Item = D::Event>) -> Given<D> {
        let events = self.result.expect("the command was rejected");
        assert_eq!(events, expected.into_iter().collect::<Vec<_>>());
        let (state, version) = fold(self.given.state, self.given.version, events);
        Given { state, version }
    }

    #[track_caller]
    pub(crate) fn then_nothing(self) -> Given<D> {
        self.then([])
    }

    /// Something happened, and the same command again finds that it is so already.
    #[track_caller]
    pub(crate) fn then_once(self) -> Given<D> {
        let events = self.result.expect("the command was rejected");
        assert!(!events.is_empty(), "nothing happened");
        let (state, version) = fold(self.given.state, self.given.version, events);
        assert_eq!(state.decide(&self.command, &context()), Ok(vec![]));
        Given { state, version }
    }

    #[track_caller]
    pub(crate) fn then_exactly_one(self) {
        assert_eq!(self.result.expect("the command was rejected").len(), 1);
    }

    #[track_caller]
    pub(crate) fn then_rejected(self, expected: D::Rejection) {
        assert_eq!(self.result, Err(expected));
    }
}
