//! Browsers that follow a board over sockets, come back with their cursor whenever one breaks, and note what comes.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::Utc;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use testkit::oracle::{Delivery, Subscriber};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use uuid::Uuid;

use crate::driver::Driver;
use crate::load::{World, id};

const SUBSCRIBE: &str = "subscription($project: UUID!, $after: Cursor) { \
     boardChanged(projectId: $project, after: $after) { cursor live resync position commandId } }";
const BEFORE_COMING_BACK: Duration = Duration::from_millis(100);
/// The gateway pings every 15 s: a socket that is silent for longer is not there any more.
const SILENCE: Duration = Duration::from_secs(40);

/// The last position of each board, once it is known; a board that is not named has none.
type Ends = Option<HashMap<Uuid, u64>>;

/// All of them, and the word that ends them.
#[derive(Debug)]
pub(crate) struct Followers {
    tasks: JoinSet<Subscriber>,
    /// Each one's board and how far it is.
    places: Vec<(Uuid, Arc<AtomicU64>)>,
    ends: watch::Sender<Ends>,
}

struct Follower {
    driver: Arc<Driver>,
    gateways: Vec<String>,
    number: usize,
    project: Uuid,
    cursor: String,
    seen: Subscriber,
    place: Arc<AtomicU64>,
    ends: watch::Receiver<Ends>,
}

impl Followers {
    pub(crate) async fn start(driver: &Arc<Driver>, gateways: &[String], world: &World, count: usize) -> Self {
        let (ends, end) = watch::channel(None);
        let mut tasks = JoinSet::new();
        let mut places = Vec::new();
        for number in 0..count {
            let project = &world.projects[number % world.projects.len()];
            let seen =
                Subscriber { name: format!("subscriber {number}"), board: project.board, ..Subscriber::default() };
            let mut follower = Follower {
                driver: Arc::clone(driver),
                gateways: gateways.to_vec(),
                number,
                project: project.id,
                cursor: String::new(),
                seen,
                place: Arc::default(),
                ends: end.clone(),
            };
            places.push((project.board, Arc::clone(&follower.place)));
            follower.seen.from = follower.read().await;
            tasks.spawn(follower.follow());
        }
        Self { tasks, places, ends }
    }

    /// Whether all have their board's last position.
    pub(crate) fn have(&self, last: &HashMap<Uuid, u64>) -> bool {
        let has = |(board, place): &(Uuid, Arc<AtomicU64>)| {
            last.get(board).is_none_or(|last| place.load(Ordering::Relaxed) >= *last)
        };
        self.places.iter().all(has)
    }

    /// Each goes on until it has its board's last position, or until the time is up.
    pub(crate) async fn finish(self, last: HashMap<Uuid, u64>, patience: Duration) -> Vec<Subscriber> {
        let Self { tasks, ends, .. } = self;
        ends.send_replace(Some(last));
        tokio::spawn(async move {
            tokio::time::sleep(patience).await;
            // Who still waits has missed something: nothing more will come.
            ends.send_replace(Some(HashMap::new()));
        });
        tasks.join_all().await
    }
}

impl Follower {
    /// Reads the board; the position that this is as of.
    async fn read(&mut self) -> u64 {
        let document = "query($id: UUID!) { board(projectId: $id) { id cursor position } }";
        let read = self.driver.ask(document, json!({ "id": self.project })).await;
        assert_eq!(id(&read["board"]["id"]), self.seen.board);
        read["board"]["cursor"].as_str().unwrap().clone_into(&mut self.cursor);
        read["board"]["position"].as_u64().unwrap()
    }

    async fn follow(mut self) -> Subscriber {
        while !self.has_all() {
            // None of the ways in which a socket ends says anything but: come back.
            let _ = self.one_socket().await;
            self.seen.connections += 1;
            tokio::time::sleep(BEFORE_COMING_BACK).await;
        }
        self.seen
    }

    fn has_all(&self) -> bool {
        let ends = self.ends.borrow();
        let last = self.seen.received.last().map_or(self.seen.from, |delivery| delivery.position);
        ends.as_ref().is_some_and(|ends| ends.get(&self.seen.board).is_none_or(|end| last >= *end))
    }

    async fn one_socket(&mut self) -> anyhow::Result<()> {
        let turn = self.number + usize::try_from(self.seen.connections)?;
        let address = self.gateways[turn % self.gateways.len()].replacen("http", "ws", 1);
        let mut request = format!("{address}/graphql/ws").into_client_request()?;
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse()?);
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await?;
        let authorization = format!("Bearer {}", self.driver.token());
        let init = json!({ "type": "connection_init", "payload": { "authorization": authorization } });
        socket.send(Message::text(init.to_string())).await?;
        let variables = json!({ "project": self.project, "after": self.cursor });
        let payload = json!({ "query": SUBSCRIBE, "variables": variables });
        let subscribe = json!({ "type": "subscribe", "id": "1", "payload": payload }).to_string();
        loop {
            let message = tokio::select! {
                message = tokio::time::timeout(SILENCE, socket.next()) => message?,
                // The word came that these are all.
                _ = self.ends.changed() => { if self.has_all() { return Ok(()) } continue }
            };
            let Some(message) = message else { return Ok(()) };
            let Message::Text(text) = message? else { continue };
            let message: Value = serde_json::from_str(&text)?;
            match message["type"].as_str() {
                Some("connection_ack") => socket.send(Message::text(subscribe.clone())).await?,
                Some("next") => {
                    let item = &message["payload"]["data"]["boardChanged"];
                    if item["cursor"].is_string() {
                        self.take(item).await;
                    } else {
                        return Ok(());
                    }
                }
                // It is refused for now, or over.
                _ => return Ok(()),
            }
            if self.has_all() {
                return Ok(());
            }
        }
    }

    async fn take(&mut self, item: &Value) {
        if item["resync"] == true {
            let position = self.read().await;
            self.seen.resyncs.push(position);
            return;
        }
        item["cursor"].as_str().unwrap().clone_into(&mut self.cursor);
        if let Some(position) = item["position"].as_u64() {
            self.seen.received.push(Delivery { position, at: Utc::now() });
            self.place.store(position, Ordering::Relaxed);
        }
    }
}
