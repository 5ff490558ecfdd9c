//! The transcript of a run: pages of it, and what comes.

use super::context::request;
use super::enums::RunEventType;
use super::paging::first_up_to;
use super::run::access_to_run;
use super::scalars::Cursor;
use crate::auth::access::Action;
use crate::errors::ApiError;
use crate::live::{RunEventSource, Shared, Step, Subject, Topic, follow};
use async_graphql::{Context, Object, SimpleObject, Subscription};
use chrono::{DateTime, Utc};
use domain::RunId;
use feed::transcript::{self, TranscriptEvent};
use futures::{Stream, StreamExt};
use serde_json::Value;
use std::sync::Arc;
use uuid::Uuid;

const FIRST_MAX: i32 = 2_000;

/// data depends on type: see docs/run-events.md. text is always a short readable line.
#[derive(SimpleObject, Clone, Debug)]
pub(crate) struct RunEvent {
    seq: u64,
    at: DateTime<Utc>,
    #[graphql(name = "type")]
    kind: RunEventType,
    text: String,
    data: Value,
}

impl RunEvent {
    /// A payload is `{"text": …, "data": …}`; anything else is shown as it is.
    fn new(event: &TranscriptEvent) -> Self {
        let (text, data) = match serde_json::from_str::<Value>(&event.payload) {
            Ok(Value::Object(mut payload)) => {
                let text = payload.remove("text");
                let data = payload.remove("data").unwrap_or_else(|| Value::Object(payload));
                (text.and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default(), data)
            }
            Ok(other) => (String::new(), other),
            Err(_) => (event.payload.clone(), Value::Null),
        };
        Self { seq: event.seq, at: event.at, kind: RunEventType::of(&event.kind), text, data }
    }
}

#[derive(SimpleObject, Debug)]
pub(crate) struct RunEventPage {
    /// At most `first`.
    events: Vec<RunEvent>,
    cursor: Cursor,
    has_more: bool,
}

#[derive(SimpleObject, Debug)]
pub(crate) struct RunEventItem {
    cursor: Cursor,
    live: bool,
    resync: bool,
    event: Option<RunEvent>,
}

#[derive(Debug, Default)]
pub(crate) struct RunEventQuery;

#[Object]
impl RunEventQuery {
    /// In order, after a cursor or around a place. `first` is at most 2,000; ten events cost as much as one of another list.
    #[graphql(complexity = "(first.max(0) as usize).div_ceil(10) * child_complexity")]
    async fn run_events(
        &self,
        ctx: &Context<'_>,
        run_id: Uuid,
        after: Option<Cursor>,
        around_seq: Option<u64>,
        #[graphql(default = 500)] first: i32,
    ) -> Result<RunEventPage, ApiError> {
        let first = first_up_to(first, FIRST_MAX)?;
        let run = RunId(run_id);
        let access = access_to_run(ctx, run, Action::Read).await?;
        let after = match (after, around_seq) {
            (Some(_), Some(_)) => return Err(ApiError::invalid("aroundSeq", "Either after or aroundSeq.")),
            (Some(cursor), None) => cursor.seq()?,
            (None, Some(seq)) => seq.min(1 << 53).saturating_sub(u64::from(first / 2) + 1),
            (None, None) => 0,
        };
        let pool = &request(ctx)?.gateway.pool;
        let mut events = transcript::read_after(pool, access.org(), run, after, first + 1).await?;
        let has_more = events.len() > first as usize;
        events.truncate(first as usize);
        let cursor = Cursor::of_seq(events.last().map_or(after, |event| event.seq));
        Ok(RunEventPage { events: events.iter().map(RunEvent::new).collect(), cursor, has_more })
    }
}

fn item(run: RunId, step: Step<Arc<TranscriptEvent>>) -> Shared<RunEventItem> {
    let marker = |seq| RunEventItem { cursor: Cursor::of_seq(seq), live: false, resync: false, event: None };
    let (item, place) = match step {
        Step::Live(seq) => (RunEventItem { live: true, ..marker(seq) }, None),
        Step::Resync(seq) => (RunEventItem { resync: true, ..marker(seq) }, None),
        Step::Change(seq, event) => {
            let item = RunEventItem { event: Some(RunEvent::new(&event)), ..marker(seq) };
            (item, Some((Subject { topic: Topic::Transcript, id: run.as_uuid() }, seq)))
        }
    };
    Shared { cursor: item.cursor.0.clone(), item, place }
}

#[derive(Debug, Default)]
pub(crate) struct RunEventSubscription;

#[Subscription]
impl RunEventSubscription {
    /// What the transcript has after `after` (or from now), then one item with live = true, then what comes.
    async fn run_events(
        &self,
        ctx: &Context<'_>,
        run_id: Uuid,
        after: Option<Cursor>,
    ) -> Result<impl Stream<Item = async_graphql::Result<Shared<RunEventItem>>> + use<>, ApiError> {
        let request = request(ctx)?;
        let run = RunId(run_id);
        let access = access_to_run(ctx, run, Action::Read).await?;
        let after = after.map(|cursor| cursor.seq()).transpose()?;
        let source = RunEventSource { org: access.org(), run };
        let steps = follow(Arc::clone(&request.gateway), Arc::clone(&request.viewer), access, source, after);
        Ok(steps.map(move |step| step.map(|step| item(run, step))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(kind: &str, payload: &str) -> RunEvent {
        RunEvent::new(&TranscriptEvent { seq: 1, at: DateTime::UNIX_EPOCH, kind: kind.into(), payload: payload.into() })
    }

    #[test]
    fn an_event_is_shown_whatever_its_payload_is() {
        let tool = event("tool", r#"{"text":"ran it","data":{"exit":0}}"#);
        assert_eq!((tool.kind, tool.text.as_str(), tool.data), (RunEventType::Tool, "ran it", json!({"exit": 0})));
        let flat = event("from a newer worker", r#"{"text":"x","exit":1}"#);
        assert_eq!((flat.kind, flat.text.as_str(), flat.data), (RunEventType::Log, "x", json!({"exit": 1})));
        let bare = event("log", "[1]");
        assert_eq!((bare.text.as_str(), bare.data), ("", json!([1])));
    }
}
