//! What came of a run, for people and for programs: pure functions of scenario, trace and
//! judgement, one file for each format.
//!
//! * [`terminal`] makes what a person reads, on 100 columns, with or without colour;
//! * [`markdown`] makes what goes into an issue or a CI job's summary;
//! * [`html`] makes a page for a browser, with a time line and every attempt;
//! * [`json`] makes `report.json`;
//! * [`junit`] makes what CI systems read;
//! * [`attempts`] makes a table of all attempts;
//! * [`words`] makes sentences of the steps of a check.
//!
//! How to read each is described in `docs/src/reference/report.md`.

pub mod attempts;
pub(crate) mod facts;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub(crate) mod page;
#[cfg(test)]
pub(crate) mod sample;
mod summary;
pub mod terminal;
pub mod words;
pub(crate) mod wrap;
