#![allow(clippy::unwrap_used)]
use super::*;

fn refusal(text: &str) -> DocumentError {
    parse(text).unwrap_err()
}

#[test]
fn an_ordinary_document_passes() {
    parse("query A($id: UUID!) { ticket(id: $id) { ...T } } fragment T on Ticket { id parent { id } }").unwrap();
}

#[test]
fn depth_is_counted_through_fragments() {
    let deep = |levels: usize| {
        format!(
            "{{ {} }}",
            (0..levels).rfold(String::new(), |inner, _| if inner.is_empty() {
                "a".to_owned()
            } else {
                format!("a {{ {inner} }}")
            })
        )
    };
    parse(&deep(16)).unwrap();
    assert_eq!(refusal(&deep(17)), DocumentError::Depth(16));
    let half = deep(9).replacen('{', "{ ...F } fragment F on Q {", 1);
    parse(&half).unwrap();
    let inner = deep(9);
    let both =
        format!("{{ a {{ a {{ a {{ a {{ a {{ a {{ a {{ a {{ ...F }} }} }} }} }} }} }} }} }} fragment F on Q {inner}");
    assert_eq!(refusal(&both), DocumentError::Depth(16));
}

#[test]
fn brackets_without_end_never_reach_the_parser() {
    assert_eq!(refusal(&"{a".repeat(100_000)), DocumentError::Nesting);
    assert_eq!(refusal(&format!("{{ a(b: {}) }}", "[".repeat(100_000))), DocumentError::Nesting);
    // In a string they are letters.
    parse(&format!("{{ a(b: \"{}\\\"{}\") }}", "{".repeat(100), "[".repeat(100))).unwrap();
    parse(&format!(
        "{{ a(b: \"\"\"{} \" \\\"\"\" {}\"\"\") }} # {}",
        "{".repeat(100),
        "[".repeat(100),
        "(".repeat(100)
    ))
    .unwrap();
}

#[test]
fn a_bomb_of_fragments_is_weighed_not_walked() {
    let mut bomb = String::from("{ ...F0 }");
    for level in 0..60 {
        bomb.push_str(&format!(" fragment F{level} on Q {{ ...F{} ...F{} }}", level + 1, level + 1));
    }
    bomb.push_str(" fragment F60 on Q { a }");
    assert_eq!(refusal(&bomb), DocumentError::Fields(FIELDS_MAX));
}

#[test]
fn a_bomb_without_a_field_is_refused() {
    let mut bomb = String::from("{ ...F0 }");
    for level in 0..60 {
        bomb.push_str(&format!(" fragment F{level} on Q {{ ...F{} ...F{} }}", level + 1, level + 1));
    }
    assert_eq!(refusal(&bomb), DocumentError::UnknownFragment);
}

#[test]
fn a_chain_is_not_walked_to_its_end() {
    let chain = |links: usize, link: &str| {
        let middle: String = (0..links)
            .map(|at| format!(" fragment F{at} on Q {{ {} }}", link.replace("NEXT", &format!("...F{}", at + 1))))
            .collect();
        format!("{{ ...F0 }}{middle} fragment F{links} on Q {{ a }}")
    };
    parse(&chain(40, "NEXT")).unwrap();
    assert_eq!(refusal(&chain(150, "NEXT")), DocumentError::Levels);
    assert_eq!(refusal(&chain(8_000, "NEXT")), DocumentError::Fragments);
    let nested = format!("{}NEXT{}", "... on Q { ".repeat(50), " }".repeat(50));
    assert_eq!(refusal(&chain(100, &nested)), DocumentError::Levels);
    let operations: String = (0..21).map(|at| format!("query Q{at} {{ a }} ")).collect();
    assert_eq!(refusal(&operations), DocumentError::Operations);
}

#[test]
fn a_fragment_may_not_spread_itself() {
    assert_eq!(refusal("{ ...A } fragment A on Q { ...B } fragment B on Q { ...A }"), DocumentError::Cycle);
}

#[test]
fn aliases_and_directives_are_counted() {
    let aliases = |count: usize| {
        format!("{{ {} }}", (0..count).map(|i| format!("x{i}: me {{ user {{ id }} }} ")).collect::<String>())
    };
    parse(&aliases(20)).unwrap();
    assert_eq!(refusal(&aliases(21)), DocumentError::Aliases);
    let directives = |count: usize| format!("{{ me {} {{ user {{ id }} }} }}", "@include(if: true) ".repeat(count));
    parse(&directives(10)).unwrap();
    assert_eq!(refusal(&directives(11)), DocumentError::Directives);
}

#[test]
fn introspection_has_limits_of_its_own_and_stays_alone() {
    parse("{ __schema { types { name } } __typename }").unwrap();
    assert_eq!(refusal("{ __schema { types { name } } me { user { id } } }"), DocumentError::Mixed);
    let wide = format!("{{ {} }}", "__schema { types { fields { name } } } ".repeat(300));
    assert_eq!(refusal(&wide), DocumentError::Fields(INTROSPECTION_FIELDS_MAX));
}
