//! Certificates in a PKCS #7 envelope, as `.p7c` and `.p7b` files are (RFC 5280 §4.2.2.1).

use const_oid::ObjectIdentifier;

use der::{Decode, Reader, Tag};

use crate::decode::{self, content, optional, sequence, whole};
use crate::encode::{self, constructed, tag};
use crate::{Certificate, Malformed};

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

/// The certificates of a CMS message, in its order; signatures and content are not looked at.
///
/// # Errors
///
/// Not SignedData in DER, or one of the certificates cannot be read.
pub fn certificates(der: &[u8]) -> Result<Vec<Certificate>, Malformed> {
    let read = || {
        let wrapped = whole(der, |r| {
            sequence(r, |r| {
                if ObjectIdentifier::decode(r)? != SIGNED_DATA {
                    return Err(der::Error::from(der::ErrorKind::Value {
                        tag: Tag::ObjectIdentifier,
                    })
                    .into());
                }
                content(r, decode::constructed(0))
            })
        })?;
        let set = whole(wrapped, |r| {
            sequence(r, |r| {
                // version, digestAlgorithms, encapContentInfo.
                for _ in 0..3 {
                    r.tlv_bytes()?;
                }
                let set = optional(r, decode::constructed(0))?;
                while !r.is_finished() {
                    r.tlv_bytes()?;
                }
                Ok(set.unwrap_or_default())
            })
        })?;
        whole(set, |r| {
            let mut found = Vec::new();
            while !r.is_finished() {
                let is_certificate = decode::next_is(r, Tag::Sequence)?;
                let bytes = r.tlv_bytes()?;
                // Attribute certificates and the like are other choices.
                if is_certificate {
                    found.push(Certificate::parse(bytes)?);
                }
            }
            Ok(found)
        })
    };
    read().map_err(|why: Malformed| why.within("a CMS message with certificates"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::KeyAlgorithm;
    use crate::fixture::{authority, named_authority, spoil, spoiling};

    fn message() -> (Vec<Certificate>, Vec<u8>) {
        let one = authority(KeyAlgorithm::EcdsaP256).certificate;
        let other = named_authority(KeyAlgorithm::EcdsaP256, "OTHER-CA").certificate;
        let both = vec![one, other];
        let der = certs_only(&both);
        (both, der)
    }

    #[test]
    fn certificates_are_read_back_and_anything_else_is_refused() {
        let (both, der) = message();
        let read = certificates(&der).unwrap();
        assert!(read.len() == 2 && both.iter().all(|one| read.contains(one)));
        assert_eq!(certificates(&certs_only(&[])).unwrap(), []);
        assert!(certificates(both[0].der()).is_err());
    }

    proptest! {
        #[test]
        fn spoilt_messages_are_read_or_refused_without_panic(spoiling in spoiling()) {
            let _ = certificates(&spoil(&message().1, spoiling));
        }
    }
}
