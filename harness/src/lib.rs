//! Reproduces certificate-revocation incidents.

pub mod digest;
pub mod exec;
pub mod judge;
pub mod report;
pub mod scenario;
