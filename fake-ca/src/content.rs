//! What a CA publishes wrong on purpose: a fault's effect on the bytes, not on the way.
//!
//! One kind of artefact, one file: all its defects with their names in scenarios, what each breaks,
//! and the pure functions that make it.

pub mod crl;
pub mod ocsp;
