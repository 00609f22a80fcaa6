//! Why bytes are not what they should be.

/// Bytes could not be read as the object they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The bytes do not have the object's DER structure: cut, mutated, or something else.
    #[error("not {what} in DER ({source})")]
    Der {
        /// What was expected: `a CRL`.
        what: &'static str,
        /// What the DER reader found, and at which byte.
        source: der::Error,
    },
    /// A time in no form that RFC 5280 §4.1.2.5 allows.
    #[error("`{text}` is not a time such as `140416105134Z` (until 2049) or `20500416105134Z`")]
    Time {
        /// The time as it stands there.
        text: String,
    },
    /// A number that is negative or does not fit into 64 bits.
    #[error("{what} must be between 0 and 2^64 - 1")]
    Number {
        /// Which number: `the CRL number`.
        what: &'static str,
    },
    /// An extension occurs more than once, which RFC 5280 §4.2 forbids.
    #[error("extension {oid} occurs more than once")]
    Duplicate {
        /// The extension's OID.
        oid: String,
    },
    /// An extension that must be understood and is not (RFC 5280 §5.2).
    #[error("extension {oid} is critical and not understood")]
    UnknownCritical {
        /// The extension's OID.
        oid: String,
    },
    /// A CertID by a hash function that is not read.
    #[error("CertID with hash algorithm {oid}: only SHA-1, SHA-256, SHA-384 and SHA-512 are read")]
    HashAlgorithm {
        /// The hash algorithm's OID.
        oid: String,
    },
    /// A successful OCSP response that is not of type id-pkix-ocsp-basic (RFC 6960 §4.2.1).
    #[error("OCSP response of type {oid}: only id-pkix-ocsp-basic (1.3.6.1.5.5.7.48.1.1) is read")]
    ResponseType {
        /// The response type's OID.
        oid: String,
    },
    /// The path of an OCSP GET request is not base64 (RFC 6960 A.1).
    #[error("the path of an OCSP GET request must be the base64 form of the request")]
    Base64,
}

impl Malformed {
    /// Says what object was being read, where only the DER reader has spoken so far.
    pub(crate) fn within(self, what: &'static str) -> Malformed {
        match self {
            Malformed::Der { source, .. } => Malformed::Der { what, source },
            other => other,
        }
    }
}

impl From<der::Error> for Malformed {
    fn from(source: der::Error) -> Malformed {
        Malformed::Der { what: "an object", source }
    }
}
