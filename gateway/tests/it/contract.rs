//! The schema against its contract, and rules that hold for every field of it.

use crate::support::{App, PATIENCE};
use async_graphql::extensions::Analyzer;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{BaseType, FieldDefinition, Type, TypeDefinition, TypeKind, TypeSystemDefinition};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use uuid::Uuid;

#[test]
fn the_contract_is_the_schema() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema/graphql/schema.graphql");
    let sdl = gateway::sdl();
    if std::env::var_os("LIME_BLESS").is_some() {
        std::fs::write(&path, &sdl).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(
        written == sdl,
        "schema/graphql/schema.graphql is not the gateway's schema: run this test with LIME_BLESS=1"
    );
}

fn types() -> BTreeMap<String, TypeDefinition> {
    let document = parse_schema(gateway::sdl()).unwrap();
    let types = document.definitions.into_iter().filter_map(|definition| match definition {
        TypeSystemDefinition::Type(definition) => Some((definition.node.name.node.to_string(), definition.node)),
        TypeSystemDefinition::Schema(_) | TypeSystemDefinition::Directive(_) => None,
    });
    types.collect()
}

fn fields(definition: &TypeDefinition) -> Vec<&FieldDefinition> {
    match &definition.kind {
        TypeKind::Object(object) => object.fields.iter().map(|field| &field.node).collect(),
        _ => Vec::new(),
    }
}

/// The names of all fields at a root of the schema.
pub fn root_fields(root: &str) -> Vec<String> {
    fields(&types()[root]).iter().map(|field| field.name.node.to_string()).collect()
}

fn is_list(of: &Type) -> bool {
    matches!(of.base, BaseType::List(_))
}

fn base(of: &Type) -> &str {
    match &of.base {
        BaseType::Named(name) => name,
        BaseType::List(inner) => base(inner),
    }
}

#[test]
fn every_list_is_bounded() {
    let types = types();
    for (name, definition) in &types {
        for field in fields(definition) {
            let has_first = field.arguments.iter().any(|argument| argument.node.name.node == "first");
            let description = field.description.as_ref().map_or("", |text| text.node.as_str());
            let below = types.get(base(&field.ty.node)).map(self::fields).unwrap_or_default();
            let is_connection = below.iter().any(|field| matches!(field.name.node.as_str(), "pageInfo" | "hasMore"));
            if is_list(&field.ty.node) {
                assert!(
                    has_first || description.contains("At most"),
                    "{name}.{} is a list: give it `first`, or say \"At most …\" in its description",
                    field.name.node
                );
            } else if is_connection && name != "Subscription" {
                assert!(has_first, "{name}.{} is a page without `first`", field.name.node);
            }
        }
    }
}

/// A value that fits an argument's type.
fn sample(of: &Type, types: &BTreeMap<String, TypeDefinition>) -> String {
    let name = match &of.base {
        BaseType::List(_) => return "[]".to_owned(),
        BaseType::Named(name) => name.as_str(),
    };
    match name {
        "UUID" => format!("\"{}\"", Uuid::now_v7()),
        "Int" | "Position" | "UsdMicros" => "1".to_owned(),
        "String" => "\"AL-1\"".to_owned(),
        "DateTime" => "\"2026-01-01T00:00:00Z\"".to_owned(),
        _ => match &types[name].kind {
            TypeKind::Enum(of) => of.values[0].node.value.node.to_string(),
            TypeKind::InputObject(of) => {
                let required = of.fields.iter().filter(|field| !field.node.ty.node.nullable);
                let fields =
                    required.map(|field| format!("{}: {}", field.node.name.node, sample(&field.node.ty.node, types)));
                format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
            }
            _ => panic!("no sample for {name}"),
        },
    }
}

/// A field's arguments: the required ones, and `first` when it is given.
fn arguments(field: &FieldDefinition, types: &BTreeMap<String, TypeDefinition>, first: Option<u32>) -> String {
    let given = field.arguments.iter().filter_map(|argument| {
        let name = &argument.node.name.node;
        match first {
            Some(first) if name == "first" => Some(format!("first: {first}")),
            _ if argument.node.ty.node.nullable || argument.node.default_value.is_some() => None,
            _ => Some(format!("{name}: {}", sample(&argument.node.ty.node, types))),
        }
    });
    let given: Vec<String> = given.collect();
    if given.is_empty() { String::new() } else { format!("({})", given.join(", ")) }
}

/// All that can be had below a type without going deeper than `depth`.
fn selection(name: &str, types: &BTreeMap<String, TypeDefinition>, depth: usize) -> String {
    let Some(definition) = types.get(name).filter(|definition| matches!(definition.kind, TypeKind::Object(_))) else {
        return String::new();
    };
    let mut parts = vec!["__typename".to_owned()];
    for field in fields(definition) {
        let below = base(&field.ty.node);
        let is_object = types.get(below).is_some_and(|below| matches!(below.kind, TypeKind::Object(_)));
        if is_object && depth == 0 {
            continue;
        }
        let arguments = arguments(field, types, Some(1));
        parts.push(format!("{}{arguments} {}", field.name.node, selection(below, types, depth.saturating_sub(1))));
    }
    format!("{{ {} }}", parts.join(" "))
}

/// A document for every field at the root.
fn root_documents() -> Vec<(String, String)> {
    let types = types();
    let mut documents = Vec::new();
    for (root, keyword) in [("Query", "query"), ("Mutation", "mutation"), ("Subscription", "subscription")] {
        for field in fields(&types[root]) {
            let arguments = arguments(field, &types, None);
            let below = selection(base(&field.ty.node), &types, 0);
            documents.push((
                format!("{root}.{}", field.name.node),
                format!("{keyword} {{ {}{arguments} {below} }}", field.name.node),
            ));
        }
    }
    documents
}

#[tokio::test]
async fn without_a_viewer_every_field_is_denied() {
    let schema = gateway::schema();
    let documents = root_documents();
    assert!(documents.len() > 30);
    for (name, document) in documents {
        let answer = if name.starts_with("Subscription") {
            use futures::StreamExt;
            schema.execute_stream(document.as_str()).next().await.unwrap()
        } else {
            schema.execute(document.as_str()).await
        };
        let answer = serde_json::to_value(&answer).unwrap();
        assert_eq!(answer["errors"][0]["extensions"]["code"], "DENIED", "{name}: {answer}");
    }
}

#[tokio::test]
async fn ids_that_nobody_knows_are_not_found() {
    let app = App::start().await;
    for (name, document) in root_documents() {
        let asks_for_no_id = matches!(name.as_str(), "Query.me" | "Mutation.createOrg" | "Mutation.createToken");
        if asks_for_no_id || name.starts_with("Subscription") {
            continue;
        }
        let answer = app.gql(&document, json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "NOT_FOUND", "{name}: {answer}");
    }
}

#[test]
fn a_longer_page_costs_more() {
    // Every field with `first`, reached by the shortest way from the root, asked for 1 and for 100.
    let types = types();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut found = 0;
    for (owner, definition) in &types {
        for field in fields(definition) {
            if owner == "Subscription" || !field.arguments.iter().any(|argument| argument.node.name.node == "first") {
                continue;
            }
            found += 1;
            let costs: Vec<i64> = [1, 100]
                .into_iter()
                .map(|first| {
                    let leaf = format!(
                        "{}{} {}",
                        field.name.node,
                        arguments(field, &types, Some(first)),
                        selection(base(&field.ty.node), &types, 1)
                    );
                    let document = way_to(owner, &types)
                        .into_iter()
                        .rev()
                        .fold(leaf, |inner, step| format!("{step} {{ {inner} }}"));
                    runtime.block_on(cost(&format!("{{ {document} }}")))
                })
                .collect();
            assert!(costs[1] > costs[0] * 5, "{owner}.{} costs {costs:?} for 1 and 100", field.name.node);
        }
    }
    assert!(found >= 9, "{found}");
}

/// Fields from the root of queries down to a type; empty for the root itself.
fn way_to(target: &str, types: &BTreeMap<String, TypeDefinition>) -> Vec<String> {
    let mut ways: Vec<(String, Vec<String>)> = vec![("Query".to_owned(), Vec::new())];
    let mut seen = vec!["Query".to_owned()];
    let mut at = 0;
    while at < ways.len() {
        let (name, way) = ways[at].clone();
        if name == target {
            return way;
        }
        for field in fields(&types[&name]) {
            let below = base(&field.ty.node).to_owned();
            if types.get(&below).is_some_and(|below| matches!(below.kind, TypeKind::Object(_)))
                && !seen.contains(&below)
            {
                seen.push(below.clone());
                let mut longer = way.clone();
                longer.push(format!("{}{}", field.name.node, arguments(field, types, Some(1))));
                ways.push((below, longer));
            }
        }
        at += 1;
    }
    panic!("no way to {target}");
}

/// What the executor says that a document costs.
async fn cost(document: &str) -> i64 {
    let schema = gateway::schema_builder().limit_complexity(usize::MAX).extension(Analyzer).finish();
    let answer = schema.execute(document).await;
    let analyzer = serde_json::to_value(&answer.extensions).unwrap();
    match analyzer["analyzer"]["complexity"].as_i64() {
        Some(cost) => cost,
        None => panic!("{document}: {:?}", answer.errors),
    }
}

#[tokio::test]
async fn a_slow_request_is_cut_off() {
    let app = App::start_with(|settings| settings.request_timeout = Duration::from_secs(2)).await;
    let project = app.project("SL").await;
    let mut blocker = app.owner_pool().await.begin().await.unwrap();
    sqlx::query("lock table users in access exclusive mode").execute(&mut *blocker).await.unwrap();
    let started = std::time::Instant::now();
    let answer = app.gql("{ me { user { name } } }", json!({})).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{answer}");
    assert!(started.elapsed() < PATIENCE);
    blocker.rollback().await.unwrap();
    let after: Value = app.gql("query($p: UUID!) { project(id: $p) { key } }", json!({ "p": project })).await;
    assert_eq!(after["data"]["project"]["key"], "SL", "{after}");
}
