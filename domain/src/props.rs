//! What holds for every aggregate and every row of events, also those that no rule would have let happen.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::agent_run::AgentRun;
use crate::board::Board;
use crate::decider::{Decider, LastChange};
use crate::given::{at, context, fold, someone};
use crate::org::Org;
use crate::project::Project;
use crate::repo_connection::RepoConnection;
use crate::samples::{samples, ticket_commands};
use crate::ticket::Ticket;
use proptest::prelude::*;

/// Folds the events of one kind from the samples, in the order that `picks` says.
fn events_of<D: Decider>(picks: &[usize]) -> Vec<D::Event> {
    let own: Vec<_> = samples().into_iter().filter_map(|event| D::event_from_domain(event).ok()).collect();
    picks.iter().map(|pick| own[pick % own.len()].clone()).collect()
}

/// Any order of events folds without a panic, in one go as in two, and through a snapshot.
fn replay_equals_live<D: Decider + PartialEq>(picks: &[usize], cut: usize) {
    let events = events_of::<D>(picks);
    let cut = cut % (events.len() + 1);
    let (whole, version) = fold(D::default(), 0, events.clone());
    let (first, at_cut) = fold(D::default(), 0, events[..cut].to_vec());
    let stored = serde_json::to_string(&first).unwrap();
    let loaded: D = serde_json::from_str(&stored).unwrap();
    assert_eq!(loaded, first, "a snapshot holds the whole state");
    assert_eq!(fold(loaded, at_cut, events[cut..].to_vec()), (whole, version));
}

proptest! {
    #[test]
    fn replay_is_live(picks in prop::collection::vec(any::<usize>(), 0..40), cut in any::<usize>()) {
        replay_equals_live::<Org>(&picks, cut);
        replay_equals_live::<Project>(&picks, cut);
        replay_equals_live::<Board>(&picks, cut);
        replay_equals_live::<Ticket>(&picks, cut);
        replay_equals_live::<RepoConnection>(&picks, cut);
        replay_equals_live::<AgentRun>(&picks, cut);
    }

    /// Whatever the state: what was decided can be applied, and a facet is remembered only by those who say they set it.
    #[test]
    fn a_decision_can_be_applied(picks in prop::collection::vec(any::<usize>(), 0..40), which in any::<usize>()) {
        let (ticket, version) = fold(Ticket::default(), 0, events_of::<Ticket>(&picks));
        let commands = ticket_commands();
        let command = &commands[which % commands.len()];
        if let Ok(events) = ticket.decide(command, &context()) {
            let (after, _) = fold(ticket.clone(), version, events.clone());
            for facet in crate::samples::TICKET_FACETS {
                if after.last_change(facet) != ticket.last_change(facet) {
                    let restored = matches!(command, crate::ticket::TicketCommand::Restore(_));
                    prop_assert!(restored || Ticket::facets(command).contains(&facet), "{facet:?} by {command:?}");
                }
            }
            // A comment may be said twice; a second creation is refused; everything else is so already.
            if let Ok(again) = after.decide(command, &context()) {
                prop_assert!(again.is_empty() || matches!(command, crate::ticket::TicketCommand::Comment(_)));
            }
        }
    }
}

#[test]
fn every_change_names_who_and_when() {
    let mut ticket = Ticket::default();
    let change = LastChange { version: 3, by: someone(), at: at(5) };
    for event in samples().into_iter().filter_map(|event| Ticket::event_from_domain(event).ok()) {
        ticket.apply(&event, &change);
    }
    for facet in crate::samples::TICKET_FACETS {
        assert_eq!(ticket.last_change(facet), Some(&change), "{facet:?}");
    }
}
