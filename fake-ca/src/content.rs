//! What a CA publishes wrong on purpose: a fault's effect on the bytes, not on the way.
//!
//! One kind of artefact, one file: all its defects with their names in scenarios, what each breaks,
//! and the pure functions that make it.

pub mod crl;
pub mod issuer;
pub mod ocsp;

use crl::CrlDefect;
use issuer::IssuerDefect;
use ocsp::OcspDefect;

/// What is wrong with an artefact that a request asks for, by kind of artefact; each list in the
/// order of the scenario's faults. The default is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Defects {
    /// Of a CRL.
    pub crl: Vec<CrlDefect>,
    /// Of an OCSP answer.
    pub ocsp: Vec<OcspDefect>,
    /// Of the CA's certificate.
    pub issuer: Vec<IssuerDefect>,
}
