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
/// Selections within selections, whatever opens them: fields, inline fragments, spreads. Whoever walks the document goes
/// down one call for each.
const LEVELS_MAX: usize = 100;
const FRAGMENTS_MAX: usize = 200;
const OPERATIONS_MAX: usize = 20;
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
    #[error("The document has more than {LEVELS_MAX} levels.")]
    Levels,
    #[error("The document has more than {FRAGMENTS_MAX} fragments.")]
    Fragments,
    #[error("The document has more than {OPERATIONS_MAX} operations.")]
    Operations,
    #[error("A fragment is spread that is not in the document.")]
    UnknownFragment,
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
    levels: usize,
    depth: usize,
    fields: usize,
    aliases: usize,
    directives: usize,
}

impl Weight {
    fn beside(self, other: Self) -> Self {
        Self {
            levels: self.levels.max(other.levels),
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
    /// How deep this very walk is.
    level: usize,
}

fn check(document: &ExecutableDocument) -> Result<(), DocumentError> {
    if document.fragments.len() > FRAGMENTS_MAX {
        return Err(DocumentError::Fragments);
    }
    if document.operations.iter().count() > OPERATIONS_MAX {
        return Err(DocumentError::Operations);
    }
    let mut scale = Scale { fragments: &document.fragments, known: HashMap::new(), level: 0 };
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
    /// Goes down itself, so the bound on levels is checked on the way. What was weighed before adds its own.
    fn selection(&mut self, selection: &'a SelectionSet) -> Result<Weight, DocumentError> {
        self.level += 1;
        if self.level > LEVELS_MAX {
            return Err(DocumentError::Levels);
        }
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
                        ..below
                    }
                }
                Selection::InlineFragment(fragment) => self.selection(&fragment.node.selection_set.node)?,
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node)?,
            };
            weight.directives = weight.directives.saturating_add(directives.len());
            weight.levels += 1;
            whole = whole.beside(weight);
        }
        self.level -= 1;
        if whole.levels > LEVELS_MAX { Err(DocumentError::Levels) } else { Ok(whole) }
    }

    fn fragment(&mut self, name: &Name) -> Result<Weight, DocumentError> {
        // It would weigh nothing, and so would all that spreads it, however often: validation would walk it for ever.
        let Some((name, fragment)) = self.fragments.get_key_value(name) else {
            return Err(DocumentError::UnknownFragment);
        };
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
mod tests;
