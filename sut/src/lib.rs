//! Systems under test: a model of how Windows decides about revocation, behind an IIS-like server.
//!
//! * [`adapter`]: real servers in place of the model, as data;
//! * [`profile`]: named parameters, each with its source; hypotheses and updates;
//! * [`machine`]: the server as a state machine, [`Machine`];
//! * [`event`]: what happens to it and what it asks for;
//! * `engine`: the revocation engine inside it;
//! * [`validation`]: a chain judged against given artefacts, by the RFCs;
//! * [`cache`]: its caches on disk, as data and as files;
//! * [`config`]: what a scenario says about it, and about the validators beside it.
//!
//! # Determinism
//!
//! The machine takes lab time as an argument and draws chance (the moment of a prefetch) from a
//! named stream of the seed. Sockets and TLS are in the feature `live`.

pub mod adapter;
pub mod cache;
pub mod config;
mod engine;
pub mod event;
mod iis;
#[cfg(feature = "live")]
pub mod live;
pub mod logs;
pub mod machine;
pub mod profile;
pub mod sessions;
mod stores;
pub mod validation;

pub use engine::SYSTEM_ACCOUNT;
pub use event::{Operation, SutAction, SutEvent, Validate};
pub use machine::Machine;
pub use stores::Stores;
