//! What came of a run, for people and for programs: pure functions of scenario, trace and
//! judgement, one file for each format.
//!
//! * [`terminal`]: what a person reads, on 100 columns, with or without colour;
//! * [`json`]: `report.json`;
//! * [`junit`]: what CI systems read;
//! * [`words`]: the steps of a check as sentences.
//!
//! How to read each is described in `docs/src/reference/report.md`.

pub mod json;
pub mod junit;
#[cfg(test)]
mod sample;
mod summary;
pub mod terminal;
pub mod words;
