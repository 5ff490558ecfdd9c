//! How large a GraphQL document may be, judged before anything walks it.
//!
//! The executor's own checks follow every spread of a fragment anew, so thirty fragments that each spread the next one
//! twice would keep them busy for ever. Here each fragment is weighed once, and spreads are added up with saturation.

use async_graphql::Positioned;
use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, FragmentDefinition, OperationDefinition, OperationType,
    Selection, SelectionSet,
};
use async_graphql::{Name, parser};
use std::collections::HashMap;

pub(crate) const DEPTH_MAX: usize = 16;
pub(crate) const COMPLEXITY_MAX: usize = 5_000;
const ALIASES_MAX: usize = 20;
const DIRECTIVES_MAX: usize = 10;
/// Fields of the document with all spreads written out.
const FIELDS_MAX: usize = 5_000;
/// Nesting of any brackets in the text: the parser goes down one call for each.
const NESTING_MAX: usize = 64;
/// A document that only asks what the schema is. The customary one is 15 deep.
const INTROSPECTION_DEPTH_MAX: usize = 20;
const INTROSPECTION_FIELDS_MAX: usize = 1_000;

/// Why a document is refused. Never says anything of the document itself but a parser's complaint, which is cut later.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DocumentError {
    #[error("{0}")]
    Parse(String),
    #[error("The document is nested deeper than {NESTING_MAX} brackets.")]
    Nesting,
    #[error("The document is deeper than {0} fields.")]
    Depth(usize),
    #[error("The document asks for more than {0} fields.")]
    Fields(usize),
    #[error("The document has more than {ALIASES_MAX} aliases.")]
    Aliases,
    #[error("The document has more than {DIRECTIVES_MAX} directives.")]
    Directives,
    #[error("A fragment spreads itself.")]
    Cycle,
    #[error("Introspection and other fields do not go into one document.")]
    Mixed,
}

/// Parses and weighs a document.
pub(crate) fn parse(text: &str) -> Result<ExecutableDocument, DocumentError> {
    if nesting(text) > NESTING_MAX {
        return Err(DocumentError::Nesting);
    }
    let document = parser::parse_query(text).map_err(|error| DocumentError::Parse(error.to_string()))?;
    check(&document)?;
    Ok(document)
}

pub(crate) fn operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Option<&'a Positioned<OperationDefinition>> {
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), _) => Some(operation),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => operations.values().next(),
        (DocumentOperations::Multiple(_), None) => None,
    }
}

pub(crate) fn is_subscription(document: &ExecutableDocument, name: Option<&str>) -> bool {
    operation(document, name).is_some_and(|operation| operation.node.ty == OperationType::Subscription)
}

/// The deepest nesting of brackets outside strings and comments.
fn nesting(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut depth, mut deepest, mut at) = (0_usize, 0, 0);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' | b'(' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            b'#' => {
                while bytes.get(at).is_some_and(|byte| *byte != b'\n' && *byte != b'\r') {
                    at += 1;
                }
                continue;
            }
            b'"' => {
                at = end_of_string(bytes, at);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    deepest
}

fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let is_at = |at: usize, text: &[u8]| bytes.get(at..).is_some_and(|rest| rest.starts_with(text));
    let mut at;
    if is_at(start, b"\"\"\"") {
        at = start + 3;
        while at < bytes.len() && !is_at(at, b"\"\"\"") {
            at += if is_at(at, b"\\\"\"\"") { 4 } else { 1 };
        }
        return at + 3;
    }
    at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' | b'\n' | b'\r' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

/// What a selection amounts to with all spreads written out.
#[derive(Clone, Copy, Default)]
struct Weight {
    depth: usize,
    fields: usize,
    aliases: usize,
    directives: usize,
}

impl Weight {
    fn beside(self, other: Self) -> Self {
        Self {
            depth: self.depth.max(other.depth),
            fields: self.fields.saturating_add(other.fields),
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
        }
    }
}

struct Scale<'a> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    /// None while a fragment is being weighed: meeting it then is a cycle.
    known: HashMap<&'a Name, Option<Weight>>,
}

fn check(document: &ExecutableDocument) -> Result<(), DocumentError> {
    let mut scale = Scale { fragments: &document.fragments, known: HashMap::new() };
    for name in document.fragments.keys() {
        scale.fragment(name)?;
    }
    for (_, operation) in document.operations.iter() {
        let mut weight = scale.selection(&operation.node.selection_set.node)?;
        weight.directives += operation.node.directives.len();
        let is_introspection = match introspection(document, operation) {
            Introspection::None => false,
            Introspection::Only => true,
            Introspection::Mixed => return Err(DocumentError::Mixed),
        };
        let (depth_max, fields_max) = if is_introspection {
            (INTROSPECTION_DEPTH_MAX, INTROSPECTION_FIELDS_MAX)
        } else {
            (DEPTH_MAX, FIELDS_MAX)
        };
        if weight.depth > depth_max {
            return Err(DocumentError::Depth(depth_max));
        }
        if weight.fields > fields_max {
            return Err(DocumentError::Fields(fields_max));
        }
        if weight.aliases > ALIASES_MAX {
            return Err(DocumentError::Aliases);
        }
        if weight.directives > DIRECTIVES_MAX {
            return Err(DocumentError::Directives);
        }
    }
    Ok(())
}

impl<'a> Scale<'a> {
    /// Also goes down itself, so the parser's own bound on nesting (64) is the bound here.
    fn selection(&mut self, selection: &'a SelectionSet) -> Result<Weight, DocumentError> {
        let mut whole = Weight::default();
        for item in &selection.items {
            let directives: &Vec<Positioned<Directive>> = item.node.directives();
            let mut weight = match &item.node {
                Selection::Field(field) => {
                    let below = self.selection(&field.node.selection_set.node)?;
                    Weight {
                        depth: below.depth.saturating_add(1),
                        fields: below.fields.saturating_add(1),
                        aliases: below.aliases.saturating_add(usize::from(field.node.alias.is_some())),
                        directives: below.directives,
                    }
                }
                Selection::InlineFragment(fragment) => self.selection(&fragment.node.selection_set.node)?,
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node)?,
            };
            weight.directives = weight.directives.saturating_add(directives.len());
            whole = whole.beside(weight);
        }
        Ok(whole)
    }

    fn fragment(&mut self, name: &Name) -> Result<Weight, DocumentError> {
        // An unknown fragment weighs nothing; validation will complain.
        let Some((name, fragment)) = self.fragments.get_key_value(name) else { return Ok(Weight::default()) };
        match self.known.get(name) {
            Some(Some(weight)) => return Ok(*weight),
            Some(None) => return Err(DocumentError::Cycle),
            None => {}
        }
        self.known.insert(name, None);
        let mut weight = self.selection(&fragment.node.selection_set.node)?;
        weight.directives = weight.directives.saturating_add(fragment.node.directives.len());
        self.known.insert(name, Some(weight));
        Ok(weight)
    }
}

#[derive(PartialEq, Eq)]
enum Introspection {
    None,
    Only,
    Mixed,
}

/// Judged by the fields at the root, through fragments.
fn introspection(document: &ExecutableDocument, operation: &Positioned<OperationDefinition>) -> Introspection {
    let (mut about_schema, mut other) = (false, false);
    let mut pending = vec![&operation.node.selection_set.node];
    // Cycles were found before; each fragment is looked at once.
    let mut seen: Vec<&Name> = Vec::new();
    while let Some(selection) = pending.pop() {
        for item in &selection.items {
            match &item.node {
                Selection::Field(field) => match field.node.name.node.as_str() {
                    "__schema" | "__type" => about_schema = true,
                    "__typename" => {}
                    _ => other = true,
                },
                Selection::InlineFragment(fragment) => pending.push(&fragment.node.selection_set.node),
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if !seen.contains(&name)
                        && let Some(fragment) = document.fragments.get(name)
                    {
                        seen.push(name);
                        pending.push(&fragment.node.selection_set.node);
                    }
                }
            }
        }
    }
    match (about_schema, other) {
        (false, _) => Introspection::None,
        (true, false) => Introspection::Only,
        (true, true) => Introspection::Mixed,
    }
}

#[cfg(test)]
mod tests {
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
        let both = format!(
            "{{ a {{ a {{ a {{ a {{ a {{ a {{ a {{ a {{ ...F }} }} }} }} }} }} }} }} }} fragment F on Q {inner}"
        );
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
}
