//! The store against adversaries, on a real PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod adversaries;
mod contract;
mod long_streams;

use super::{Append, NewEvent, Store, Stream};
use crate::CommandSettings;
use chrono::{SubsecRound, Utc};
use domain::ticket::{TicketCommented, TicketEvent};
use domain::{AggregateKind, CommandId, CommentId, DomainEvent, EventId, OrgId, Version};
use feed::hints::Hints;
use sqlx::PgPool;
use std::time::Duration;
use uuid::Uuid;

fn store(pool: &PgPool) -> Store {
    let settings = CommandSettings { patience: Duration::from_secs(60), ..CommandSettings::default() };
    Store::new(pool, &Hints::local(), &settings)
}

fn streams(count: usize) -> Vec<Stream> {
    let org = OrgId(Uuid::now_v7());
    (0..count).map(|_| Stream { org, kind: AggregateKind::Ticket, id: Uuid::now_v7() }).collect()
}

fn comments(stream: Stream, expected: Version, count: usize) -> Append {
    let event = |n: usize| {
        let comment = TicketCommented { comment: CommentId(Uuid::now_v7()), body_md: format!("{n} of {count}") };
        let event = DomainEvent::Ticket(TicketEvent::TicketCommented(comment));
        NewEvent {
            event_id: EventId(Uuid::now_v7()),
            event_type: event.event_type(),
            event_version: event.event_version(),
            payload: event.to_payload().unwrap(),
        }
    };
    Append {
        stream,
        expected,
        actor: "system:test".to_owned(),
        command_id: CommandId(Uuid::now_v7()),
        digest: [7; 32],
        at: Utc::now().trunc_subsecs(6),
        metadata: format!("{{\"command_id\":\"{}\",\"correlation_id\":\"{}\"}}", Uuid::nil(), Uuid::nil()),
        events: (1..=count).map(event).collect(),
    }
}
