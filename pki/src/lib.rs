//! Certificates, CRLs and OCSP: bytes to types and back. No I/O, no clock.

pub mod keys;

pub use keys::KeyAlgorithm;
