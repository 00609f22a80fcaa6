//! What a CRL can be made wrong in on purpose, beyond what its template can say.

use crate::DistinguishedName;
use crate::weak::WeakDigest;

/// How a CRL departs from its template. The default does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CrlFlaws {
    /// What becomes of the CRL number.
    pub number: NumberFlaw,
    /// An issuer in the place of the one that signs.
    pub issuer: Option<DistinguishedName>,
    /// Signs by this instead of SHA-256. Where no such algorithm exists for the kind of key, the
    /// identifier is RSA's and the signature the usual one: nobody can verify that.
    pub digest: Option<WeakDigest>,
    /// Lists these serial numbers, which are below zero, behind all others. RFC 5280 §4.1.2.2
    /// wants serial numbers positive.
    pub negative_serials: Vec<i8>,
    /// Writes a CRL of version 1, which has no extensions, neither of its own nor of entries (RFC 5280
    /// §5.1.2.1).
    pub version_1: bool,
}

/// What becomes of the CRL number, which every CRL must bear, and not as critical (RFC 5280 §5.2.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NumberFlaw {
    /// Nothing.
    #[default]
    None,
    /// It is left out.
    Missing,
    /// It is critical.
    Critical,
}
