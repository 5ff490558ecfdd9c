//! What a row of events changes in tickets, folded: one statement then writes all of it.

use crate::words::{optional_word, stored, word};
use domain::ticket::TicketEvent;
use domain::{Envelope, UserId};
use feed::log::to_bigint;
use feed::runner::ApplyError;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The fields that changed, by ticket, each with the last value that it was given.
///
/// An edit is a JSON object with `org`, `ticket_id`, `version`, `position`, `at`, what is set (`title`, `kind`, …; null
/// where a field was emptied), and `comments`, how many were added.
#[derive(Debug, Default)]
pub(crate) struct Edits {
    by_ticket: BTreeMap<(Uuid, Uuid), Map<String, Value>>,
}

impl Edits {
    /// False: the event makes the ticket, there is nothing to edit yet.
    pub(crate) fn is_edit(event: &TicketEvent) -> bool {
        !matches!(event, TicketEvent::TicketCreated(_))
    }

    /// # Errors
    /// Poison, when a value fits no column.
    pub(crate) fn add(&mut self, envelope: &Envelope, event: &TicketEvent) -> Result<(), ApplyError> {
        let (org, ticket) = (envelope.org.as_uuid(), envelope.aggregate_id);
        let edit = self.by_ticket.entry((org, ticket)).or_default();
        let mut set = |field: &str, value: Value| {
            edit.insert(field.to_owned(), value);
        };
        set("org", json!(org));
        set("ticket_id", json!(ticket));
        set("version", json!(to_bigint(envelope.version)));
        set("position", json!(to_bigint(envelope.position)));
        set("at", json!(envelope.at));
        match event {
            TicketEvent::TicketCreated(_) | TicketEvent::TicketCommented(_) => {}
            TicketEvent::TicketRetitled(event) => set("title", json!(event.title)),
            TicketEvent::TicketDescribed(event) => set("description_md", json!(event.description_md)),
            TicketEvent::TicketKindChanged(event) => set("kind", json!(word(event.kind)?)),
            TicketEvent::TicketReparented(event) => set("parent", json!(event.parent.map(domain::TicketId::as_uuid))),
            TicketEvent::TicketLabelled(event) => set("labels", json!(event.labels)),
            TicketEvent::TicketPrioritised(event) => set("priority", json!(optional_word(event.priority)?)),
            TicketEvent::TicketEstimated(event) => {
                let estimate: Option<i32> = event.estimate.map(|it| stored("the estimate", it)).transpose()?;
                set("estimate", json!(estimate));
            }
            TicketEvent::TicketDueDateSet(event) => set("due_on", json!(event.due_on)),
            TicketEvent::TicketMoved(event) => {
                set("column_key", json!(event.to));
                set("rank", json!(event.rank));
            }
            TicketEvent::TicketAssigned(event) => set("assignee", json!(event.assignee.map(UserId::as_uuid))),
            TicketEvent::TicketDelegated(event) => set("delegate", json!(event.provider)),
            TicketEvent::TicketArchived(_) => set("archived", json!(true)),
            TicketEvent::TicketRestored(event) => {
                set("archived", json!(false));
                set("column_key", json!(event.column));
                set("rank", json!(event.rank));
            }
        }
        if matches!(event, TicketEvent::TicketCommented(_)) {
            let comments = edit.get("comments").and_then(Value::as_i64).unwrap_or_default();
            edit.insert("comments".to_owned(), json!(comments + 1));
        }
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_ticket.is_empty()
    }

    /// How many tickets they are about, and all of them, to be bound as `jsonb`.
    pub(crate) fn take(&mut self) -> (usize, Value) {
        let edits = std::mem::take(&mut self.by_ticket);
        (edits.len(), edits.into_values().map(Value::Object).collect())
    }
}

/// `set` clauses for an update of `t` from an edit `e.edit`: fields that are never null.
macro_rules! keep_or_set {
    ($($field:literal as $type:literal),* ; $($nullable:literal as $nullable_type:literal),*) => {
        concat!(
            "version = (e.edit->>'version')::bigint",
            $(", ", $field, " = coalesce((e.edit->>'", $field, "')::", $type, ", t.", $field, ")",)*
            $(", ", $nullable, " = case when e.edit ? '", $nullable, "' then (e.edit->>'", $nullable, "')::",
              $nullable_type, " else t.", $nullable, " end",)*
            ", labels = case when e.edit ? 'labels' then array(select jsonb_array_elements_text(e.edit->'labels')) \
             else t.labels end",
            ", comment_count = t.comment_count + coalesce((e.edit->>'comments')::integer, 0)",
        )
    };
}
pub(crate) use keep_or_set;
