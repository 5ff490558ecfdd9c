//! Live = rebuilt = applied twice, for any valid sequence of events.

use crate::story::{Story, ended};
use domain::agent_run::{
    AgentRunEvent, FailureReason, RunCancelRequested, RunCostReached, RunMode, RunOutcome, TokenUsage,
};
use domain::ticket::{
    Priority, TicketArchived, TicketAssigned, TicketCommented, TicketDelegated, TicketEvent, TicketLabelled,
    TicketMoved, TicketPrioritised, TicketReparented, TicketRestored,
};
use domain::{CommentId, RunId, TicketId, UserId};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::time::Duration;
use testkit::log::Raw;
use uuid::Uuid;

/// Something that may happen; numbers choose among what is there.
#[derive(Clone, Debug)]
enum Happening {
    Ticket,
    Move(usize, usize),
    Change(usize, u8),
    Archive(usize),
    Request(usize, u8),
    Work(usize),
    Cost(usize, u32),
    End(usize, u8),
    /// An event that no release can read, in a ticket's stream.
    Garbage(usize),
    Rebuild,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => Just(Happening::Ticket),
        6 => (any::<usize>(), any::<usize>()).prop_map(|(ticket, to)| Happening::Move(ticket, to)),
        6 => (any::<usize>(), any::<u8>()).prop_map(|(ticket, what)| Happening::Change(ticket, what)),
        2 => any::<usize>().prop_map(Happening::Archive),
        3 => (any::<usize>(), any::<u8>()).prop_map(|(ticket, mode)| Happening::Request(ticket, mode)),
        3 => any::<usize>().prop_map(Happening::Work),
        3 => (any::<usize>(), any::<u32>()).prop_map(|(run, cost)| Happening::Cost(run, cost)),
        2 => (any::<usize>(), any::<u8>()).prop_map(|(run, how)| Happening::End(run, how)),
        1 => any::<usize>().prop_map(Happening::Garbage),
        1 => Just(Happening::Rebuild),
    ]
}

struct World {
    story: Story,
    /// With whether it is archived.
    tickets: Vec<(TicketId, bool)>,
    runs: Vec<RunId>,
    rebuilds: usize,
}

fn pick<T>(of: &mut [T], number: usize) -> Option<&mut T> {
    if of.is_empty() { None } else { of.get_mut(number % of.len()) }
}

impl World {
    async fn happens(&mut self, happening: &Happening) {
        let story = &self.story;
        match happening {
            Happening::Ticket => {
                let number = self.tickets.len() as u64 + 1;
                self.tickets.push((story.ticket(number, "Random").await, false));
            }
            Happening::Move(ticket, to) => {
                let Some((ticket, false)) = pick(&mut self.tickets, *ticket) else { return };
                let to = ["backlog", "todo", "done", "nowhere"][to % 4].to_owned();
                let moved = TicketMoved { from: "backlog".to_owned(), to, rank: format!("r{ticket}") };
                story.say(*ticket, [TicketEvent::TicketMoved(moved)]).await;
            }
            Happening::Change(ticket, what) => {
                let Some((ticket, false)) = pick(&mut self.tickets, *ticket) else { return };
                story.say(*ticket, [change(*what)]).await;
            }
            Happening::Archive(ticket) => {
                let Some((ticket, archived)) = pick(&mut self.tickets, *ticket) else { return };
                let event = if *archived {
                    TicketEvent::TicketRestored(TicketRestored { column: "qa".to_owned(), rank: "q".to_owned() })
                } else {
                    TicketEvent::TicketArchived(TicketArchived {})
                };
                *archived = !*archived;
                story.say(*ticket, [event]).await;
            }
            Happening::Request(ticket, mode) => {
                let mode = [RunMode::Plan, RunMode::Implement, RunMode::Review, RunMode::Qa][usize::from(mode % 4)];
                let ticket = pick(&mut self.tickets, *ticket).map(|(ticket, _)| *ticket);
                self.runs.push(story.request(mode, ticket).await);
            }
            Happening::Work(run) => {
                let Some(run) = pick(&mut self.runs, *run) else { return };
                story.start_work(*run, Some("al/AL-1")).await;
            }
            Happening::Cost(run, cost) => {
                let Some(run) = pick(&mut self.runs, *run) else { return };
                let usage = TokenUsage { input_tokens: u64::from(*cost), cached_input_tokens: 1, output_tokens: 2 };
                let cost = RunCostReached { token: 1, usage, cost_usd_micros: u64::from(*cost) };
                let cancel = AgentRunEvent::RunCancelRequested(RunCancelRequested {});
                story.say(*run, [AgentRunEvent::RunCostReached(cost), cancel]).await;
            }
            Happening::End(run, how) => {
                let Some(run) = pick(&mut self.runs, *run) else { return };
                let outcome = match how % 3 {
                    0 => RunOutcome::Succeeded,
                    1 => RunOutcome::Cancelled,
                    _ => RunOutcome::Failed { reason: FailureReason::Clone, message: "No such host".to_owned() },
                };
                story.say(*run, [AgentRunEvent::RunEnded(ended(outcome, u64::from(*how)))]).await;
            }
            Happening::Garbage(ticket) => {
                let Some((ticket, _)) = pick(&mut self.tickets, *ticket) else { return };
                let raw = Raw {
                    aggregate_type: "Ticket",
                    aggregate_id: ticket.to_string(),
                    event_type: "TicketMoved",
                    event_version: "1".to_owned(),
                    payload: "{\"not\": \"a move\"}".to_owned(),
                };
                story.log.append_raw(&raw).await.unwrap();
            }
            Happening::Rebuild => {
                let all = projections::all();
                let projection = &all[self.rebuilds % all.len()];
                self.rebuilds += 1;
                projections::rebuild(&story.database.pool, projection.name(), |_| ()).await.unwrap();
            }
        }
    }
}

fn change(what: u8) -> TicketEvent {
    match what % 6 {
        0 => TicketEvent::TicketPrioritised(TicketPrioritised { priority: (what > 99).then_some(Priority::High) }),
        1 => TicketEvent::TicketLabelled(TicketLabelled { labels: vec![what.to_string()] }),
        2 => {
            let assignee = (what > 99).then(|| UserId(Uuid::from_u128(u128::from(what))));
            TicketEvent::TicketAssigned(TicketAssigned { assignee })
        }
        3 => TicketEvent::TicketDelegated(TicketDelegated { provider: Some("codex".to_owned()) }),
        4 => TicketEvent::TicketReparented(TicketReparented { parent: None }),
        _ => {
            let comment = CommentId(Uuid::from_u128(u128::from(what)));
            TicketEvent::TicketCommented(TicketCommented { comment, body_md: "\u{1f34b}\t\\N\n".to_owned() })
        }
    }
}

#[test]
fn any_valid_sequence_makes_the_same_rows_live_and_rebuilt() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::new(Config { cases: 6, max_shrink_iters: 40, ..Config::default() });
    let sequences = prop::collection::vec(happening(), 20..120);
    let outcome = runner.run(&sequences, |sequence| {
        runtime.block_on(async {
            let story = Story::begin().await;
            // A second process of the projector, racing the first.
            let _second = crate::story::start(&story.database.pool, &story.hints);
            let mut world = World { story, tickets: Vec::new(), runs: Vec::new(), rebuilds: 0 };
            for happening in &sequence {
                world.happens(happening).await;
            }
            world.story.equals_its_rebuild().await;
        });
        Ok(())
    });
    outcome.unwrap();
}

/// A poison event stands still in the projections that read its stream, with a row that says so, and in no other.
#[tokio::test]
async fn garbage_in_one_stream_parks_it_and_the_others_go_on() {
    let mut world = World { story: Story::begin().await, tickets: Vec::new(), runs: Vec::new(), rebuilds: 0 };
    for happening in [Happening::Ticket, Happening::Ticket, Happening::Garbage(0), Happening::Ticket] {
        world.happens(&happening).await;
    }
    world.happens(&Happening::Change(0, 1)).await;
    world.happens(&Happening::Change(1, 1)).await;
    let story = &world.story;
    story.equals_its_rebuild().await;
    let board = story.reads.board(story.log.org, story.board).await.unwrap().unwrap();
    let versions: Vec<_> = board.columns[0].cards.iter().map(|card| card.version).collect();
    assert_eq!(versions, [1, 2, 1]);
    testkit::eventually(Duration::from_secs(5), || async {
        let standings = projections::standings(&story.database.pool).await.unwrap();
        standings.len() == projections::all().len() && standings.iter().all(|standing| standing.lag == 0)
    })
    .await;
    for standing in projections::standings(&story.database.pool).await.unwrap() {
        assert_eq!(standing.parked.len(), 1, "{standing:?}");
        assert_eq!(standing.parked[0].aggregate_id, world.tickets[0].0.to_string());
        assert!(standing.parked[0].error.contains("TicketMoved"), "{standing:?}");
    }
}
