//! A whole gateway for one test, and ways to talk to it.

use commands::objects::{DirectoryObjects, Objects};
use commands::vault::{Keyring, Vault};
use commands::{CommandSettings, Commands};
use domain::UserId;
use domain::org::Role;
use feed::hints::Hints;
use futures::{SinkExt, StreamExt};
use gateway::auth::{NewToken, Scope, create_owner_link, create_token, ensure_owner};
use gateway::{GatewayConfig, GatewaySettings};
use projections::Reads;
use reqwest::header::SET_COOKIE;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use sqlx::PgPool;
use std::sync::Arc;
use std::time::Duration;
use testkit::{TestDatabase, eventually};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub const PATIENCE: Duration = Duration::from_secs(20);

/// A gateway with ledger and projections, on a port and a database of its own. The owner is admin of `org`.
pub struct App {
    pub base: String,
    pub http: reqwest::Client,
    pub pool: PgPool,
    pub owner: UserId,
    pub org: Uuid,
    pub owner_token: String,
    pub commands: Commands,
    pub hints: Hints,
    pub objects: Arc<dyn Objects>,
    pub vault: Vault,
    pub database: TestDatabase,
    pub stop: CancellationToken,
    _files: tempfile::TempDir,
}

impl Drop for App {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl App {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut GatewaySettings)) -> Self {
        let database = TestDatabase::create().await.unwrap();
        let pool = database.pool.clone();
        let files = tempfile::tempdir().unwrap();
        let hints = Hints::local();
        let objects: Arc<dyn Objects> = Arc::new(DirectoryObjects::open(files.path()).unwrap());
        let commands = Commands::new(pool.clone(), hints.clone(), objects.clone(), CommandSettings::default());
        let reads = Reads::new(pool.clone());
        let stop = CancellationToken::new();
        let ledger = commands::ledger::LedgerSettings::default();
        tokio::spawn(commands::ledger::run(pool.clone(), None, hints.clone(), ledger, stop.clone()));
        tokio::spawn(projections::run(pool.clone(), None, hints.clone(), stop.clone()));
        let owner = ensure_owner(&pool, "Owner").await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let keyring = Keyring::parse(&Keyring::generate().unwrap()).unwrap();
        let vault = Vault::open(pool.clone(), keyring).await.unwrap();
        let mut settings = GatewaySettings::new(&base);
        change(&mut settings);
        let config = GatewayConfig {
            pool: pool.clone(),
            hints: hints.clone(),
            commands: commands.clone(),
            reads,
            objects: objects.clone(),
            vault: vault.clone(),
            settings,
        };
        tokio::spawn(gateway::run(config, listener, stop.clone()));
        let new = NewToken { name: "tests".into(), role: None, scopes: vec![], expires_at: None };
        let owner_token = create_token(&pool, owner, new).await.unwrap().1;
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let mut app = Self {
            base,
            http,
            pool,
            owner,
            org: Uuid::nil(),
            owner_token,
            commands,
            hints,
            objects,
            vault,
            database,
            stop,
            _files: files,
        };
        app.read_side_is_there().await;
        app.org = app.new_org(&app.owner_token, "Northwind").await;
        app
    }

    /// Every projection has its first generation.
    async fn read_side_is_there(&self) {
        let live = "select count(*) from projection_generations where state = 'live'";
        let wanted = i64::try_from(projections::all().len()).unwrap();
        let all_live = || async { sqlx::query_scalar::<_, i64>(live).fetch_one(&self.pool).await.unwrap() == wanted };
        eventually(PATIENCE, all_live).await;
    }

    /// A second gateway on the same database: it remembers nothing of what the first has seen.
    pub async fn another_process(&self) -> OtherGateway {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (pool, hints, objects) = (self.pool.clone(), Hints::local(), self.objects.clone());
        let commands = Commands::new(pool.clone(), hints.clone(), objects.clone(), CommandSettings::default());
        let (reads, settings) = (Reads::new(pool.clone()), GatewaySettings::new(&base));
        let vault = self.vault.clone();
        let config = GatewayConfig { pool, hints, commands, reads, objects, vault, settings };
        tokio::spawn(gateway::run(config, listener, self.stop.clone()));
        OtherGateway { base }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub async fn owner_pool(&self) -> PgPool {
        self.database.owner_pool().await.unwrap()
    }

    /// Signs the owner in as a browser does.
    pub async fn session(&self) -> Session<'_> {
        let link = create_owner_link(&self.pool, self.owner).await.unwrap().url(&self.base);
        let answer = self.http.get(link).send().await.unwrap();
        Session::new(self, answer.headers()[SET_COOKIE].to_str().unwrap())
    }

    pub async fn token(&self, role: Option<Role>, scopes: &[Scope]) -> String {
        let new = NewToken { name: "more".into(), role, scopes: scopes.to_vec(), expires_at: None };
        create_token(&self.pool, self.owner, new).await.unwrap().1
    }

    /// Another person, with a token.
    pub async fn person(&self, name: &str) -> (UserId, String) {
        let id = Uuid::now_v7();
        let insert = sqlx::query("insert into users (id, name) values ($1, $2)").bind(id).bind(name);
        insert.execute(&self.pool).await.unwrap();
        let new = NewToken { name: "tests".into(), role: None, scopes: vec![], expires_at: None };
        (UserId(id), create_token(&self.pool, UserId(id), new).await.unwrap().1)
    }

    /// Makes a person a member of the owner's org, as an event of its stream: invitations are another part's.
    pub async fn join(&self, user: UserId, role: &str) {
        sqlx::query(
            "insert into events (event_id, org, aggregate_type, aggregate_id, sequence, event_type, event_version,
                                 payload, metadata, actor, recorded_at, command_id, index_in_command)
             select $1, org, aggregate_type, aggregate_id, max(sequence) + 1, 'MemberJoined', min(event_version),
                    $3, $4, 'system:tests', now(), $1, 0
             from events where org = $2 and aggregate_type = 'Org' group by org, aggregate_type, aggregate_id",
        )
        .bind(Uuid::now_v7())
        .bind(self.org)
        .bind(json!({ "user": user, "role": role }))
        .bind(json!({ "command_id": Uuid::now_v7(), "correlation_id": Uuid::now_v7() }))
        .execute(&self.pool)
        .await
        .unwrap();
        self.hints.committed();
        let reads = Reads::new(self.pool.clone());
        eventually(PATIENCE, || async { reads.role_of(user, domain::OrgId(self.org)).await.unwrap().is_some() }).await;
    }

    /// A request as the owner.
    pub async fn gql(&self, query: &str, variables: Value) -> Value {
        self.gql_as(&self.owner_token, query, variables).await
    }

    pub async fn gql_as(&self, token: &str, query: &str, variables: Value) -> Value {
        let request = self.http.post(self.url("/graphql")).bearer_auth(token);
        let body = json!({ "query": query, "variables": variables });
        request.json(&body).send().await.unwrap().json().await.unwrap()
    }

    /// The answer's data; an error fails the test. A busy machine may answer UNAVAILABLE, and then the same is sent
    /// again: with its command id it is the same command.
    pub async fn data(&self, query: &str, variables: Value) -> Value {
        eventually(PATIENCE, || async {
            let answer = self.gql(query, variables.clone()).await;
            if answer["errors"][0]["extensions"]["code"] == "UNAVAILABLE" {
                return Err(answer.to_string());
            }
            assert!(answer["errors"].is_null(), "{answer}");
            Ok(answer["data"].clone())
        })
        .await
    }

    pub async fn new_org(&self, token: &str, name: &str) -> Uuid {
        let mutation =
            "mutation($c: UUID!, $n: String!) { createOrg(input: {commandId: $c, name: $n}) { org { id } } }";
        let variables = json!({ "c": Uuid::now_v7(), "n": name });
        let id = eventually(PATIENCE, || async {
            let answer = self.gql_as(token, mutation, variables.clone()).await;
            answer["data"]["createOrg"]["org"]["id"].as_str().map(str::to_owned)
        })
        .await;
        id.parse().unwrap()
    }

    pub async fn project(&self, key: &str) -> Uuid {
        self.project_as(&self.owner_token, self.org, key).await
    }

    pub async fn project_as(&self, token: &str, org: Uuid, key: &str) -> Uuid {
        let mutation = "mutation($c: UUID!, $o: UUID!, $k: String!) {
            createProject(input: {commandId: $c, orgId: $o, key: $k, name: \"Project\"}) { project { id } } }";
        let variables = json!({ "c": Uuid::now_v7(), "o": org, "k": key });
        // A busy machine may answer UNAVAILABLE; the same command again is the same project.
        let id: Uuid = eventually(PATIENCE, || async {
            let answer = self.gql_as(token, mutation, variables.clone()).await;
            let code = &answer["errors"][0]["extensions"]["code"];
            assert!(code.is_null() || code == "UNAVAILABLE", "{answer}");
            answer["data"]["createProject"]["project"]["id"].as_str().map(|id| id.parse().unwrap())
        })
        .await;
        // The project is answered for; its board is another read model, a moment behind perhaps.
        let board = "query($p: UUID!) { board(projectId: $p) { id } }";
        eventually(PATIENCE, || async { self.gql_as(token, board, json!({ "p": id })).await["errors"].is_null() })
            .await;
        id
    }

    pub async fn ticket(&self, project: Uuid, title: &str) -> Uuid {
        let mutation = "mutation($c: UUID!, $p: UUID!, $t: String!) {
            createTicket(input: {commandId: $c, projectId: $p, title: $t}) { ticket { id } } }";
        let command = Uuid::now_v7();
        let data = self.data(mutation, json!({ "c": command, "p": project, "t": title })).await;
        let id: Uuid = data["createTicket"]["ticket"]["id"].as_str().unwrap().parse().unwrap();
        // Answered for; a follower of the board from now on would still see it come where the board is behind.
        let cards =
            "query($p: UUID!, $c: UUID) { board(projectId: $p, afterCommand: $c) { columns { cards { ticketId } } } }";
        eventually(PATIENCE, || async {
            let board = self.data(cards, json!({ "p": project, "c": command })).await;
            let columns = board["board"]["columns"].as_array().unwrap();
            columns
                .iter()
                .flat_map(|column| column["cards"].as_array().unwrap())
                .any(|card| card["ticketId"] == json!(id))
        })
        .await;
        id
    }

    pub async fn socket(&self) -> Socket {
        Socket::open(&self.base, &self.owner_token).await
    }
}

pub struct OtherGateway {
    pub base: String,
}

/// A browser that is signed in.
pub struct Session<'a> {
    app: &'a App,
    cookie: String,
}

impl<'a> Session<'a> {
    /// From a `Set-Cookie` header.
    pub fn new(app: &'a App, set_cookie: &str) -> Self {
        Self { app, cookie: set_cookie.split(';').next().unwrap().to_owned() }
    }

    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.app.http.get(self.app.url(path)).header("cookie", &self.cookie)
    }

    /// As a page of ours sends it.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.plain_post(path).header("x-lime-csrf", "1")
    }

    /// As any page could make the browser send it.
    pub fn plain_post(&self, path: &str) -> RequestBuilder {
        self.app.http.post(self.app.url(path)).header("cookie", &self.cookie)
    }

    pub async fn json_body(&self, path: &str, body: String) -> Response {
        self.post(path).header("content-type", "application/json").body(body).send().await.unwrap()
    }

    pub async fn gql(&self, query: &str, variables: Value) -> Value {
        let body = json!({ "query": query, "variables": variables });
        self.json_body("/graphql", body.to_string()).await.json().await.unwrap()
    }
}

/// A socket that speaks `graphql-transport-ws`.
pub struct Socket {
    pub stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    /// Opened, not yet initialised.
    pub async fn connect(base: &str, headers: &[(&'static str, &str)]) -> Result<Self, tungstenite::Error> {
        let mut request = format!("{}/graphql/ws", base.replacen("http", "ws", 1)).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (stream, _) = tokio_tungstenite::connect_async(request).await?;
        Ok(Self { stream })
    }

    pub async fn open(base: &str, token: &str) -> Self {
        let mut socket = Self::connect(base, &[]).await.unwrap();
        let authorization = format!("Bearer {token}");
        socket.send(json!({ "type": "connection_init", "payload": { "authorization": authorization } })).await;
        assert_eq!(socket.next().await.unwrap()["type"], "connection_ack");
        socket
    }

    pub async fn send(&mut self, message: Value) {
        self.stream.send(Message::text(message.to_string())).await.unwrap();
    }

    pub async fn subscribe(&mut self, id: &str, query: &str, variables: Value) {
        let payload = json!({ "query": query, "variables": variables });
        self.send(json!({ "id": id, "type": "subscribe", "payload": payload })).await;
    }

    /// The next message, or the code and reason that the socket was closed with (0: it was cut).
    pub async fn next(&mut self) -> Result<Value, (u16, String)> {
        let next = async {
            loop {
                match self.stream.next().await {
                    Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                    Some(Ok(Message::Close(Some(frame)))) => return Err((frame.code.into(), frame.reason.to_string())),
                    Some(Ok(Message::Close(None)) | Err(_)) | None => return Err((0, String::new())),
                    Some(Ok(_)) => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE.mul_f64(testkit::slack()), next).await.expect("nothing came")
    }

    /// The next item of the only subscription: what is under `data.<field>`.
    pub async fn item(&mut self, field: &str) -> Value {
        let message = self.next().await.unwrap_or_else(|closed| panic!("closed: {closed:?}"));
        assert_eq!(message["type"], "next", "{message}");
        assert!(message["payload"]["errors"].is_null(), "{message}");
        message["payload"]["data"][field].clone()
    }

    /// The items up to and with the live marker.
    pub async fn until_live(&mut self, field: &str) -> Vec<Value> {
        let mut items = Vec::new();
        loop {
            items.push(self.item(field).await);
            if items.last().unwrap()["live"] == true {
                return items;
            }
        }
    }
}

/// The code of the answer's first error.
pub fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("no error: {answer}"))
}
