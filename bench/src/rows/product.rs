//! What needs every role: one `lime up`, with clients over the loopback.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use domain::{Actor, OrgId, Position, UserId};
use feed::hints::Hints;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;
use uuid::Uuid;

use crate::Effort;
use crate::graphql::{Api, Connection};
use crate::load::{Client, closed, steady};
use crate::pgbench::{Pgbench, Table};
use crate::product::{Place, Runtime};
use crate::report::Report;
use crate::samples::{Samples, median};
use crate::socket::Follower;
use crate::write_side::{self, Card, Writer};

const TICKETS: usize = 1_024;
const CLIENTS: usize = 32;
const COMMANDS_PER_SECOND: u32 = 1_000;
const CHANGES_PER_SECOND: u32 = 100;
/// Connections that share the changes: none has to wait for another's answer.
const BROWSERS: usize = 32;
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(30);

/// The API client's own words: what a command needs, and no read.
const RETITLE: &str = "mutation($input: EditTicketInput!) { editTicket(input: $input) { version position } }";
/// As the web app sends it: the answer also waits for the read model and reads the ticket from it.
const RETITLE_AND_READ: &str =
    "mutation($input: EditTicketInput!) { editTicket(input: $input) { ticket { id } version } }";

pub(super) async fn measure(effort: &Effort, lime: &Path, report: &mut Report) -> anyhow::Result<()> {
    let place = Place::new(lime)?;
    let up = place.up().await?;
    tokio::time::sleep(effort.settle).await;
    report.add("memory_at_rest", up.memory_mib()?, "MiB", 1)?;
    let api = Api { url: up.ready.url.clone(), token: place.token().await? };
    let runtime = place.runtime()?;
    let world = World::make(&api, &runtime).await?;
    over_http(effort, &world, &runtime, report).await?;
    to_projection(effort, &world, report).await?;
    to_socket(effort, &world, report).await?;
    tokio::time::sleep(effort.settle).await;
    report.add("memory_after_load", up.memory_mib()?, "MiB", 1)?;
    up.stop().await
}

/// A project with tickets, and us beside the product as one more gateway.
struct World {
    api: Api,
    writer: Writer,
    hints: Hints,
    project: Uuid,
    cards: Vec<Card>,
    _objects: tempfile::TempDir,
}

impl World {
    async fn make(api: &Api, runtime: &Runtime) -> anyhow::Result<Self> {
        let mut connection = api.connect().await?;
        let me = connection.ask("{ me { user { id } orgs { org { id } } } }", &json!({})).await?;
        let id = |path: &str| -> anyhow::Result<Uuid> {
            Ok(me.pointer(path).and_then(Value::as_str).with_context(|| format!("no {path} in {me}"))?.parse()?)
        };
        let (org, owner) = (OrgId(id("/me/orgs/0/org/id")?), UserId(id("/me/user/id")?));
        let nats = &runtime.nats_url;
        let password = nats.password().unwrap_or_default().to_owned();
        let options = async_nats::ConnectOptions::with_user_and_password(nats.username().to_owned(), password);
        let server = format!("{}:{}", nats.host_str().context("no host")?, nats.port().context("no port")?);
        let hints = Hints::over_nats(options.connect(server).await?);
        let objects = tempfile::tempdir()?;
        let pool = write_side::pool(&runtime.database_url).await?;
        let commands = write_side::commands(&pool, &hints, &objects)?;
        let writer = Writer { commands, org, actor: Actor::User(owner) };
        let project = writer.create_project("MEASURE").await?;
        let cards = writer.create_tickets(project, TICKETS).await?;
        let last = cards.last().context("no tickets")?.ticket;
        let until = Instant::now() + CAUGHT_UP_WITHIN;
        let seen = json!({ "id": last });
        while let Err(error) = connection.ask("query($id: UUID!) { ticket(id: $id) { id } }", &seen).await {
            if Instant::now() > until {
                return Err(error.context("the read side does not catch up"));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(Self { api: api.clone(), writer, hints, project: project.as_uuid(), cards, _objects: objects })
    }
}

/// Retitles its tickets over one connection.
#[derive(Debug)]
struct Browser {
    connection: Connection,
    document: &'static str,
    cards: Vec<Card>,
    next: usize,
}

impl Browser {
    async fn retitle(&mut self, command: Uuid) -> anyhow::Result<()> {
        let (count, next) = (self.cards.len(), self.next);
        self.next += 1;
        let card = self.cards.get_mut(next % count).context("no tickets")?;
        let input = json!({
            "commandId": command,
            "ticketId": card.ticket,
            "expectedVersion": card.version,
            "title": format!("Let the line carry version {} of this ticket", card.version),
        });
        self.connection.send(self.document, &json!({ "input": input })).await?;
        card.version += 1;
        Ok(())
    }
}

impl Client for Browser {
    async fn step(&mut self) -> anyhow::Result<()> {
        self.retitle(Uuid::new_v4()).await
    }
}

/// Each with tickets of its own; asks for their versions first.
async fn browsers(world: &World, count: usize) -> anyhow::Result<Vec<Browser>> {
    let mut reader = world.api.connect().await?;
    let mut browsers = Vec::new();
    for cards in world.cards.chunks(world.cards.len().div_ceil(count)) {
        let mut own = Vec::new();
        for card in cards.iter().take(16) {
            let id = json!({ "id": card.ticket });
            let found = reader.ask("query($id: UUID!) { ticket(id: $id) { version } }", &id).await?;
            let version = found.pointer("/ticket/version").and_then(Value::as_u64).context("no version")?;
            own.push(Card { version, ..*card });
        }
        let connection = world.api.connect().await?;
        browsers.push(Browser { connection, document: RETITLE, cards: own, next: 0 });
    }
    Ok(browsers)
}

async fn over_http(effort: &Effort, world: &World, runtime: &Runtime, report: &mut Report) -> anyhow::Result<()> {
    let mut clients = browsers(world, CLIENTS).await?;
    (clients, _) = closed(clients, Duration::from_secs(1)).await?;
    let pgbench = Pgbench::prepare(&runtime.owner_database_url).await?;
    let (mut raw, mut http, mut ratios, mut latencies) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut count = 0;
    for _ in 0..effort.rounds {
        let theirs = pgbench.turn(Table::EventsLike, CLIENTS, effort.turn).await?;
        let ours;
        (clients, ours) = closed(clients, effort.turn).await?;
        raw.push(theirs.per_second);
        ratios.push(ours.per_second / theirs.per_second);
        latencies.push((ours.latencies.percentile_ms(50), ours.latencies.percentile_ms(99)));
        count += ours.latencies.count();
        http.push(ours.per_second);
        caught_up(runtime).await?;
    }
    pgbench.remove().await?;
    for client in &mut clients {
        client.document = RETITLE_AND_READ;
    }
    let (_, reading) = closed(clients, effort.turn).await?;
    caught_up(runtime).await?;
    let (p50, p99): (Vec<f64>, Vec<f64>) = latencies.into_iter().unzip();
    report.add("raw_insert_32_beside", median(&raw), "per s", count)?;
    report.add("http_32", median(&http), "per s", count)?;
    report.add("http_32_p50", median(&p50), "ms", count)?;
    report.add("http_32_p99", median(&p99), "ms", count)?;
    report.add("http_32_to_raw", median(&ratios), "ratio", effort.rounds as u64)?;
    report.add("http_32_and_read", reading.per_second, "per s", reading.latencies.count())
}

/// Returns when every read model stands at the end of the log: no turn pays for the one before.
async fn caught_up(runtime: &Runtime) -> anyhow::Result<()> {
    let mut owner = PgConnection::connect(&runtime.owner_database_url).await?;
    let until = Instant::now() + CAUGHT_UP_WITHIN;
    let behind = "select (select max(id) from events) > (select max(event_row) from ledger) or exists (select \
        from projection_generations where state = 'live' and checkpoint < (select max(position) from ledger))";
    while sqlx::query_scalar::<_, bool>(behind).fetch_one(&mut owner).await? {
        if Instant::now() > until {
            bail!("the read side did not catch up within {} s", CAUGHT_UP_WITHIN.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(owner.close().await?)
}

/// A command that was committed.
struct Sent {
    position: Position,
    /// When its answer was here.
    at: Instant,
    /// From when it was due until then.
    since_due: Duration,
    /// From then until its position was known to us, another process than the one that gave it.
    until_placed: Duration,
}

/// When a projection said that it had reached a position.
type Reached = (Position, Instant);

async fn to_projection(effort: &Effort, world: &World, report: &mut Report) -> anyhow::Result<()> {
    let mut heard = world.hints.on_reached();
    let (reached, mut reports) = mpsc::unbounded_channel::<(String, Reached)>();
    let listening = tokio::spawn(async move {
        while let Ok(hint) = heard.recv().await {
            if hint.key.is_nil()
                && reached.send((hint.projection.into_owned(), (hint.position, Instant::now()))).is_err()
            {
                return;
            }
        }
    });
    let cards: Vec<Arc<Mutex<Card>>> = world.cards.iter().map(|card| Arc::new(Mutex::new(*card))).collect();
    let refreshed = Arc::new(fresh(world).await?);
    for card in &cards {
        let mut card = card.lock().await;
        card.version = refreshed.get(&card.ticket.as_uuid()).copied().unwrap_or(card.version);
    }
    let committed = steady(COMMANDS_PER_SECOND, effort.steady, |number, due| {
        let card = cards.get(usize::try_from(number).unwrap_or_default() % cards.len()).cloned();
        let (writer, hints) = (world.writer.clone(), world.hints.clone());
        async move {
            let card = card.context("no tickets")?;
            let accepted = writer.retitle(&mut *card.lock().await).await?;
            let at = Instant::now();
            let row = *accepted.rows.last().context("nothing was stored")?;
            let position = hints.position_of(row, CAUGHT_UP_WITHIN).await.context("no position")?;
            Ok(Sent { position, at, since_due: at.duration_since(due), until_placed: at.elapsed() })
        }
    })
    .await?;
    let last = committed.iter().map(|sent| sent.position).max().unwrap_or_default();
    let mut models: HashMap<String, Vec<Reached>> = HashMap::new();
    while models.len() < 5 || models.values().any(|reached| reached.last().is_none_or(|(position, _)| *position < last))
    {
        let next = timeout(CAUGHT_UP_WITHIN, reports.recv()).await.context("a read model did not get to the end")?;
        let (name, reached) = next.context("no more hints")?;
        models.entry(name).or_default().push(reached);
    }
    listening.abort();
    let count = committed.len() as u64;
    let commits: Samples = committed.iter().map(|sent| sent.since_due).collect();
    report.add("command_at_1000_p50", commits.percentile_ms(50), "ms", count)?;
    report.add("command_at_1000_p99", commits.percentile_ms(99), "ms", count)?;
    let places: Samples = committed.iter().map(|sent| sent.until_placed).collect();
    report.add("position_p50", places.percentile_ms(50), "ms", count)?;
    report.add("position_p99", places.percentile_ms(99), "ms", count)?;
    for name in ["audit", "org_directory", "runs", "ticket", "board"] {
        let Some(reached) = models.get(name) else { continue };
        let lags: Samples = committed.iter().filter_map(|sent| lag(reached, sent)).collect();
        if name == "board" {
            report.add("projection_p50", lags.percentile_ms(50), "ms", lags.count())?;
            report.add("projection_p99", lags.percentile_ms(99), "ms", lags.count())?;
        } else {
            report.add(&format!("projection_{name}_p99"), lags.percentile_ms(99), "ms", lags.count())?;
        }
    }
    Ok(())
}

/// From the commit until the first word of a position at or behind it; positions only grow.
fn lag(reached: &[Reached], sent: &Sent) -> Option<Duration> {
    let first = reached.partition_point(|(there, _)| *there < sent.position);
    reached.get(first).map(|(_, at)| at.saturating_duration_since(sent.at))
}

/// The tickets' versions as they are now.
async fn fresh(world: &World) -> anyhow::Result<HashMap<Uuid, u64>> {
    let mut reader = world.api.connect().await?;
    let mut versions = HashMap::new();
    for card in &world.cards {
        let id = json!({ "id": card.ticket });
        let found = reader.ask("query($id: UUID!) { ticket(id: $id) { version } }", &id).await?;
        versions.insert(
            card.ticket.as_uuid(),
            found.pointer("/ticket/version").and_then(Value::as_u64).context("no version")?,
        );
    }
    Ok(versions)
}

async fn to_socket(effort: &Effort, world: &World, report: &mut Report) -> anyhow::Result<()> {
    let mut follower = Follower::follow(&world.api, world.project).await?;
    let clients = browsers(world, BROWSERS).await?;
    let clients: Vec<Arc<Mutex<Browser>>> = clients.into_iter().map(|client| Arc::new(Mutex::new(client))).collect();
    let expected = u64::from(CHANGES_PER_SECOND) * effort.steady.as_secs();
    let following = tokio::spawn(async move {
        let mut seen = HashMap::new();
        while (seen.len() as u64) < expected {
            let (command, at) = follower.next_change().await?;
            seen.insert(command, at);
        }
        anyhow::Ok(seen)
    });
    let sent = steady(CHANGES_PER_SECOND, effort.steady, |number, due| {
        let client = clients.get(usize::try_from(number).unwrap_or_default() % clients.len()).cloned();
        async move {
            let command = Uuid::new_v4();
            client.context("no clients")?.lock().await.retitle(command).await?;
            Ok((command, due, due.elapsed()))
        }
    })
    .await?;
    let seen = timeout(CAUGHT_UP_WITHIN, following).await.context("not every change came")???;
    let lag =
        |(command, due, _): &(Uuid, Instant, Duration)| seen.get(command).map(|at| at.saturating_duration_since(*due));
    let lags: Samples = sent.iter().filter_map(lag).collect();
    if lags.count() != sent.len() as u64 {
        bail!("{} of {} changes came to the other socket", lags.count(), sent.len());
    }
    let answers: Samples = sent.iter().map(|(_, _, answered)| *answered).collect();
    report.add("http_at_100_p99", answers.percentile_ms(99), "ms", answers.count())?;
    report.add("socket_p50", lags.percentile_ms(50), "ms", lags.count())?;
    report.add("socket_p99", lags.percentile_ms(99), "ms", lags.count())
}
