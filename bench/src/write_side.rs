//! The write side as a gateway holds it, and tickets to send commands to.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use commands::objects::DirectoryObjects;
use commands::org::{CreateOrg, create_org};
use commands::project::{CreateProject, create_project};
use commands::ticket::{CommentOnTicket, CreateTicket, EditTicket, comment_on_ticket, create_ticket, edit_ticket};
use commands::{Accepted, Caller, CommandSettings, Commands};
use domain::ticket::TicketKind;
use domain::{Actor, CommandId, OrgId, ProjectId, TicketId, UserId, Version};
use feed::hints::Hints;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tempfile::TempDir;
use testkit::PrivatePostgres;
use uuid::Uuid;

use crate::load::Client;

/// A ticket, and the version that its only writer knows it at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Card {
    pub(crate) ticket: TicketId,
    pub(crate) version: Version,
}

/// Sends commands in an org. Clones share one executor.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    pub(crate) commands: Commands,
    pub(crate) org: OrgId,
    pub(crate) actor: Actor,
}

/// A pool as the product makes its own.
pub(crate) async fn pool(url: &str) -> anyhow::Result<PgPool> {
    let options = PgPoolOptions::new().max_connections(32).test_before_acquire(false);
    options.connect(url).await.context("failed to connect to PostgreSQL")
}

/// An executor that does not wait for positions: what a command costs ends with its commit.
pub(crate) fn commands(pool: &PgPool, hints: &Hints, folder: &TempDir) -> anyhow::Result<Commands> {
    let settings = CommandSettings { position_wait: Duration::ZERO, ..CommandSettings::default() };
    let objects = Arc::new(DirectoryObjects::open(folder.path())?);
    Ok(Commands::new(pool.clone(), hints.clone(), objects, settings))
}

impl Writer {
    pub(crate) fn caller(&self) -> Caller {
        Caller::new(self.org, self.actor.clone(), CommandId(Uuid::new_v4()))
    }

    pub(crate) async fn create_project(&self, key: &str) -> anyhow::Result<ProjectId> {
        let input = CreateProject { key: key.to_owned(), name: "Measured".to_owned() };
        Ok(ProjectId(create_project(&self.commands, &self.caller(), input).await?.aggregate_id))
    }

    /// New tickets at the end of the backlog, 32 at a time.
    pub(crate) async fn create_tickets(&self, project: ProjectId, count: usize) -> anyhow::Result<Vec<Card>> {
        use futures::{StreamExt, TryStreamExt};
        let create = |number: usize| async move {
            let input = CreateTicket {
                project,
                board: None,
                title: format!("Ticket {number} of the measurement"),
                kind: TicketKind::Task,
                description_md: String::new(),
                column: "backlog".to_owned(),
                parent: None,
                labels: Vec::new(),
                priority: None,
                assignee: None,
                estimate: None,
            };
            let made = create_ticket(&self.commands, &self.caller(), input).await?;
            anyhow::Ok(Card { ticket: TicketId(made.aggregate_id), version: made.version })
        };
        futures::stream::iter((0..count).map(create)).buffer_unordered(32).try_collect().await
    }

    /// One command, one event; refused as stale if anyone else had retitled it.
    pub(crate) async fn retitle(&self, card: &mut Card) -> anyhow::Result<Accepted> {
        let title = format!("Let the line carry version {} of this ticket", card.version);
        let changes = domain::ticket::EditTicket { title: Some(title), ..domain::ticket::EditTicket::default() };
        let caller = self.caller().expecting(Some(card.version));
        let accepted = edit_ticket(&self.commands, &caller, EditTicket { ticket: card.ticket, changes }).await?;
        card.version = accepted.version;
        Ok(accepted)
    }

    pub(crate) async fn comment(&self, card: &mut Card) -> anyhow::Result<()> {
        let body_md = format!("Seen at version {}; *nothing* stands in the way, so go on.", card.version);
        let input = CommentOnTicket { ticket: card.ticket, body_md };
        card.version = comment_on_ticket(&self.commands, &self.caller(), input).await?.version;
        Ok(())
    }
}

/// Retitles its tickets, one after the other.
#[derive(Debug)]
pub(crate) struct Retitler {
    pub(crate) writer: Writer,
    pub(crate) cards: Vec<Card>,
    /// Every other command is a comment.
    pub(crate) and_comments: bool,
    next: usize,
}

impl Retitler {
    /// So many clients that share the cards among them.
    pub(crate) fn several(clients: usize, writer: &Writer, cards: &[Card], and_comments: bool) -> Vec<Self> {
        let share = cards.len().div_ceil(clients).max(1);
        let of = |cards: &[Card]| Self { writer: writer.clone(), cards: cards.to_vec(), and_comments, next: 0 };
        cards.chunks(share).map(of).collect()
    }

    pub(crate) fn cards_of(several: Vec<Self>) -> Vec<Card> {
        several.into_iter().flat_map(|client| client.cards).collect()
    }
}

impl Client for Retitler {
    async fn step(&mut self) -> anyhow::Result<()> {
        let (count, next) = (self.cards.len(), self.next);
        self.next += 1;
        let card = self.cards.get_mut(next % count).context("no tickets")?;
        if self.and_comments && next % 2 == 1 {
            return self.writer.comment(card).await;
        }
        self.writer.retitle(card).await.map(|_| ())
    }
}

/// A durable PostgreSQL of its own with an org, a project and tickets in it; no other role runs.
#[derive(Debug)]
pub(crate) struct WriteSide {
    pub(crate) writer: Writer,
    pub(crate) project: ProjectId,
    pub(crate) hints: Hints,
    pub(crate) pool: PgPool,
    pub(crate) postgres: PrivatePostgres,
    pub(crate) objects: TempDir,
}

impl WriteSide {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let postgres = PrivatePostgres::start().await?;
        let pool = pool(&postgres.url()).await?;
        let (hints, objects) = (Hints::local(), tempfile::tempdir()?);
        let commands = commands(&pool, &hints, &objects)?;
        let owner = UserId(Uuid::now_v7());
        let nobodys = Caller::new(OrgId(Uuid::nil()), Actor::User(owner), CommandId(Uuid::new_v4()));
        let input = CreateOrg { name: "Measured".to_owned(), owner };
        let org = OrgId(create_org(&commands, &nobodys, input).await?.aggregate_id);
        let writer = Writer { commands, org, actor: Actor::User(owner) };
        let project = writer.create_project("MEASURE").await?;
        Ok(Self { writer, project, hints, pool, postgres, objects })
    }
}
