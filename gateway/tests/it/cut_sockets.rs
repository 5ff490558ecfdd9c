//! Sockets cut 20 times during 500 changes: each position once and in order, at the socket level.

use crate::support::{App, PATIENCE, Socket};
use serde_json::{Value, json};
use sqlx::Row;
use testkit::eventually;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use uuid::Uuid;

const CHANGES: usize = 500;
const CUTS: usize = 20;
const CHANGED: &str = "subscription($p: UUID!, $a: Cursor) { boardChanged(projectId: $p, after: $a) { cursor live resync position commandId card { version } } }";
const MOVE: &str = "mutation($c: UUID!, $t: UUID!, $k: String!) { moveTicket(input: {commandId: $c, ticketId: $t, columnKey: $k}) { version } }";

/// A wire to the gateway that can be cut at any byte.
struct Wire {
    base: String,
    relay: JoinHandle<()>,
}

impl Wire {
    async fn to(base: &str) -> Self {
        let target = base.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let relay = tokio::spawn(async move {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut server = TcpStream::connect(target).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        });
        Self { base, relay }
    }

    /// Both ends go at once, with whatever was under way.
    async fn cut(self) {
        self.relay.abort();
        let _ = self.relay.await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_position_is_applied_once_and_in_order() {
    let app = App::start().await;
    let project = app.project("CUT").await;
    let mut tickets = Vec::new();
    for index in 0..10 {
        tickets.push(app.ticket(project, &format!("card {index}")).await);
    }
    let board =
        app.data("query($p: UUID!) { board(projectId: $p) { id cursor position } }", json!({ "p": project })).await;
    let board = board["board"].clone();
    let start = board["position"].as_u64().unwrap();

    let writing = async {
        let columns = ["todo", "in_progress", "code_review", "qa", "done"];
        for index in 0..CHANGES {
            let (ticket, column) = (tickets[index % tickets.len()], columns[(index / tickets.len()) % columns.len()]);
            let change = json!({ "c": Uuid::now_v7(), "t": ticket, "k": column });
            // A busy machine may answer UNAVAILABLE; the same command again is the same change.
            eventually(PATIENCE, || async {
                let answer = app.gql(MOVE, change.clone()).await;
                let code = &answer["errors"][0]["extensions"]["code"];
                assert!(code.is_null() || code == "UNAVAILABLE", "{answer}");
                code.is_null()
            })
            .await;
        }
    };
    let following = async {
        let mut cursor = board["cursor"].clone();
        let mut applied: Vec<u64> = Vec::new();
        let (mut cuts, mut next_cut) = (0, 20);
        while applied.len() < CHANGES {
            let wire = Wire::to(&app.base).await;
            let mut socket = Socket::open(&wire.base, &app.owner_token).await;
            socket.subscribe("1", CHANGED, json!({ "p": project, "a": cursor })).await;
            while applied.len() < CHANGES {
                let message = socket.next().await.unwrap();
                let item: &Value = &message["payload"]["data"]["boardChanged"];
                assert_eq!(item["resync"], false, "{message}");
                cursor = item["cursor"].clone();
                if item["live"] == true {
                    continue;
                }
                applied.push(item["position"].as_u64().unwrap());
                if cuts < CUTS && applied.len() == next_cut {
                    cuts += 1;
                    next_cut += 23;
                    break;
                }
            }
            wire.cut().await;
        }
        (applied, cuts)
    };
    let ((), (applied, cuts)) = tokio::join!(writing, following);
    assert_eq!(cuts, CUTS);

    let expected = eventually(PATIENCE, || async {
        let positions = positions_of(&app, start).await;
        (positions.len() == CHANGES).then_some(positions)
    })
    .await;
    assert_eq!(applied, expected);
}

/// The log's own word: the positions of all moves after the snapshot.
async fn positions_of(app: &App, after: u64) -> Vec<u64> {
    let rows = sqlx::query(
        "select position from ledger join events on events.id = ledger.event_row
         where event_type = 'TicketMoved' and position > $1 order by position",
    )
    .bind(i64::try_from(after).unwrap())
    .fetch_all(&app.pool)
    .await
    .unwrap();
    rows.iter().map(|row| u64::try_from(row.get::<i64, _>(0)).unwrap()).collect()
}
