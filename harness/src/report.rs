//! What came of a run, for people and for programs: pure functions of scenario, trace and
//! judgement, one file for each format.
//!
//! * [`terminal`] makes what a person reads, on 100 columns, with or without colour;
//! * [`json`] makes `report.json`;
//! * [`junit`] makes what CI systems read;
//! * [`words`] makes sentences of the steps of a check.
//!
//! How to read each is described in `docs/src/reference/report.md`.

pub mod json;
pub mod junit;
#[cfg(test)]
mod sample;
mod summary;
pub mod terminal;
pub mod words;
