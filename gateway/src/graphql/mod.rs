//! The public API, by subject. A resolver parses, calls one function, translates its answer; it holds no rule.

mod account;
mod audit;
mod board;
mod budgets;
mod context;
mod enums;
mod history;
mod loaders;
mod members;
mod org;
mod paging;
mod people;
mod project;
mod provider;
mod provider_keys;
mod repo;
mod run;
mod run_events;
mod run_mutations;
mod run_result;
mod runs_changed;
mod scalars;
mod ticket;
mod ticket_mutations;

pub(crate) use context::RequestContext;

use crate::document::{COMPLEXITY_MAX, DEPTH_MAX};
use crate::errors::ApiError;
use async_graphql::{MergedObject, MergedSubscription, Schema, SchemaBuilder};

#[derive(MergedObject, Debug, Default)]
pub struct Query(
    org::OrgQuery,
    project::ProjectQuery,
    board::BoardQuery,
    ticket::TicketQuery,
    provider::ProviderQuery,
    run::RunQuery,
    run_events::RunEventQuery,
    repo::RepoQuery,
    audit::AuditQuery,
);

#[derive(MergedObject, Debug, Default)]
pub struct Mutation(
    org::OrgMutation,
    members::MemberMutation,
    provider_keys::ProviderKeyMutation,
    budgets::BudgetMutation,
    account::AccountMutation,
    project::ProjectMutation,
    ticket_mutations::TicketMutation,
    repo::RepoMutation,
    run_mutations::RunMutation,
);

/// A stream opens with what changed since `after` (or from now), then one item with live = true, then what comes. One
/// item per event, in order; subscribing again with the last cursor continues without hole or repeat. resync = true:
/// the changes no longer reach back that far, read the query again.
#[derive(MergedSubscription, Debug, Default)]
pub struct Subscription(
    board::BoardSubscription,
    ticket::TicketSubscription,
    run_events::RunEventSubscription,
    runs_changed::RunSubscription,
);

pub type ApiSchema = Schema<Query, Mutation, Subscription>;

/// The schema. Depth is judged before ([`crate::document`]); here again as the second net, as deep as introspection goes.
pub fn schema() -> ApiSchema {
    schema_builder().finish()
}

/// The schema before it is closed, for those who add an extension.
pub fn schema_builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query::default(), Mutation::default(), Subscription::default())
        .limit_complexity(COMPLEXITY_MAX)
        .limit_depth(DEPTH_MAX + 4)
        .limit_recursive_depth(DEPTH_MAX + 4)
        .disable_suggestions()
}

/// The contract as text, as it stands in `schema/graphql/schema.graphql`.
pub fn sdl() -> String {
    let options = async_graphql::SDLExportOptions::new().prefer_single_line_descriptions();
    let sdl = schema().sdl_with_options(options);
    format!(
        "# The public GraphQL contract. Generated from the gateway (`make sdl`); a test fails when it differs.\n\n{}\n",
        sdl.trim()
    )
}

/// What a command made is not there to be shown, although the command was accepted and waited for.
fn not_shown_yet(error: ApiError) -> ApiError {
    match error {
        ApiError::NotFound => ApiError::Unavailable {
            message: "Accepted, but the read side is behind. Send the same again to see it.",
            source: None,
        },
        ApiError::Rejected { .. }
        | ApiError::Stale { .. }
        | ApiError::Denied(_)
        | ApiError::Invalid { .. }
        | ApiError::Unavailable { .. }
        | ApiError::StorageLow
        | ApiError::RateLimited { .. }
        | ApiError::Internal(_) => error,
    }
}
