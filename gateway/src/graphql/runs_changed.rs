//! `runsChanged`: the live list of a project's runs.

use super::context::request;
use super::project::access_to_project;
use super::run::AgentRun;
use super::scalars::{Cursor, Position};
use crate::auth::access::{Action, OrgAccess};
use crate::errors::ApiError;
use crate::live::{RunsSource, Shared, Step, Subject, Topic, follow};
use async_graphql::{Context, SimpleObject, Subscription};
use domain::ProjectId;
use futures::{Stream, StreamExt};
use projections::runs;
use std::sync::Arc;
use uuid::Uuid;

#[derive(SimpleObject, Debug)]
pub(crate) struct RunChange {
    cursor: Cursor,
    live: bool,
    resync: bool,
    position: Option<Position>,
    command_id: Option<Uuid>,
    run: Option<AgentRun>,
}

impl RunChange {
    fn of(access: OrgAccess, project: ProjectId, step: Step<Arc<runs::RunChange>>) -> Shared<Self> {
        let marker = |place| Self {
            cursor: Cursor::of_position(place),
            live: false,
            resync: false,
            position: None,
            command_id: None,
            run: None,
        };
        let (item, place) = match step {
            Step::Live(place) => (Self { live: true, ..marker(place) }, None),
            Step::Resync(place) => (Self { resync: true, ..marker(place) }, None),
            Step::Change(place, change) => {
                let item = Self {
                    position: Some(Position(change.position)),
                    command_id: Some(change.command_id.as_uuid()),
                    run: Some(AgentRun::new(access, (*change.run).clone())),
                    ..marker(place)
                };
                (item, Some((Subject { topic: Topic::Runs, id: project.as_uuid() }, place)))
            }
        };
        Shared { cursor: item.cursor.0.clone(), item, place }
    }
}

#[derive(Debug, Default)]
pub(crate) struct RunSubscription;

#[Subscription]
impl RunSubscription {
    /// What changed since `after` (or from now), then one item with live = true, then what comes.
    async fn runs_changed(
        &self,
        ctx: &Context<'_>,
        project_id: Uuid,
        after: Option<Cursor>,
    ) -> Result<impl Stream<Item = async_graphql::Result<Shared<RunChange>>> + use<>, ApiError> {
        let request = request(ctx)?;
        let project = ProjectId(project_id);
        let access = access_to_project(ctx, project, Action::Read).await?;
        let after = after.map(|cursor| cursor.position()).transpose()?;
        let source = RunsSource { access, project };
        let steps = follow(Arc::clone(&request.gateway), Arc::clone(&request.viewer), access, source, after);
        Ok(steps.map(move |step| step.map(|step| RunChange::of(access, project, step))))
    }
}
