//! The API over HTTP/1.1 with keep-alive, by a client that costs little: it shares the cores with what it measures.

use anyhow::{Context, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use url::Url;

/// Where the API is, and as whom.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    pub(crate) url: Url,
    pub(crate) token: String,
}

#[derive(Debug)]
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    authorization: String,
}

impl Api {
    pub(crate) async fn connect(&self) -> anyhow::Result<Connection> {
        let address = self.url.socket_addrs(|| None)?;
        let stream = TcpStream::connect(address.as_slice()).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Ends with the sender; what breaks it breaks the next request too, which tells.
        tokio::spawn(connection);
        let host = address.first().context("the API has no address")?.to_string();
        Ok(Connection { sender, host, authorization: format!("Bearer {}", self.token) })
    }
}

impl Connection {
    /// The whole answer; an error in it fails.
    pub(crate) async fn send(&mut self, document: &str, variables: &Value) -> anyhow::Result<Bytes> {
        let body = serde_json::to_vec(&json!({ "query": document, "variables": variables }))?;
        let request = Request::post("/graphql")
            .header(header::HOST, &self.host)
            .header(header::AUTHORIZATION, &self.authorization)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))?;
        self.sender.ready().await?;
        let answer = self.sender.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        if !status.is_success() || !body.starts_with(b"{\"data\":{") {
            bail!("{status}: {}", String::from_utf8_lossy(&body));
        }
        Ok(body)
    }

    pub(crate) async fn ask(&mut self, document: &str, variables: &Value) -> anyhow::Result<Value> {
        let answer: Value = serde_json::from_slice(&self.send(document, variables).await?)?;
        if answer.get("errors").is_some() {
            bail!("{answer}");
        }
        answer.get("data").cloned().context("no data")
    }
}
