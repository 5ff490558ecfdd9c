//! Each promise is broken once, and must be named: a checker that passes everything would pass these worlds too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use schema::hash_chain::{GENESIS, Hash};
use uuid::Uuid;

use testkit::oracle::answers::mark;
use testkit::oracle::effects::{Canary, Rows, judge_canary, judge_rebuild, link};
use testkit::oracle::*;

const ORG: Uuid = Uuid::from_u128(0xA);
const OTHER_ORG: Uuid = Uuid::from_u128(0xB);
const BOARD: Uuid = Uuid::from_u128(0xB0A);
const TICKET: Uuid = Uuid::from_u128(0x71);
const RUN: Uuid = Uuid::from_u128(0x12);

fn command(number: u128) -> Uuid {
    Uuid::from_u128(0xC000 + number)
}

fn event(stream: (&str, Uuid), version: u64, event_type: &str, by: (Uuid, u32), payload: String) -> Entry {
    Entry {
        row: 0,
        event_id: Uuid::nil(),
        org: ORG,
        aggregate_type: stream.0.to_owned(),
        aggregate_id: stream.1.to_string(),
        version,
        event_type: event_type.to_owned(),
        event_version: "1".to_owned(),
        actor: format!("user:{}", Uuid::from_u128(1)),
        at: DateTime::UNIX_EPOCH,
        command: by.0,
        index_in_command: by.1,
        metadata: "{}".to_owned(),
        payload,
        place: None,
    }
}

/// Rows, ids, times, positions and hashes as the product gives them.
fn placed(mut entries: Vec<Entry>) -> Log {
    let mut orgs: HashMap<Uuid, (u64, Hash)> = HashMap::new();
    for (number, entry) in (1_u64..).zip(&mut entries) {
        entry.row = i64::try_from(number).unwrap();
        entry.event_id = Uuid::from_u128(0xE000 + u128::from(number));
        entry.at = DateTime::UNIX_EPOCH + TimeDelta::seconds(entry.row);
        let (org_position, previous) = orgs.entry(entry.org).or_insert((0, GENESIS));
        let mut place =
            Place { position: number, org_position: *org_position + 1, prev_hash: *previous, hash: GENESIS };
        place.hash = entry.hash(&place, previous);
        (*org_position, *previous) = (place.org_position, place.hash);
        entry.place = Some(place);
    }
    Log { entries, hollow: Vec::new() }
}

/// A board, a ticket that two commands changed, another org's board, and a run on the ticket that ended.
fn entries() -> Vec<Entry> {
    let ticket = ("Ticket", TICKET);
    let run = ("AgentRun", RUN);
    let text = |command, number| format!(r#"{{"title":"{}"}}"#, mark(command, number));
    let mut elsewhere = event(("Board", Uuid::from_u128(0xB0B)), 1, "BoardCreated", (command(9), 0), "{}".to_owned());
    elsewhere.org = OTHER_ORG;
    let created = format!(r#"{{"board":"{BOARD}","title":"{}"}}"#, mark(command(1), 0));
    let requested = format!(r#"{{"ticket":{{"id":"{TICKET}","title":"{}"}}}}"#, mark(command(1), 0));
    vec![
        event(("Board", BOARD), 1, "BoardCreated", (command(0), 0), "{}".to_owned()),
        event(ticket, 1, "TicketCreated", (command(1), 0), created),
        elsewhere,
        event(ticket, 2, "TicketRetitled", (command(2), 0), text(command(2), 0)),
        event(ticket, 3, "TicketDescribed", (command(2), 1), text(command(2), 1)),
        event(run, 1, "RunRequested", (command(3), 0), requested),
        event(run, 2, "RunLeased", (command(4), 0), r#"{"token":1}"#.to_owned()),
        event(run, 3, "RunLeased", (command(5), 0), r#"{"token":2}"#.to_owned()),
        event(run, 4, "RunWorkStarted", (command(6), 0), r#"{"token":2}"#.to_owned()),
        event(run, 5, "RunEnded", (command(7), 0), r#"{"token":2}"#.to_owned()),
    ]
}

fn good() -> Log {
    placed(entries())
}

fn sent() -> Vec<Sent> {
    let one = |number, marks: usize, version, position| Sent {
        command: command(number),
        marks: (0..marks).map(|at| mark(command(number), at)).collect(),
        answer: Some(Answer { version, position }),
        refused: None,
    };
    vec![one(1, 1, 1, None), one(2, 2, 3, Some(5))]
}

fn subscriber(positions: &[u64]) -> Subscriber {
    let received = positions.iter().map(|position| Delivery { position: *position, at: DateTime::UNIX_EPOCH });
    Subscriber { name: "sub".into(), board: BOARD, received: received.collect(), ..Subscriber::default() }
}

fn delivered(positions: &[u64]) -> Vec<Broken> {
    delivery::judge(&delivery::changes_of_boards(&good())[&BOARD], &subscriber(positions))
}

fn canary(log: &Log, places: &[usize]) -> Canary {
    let seen: Vec<Uuid> = places.iter().map(|place| log.entries[*place].event_id).collect();
    Canary { chain: seen.iter().fold(Vec::new(), |chain, event| link(&chain, *event)), seen }
}

#[test]
fn a_world_that_keeps_its_promises_passes() {
    let log = good();
    assert_eq!(order::judge(&log), []);
    assert_eq!(order::judge_history(&log, &[order::head_at(&log, 3), order::head_at(&log, 10)]), []);
    assert_eq!(answers::judge(&log, &sent(), &[]), []);
    assert_eq!(delivered(&[1, 2, 4, 5, 6, 7, 8, 9, 10]), []);
    assert_eq!(judge_canary(&log, &canary(&log, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9])), []);
    assert_eq!(runs::judge(&log), []);
    assert_eq!(copy::judge(&log, 1, &copied(&log)), []);
    assert_eq!(Broken::unless_within("R6", "it", Duration::from_secs(1), Duration::from_secs(1)), None);
}

#[test]
fn a_lost_command_is_named() {
    let mut entries = entries();
    entries.truncate(3);
    assert_eq!(answers::judge(&placed(entries), &sent(), &[]), [Broken::Lost { command: command(2) }]);
}

#[test]
fn a_command_that_was_never_acknowledged_may_be_there_once_or_not_at_all() {
    let mut unanswered = sent();
    unanswered[1].answer = None;
    assert_eq!(answers::judge(&good(), &unanswered, &[]), []);
    let mut entries = entries();
    entries.truncate(3);
    assert_eq!(answers::judge(&placed(entries), &unanswered, &[]), []);
}

#[test]
fn a_doubled_command_is_named() {
    let mut entries = entries();
    let mut again = entries[3].clone();
    again.version = 4;
    entries.push(again);
    let broken = answers::judge(&placed(entries), &sent(), &[]);
    assert!(broken.contains(&Broken::Doubled { command: command(2), times: 2 }), "{broken:?}");
    assert!(broken.iter().any(|broken| matches!(broken, Broken::EffectDoubled { times: 2, .. })), "{broken:?}");
}

#[test]
fn an_effect_that_came_again_under_another_id_is_named() {
    let mut entries = entries();
    let mut again = entries[3].clone();
    (again.version, again.command) = (4, command(8));
    entries.push(again);
    let broken = answers::judge(&placed(entries), &sent(), &[]);
    let doubled = Broken::EffectDoubled { command: command(2), mark: mark(command(2), 0), times: 2 };
    assert_eq!(broken, [doubled, Broken::Invented { command: command(8), position: Some(11) }]);
}

#[test]
fn half_a_command_is_named() {
    let mut entries = entries();
    entries.remove(4);
    let broken = answers::judge(&placed(entries), &sent(), &[]);
    assert!(broken.contains(&Broken::Half { command: command(2), missing: mark(command(2), 1) }), "{broken:?}");
}

#[test]
fn wrong_and_changed_answers_are_named() {
    let mut wrong = sent();
    wrong[1].answer = Some(Answer { version: 3, position: Some(4) });
    assert!(matches!(answers::judge(&good(), &wrong, &[])[..], [Broken::AnsweredWrongly { .. }]));
    let first = Answer { version: 3, position: Some(5) };
    let again = Answer { version: 2, position: None };
    let repeated = Repeated { command: command(2), first, again };
    let broken = answers::judge(&good(), &sent(), &[repeated]);
    assert_eq!(broken[0], Broken::AnsweredOtherwise { command: command(2), first, again });
    let mut refused = sent();
    refused[0].refused = Some("INTERNAL".into());
    let broken = answers::judge(&good(), &refused, &[]);
    assert_eq!(broken, [Broken::Refused { command: command(1), code: "INTERNAL".into() }]);
}

#[test]
fn a_gap_a_swap_and_a_repeat_in_the_order_are_named() {
    let mut gap = good();
    gap.entries.remove(2);
    assert_eq!(order::judge(&gap), [Broken::Gap { expected: 3, found: 4 }]);

    let mut swapped = entries();
    swapped.swap(3, 4);
    let broken = order::judge(&placed(swapped));
    assert!(matches!(broken[0], Broken::StreamOrder { position: 4, expected: 2, found: 3, .. }), "{broken:?}");

    let mut same = good();
    same.entries[4].event_id = same.entries[3].event_id;
    let broken = order::judge(&same);
    assert!(broken.iter().any(|broken| matches!(broken, Broken::SameEvent { first: 4, again: 5, .. })), "{broken:?}");

    let mut unplaced = good();
    unplaced.entries[9].place = None;
    unplaced.hollow.push(10);
    assert_eq!(order::judge(&unplaced), [Broken::Hollow { position: 10 }, Broken::Unplaced { row: 10 }]);
}

#[test]
fn a_changed_byte_and_a_changed_history_are_named() {
    let before = order::head_at(&good(), 5);
    for place in 0..10 {
        let mut changed = good();
        changed.entries[place].payload.push(' ');
        let position = changed.entries[place].position();
        assert_eq!(order::judge(&changed), [Broken::Chain { position }]);
        let rewritten = order::judge_history(&changed, std::slice::from_ref(&before));
        assert_eq!(rewritten.is_empty(), position > 5, "{position}");
    }
    // Another history that is whole in itself.
    let mut entries = entries();
    entries[1].payload = "{}".to_owned();
    let rewritten = placed(entries);
    assert_eq!(order::judge(&rewritten), []);
    assert_eq!(order::judge_history(&rewritten, &[before]), [Broken::Rewritten { position: 5 }]);
    let mut shorter = good();
    shorter.entries.truncate(8);
    let cut = order::judge_history(&shorter, &[order::head_at(&good(), 10)]);
    assert_eq!(cut, [Broken::Rewritten { position: 10 }]);
}

#[test]
fn what_a_subscriber_missed_or_got_again_is_named() {
    let subscriber = || "sub".to_owned();
    assert_eq!(delivered(&[1, 2, 5, 6, 7, 8, 9, 10]), [Broken::Missed { subscriber: subscriber(), position: 4 }]);
    assert_eq!(delivered(&[1, 2, 4, 5, 6, 7, 8, 9]), [Broken::Missed { subscriber: subscriber(), position: 10 }]);
    let again = delivered(&[1, 2, 4, 5, 4, 6, 7, 8, 9, 10]);
    assert_eq!(again, [Broken::DeliveredAgain { subscriber: subscriber(), position: 4 }]);
    let late = delivered(&[1, 2, 5, 4, 6, 7, 8, 9, 10]);
    assert_eq!(late, [Broken::DeliveredLate { subscriber: subscriber(), position: 4, after: 5 }]);
    let stranger = delivered(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert_eq!(stranger, [Broken::Stranger { subscriber: subscriber(), position: 3 }]);
}

#[test]
fn only_a_resync_excuses_what_did_not_come() {
    let changes = &delivery::changes_of_boards(&good())[&BOARD];
    let mut told = subscriber(&[7, 8, 9, 10]);
    told.resyncs = vec![6];
    assert_eq!(delivery::judge(changes, &told), []);
    told.resyncs = vec![5];
    assert_eq!(delivery::judge(changes, &told), [Broken::Missed { subscriber: "sub".into(), position: 6 }]);
}

#[test]
fn latency_is_from_the_record_to_the_subscriber() {
    let mut late = subscriber(&[1, 2, 4]);
    for (delivery, millis) in late.received.iter_mut().zip([5, 7, 400]) {
        let recorded = i64::try_from(delivery.position).unwrap();
        delivery.at = DateTime::UNIX_EPOCH + TimeDelta::seconds(recorded) + TimeDelta::milliseconds(millis);
    }
    let (from, to): (DateTime<Utc>, _) = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH + TimeDelta::seconds(3));
    let took = delivery::latencies(&good(), &[late], from, to);
    assert_eq!(took, [TimeDelta::milliseconds(5), TimeDelta::milliseconds(7)]);
    assert_eq!(delivery::percentile(&took, 0.99), Some(TimeDelta::milliseconds(7)));
    assert_eq!(delivery::percentile(&[], 0.99), None);
}

#[test]
fn a_canary_that_missed_repeated_or_mixed_up_is_named() {
    let log = good();
    let missed = judge_canary(&log, &canary(&log, &[0, 1, 2, 4, 5, 6, 7, 8, 9]));
    assert_eq!(missed[0], Broken::CanaryMissed { position: 4 });
    let repeated = judge_canary(&log, &canary(&log, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9]));
    assert_eq!(repeated[0], Broken::CanaryRepeated { position: 10, times: 2 });
    assert!(matches!(repeated[1], Broken::CanaryOrder { place: 10, .. }), "{repeated:?}");
    let mixed = judge_canary(&log, &canary(&log, &[0, 2, 1, 3, 4, 5, 6, 7, 8, 9]));
    assert!(matches!(mixed[..], [Broken::CanaryOrder { place: 1, .. }]), "{mixed:?}");
    let mut forged = canary(&log, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    forged.chain = vec![0; 32];
    assert_eq!(judge_canary(&log, &forged), [Broken::CanaryChain]);
}

#[test]
fn rows_that_are_behind_or_other_than_their_rebuild_are_named() {
    let rows = |position, sha256: &str| Rows { position, sha256: sha256.to_owned() };
    assert_eq!(judge_rebuild("board", 9, &rows(9, "a"), &rows(9, "a")), []);
    let behind = Broken::Behind { projection: "board".into(), found: 8, head: 9 };
    assert_eq!(judge_rebuild("board", 9, &rows(8, "a"), &rows(8, "a")), [behind]);
    let other = Broken::NotItsRebuild { projection: "board".into(), position: 9 };
    assert_eq!(judge_rebuild("board", 9, &rows(9, "a"), &rows(9, "b")), [other]);
}

#[test]
fn a_stale_token_and_a_second_ending_are_named() {
    let mut stale = entries();
    stale[8].payload = r#"{"token":1}"#.to_owned();
    let broken = runs::judge(&placed(stale));
    assert!(matches!(broken[..], [Broken::StaleToken { position: 9, token: 1, newest: 2, .. }]), "{broken:?}");

    let mut same = entries();
    same[7].payload = r#"{"token":1}"#.to_owned();
    let broken = runs::judge(&placed(same));
    assert!(matches!(broken[..], [Broken::StaleToken { position: 8, token: 1, newest: 1, .. }]), "{broken:?}");

    let mut twice = entries();
    twice.push(event(("AgentRun", RUN), 6, "RunEnded", (command(8), 0), r#"{"token":2}"#.to_owned()));
    assert_eq!(runs::judge(&placed(twice)), [Broken::Endings { run: RUN, times: 2 }]);

    let mut endless = entries();
    endless.truncate(9);
    assert_eq!(runs::judge(&placed(endless)), [Broken::Endings { run: RUN, times: 0 }]);

    let mut after = entries();
    after.swap(8, 9);
    assert!(matches!(runs::judge(&placed(after))[..], [Broken::AfterTheEnd { position: 10, .. }]));
}

fn copied(log: &Log) -> Vec<Copied> {
    let copy = |(entry, place): (&Entry, &Place)| Copied {
        sequence: place.position,
        event: Some(entry.event_id),
        payload: entry.payload.clone().into_bytes(),
    };
    log.placed().map(copy).collect()
}

#[test]
fn a_copy_with_a_hole_another_event_or_a_missing_end_is_named() {
    let log = good();
    let mut holed = copied(&log);
    holed.remove(4);
    assert!(matches!(copy::judge(&log, 1, &holed)[..], [Broken::OtherMessage { sequence: 5, .. }]));
    assert_eq!(copy::judge(&log, 6, &holed), []);
    let mut exchanged = copied(&log);
    exchanged[2].event = exchanged[3].event;
    exchanged[6].payload.push(b' ');
    let broken = copy::judge(&log, 1, &exchanged);
    assert!(
        matches!(broken[..], [Broken::OtherMessage { sequence: 3, .. }, Broken::OtherMessage { sequence: 7, .. }]),
        "{broken:?}"
    );
    let mut short = copied(&log);
    short.pop();
    assert_eq!(copy::judge(&log, 1, &short)[1], Broken::ShortCopy { found: 9, head: 10 });
}

#[test]
fn every_kind_belongs_to_a_promise_and_tells_what_it_saw() {
    let late = Broken::unless_within("R8", "catching up", Duration::from_secs(11), Duration::from_secs(10)).unwrap();
    assert_eq!(late.promise(), "R8");
    assert_eq!(late.to_string(), "R8: catching up took 11s, longer than 10s");
    assert_eq!(Broken::Lost { command: command(1) }.promise(), "R1");
    assert_eq!(Broken::Chain { position: 7 }.to_string(), "the hash chain is broken at position 7");
    assert_eq!(Broken::NotSo { promise: "R9", what: "a process ended".into() }.promise(), "R9");
}
