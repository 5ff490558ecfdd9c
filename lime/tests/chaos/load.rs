//! People at work on a few boards: they create, move, edit and comment, several at a time, faults or no faults.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use testkit::oracle::answers::mark;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::driver::{Driver, Order};

const LANES: u64 = 12;
const COLUMNS: [&str; 6] = ["backlog", "todo", "in_progress", "code_review", "qa", "done"];
const KEYS: [&str; 3] = ["CA", "CB", "CC"];
const TICKETS_A_LANE: usize = 2;

#[derive(Clone, Debug)]
pub(crate) struct Project {
    pub(crate) id: Uuid,
    pub(crate) board: Uuid,
}

/// What there is before the load begins.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) org: Uuid,
    pub(crate) projects: Vec<Project>,
    /// Everybody writes to these.
    pub(crate) contended: Vec<Uuid>,
}

impl World {
    pub(crate) async fn set_up(driver: &Driver) -> Self {
        let document = "mutation($input: CreateOrgInput!) { createOrg(input: $input) { org { id } } }";
        let input = json!({ "commandId": Uuid::now_v7(), "name": "Chaos" });
        let made = driver.ask(document, json!({ "input": input })).await;
        let org = id(&made["createOrg"]["org"]["id"]);
        let mut world = Self { org, projects: Vec::new(), contended: Vec::new() };
        for key in KEYS {
            let document = "mutation($input: CreateProjectInput!) { createProject(input: $input) { project { id } } }";
            let input = json!({ "commandId": Uuid::now_v7(), "orgId": org, "key": key, "name": "Chaos" });
            let made = driver.ask(document, json!({ "input": input })).await;
            let project = id(&made["createProject"]["project"]["id"]);
            let read = driver.ask("query($id: UUID!) { board(projectId: $id) { id } }", json!({ "id": project })).await;
            world.projects.push(Project { id: project, board: id(&read["board"]["id"]) });
            world.contended.push(create(driver, project).await.unwrap());
        }
        world
    }
}

pub(crate) fn id(value: &Value) -> Uuid {
    value.as_str().unwrap().parse().unwrap()
}

/// Creates a ticket and asks for its id; none when the read side could not tell it, which no command needs.
async fn create(driver: &Driver, project: Uuid) -> Option<Uuid> {
    let command = Uuid::now_v7();
    let mark = mark(command, 0);
    let input = json!({ "projectId": project, "title": mark });
    let order = Order {
        command,
        field: "createTicket",
        input_type: "CreateTicketInput",
        input: input.clone(),
        marks: vec![mark],
    };
    driver.send(order).await?;
    // The same command again, now with what the read side knows.
    let document = "mutation($input: CreateTicketInput!) { createTicket(input: $input) { ticket { id } } }";
    let mut input = input;
    input["commandId"] = json!(command);
    let made = driver.ask(document, json!({ "input": input })).await;
    Some(id(&made["createTicket"]["ticket"]["id"]))
}

#[derive(Debug)]
pub(crate) struct Load {
    driver: Arc<Driver>,
    world: World,
    /// At least so many commands.
    total: u64,
    /// While faults happen; unbounded after them.
    a_second: f64,
    begun: Instant,
    taken: AtomicU64,
    faults_are_over: AtomicBool,
}

/// A ticket that only one lane moves, so that it knows where the ticket is.
struct Own {
    ticket: Uuid,
    column: usize,
}

async fn own_tickets(driver: &Driver, world: &World) -> Vec<Own> {
    let mut own = Vec::new();
    for project in world.projects.iter().take(TICKETS_A_LANE) {
        own.extend(create(driver, project.id).await.map(|ticket| Own { ticket, column: 0 }));
    }
    own
}

impl Load {
    /// Begins when each lane has its own tickets: from then on no lane waits for the read side.
    pub(crate) async fn start(
        driver: &Arc<Driver>,
        world: &World,
        total: u64,
        a_second: f64,
        seed: u64,
    ) -> (Arc<Self>, JoinSet<()>) {
        let owned = (0..LANES).map(|_| own_tickets(driver, world));
        let owned = futures::future::join_all(owned).await;
        let load = Arc::new(Self {
            driver: Arc::clone(driver),
            world: world.clone(),
            total,
            a_second,
            begun: Instant::now(),
            taken: AtomicU64::new(0),
            faults_are_over: AtomicBool::new(false),
        });
        let mut lanes = JoinSet::new();
        for (lane, own) in (0..LANES).zip(owned) {
            lanes.spawn(Arc::clone(&load).lane(StdRng::seed_from_u64(seed ^ (lane << 32)), own));
        }
        (load, lanes)
    }

    /// From now on as fast as it goes, until the total is reached.
    pub(crate) fn faults_are_over(&self) {
        self.faults_are_over.store(true, Ordering::Relaxed);
    }

    /// A few commands one after another, when nothing else happens.
    pub(crate) async fn a_quiet_while(&self, pause: Duration, commands: usize) {
        for number in 0..commands {
            let command = Uuid::now_v7();
            let mark = mark(command, 0);
            let ticket = self.world.contended[number % self.world.contended.len()];
            let input = json!({ "ticketId": ticket, "bodyMd": mark });
            let (field, input_type, marks) = ("commentOnTicket", "CommentInput", vec![mark]);
            self.driver.send(Order { command, field, input_type, input, marks }).await;
            tokio::time::sleep(pause).await;
        }
    }

    async fn lane(self: Arc<Self>, mut random: StdRng, mut own: Vec<Own>) {
        while self.next().await {
            self.command(&mut random, &mut own).await;
        }
    }

    /// Waits for the time of the next command. They come in bursts of one a lane, so that they meet. False at the end.
    async fn next(&self) -> bool {
        let number = self.taken.fetch_add(1, Ordering::Relaxed);
        #[allow(clippy::cast_precision_loss, reason = "some thousands")]
        let due = self.begun + Duration::from_secs_f64((number / LANES * LANES) as f64 / self.a_second);
        while !self.faults_are_over.load(Ordering::Relaxed) {
            let wait = due.saturating_duration_since(Instant::now());
            if wait.is_zero() {
                return true;
            }
            tokio::time::sleep(wait.min(Duration::from_millis(100))).await;
        }
        number < self.total
    }

    async fn command(&self, random: &mut StdRng, own: &mut [Own]) {
        let chosen = random.random_range(0..own.len());
        let contended = self.world.contended[random.random_range(0..self.world.contended.len())];
        let any = if random.random_bool(0.3) { contended } else { own[chosen].ticket };
        let command = Uuid::now_v7();
        let (first, second) = (mark(command, 0), mark(command, 1));
        let (field, input_type, input, marks) = match random.random_range(0..10) {
            0 => {
                let project = &self.world.projects[random.random_range(0..self.world.projects.len())];
                // Waiting for the read side here would let the load stand still with it.
                let input = json!({ "projectId": project.id, "title": first, "labels": ["chaos"] });
                ("createTicket", "CreateTicketInput", input, vec![first])
            }
            1..=3 => {
                // Never where it is: a move that changes nothing has no event.
                let column = (own[chosen].column + random.random_range(1..COLUMNS.len())) % COLUMNS.len();
                own[chosen].column = column;
                let input = json!({ "ticketId": own[chosen].ticket, "columnKey": COLUMNS[column] });
                ("moveTicket", "MoveTicketInput", input, Vec::new())
            }
            4..=6 => {
                let input = json!({ "ticketId": any, "title": first, "descriptionMd": second });
                ("editTicket", "EditTicketInput", input, vec![first, second])
            }
            _ => ("commentOnTicket", "CommentInput", json!({ "ticketId": any, "bodyMd": first }), vec![first]),
        };
        self.driver.send(Order { command, field, input_type, input, marks }).await;
    }
}
