//! Every event that was ever written stays readable: `schema/events/<Event>.v<N>.json` is a sample of each version,
//! `<Event>.v<N>.schema.json` its JSON Schema. `LIME_BLESS=1` writes what is missing or has changed; a sample of an
//! older version is never rewritten.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::agent_run::AgentRunEvent;
use crate::board::BoardEvent;
use crate::event::{AggregateKind, DomainEvent};
use crate::org::OrgEvent;
use crate::project::ProjectEvent;
use crate::repo_connection::RepoConnectionEvent;
use crate::samples::samples;
use crate::ticket::TicketEvent;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema/events")
}

/// Name, version, aggregate and schema of every event that is written today.
fn written_today() -> Vec<(&'static str, u16, AggregateKind, schemars::Schema)> {
    let of = |kind, schemas: Vec<(&'static str, u16, schemars::Schema)>| {
        schemas.into_iter().map(move |(name, version, schema)| (name, version, kind, schema))
    };
    of(AggregateKind::Org, OrgEvent::json_schemas())
        .chain(of(AggregateKind::Project, ProjectEvent::json_schemas()))
        .chain(of(AggregateKind::Board, BoardEvent::json_schemas()))
        .chain(of(AggregateKind::Ticket, TicketEvent::json_schemas()))
        .chain(of(AggregateKind::RepoConnection, RepoConnectionEvent::json_schemas()))
        .chain(of(AggregateKind::AgentRun, AgentRunEvent::json_schemas()))
        .collect()
}

/// The file holds `wanted`, or is made to when blessing.
fn hold(file: &Path, wanted: &str) {
    if std::env::var_os("LIME_BLESS").is_some() {
        std::fs::create_dir_all(folder()).unwrap();
        std::fs::write(file, wanted).unwrap();
    }
    let held = std::fs::read_to_string(file).unwrap_or_default();
    let name = file.display();
    assert_eq!(
        held, wanted,
        "{name} differs. An additive optional field is fine: LIME_BLESS=1; else raise the version"
    );
}

#[test]
fn every_event_has_its_sample_and_schema() {
    let samples: BTreeMap<_, _> = samples().into_iter().map(|event| (event.event_type(), event)).collect();
    let written = written_today();
    assert_eq!(samples.len(), written.len(), "names are unique among all aggregates, and each has a sample");
    for (name, version, kind, schema) in written {
        let sample = &samples[name];
        assert_eq!((sample.aggregate(), sample.event_version()), (kind, version));
        let payload: serde_json::Value = serde_json::from_str(&sample.to_payload().unwrap()).unwrap();
        let pretty = |value: &serde_json::Value| format!("{}\n", serde_json::to_string_pretty(value).unwrap());
        hold(&folder().join(format!("{name}.v{version}.json")), &pretty(&payload));
        hold(&folder().join(format!("{name}.v{version}.schema.json")), &pretty(schema.as_value()));
    }
}

#[test]
fn every_sample_ever_written_is_still_read() {
    let kinds: BTreeMap<_, _> = written_today().into_iter().map(|(name, _, kind, _)| (name, kind)).collect();
    let mut read = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap();
        let Some((name, version)) = file.strip_suffix(".json").and_then(|stem| stem.split_once(".v")) else { continue };
        if version.ends_with(".schema") {
            continue;
        }
        let payload = std::fs::read_to_string(&path).unwrap();
        let event = DomainEvent::decode(kinds[name], name, version.parse().unwrap(), &payload);
        let event = event.unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(event.event_type(), name);
        read += 1;
    }
    assert!(read >= kinds.len());
}

#[test]
fn what_is_written_is_what_is_read() {
    for event in samples() {
        let payload = event.to_payload().unwrap();
        let read = DomainEvent::decode(event.aggregate(), event.event_type(), event.event_version(), &payload);
        assert_eq!(read.unwrap(), event);
    }
}

#[test]
fn what_is_not_known_is_said() {
    let unknown = DomainEvent::decode(AggregateKind::Org, "OrgPainted", 1, "{}").unwrap_err();
    assert_eq!(unknown.to_string(), "unknown event OrgPainted version 1 of Org");
    assert!(DomainEvent::decode(AggregateKind::Org, "OrgCreated", 2, "{\"name\":\"x\"}").is_err());
    assert!(DomainEvent::decode(AggregateKind::Org, "OrgCreated", 1, "{}").is_err());
}
