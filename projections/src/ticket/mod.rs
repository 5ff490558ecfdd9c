//! A ticket's page: fields, comments, history, children.

mod project;
mod read;

pub use project::TicketProjection;
pub use read::{Comment, HistoryEntry, Ticket, TicketChange, TicketRef};

pub(crate) use read::payload;

/// The projection's name: for hints and for [`crate::Reads::wait_for`].
pub const NAME: &str = "ticket";
