//! Scenario files: from text to what is meant.

pub mod model;
