//! What a request costs against its caller's allowance, in units of about one row read.
//!
//! Reckoned from the document alone, before anything runs: an object is one unit, a list as many times what it holds as
//! `first` asks for, a whole board what it may hold, a write what an append and its projections take. What stands in a
//! row that is read anyway costs one unit however many rows there are.

use crate::document;
use async_graphql::Value;
use async_graphql::parser::types::{ExecutableDocument, Field, OperationType, Selection, SelectionSet};
use async_graphql::{Name, Positioned};
use serde_json::Map;

/// Variables of a request.
type Variables = Map<String, serde_json::Value>;

const BOARD: u64 = 1_000;
const WRITE: u64 = 10;
/// A list that does not say how many it wants gets the API's default page.
const PAGE: u64 = 20;

/// The cost of the operation that runs; at least 1. [`document::parse`] has bounded the document before.
pub(crate) fn cost(document: &ExecutableDocument, name: Option<&str>, variables: Option<&Variables>) -> u32 {
    let Some(operation) = document::operation(document, name) else { return 1 };
    let reckoning = Reckoning { document, variables };
    let selection = &operation.node.selection_set.node;
    let asked = reckoning.selection(selection);
    let mut cost = asked.objects.saturating_add(asked.leaves);
    if operation.node.ty == OperationType::Mutation {
        cost = cost.saturating_add(WRITE.saturating_mul(u64::try_from(selection.items.len()).unwrap_or(u64::MAX)));
    }
    u32::try_from(cost).unwrap_or(u32::MAX).max(1)
}

/// What a selection asks for.
#[derive(Clone, Copy, Default)]
struct Asked {
    objects: u64,
    leaves: u64,
}

impl Asked {
    const LEAF: Self = Self { objects: 0, leaves: 1 };

    const fn and(self, other: Self) -> Self {
        Self { objects: self.objects.saturating_add(other.objects), leaves: self.leaves.saturating_add(other.leaves) }
    }
}

struct Reckoning<'a> {
    document: &'a ExecutableDocument,
    variables: Option<&'a Variables>,
}

impl Reckoning<'_> {
    fn selection(&self, selection: &SelectionSet) -> Asked {
        let of = |item: &Positioned<Selection>| match &item.node {
            Selection::Field(field) => self.field(&field.node),
            Selection::InlineFragment(fragment) => self.selection(&fragment.node.selection_set.node),
            Selection::FragmentSpread(spread) => {
                let fragment = self.document.fragments.get(&spread.node.fragment_name.node);
                fragment.map_or_else(Asked::default, |fragment| self.selection(&fragment.node.selection_set.node))
            }
        };
        selection.items.iter().map(of).fold(Asked::default(), Asked::and)
    }

    fn field(&self, field: &Field) -> Asked {
        let selection = &field.selection_set.node;
        if selection.items.is_empty() {
            return Asked::LEAF;
        }
        let below = self.selection(selection);
        let times = self.first(field).unwrap_or(if is_connection(selection) { PAGE } else { 1 });
        let own = if field.name.node == "board" { BOARD } else { 1 };
        Asked { objects: below.objects.saturating_mul(times).saturating_add(own), leaves: below.leaves }
    }

    /// The `first` argument, written out or as a variable.
    fn first(&self, field: &Field) -> Option<u64> {
        let given = field.get_argument("first")?.node.clone();
        let known = given.into_const_with(|name| self.variable(&name).ok_or(())).ok()?;
        if let Value::Number(number) = known { number.as_u64() } else { None }
    }

    fn variable(&self, name: &Name) -> Option<Value> {
        Value::from_json(self.variables?.get(name.as_str())?.clone()).ok()
    }
}

/// Pages are read through `nodes`.
fn is_connection(selection: &SelectionSet) -> bool {
    selection.items.iter().any(|item| matches!(&item.node, Selection::Field(field) if field.node.name.node == "nodes"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    // Called with a literal.
    #[allow(clippy::needless_pass_by_value)]
    fn reckoned(text: &str, variables: serde_json::Value) -> u32 {
        cost(&document::parse(text).unwrap(), None, variables.as_object())
    }

    #[test]
    fn fields_lists_and_fragments_add_up() {
        assert_eq!(reckoned("{ me { user { id } } }", json!({})), 3);
        assert_eq!(reckoned("{ me { ...V } } fragment V on Viewer { user { id name } }", json!({})), 4);
        let list = "query($n: Int) { agentRuns(first: $n) { nodes { id state } pageInfo { endCursor } } }";
        assert_eq!(reckoned(list, json!({ "n": 100 })), 204);
        assert_eq!(reckoned("{ agentRuns { nodes { id state } } }", json!({})), 23);
        let transcript = "{ runEvents(first: 2000) { hasMore events { seq type text data } } }";
        assert_eq!(reckoned(transcript, json!({})), 2_006);
    }

    #[test]
    fn boards_and_writes_cost_what_they_take() {
        assert_eq!(reckoned("{ board { id } }", json!({})), 1_001);
        assert_eq!(reckoned("mutation { a: moveTicket { version } b: moveTicket { version } }", json!({})), 24);
    }

    #[test]
    fn no_number_overflows_it() {
        let deep = "{ a(first: 99999999999) { a(first: 99999999999) { a(first: 99999999999) { b { c } } } } }";
        assert_eq!(reckoned(deep, json!({})), u32::MAX);
    }
}
