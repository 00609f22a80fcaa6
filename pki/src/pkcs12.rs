//! PKCS #12 (RFC 7292): keys with their certificates in one file under a password, as OpenSSL, Java
//! and Windows load it.
//!
//! Salts and initialisation vectors are drawn from key and password, so that the same input gives
//! the same bytes. Files of the lab protect nothing: its keys lie beside them in the clear.

mod encryption;
mod kdf;

use std::collections::BTreeSet;

use const_oid::ObjectIdentifier;

use encryption::Cipher;
pub use encryption::Encryption;

use crate::digest::{sha1, sha256};
use crate::encode::{self, constructed, octet_string, primitive, sequence, tag};
use crate::{Certificate, KeyPair};

/// How often a password is hashed on the way to a key: OpenSSL's own number.
const ITERATIONS: u32 = 2048;

const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const ENCRYPTED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.6");
const SHROUDED_KEY_BAG: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.2");
const CERTIFICATE_BAG: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.3");
const X509_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.22.1");
const FRIENDLY_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.20");
const LOCAL_KEY_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.21");

/// Puts a key and its certificates, that of the key first, into one PKCS #12 file.
///
/// `friendly_name` is what Windows shows and what Java calls the entry's alias. A character beyond
/// ASCII in the password is read differently by programs that disagree about RFC 7292 §B.1.
///
/// ```
/// use revlab_lab::Seed;
/// use revlab_pki::pkcs12::{self, Encryption};
/// use revlab_pki::{KeyAlgorithm, KeyPair};
/// let key = KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), "a");
/// let file = pkcs12::export(&key, &[], "revlab", "a", Encryption::Modern);
/// assert_eq!(file, pkcs12::export(&key, &[], "revlab", "a", Encryption::Modern));
/// ```
pub fn export(
    key: &KeyPair,
    chain: &[Certificate],
    password: &str,
    friendly_name: &str,
    encryption: Encryption,
) -> Vec<u8> {
    export_all(&[Entry { friendly_name, key, chain }], password, encryption)
}

/// A key with its certificates and the name under which programs find it.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// What Windows shows and what Java calls the entry's alias.
    pub friendly_name: &'a str,
    /// The private key.
    pub key: &'a KeyPair,
    /// Its certificate, then those above it.
    pub chain: &'a [Certificate],
}

/// Puts several keys with their certificates into one PKCS #12 file, as JMeter's Keystore Configuration
/// reads it. A certificate that several chains share is in it once.
///
/// ```
/// use revlab_lab::Seed;
/// use revlab_pki::pkcs12::{self, Encryption, Entry};
/// use revlab_pki::{KeyAlgorithm, KeyPair};
/// let [a, b] = ["a", "b"].map(|name| KeyPair::seeded(KeyAlgorithm::EcdsaP256, Seed(1), name));
/// let entries = [("a", &a), ("b", &b)].map(|(friendly_name, key)| Entry { friendly_name, key, chain: &[] });
/// let both = pkcs12::export_all(&entries, "revlab", Encryption::Modern);
/// assert!(both.len() > pkcs12::export(&a, &[], "revlab", "a", Encryption::Modern).len());
/// ```
pub fn export_all(entries: &[Entry<'_>], password: &str, encryption: Encryption) -> Vec<u8> {
    let keys: Vec<[u8; 32]> = entries.iter().map(|entry| sha256(entry.key.pkcs8())).collect();
    let of_keys = match keys.as_slice() {
        [one] => *one,
        several => sha256(several.as_flattened()),
    };
    let salts = Salts { seed: [of_keys, sha256(password.as_bytes())] };
    let cipher = Cipher { encryption, password, iterations: ITERATIONS };
    let (mut certificates, mut key_bags) = (Vec::new(), Vec::new());
    let mut shared: BTreeSet<&[u8]> = BTreeSet::new();
    for (nth, entry) in entries.iter().enumerate() {
        let attributes = attributes(entry.friendly_name, entry.chain.first());
        for (n, certificate) in entry.chain.iter().enumerate() {
            // Only the first is the key's.
            if n == 0 {
                certificates.extend(certificate_bag(certificate, &attributes));
            } else if shared.insert(certificate.der()) {
                certificates.extend(certificate_bag(certificate, &[]));
            }
        }
        key_bags.extend(key_bag(entry.key, nth, &cipher, &salts, &attributes));
    }
    let certificates = encode::tlv(tag::SEQUENCE, &certificates);
    let key_bags = encode::tlv(tag::SEQUENCE, &key_bags);
    let safes = sequence(&[
        &encrypted_data(&certificates, &cipher, &salts),
        &content_info(DATA, &octet_string(&key_bags)),
    ]);
    let mac = cipher.mac(&safes, &salts.draw("mac"));
    sequence(&[&encode::number(3), &content_info(DATA, &octet_string(&safes)), &mac])
}

/// Where salts and initialisation vectors come from.
struct Salts {
    seed: [[u8; 32]; 2],
}

impl Salts {
    fn draw(&self, what: &str) -> [u8; 32] {
        let [key, password] = self.seed;
        sha256([key, password, sha256(what.as_bytes())].as_flattened())
    }
}

fn content_info(content_type: ObjectIdentifier, content: &[u8]) -> Vec<u8> {
    sequence(&[&encode::oid(content_type), &constructed(0, content)])
}

fn encrypted_data(content: &[u8], cipher: &Cipher<'_>, salts: &Salts) -> Vec<u8> {
    let (algorithm, ciphertext) =
        cipher.encrypt(content, &salts.draw("certificates"), &salts.draw("certificates' iv"));
    let info = sequence(&[&encode::oid(DATA), &algorithm, &primitive(0, &ciphertext)]);
    content_info(ENCRYPTED_DATA, &sequence(&[&encode::number(0), &info]))
}

/// SafeBag.
fn bag(kind: ObjectIdentifier, value: &[u8], attributes: &[u8]) -> Vec<u8> {
    sequence(&[&encode::oid(kind), &constructed(0, value), attributes])
}

fn certificate_bag(certificate: &Certificate, attributes: &[u8]) -> Vec<u8> {
    let der = constructed(0, &octet_string(certificate.der()));
    bag(CERTIFICATE_BAG, &sequence(&[&encode::oid(X509_CERTIFICATE), &der]), attributes)
}

/// Of the key in this place. All have one salt, and each an initialisation vector of its own.
fn key_bag(
    key: &KeyPair,
    nth: usize,
    cipher: &Cipher<'_>,
    salts: &Salts,
    attributes: &[u8],
) -> Vec<u8> {
    let iv = match nth {
        0 => salts.draw("key's iv"),
        nth => salts.draw(&format!("key's iv {nth}")),
    };
    let (algorithm, ciphertext) = cipher.encrypt(key.pkcs8(), &salts.draw("key"), &iv);
    bag(SHROUDED_KEY_BAG, &sequence(&[&algorithm, &octet_string(&ciphertext)]), attributes)
}

/// friendlyName and localKeyId, by which readers find the certificate of the key.
fn attributes(friendly_name: &str, certificate: Option<&Certificate>) -> Vec<u8> {
    let attribute =
        |oid, value: &[u8]| sequence(&[&encode::oid(oid), &encode::tlv(tag::SET, value)]);
    let name: Vec<u8> = friendly_name.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let mut list = vec![attribute(FRIENDLY_NAME, &encode::tlv(tag::BMP_STRING, &name))];
    if let Some(certificate) = certificate {
        list.push(attribute(LOCAL_KEY_ID, &octet_string(&sha1(certificate.der()))));
    }
    // A SET OF is sorted by its encodings (X.690 §11.6).
    list.sort();
    encode::tlv(tag::SET, &list.concat())
}
