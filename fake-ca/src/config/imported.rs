//! A CA that exists already, outside of the lab.

use revlab_pki::{Certificate, KeyPair};

/// The certificate and key of a CA, brought along instead of made.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// Its certificate: subject, validity and CA version are taken from it.
    pub certificate: Certificate,
    /// The certificates above it, up to a root; empty for a root, and where the scenario has the
    /// CA above as its parent.
    pub above: Vec<Certificate>,
    /// The key that the certificate certifies.
    pub key: KeyPair,
}
