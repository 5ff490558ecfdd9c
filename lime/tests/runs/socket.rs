//! A client of `graphql-transport-ws` that keeps what it heard, word by word.

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::product::api::Api;

/// One subscription on a socket of its own, from now on; ends with the value.
pub(crate) struct Listener {
    heard: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Listener {
    /// Returns when the subscription has been sent.
    pub(crate) async fn to(api: &Api, document: &str, variables: Value) -> Self {
        let mut request = format!("{}/graphql/ws", api.url().replacen("http", "ws", 1)).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        let (mut stream, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let hello = json!({ "authorization": format!("Bearer {}", api.token()) });
        let hello = json!({ "type": "connection_init", "payload": hello });
        stream.send(Message::text(hello.to_string())).await.unwrap();
        let answer = stream.next().await.unwrap().unwrap().into_text().unwrap();
        assert!(answer.contains("connection_ack"), "{answer}");
        let payload = json!({ "query": document, "variables": variables });
        let subscribe = json!({ "id": "1", "type": "subscribe", "payload": payload });
        stream.send(Message::text(subscribe.to_string())).await.unwrap();
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            while let Some(Ok(message)) = stream.next().await {
                match message {
                    Message::Text(text) => kept.lock().unwrap().push(text.to_string()),
                    // Answered by the library.
                    Message::Ping(_) | Message::Pong(_) => {}
                    Message::Binary(_) | Message::Close(_) | Message::Frame(_) => break,
                }
            }
        });
        Self { heard, task }
    }

    /// Every message, as it came over the line.
    pub(crate) fn raw(&self) -> String {
        self.heard.lock().unwrap().join("\n")
    }

    /// What was under `data.<field>` of each item so far; an error fails the test.
    pub(crate) fn items(&self, field: &str) -> Vec<Value> {
        let heard = self.heard.lock().unwrap();
        let messages = heard.iter().map(|text| serde_json::from_str::<Value>(text).unwrap());
        messages
            .filter(|message| message["type"] != "ping")
            .map(|message| {
                assert_eq!(message["type"], "next", "{message}");
                assert!(message["payload"]["errors"].is_null(), "{message}");
                message["payload"]["data"][field].clone()
            })
            .collect()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}
