//! docs/ARCHITECTURE.md names files and functions; this test finds each of them, so that the text can't rot.

use std::fs;
use std::path::Path;

/// Code spans of the form `path/to/file.ext::name`.
fn named(text: &str) -> Vec<(&str, &str)> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|span| span.split_once("::"))
        .filter(|(path, _)| path.contains('/'))
        .collect()
}

fn defines(source: &str, name: &str) -> bool {
    let forms = ["fn ", "function ", "const ", "class ", "struct ", "trait ", "test("];
    forms.iter().any(|form| {
        source.match_indices(&format!("{form}{name}")).any(|(at, found)| {
            let after = source[at + found.len()..].chars().next();
            after.is_none_or(|c| !c.is_alphanumeric() && c != '_')
        })
    })
}

#[test]
fn what_the_text_names_exists() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let text = fs::read_to_string(root.join("docs/ARCHITECTURE.md")).expect("docs/ARCHITECTURE.md");
    let named = named(&text);
    assert!(named.len() >= 12, "the walk of a moved card alone names more than {}", named.len());
    let missing: Vec<String> = named
        .iter()
        .filter(|(path, name)| !fs::read_to_string(root.join(path)).is_ok_and(|source| defines(&source, name)))
        .map(|(path, name)| format!("{path}::{name}"))
        .collect();
    assert!(missing.is_empty(), "docs/ARCHITECTURE.md names what is not there: {missing:#?}");
}
