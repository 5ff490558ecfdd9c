//! Another browser: a socket that follows a board.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use uuid::Uuid;

use crate::graphql::Api;

/// What the web app asks for of a card, nearly.
const BOARD_CHANGED: &str = "subscription($project: UUID!) { boardChanged(projectId: $project) { cursor live resync \
    position commandId removedTicketId card { ticketId key version title kind columnKey rank priority labels \
    assignee { id name } delegate { provider } repo { id name } branch } } }";
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Follower {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// The part of an item that is looked at.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    live: bool,
    command_id: Option<Uuid>,
}

#[derive(Debug, Deserialize)]
struct Incoming {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    payload: Option<Value>,
}

impl Follower {
    /// Follows the project's board, from now on: returns when the server says that it is live.
    pub(crate) async fn follow(api: &Api, project: Uuid) -> anyhow::Result<Self> {
        let mut url = api.url.join("graphql/ws")?;
        url.set_scheme("ws").ok().context("not an address for sockets")?;
        let mut request = url.as_str().into_client_request()?;
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse()?);
        let (stream, _) = tokio_tungstenite::connect_async_with_config(request, None, true).await?;
        let mut follower = Self { stream };
        let authorization = format!("Bearer {}", api.token);
        follower.send(json!({ "type": "connection_init", "payload": { "authorization": authorization } })).await?;
        let said = follower.next_message().await?;
        if said.kind != "connection_ack" {
            bail!("the socket was not taken: {said:?}");
        }
        let payload = json!({ "query": BOARD_CHANGED, "variables": { "project": project } });
        follower.send(json!({ "id": "1", "type": "subscribe", "payload": payload })).await?;
        while !follower.next_item().await?.live {}
        Ok(follower)
    }

    /// The next change's command, and when it was here.
    pub(crate) async fn next_change(&mut self) -> anyhow::Result<(Uuid, Instant)> {
        loop {
            if let Some(command) = self.next_item().await?.command_id {
                return Ok((command, Instant::now()));
            }
        }
    }

    async fn send(&mut self, message: Value) -> anyhow::Result<()> {
        Ok(self.stream.send(Message::text(message.to_string())).await?)
    }

    async fn next_item(&mut self) -> anyhow::Result<Item> {
        loop {
            let message = self.next_message().await?;
            match (message.kind.as_str(), message.payload) {
                ("next", Some(mut payload)) => {
                    let item = payload.pointer_mut("/data/boardChanged").map(Value::take);
                    let item = item.with_context(|| format!("no change in {payload}"))?;
                    return Ok(serde_json::from_value(item)?);
                }
                ("ping" | "pong", _) => {}
                (kind, payload) => bail!("the subscription ended: {kind} {payload:?}"),
            }
        }
    }

    async fn next_message(&mut self) -> anyhow::Result<Incoming> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.stream.next()).await.context("the socket is silent")?;
            match message.context("the socket ended")?? {
                Message::Text(text) => return Ok(serde_json::from_str(&text)?),
                Message::Ping(_) | Message::Pong(_) => {}
                other => bail!("the socket said {other:?}"),
            }
        }
    }
}
