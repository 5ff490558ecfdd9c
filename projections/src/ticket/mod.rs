//! A ticket's page: fields, comments, history, children.

mod read;

pub use read::{Comment, HistoryEntry, Ticket, TicketChange, TicketRef};
