//! Arrows between the crates go one way. This test reads the real dependency graph and fails on any other arrow.

use cargo_metadata::{DependencyKind, MetadataCommand};
use std::collections::BTreeSet;

/// Who may use whom in the product's own code. Tests may also use `testkit`.
const ALLOWED: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("schema", &["domain"]),
    ("feed", &["schema", "domain"]),
    ("commands", &["feed", "schema", "domain"]),
    ("projections", &["feed", "schema", "domain"]),
    ("gateway", &["projections", "commands", "feed", "schema", "domain"]),
    ("workers", &["commands", "feed", "schema", "domain"]),
    ("lime", &["domain", "schema", "feed", "commands", "projections", "gateway", "workers"]),
    // Never shipped: what tests and measurements stand on.
    ("testkit", &["domain", "schema"]),
    ("bench", &["domain", "schema", "feed", "commands", "projections", "gateway", "workers", "testkit"]),
];

fn arrows(of_kind: DependencyKind) -> BTreeSet<(String, String)> {
    let metadata = MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata");
    let names: BTreeSet<String> = metadata.packages.iter().map(|package| package.name.to_string()).collect();
    metadata
        .packages
        .iter()
        .flat_map(|package| package.dependencies.iter().map(move |dependency| (package.name.to_string(), dependency)))
        .filter(|(_, dependency)| dependency.kind == of_kind && names.contains(&dependency.name))
        .map(|(from, dependency)| (from, dependency.name.clone()))
        .collect()
}

fn allowed(from: &str) -> &'static [&'static str] {
    ALLOWED.iter().find(|(name, _)| *name == from).map_or_else(|| panic!("{from} is not in the table"), |(_, to)| to)
}

#[test]
fn crates_depend_in_one_direction() {
    for (from, to) in arrows(DependencyKind::Normal) {
        assert!(allowed(&from).contains(&to.as_str()), "{from} may not depend on {to}");
    }
}

#[test]
fn tests_reach_no_further_than_the_test_kit() {
    for (from, to) in arrows(DependencyKind::Development) {
        let fine = to == "testkit" || allowed(&from).contains(&to.as_str()) || from == "lime";
        assert!(fine, "the tests of {from} may not depend on {to}");
    }
}

#[test]
fn every_crate_is_in_the_table_once() {
    let from: BTreeSet<&str> = ALLOWED.iter().map(|(name, _)| *name).collect();
    assert_eq!(from.len(), ALLOWED.len());
    for (_, to) in ALLOWED {
        for name in *to {
            assert!(from.contains(name), "{name} is named as a target but has no line of its own");
        }
    }
}
