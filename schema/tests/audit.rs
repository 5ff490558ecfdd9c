//! Tampering shows: every way to change an export is found, at the place where it happened.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use domain::ids::{CommandId, EventId, OrgId, Position};
use schema::audit::{AuditEntry, Broken, Head, Problem, Verified, VerifyError, Writer, verify};
use schema::hash_chain::GENESIS;
use uuid::Uuid;

const ORG: OrgId = OrgId(Uuid::from_u128(7));

/// A whole export of `events` events at positions 3, 6, 9, …
fn entries(events: u64) -> Vec<AuditEntry> {
    let mut previous = GENESIS;
    (1..=events)
        .map(|org_position| {
            let mut entry = AuditEntry {
                position: org_position * 3,
                org_position,
                org: ORG,
                event_id: EventId(Uuid::from_u128(u128::from(org_position) << 64)),
                aggregate_type: "Ticket".into(),
                aggregate_id: Uuid::from_u128(u128::from(org_position % 4)).to_string(),
                version: org_position,
                event_type: "TicketRetitled".into(),
                event_version: "1".into(),
                actor: "user:00000000-0000-0000-0000-000000000001".into(),
                recorded_at: "2026-01-02T03:04:05.678901Z".parse().unwrap(),
                command_id: CommandId(Uuid::from_u128(u128::from(org_position) << 32)),
                index_in_command: 0,
                metadata: r#"{"command_id":"x","traceparent":"00-1-2-3"}"#.into(),
                payload: format!("{{\"title\": \"Grüße {org_position} \\u0041\\n\\\"/\u{7f}\u{2028}\" }}"),
                prev_hash: previous,
                hash: GENESIS,
            };
            entry.hash = entry.computed_hash();
            previous = entry.hash;
            entry
        })
        .collect()
}

fn write(entries: &[AuditEntry]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = Writer::new(&mut file, ORG).unwrap();
    for entry in entries {
        writer.entry(entry).unwrap();
    }
    writer.finish().unwrap();
    file
}

fn check(file: &[u8]) -> Result<Verified, Broken> {
    check_against(file, None)
}

fn check_against(file: &[u8], given: Option<Head>) -> Result<Verified, Broken> {
    verify(file, given).map_err(|error| match error {
        VerifyError::Broken(broken) => broken,
        VerifyError::Read(error) => panic!("{error}"),
    })
}

fn lines(file: &[u8]) -> Vec<Vec<u8>> {
    file.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// The position of the event whose line holds this byte; none in the first and last line.
fn position_at(file: &[u8], offset: usize, events: u64) -> Option<Position> {
    let line = file[..offset].iter().filter(|byte| **byte == b'\n').count() as u64;
    (1..=events).contains(&line).then_some(line * 3)
}

#[test]
fn a_whole_export_is_consistent_but_not_authenticated() {
    let entries = entries(10);
    let verified = check(&write(&entries)).unwrap();
    assert_eq!((verified.org, verified.events, verified.position), (ORG, 10, 30));
    assert_eq!(verified.head, Head { org_position: 10, hash: entries[9].hash });
    assert!(!verified.matches_given_head);
    let empty = check(&write(&[])).unwrap();
    assert_eq!((empty.events, empty.head.hash), (0, GENESIS));
}

#[test]
fn every_change_of_one_byte_is_found() {
    let events = 6;
    let file = write(&entries(events));
    for offset in 0..file.len() {
        for flip in [0x01, 0x20, 0x80] {
            let mut changed = file.clone();
            changed[offset] ^= flip;
            let broken = check(&changed).expect_err("the change was not found");
            // Named where it is, or at the event after: a changed line feed breaks two lines.
            let at = position_at(&file, offset, events).unwrap_or(0);
            let good = broken.good_up_to;
            assert!(good < at.max(3) || offset > position_of_last_line(&file), "{offset}: {broken}");
            assert!(good + 3 >= at.min(events * 3), "{offset}: {broken}");
        }
    }
}

fn position_of_last_line(file: &[u8]) -> usize {
    file[..file.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap()
}

#[test]
fn a_hundred_of_a_hundred_random_changes_are_found() {
    let file = write(&entries(200));
    // A fixed sequence (xorshift): the test is the same every time.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let length = file.len() as u64;
    let found = (0..100)
        .filter(|_| {
            let mut changed = file.clone();
            let offset = usize::try_from(random() % length).unwrap();
            changed[offset] = changed[offset].wrapping_add(u8::try_from(1 + random() % 255).unwrap());
            check(&changed).is_err()
        })
        .count();
    assert_eq!(found, 100);
}

#[test]
fn a_deletion_is_found_wherever_it_is() {
    let file = lines(&write(&entries(10)));
    for deleted in 1..=10 {
        let mut lines = file.clone();
        lines.remove(deleted);
        let broken = check(&lines.concat()).unwrap_err();
        assert_eq!(broken.good_up_to, (deleted as u64 - 1) * 3);
        if deleted < 10 {
            assert_eq!(
                broken.problem,
                Problem::Missing { expected: deleted as u64, found: deleted as u64 + 1 },
                "{broken}"
            );
            assert_eq!(broken.position, Some((deleted as u64 + 1) * 3));
        } else {
            assert_eq!(broken.problem, Problem::OtherEnd);
        }
    }
    let mut cut_off = file.clone();
    cut_off.pop();
    assert_eq!(check(&cut_off.concat()).unwrap_err().problem, Problem::CutOff);
}

#[test]
fn a_repetition_and_a_reordering_are_found() {
    let file = lines(&write(&entries(10)));
    let mut doubled = file.clone();
    doubled.insert(5, file[4].clone());
    let broken = check(&doubled.concat()).unwrap_err();
    assert_eq!((broken.position, broken.problem), (Some(12), Problem::OutOfOrder { expected: 5, found: 4 }));
    for first in 1..10 {
        let mut swapped = file.clone();
        swapped.swap(first, first + 1);
        let broken = check(&swapped.concat()).unwrap_err();
        assert_eq!(broken.good_up_to, (first as u64 - 1) * 3, "{broken}");
    }
}

/// What a careful forger does: changes an event and computes all hashes after it anew, or leaves the last one out and
/// writes a matching end. Only a head that was kept elsewhere shows it.
#[test]
fn a_forged_chain_shows_against_a_head_that_was_kept_elsewhere() {
    let honest = entries(10);
    let kept = Head { org_position: 10, hash: honest[9].hash };
    assert!(check_against(&write(&honest), Some(kept)).unwrap().matches_given_head);

    let mut forged = honest.clone();
    forged[4].payload = "{}".into();
    let mut previous = forged[3].hash;
    for entry in &mut forged[4..] {
        entry.prev_hash = previous;
        entry.hash = entry.computed_hash();
        previous = entry.hash;
    }
    assert!(check(&write(&forged)).is_ok());
    let broken = check_against(&write(&forged), Some(kept)).unwrap_err();
    assert_eq!((broken.position, broken.problem), (Some(30), Problem::OtherHead { org_position: 10 }));

    let broken = check_against(&write(&honest[..9]), Some(kept)).unwrap_err();
    assert_eq!(broken.problem, Problem::HeadMissing { org_position: 10 });
    // An older head is still good for a longer export.
    let older = Head { org_position: 3, hash: honest[2].hash };
    assert!(check_against(&write(&honest), Some(older)).unwrap().matches_given_head);
}

#[test]
fn an_event_of_another_org_is_found() {
    let mut entries = entries(3);
    entries[1].org = OrgId(Uuid::from_u128(8));
    entries[1].hash = entries[1].computed_hash();
    assert_eq!(check(&write(&entries)).unwrap_err().problem, Problem::OtherOrg);
}

#[test]
fn a_head_is_written_and_read_alike() {
    let head = Head { org_position: 12, hash: [0xab; 32] };
    assert_eq!(head.to_string().parse::<Head>().unwrap(), head);
    assert!("12".parse::<Head>().is_err());
    assert!("12:abcd".parse::<Head>().is_err());
}
