//! Certificates in a PKCS #7 envelope, as `.p7c` and `.p7b` files are (RFC 5280 §4.2.2.1).

use const_oid::ObjectIdentifier;

use crate::Certificate;
use crate::encode::{self, constructed, tag};

/// id-data (RFC 5652 §4).
const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
/// id-signedData (RFC 5652 §5.1).
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");

/// A "certs-only" CMS message in DER: SignedData without content and without signatures, which
/// carries certificates (RFC 5652 §5.1, RFC 8551 §3.8).
pub fn certs_only(certificates: &[Certificate]) -> Vec<u8> {
    // DER orders a SET OF by its encodings (X.690 §11.6).
    let mut set: Vec<&[u8]> = certificates.iter().map(Certificate::der).collect();
    set.sort_unstable();
    let none = encode::tlv(tag::SET, &[]);
    let signed_data = encode::sequence(&[
        &encode::number(1),
        &none,
        &encode::sequence(&[&encode::oid(DATA)]),
        &constructed(0, &set.concat()),
        &none,
    ]);
    encode::sequence(&[&encode::oid(SIGNED_DATA), &constructed(0, &signed_data)])
}
