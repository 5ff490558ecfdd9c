//! A ticket: the card on the board. The aggregate to copy from.

mod command;
mod decide;
mod event;
mod state;
#[cfg(test)]
mod tests;

pub use command::*;
pub use decide::TicketRejection;
pub use event::*;
pub use state::{Ticket, TicketFacet, TicketHome};
