//! Reproduces certificate-revocation incidents.

pub mod scenario;
