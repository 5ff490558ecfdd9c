//! R1: what was acknowledged is there once, what was not is there at most once, and each command is whole.

use std::collections::{BTreeMap, HashMap, HashSet};

use uuid::Uuid;

use super::Broken;
use super::log::{Entry, Log};

/// What a command was answered with when it was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    pub version: u64,
    /// None: not yet known when the answer was given.
    pub position: Option<u64>,
}

/// One command that was sent until it was answered, or given up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    pub command: Uuid,
    /// Each is somewhere in the text that the command writes, and nowhere else: [`mark`].
    pub marks: Vec<String>,
    pub answer: Option<Answer>,
    /// The code of an answer other than acceptance and than a plea to try again.
    pub refused: Option<String>,
}

/// A command that was sent again after its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeated {
    pub command: Uuid,
    pub first: Answer,
    pub again: Answer,
}

const MARK: &str = "mark:";

/// A text that occurs once in the world: part `number` of what `command` writes.
pub fn mark(command: Uuid, number: usize) -> String {
    format!("{MARK}{command}:{number}")
}

/// Everything about commands that does not hold. `sent` must be all that anybody sent to tickets.
pub fn judge(log: &Log, sent: &[Sent], repeated: &[Repeated]) -> Vec<Broken> {
    let commands = log.by_command();
    let marks = marks_in(log);
    let mut broken = Vec::new();
    for sent in sent {
        let events = commands.get(&sent.command).map_or(&[][..], Vec::as_slice);
        judge_command(sent, events, &marks, &mut broken);
    }
    for repeated in repeated {
        let Repeated { command, first, again } = *repeated;
        let same_place = first.position.is_none() || again.position.is_none() || first.position == again.position;
        if first.version != again.version || !same_place {
            broken.push(Broken::AnsweredOtherwise { command, first, again });
        }
        let events = commands.get(&command).map_or(&[][..], Vec::as_slice);
        judge_answer(command, again, events, &mut broken);
    }
    let known: HashSet<Uuid> = sent.iter().map(|sent| sent.command).collect();
    for entry in tickets(log) {
        if !known.contains(&entry.command) {
            let position = entry.place.as_ref().map(|place| place.position);
            broken.push(Broken::Invented { command: entry.command, position });
        }
    }
    broken
}

fn judge_command(sent: &Sent, events: &[&Entry], marks: &HashMap<String, usize>, broken: &mut Vec<Broken>) {
    let command = sent.command;
    if let Some(code) = &sent.refused {
        broken.push(Broken::Refused { command, code: code.clone() });
    }
    let heads = events.iter().filter(|entry| entry.index_in_command == 0).count();
    if heads > 1 {
        broken.push(Broken::Doubled { command, times: heads });
    }
    judge_wholeness(command, events, broken);
    let counts: BTreeMap<&String, usize> =
        sent.marks.iter().map(|mark| (mark, marks.get(mark).copied().unwrap_or_default())).collect();
    for (mark, times) in counts {
        if times > 1 {
            broken.push(Broken::EffectDoubled { command, mark: mark.clone(), times });
        } else if times == 0 && !events.is_empty() {
            broken.push(Broken::Half { command, missing: mark.clone() });
        }
    }
    if let Some(answer) = sent.answer {
        if events.is_empty() {
            broken.push(Broken::Lost { command });
        } else {
            judge_answer(command, answer, events, broken);
        }
    }
}

/// All events of a command are there: one behind the other in one stream.
fn judge_wholeness(command: Uuid, events: &[&Entry], broken: &mut Vec<Broken>) {
    let Some(first) = events.first() else { return };
    for (index, entry) in (0_u32..).zip(events) {
        let expected = first.version + u64::from(index);
        if entry.index_in_command != index || entry.stream() != first.stream() || entry.version != expected {
            broken.push(Broken::Half { command, missing: format!("its event {index} behind the one before it") });
            return;
        }
    }
}

fn judge_answer(command: Uuid, answer: Answer, events: &[&Entry], broken: &mut Vec<Broken>) {
    let Some(last) = events.last() else { return };
    let position = last.place.as_ref().map(|place| place.position);
    let true_position = answer.position.is_none() || answer.position == position;
    if answer.version != last.version || !true_position {
        let stored = format!("version {} at position {position:?}", last.version);
        let answered = format!("version {} at position {:?}", answer.version, answer.position);
        broken.push(Broken::AnsweredWrongly { command, answered, stored });
    }
}

fn tickets(log: &Log) -> impl Iterator<Item = &Entry> {
    log.entries.iter().filter(|entry| entry.aggregate_type == "Ticket")
}

/// How often each mark is in what the tickets' events say. A run that quotes a ticket is no second effect.
fn marks_in(log: &Log) -> HashMap<String, usize> {
    let mut marks = HashMap::new();
    for entry in tickets(log) {
        for (start, _) in entry.payload.match_indices(MARK) {
            let rest = entry.payload.get(start + MARK.len()..).unwrap_or_default();
            let end = rest.find(|c: char| !(c.is_ascii_hexdigit() || c == '-' || c == ':')).unwrap_or(rest.len());
            let name = rest.get(..end).unwrap_or_default();
            *marks.entry(format!("{MARK}{name}")).or_default() += 1;
        }
    }
    marks
}
