//! A certificate authority to break things with.

pub mod config;
pub mod fault;
