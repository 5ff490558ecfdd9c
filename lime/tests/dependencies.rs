//! Arrows between the crates go one way. This test reads the real dependency graph and fails on any other arrow.

use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

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
    ("bench", &["domain", "feed", "commands", "testkit"]),
];

/// As `cargo metadata` writes the kind of a dependency: none for what ships, `dev` for tests.
fn arrows(of_kind: Option<&str>) -> BTreeSet<(String, String)> {
    let answer = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo metadata");
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    let metadata: Value = serde_json::from_slice(&answer.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let name_of = |value: &Value| value["name"].as_str().expect("name").to_owned();
    let names: BTreeSet<String> = packages.iter().map(name_of).collect();
    packages
        .iter()
        .flat_map(|package| {
            let dependencies = package["dependencies"].as_array().expect("dependencies");
            dependencies.iter().map(move |dependency| (name_of(package), dependency))
        })
        .filter(|(_, dependency)| dependency["kind"].as_str() == of_kind && names.contains(&name_of(dependency)))
        .map(|(from, dependency)| (from, name_of(dependency)))
        .collect()
}

fn allowed(from: &str) -> &'static [&'static str] {
    ALLOWED.iter().find(|(name, _)| *name == from).map_or_else(|| panic!("{from} is not in the table"), |(_, to)| to)
}

#[test]
fn crates_depend_in_one_direction() {
    for (from, to) in arrows(None) {
        assert!(allowed(&from).contains(&to.as_str()), "{from} may not depend on {to}");
    }
}

#[test]
fn tests_reach_no_further_than_the_test_kit() {
    for (from, to) in arrows(Some("dev")) {
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
