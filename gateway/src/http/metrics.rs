//! `/metrics` in Prometheus's text format: few, and without anything of a tenant.

use crate::state::Gateway;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use sqlx::Row;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds in milliseconds.
const BUCKETS_MS: [u64; 11] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 5_000];

/// How long something took, counted into buckets.
#[derive(Debug, Default)]
struct Histogram {
    buckets: [AtomicU64; BUCKETS_MS.len()],
    count: AtomicU64,
    sum_us: AtomicU64,
}

impl Histogram {
    fn add(&self, took: Duration) {
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        for (bucket, bound_ms) in self.buckets.iter().zip(BUCKETS_MS) {
            if took_us <= bound_ms * 1_000 {
                bucket.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(took_us, Ordering::Relaxed);
    }

    #[allow(clippy::cast_precision_loss)] // Prometheus counts in floating point anyway.
    fn write(&self, out: &mut String, name: &str, labels: &str) {
        for (bucket, bound_ms) in self.buckets.iter().zip(BUCKETS_MS) {
            let seconds = bound_ms as f64 / 1_000.0;
            let count = bucket.load(Ordering::Relaxed);
            let _ = writeln!(out, "{name}_bucket{{{labels}le=\"{seconds}\"}} {count}");
        }
        let count = self.count.load(Ordering::Relaxed);
        let sum = self.sum_us.load(Ordering::Relaxed) as f64 / 1e6;
        let _ = writeln!(out, "{name}_bucket{{{labels}le=\"+Inf\"}} {count}");
        let bare = labels.trim_end_matches(',');
        let _ = writeln!(out, "{name}_sum{{{bare}}} {sum}\n{name}_count{{{bare}}} {count}");
    }
}

#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// By class of status, 1xx to 5xx.
    answers: [AtomicU64; 5],
    graphql: Histogram,
    /// By the mutation's name, which only our own code gives.
    commands: Mutex<BTreeMap<&'static str, Arc<Histogram>>>,
    sockets: AtomicI64,
    subscriptions: AtomicI64,
    delivered: AtomicU64,
    slow_clients: AtomicU64,
    turned_away: AtomicU64,
}

/// Counts something that is open for as long as this lives.
#[derive(Debug)]
pub(crate) struct Open<'a>(&'a AtomicI64);

impl<'a> Open<'a> {
    fn new(gauge: &'a AtomicI64) -> Self {
        gauge.fetch_add(1, Ordering::Relaxed);
        Self(gauge)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Metrics {
    pub(crate) fn answered(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(count) = self.answers.get(class) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn graphql(&self, took: Duration) {
        self.graphql.add(took);
    }

    pub(crate) fn command(&self, name: &'static str, took: Duration) {
        let histogram = {
            let mut commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(commands.entry(name).or_default())
        };
        histogram.add(took);
    }

    pub(crate) fn socket(&self) -> Open<'_> {
        Open::new(&self.sockets)
    }

    pub(crate) fn subscription(&self) -> Open<'_> {
        Open::new(&self.subscriptions)
    }

    pub(crate) fn open_sockets(&self) -> i64 {
        self.sockets.load(Ordering::Relaxed)
    }

    pub(crate) fn delivered(&self) {
        self.delivered.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn slow_client(&self) {
        self.slow_clients.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn turned_away(&self) {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
    }

    fn text(&self) -> String {
        let mut out = String::new();
        out.push_str("# TYPE lime_http_requests_total counter\n");
        for (class, count) in (1..).zip(&self.answers) {
            let count = count.load(Ordering::Relaxed);
            let _ = writeln!(out, "lime_http_requests_total{{status=\"{class}xx\"}} {count}");
        }
        out.push_str("# TYPE lime_graphql_request_seconds histogram\n");
        self.graphql.write(&mut out, "lime_graphql_request_seconds", "");
        out.push_str("# TYPE lime_command_seconds histogram\n");
        for (name, histogram) in self.commands.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            histogram.write(&mut out, "lime_command_seconds", &format!("command=\"{name}\","));
        }
        for (name, value) in [("lime_live_sockets", &self.sockets), ("lime_live_subscribers", &self.subscriptions)] {
            let _ = writeln!(out, "# TYPE {name} gauge\n{name} {}", value.load(Ordering::Relaxed));
        }
        for (name, value) in [
            ("lime_live_items_total", &self.delivered),
            ("lime_slow_clients_total", &self.slow_clients),
            ("lime_requests_turned_away_total", &self.turned_away),
        ] {
            let _ = writeln!(out, "# TYPE {name} counter\n{name} {}", value.load(Ordering::Relaxed));
        }
        out
    }
}

pub(crate) async fn show(State(gateway): State<Arc<Gateway>>) -> Response {
    let mut text = gateway.metrics.text();
    // The database being away is no reason to hide the rest.
    if let Err(error) = write_lag(&gateway, &mut text).await {
        tracing::debug!(%error, "the projections' lag is not known");
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

/// How far each live projection is behind the ledger, in events.
async fn write_lag(gateway: &Gateway, out: &mut String) -> Result<(), sqlx::Error> {
    let rows = sqlx::query(
        "select projection, greatest(0, (select coalesce(max(position), 0) from ledger) - checkpoint) as lag
         from projection_generations where state = 'live' order by projection",
    )
    .fetch_all(&gateway.pool)
    .await?;
    out.push_str("# TYPE lime_projection_lag_events gauge\n");
    for row in rows {
        let (projection, lag): (String, i64) = (row.try_get("projection")?, row.try_get("lag")?);
        let _ = writeln!(out, "lime_projection_lag_events{{projection=\"{projection}\"}} {lag}");
    }
    Ok(())
}
