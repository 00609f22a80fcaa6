//! Certificates, CRLs and OCSP: bytes to types and back. No I/O, no clock.
//!
//! * [`keys`]: [`KeyPair`], reproducible from a seed and a name;
//! * [`name`]: [`DistinguishedName`], as DER and as text;
//! * [`certificate`]: [`Certificate`] read from DER, [`CertificateTemplate`] that issues one;
//! * [`distribution_point`], [`general_name`]: where CRLs are, and names of all kinds;
//! * [`subject_name`]: such names and points as they are read and compared;
//! * [`crl`]: [`Crl`] read from DER, [`CrlTemplate`] that signs one, base or delta;
//! * [`ocsp`]: [`OcspRequest`] and [`OcspResponse`]; [`OcspAnswer`] signs a right one, [`OcspTemplate`]
//!   any other;
//! * [`pkcs12`]: a key with its certificates in one file;
//! * [`keystore`]: the same read, and PEM;
//! * [`verify`]: [`Verifier`], which remembers what it has verified;
//! * [`weak`]: [`WeakDigest`], for signatures that are weak on purpose;
//! * [`malformed`]: [`Malformed`], why bytes are not what they should be.
//!
//! What is written is plain DER from `encode`; what is read goes through the `der` crate, and
//! extension bodies through the types of `x509-cert`. Neither re-encodes: `tbs()` is the slice
//! that was signed.
//!
//! # Determinism
//!
//! The same key, names and times give the same bytes: ECDSA signatures are those of RFC 6979, RSA
//! signatures are PKCS #1 v1.5 or PSS with a salt drawn from key and message, Ed25519 has no chance
//! in it. All times come in as arguments, in whole seconds towards the past.

mod decode;
mod digest;
mod encode;
mod extension;
#[cfg(test)]
mod fixture;
mod signature;
mod signed;
mod time;

pub mod certificate;
pub mod cms;
pub mod crl;
pub mod distribution_point;
pub mod general_name;
pub mod keys;
pub mod keystore;
pub mod malformed;
pub mod name;
pub mod ocsp;
pub mod pem;
pub mod pkcs12;
pub mod subject_name;
pub mod verify;
pub mod weak;

pub use const_oid::ObjectIdentifier;

pub use certificate::{
    AccessDescription, AccessMethod, Basic, Certificate, CertificateExtension, CertificateExtras,
    CertificateTemplate, Constraints, CrossPoints, IssueError, Issuer, KeyUsage, NameConstraints,
    NameLimits, Usage,
};
pub use crl::{
    Crl, CrlEntry, CrlExtension, CrlFlaws, CrlScope, CrlSubjects, CrlTemplate, NumberFlaw,
};
pub use distribution_point::{DistributionPoint, PointName, ReasonFlags};
pub use general_name::GeneralName;
pub use keys::{KeyAlgorithm, KeyError, KeyPair};
pub use malformed::Malformed;
pub use name::DistinguishedName;
pub use ocsp::{
    CertId, CertIdHash, CertStatus, OcspAnswer, OcspExtension, OcspRequest, OcspResponse,
    OcspTemplate, ResponderName, SingleTemplate,
};
pub use subject_name::{PointNameRead, PointRead, Reasons, SubjectName};
pub use verify::Verifier;
pub use weak::WeakDigest;
