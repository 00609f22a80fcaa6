//! Systems under test.

pub mod config;
pub mod profile;
