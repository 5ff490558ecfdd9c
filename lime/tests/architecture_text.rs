//! docs/ARCHITECTURE.md and docs/security name files, functions and tests; these tests find each of them, so that the
//! texts can't rot. And they hold docs/security/asvs.md to the standard's numbers: each is answered, once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Requirements in each section of each chapter of OWASP ASVS 5.0.
const REQUIREMENTS: [&[u32]; 17] = [
    &[2, 10, 12, 3, 3],
    &[3, 3, 5, 2],
    &[1, 3, 5, 8, 8, 1, 5],
    &[5, 5, 2, 4],
    &[1, 6, 3, 3],
    &[3, 12, 8, 6, 8, 4, 2, 4],
    &[3, 4, 2, 5, 3, 2],
    &[4, 4, 3, 2],
    &[3, 4],
    &[2, 3, 5, 16, 5, 2, 3],
    &[4, 5, 5, 4, 2, 2, 2],
    &[5, 2, 5],
    &[4, 6, 4, 7],
    &[2, 8, 3],
    &[5, 5, 7, 4],
    &[1, 5, 4, 3, 4],
    &[2, 8, 2],
];
/// What a row of docs/security/asvs.md may say of itself; the text's head explains them.
const STATES: [&str; 7] = ["yes", "built so", "part", "no", "operator", "level 3", "n/a"];
/// Extensions of our sources.
const SOURCES: [&str; 9] = ["rs", "ts", "tsx", "js", "sql", "md", "graphql", "toml", "html"];

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// docs/ARCHITECTURE.md, and all of docs/security.
fn texts() -> Vec<String> {
    let folder = fs::read_dir(root().join("docs/security")).expect("docs/security");
    let mut texts: Vec<String> = folder
        .map(|entry| format!("docs/security/{}", entry.expect("an entry").file_name().to_string_lossy()))
        .filter(|path| Path::new(path).extension().is_some_and(|extension| extension == "md"))
        .collect();
    texts.sort();
    texts.push("docs/ARCHITECTURE.md".to_owned());
    texts
}

fn spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// `path/to/file.ext`, or `path/to/file.ext::name`.
fn named(span: &str) -> Option<(&str, Option<&str>)> {
    let (path, name) = span.split_once("::").map_or((span, None), |(path, name)| (path, Some(name)));
    let extension = Path::new(path).extension()?.to_str()?;
    let is_source = SOURCES.contains(&extension);
    let is_path = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
    // A file alone, such as `lime.toml`, may be anybody's; one of Rust or TypeScript is ours, and wants its path.
    let is_ours = path.contains('/') || ["rs", "ts", "tsx"].contains(&extension);
    (is_source && is_path && is_ours && !path.starts_with(['/', '.'])).then_some((path, name))
}

fn defines(source: &str, name: &str) -> bool {
    // Tests of the web app are called by sentences.
    if name.contains(' ') {
        return source.contains(&format!("'{name}'"));
    }
    let forms = ["fn ", "function ", "const ", "static ", "class ", "struct ", "enum ", "trait ", "test("];
    forms.iter().any(|form| {
        source.match_indices(&format!("{form}{name}")).any(|(at, found)| {
            let after = source[at + found.len()..].chars().next();
            after.is_none_or(|c| !c.is_alphanumeric() && c != '_')
        })
    })
}

fn exists(path: &str, name: Option<&str>) -> bool {
    let path: PathBuf = root().join(path);
    match name {
        None => path.is_file(),
        Some(name) => fs::read_to_string(path).is_ok_and(|source| defines(&source, name)),
    }
}

#[test]
fn what_the_text_names_exists() {
    for text in texts() {
        let content = read(&text);
        let named: Vec<_> = spans(&content).filter_map(named).collect();
        assert!(named.len() >= 12, "{text} names only {} places", named.len());
        let missing: Vec<String> = named
            .iter()
            .filter(|(path, name)| !exists(path, *name))
            .map(|(path, name)| name.map_or_else(|| (*path).to_owned(), |name| format!("{path}::{name}")))
            .collect();
        assert!(missing.is_empty(), "{text} names what is not there: {missing:#?}");
    }
}

/// One row of a chapter's table: the numbers that it answers, and its other cells.
struct Row<'a> {
    numbers: Vec<String>,
    cells: Vec<&'a str>,
}

/// `1.2.3`, or `1.2.3–1.2.6` within a section.
fn numbers(part: &str) -> Option<Vec<String>> {
    let (first, last) = part.split_once('–').unwrap_or((part, part));
    let split = |number: &str| -> Option<(String, u32)> {
        let (section, at) = number.rsplit_once('.')?;
        let is_section = section.split('.').count() == 2 && section.split('.').all(|n| n.parse::<u32>().is_ok());
        is_section.then_some((section.to_owned(), at.parse().ok()?))
    };
    let ((section, from), (same, to)) = (split(first)?, split(last)?);
    assert!(section == same && from <= to, "{part} is no range within a section");
    Some((from..=to).map(|at| format!("{section}.{at}")).collect())
}

fn rows(text: &str) -> Vec<Row<'_>> {
    let answered = |line: &str| -> Option<Vec<String>> {
        let first = line.strip_prefix("| ")?.split(" | ").next()?;
        first.split(", ").map(numbers).collect::<Option<Vec<_>>>().map(|parts| parts.concat())
    };
    text.lines()
        .filter_map(|line| {
            let numbers = answered(line)?;
            let inside = line.trim_start_matches('|').trim_end_matches('|');
            Some(Row { numbers, cells: inside.split('|').skip(1).map(str::trim).collect() })
        })
        .collect()
}

#[test]
fn every_requirement_is_answered_once() {
    let text = read("docs/security/asvs.md");
    let mut answers: BTreeMap<String, u32> = BTreeMap::new();
    for row in rows(&text) {
        let which = row.numbers.join(", ");
        let [_, state, how, proof] = row.cells[..] else { panic!("{which} has {} cells", row.cells.len() + 1) };
        assert!(STATES.contains(&state), "{which} is {state:?}: say one of {STATES:?}");
        assert!(!how.is_empty(), "{which} does not say how, or why not");
        let names_a_test = spans(proof).filter_map(named).any(|(_, name)| name.is_some());
        assert!(state != "yes" || names_a_test, "{which} is met, says the text, and names no test");
        for number in row.numbers {
            *answers.entry(number).or_default() += 1;
        }
    }
    let asked = (1..).zip(REQUIREMENTS).flat_map(|(chapter, sections)| {
        let sections = (1..).zip(sections.to_vec());
        sections.flat_map(move |(section, count)| (1..=count).map(move |at| format!("{chapter}.{section}.{at}")))
    });
    let asked: BTreeMap<String, u32> = asked.map(|number| (number, 1)).collect();
    let wrong: Vec<_> = asked.keys().chain(answers.keys()).filter(|n| asked.get(*n) != answers.get(*n)).collect();
    assert!(wrong.is_empty(), "not answered once: {wrong:?}");
}

#[test]
fn these_tests_see_what_is_missing() {
    assert_eq!(named("lime/src/main.rs::main"), Some(("lime/src/main.rs", Some("main"))));
    assert_eq!(named("main.rs"), Some(("main.rs", None)), "without its path it is not found");
    assert!(!exists("main.rs", None) && !exists("lime/src/main.rs", Some("mai")));
    for other in ["lime.toml", "GET /files/<digest>", ".lime/master.key", "https://example.org/a.html", "ring::aead"] {
        assert_eq!(named(other), None, "{other}");
    }
    assert!(defines("test('a card moves', async () => {", "a card moves"));
    assert!(!defines("test('a card moves', async () => {", "a card mov es"));
    assert_eq!(numbers("1.2.3–1.2.5").map(|n| n.join(" ")), Some("1.2.3 1.2.4 1.2.5".to_owned()));
    assert_eq!(numbers("no."), None);
}
