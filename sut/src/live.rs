//! The real wire of the built-in model: its HTTPS front and its HTTP retrievals.
//!
//! No decisions are made here: a request is handed to whoever drives the [`Machine`] and waits for
//! its reply; a retrieval is made as the machine asked for it. Nothing has a time-out of its own.
//!
//! [`Machine`]: crate::machine::Machine

mod connection;
mod date;
pub mod fetch;
mod front;
mod shown;
mod tls;

pub use fetch::exchange;
pub use front::{Arrived, Front, FrontConfig, FrontError};

#[cfg(test)]
mod tests;
