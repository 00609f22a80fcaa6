//! Certificates with their private keys in one file, as people keep them: PKCS #12 (RFC 7292), or PEM
//! (RFC 7468).

use p12_keystore::Pkcs12Archive;
use p12_keystore::error::Error;

use crate::pem;
use crate::{Certificate, KeyError, KeyPair};

/// A private key with its certificate.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its alias: the friendlyName (RFC 2985 §5.5.1); in PEM there is none.
    pub alias: Option<String>,
    /// The certificate of the key, then its issuers as far as they are in the file.
    pub chain: Vec<Certificate>,
    /// The private key.
    pub key: KeyPair,
}

/// Why a file gives no entries.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Its integrity cannot be verified with this password, or its contents not be decrypted.
    #[error("that is not its password")]
    WrongPassword,
    /// It has one, and none was given.
    #[error("it is under a password, and none is given")]
    NoPassword,
    /// Neither PEM nor PKCS #12.
    #[error("it is neither PEM nor PKCS #12 (RFC 7292): {0}")]
    Malformed(String),
    /// A private key is of no use.
    #[error("{0}")]
    Key(#[from] KeyError),
    /// A certificate that cannot be read.
    #[error("a certificate in it cannot be read: {0}")]
    Certificate(String),
    /// A private key whose certificate is not there.
    #[error("private key number {0} in it has no certificate there")]
    NoCertificate(usize),
    /// Nothing but certificates.
    #[error("there is no private key in it")]
    NoKey,
}

/// The private keys of a file with their certificates, in the order of the keys.
///
/// Certificates are found by their public key, whatever the file calls them. Without `password` the
/// empty one is tried.
///
/// # Errors
///
/// See [`Unreadable`].
///
/// ```
/// use revlab_pki::keystore::{self, Unreadable};
/// let read = keystore::read(b"-----BEGIN nothing-----", None);
/// assert_eq!(read, Err(Unreadable::NoKey));
/// ```
pub fn read(octets: &[u8], password: Option<&str>) -> Result<Vec<Entry>, Unreadable> {
    match std::str::from_utf8(octets) {
        Ok(text) if text.contains("-----BEGIN ") => of_pem(text),
        _ => of_pkcs12(octets, password),
    }
}

fn of_pem(text: &str) -> Result<Vec<Entry>, Unreadable> {
    let certificates = Certificate::parse_pem(text);
    let certificates = certificates.map_err(|e| Unreadable::Certificate(e.to_string()))?;
    let mut keys = Vec::new();
    let mut rest = text;
    // One block after the other: each may be of another form.
    while let Some(at) = rest.find("-----BEGIN ") {
        let from = rest.get(at..).unwrap_or_default();
        let next = from.get(1..).and_then(|after| after.find("-----BEGIN ")).map(|at| at + 1);
        let block = from.get(..next.unwrap_or(from.len())).unwrap_or_default();
        if pem::located_blocks(block).iter().any(|block| block.label.ends_with("PRIVATE KEY")) {
            keys.push((None, KeyPair::from_pem(block)?));
        }
        rest = next.and_then(|next| from.get(next..)).unwrap_or_default();
    }
    entries(keys, &certificates)
}

fn of_pkcs12(octets: &[u8], password: Option<&str>) -> Result<Vec<Entry>, Unreadable> {
    let archive = Pkcs12Archive::from_pkcs12(octets, password.unwrap_or_default());
    let archive = archive.map_err(|error| refused(error, password.is_some()))?;
    let mut certificates = Vec::new();
    for bag in &archive.certs {
        let read = Certificate::parse(bag.cert.as_der());
        certificates.push(read.map_err(|error| Unreadable::Certificate(error.to_string()))?);
    }
    let mut keys = Vec::new();
    for bag in archive.keys {
        keys.push((bag.friendly_name, KeyPair::from_pkcs8(bag.key.as_der())?));
    }
    entries(keys, &certificates)
}

/// What the reader's error comes to: a wrong password shows as a MAC that does not fit, or, where there
/// is no MAC, as padding that is none.
fn refused(error: Error, given: bool) -> Unreadable {
    match error {
        Error::MacError(_) | Error::UnpadError | Error::Pkcs5Error(_) if given => {
            Unreadable::WrongPassword
        }
        Error::MacError(_) | Error::UnpadError | Error::Pkcs5Error(_) => Unreadable::NoPassword,
        other => Unreadable::Malformed(other.to_string()),
    }
}

fn entries(
    keys: Vec<(Option<String>, KeyPair)>,
    certificates: &[Certificate],
) -> Result<Vec<Entry>, Unreadable> {
    if keys.is_empty() {
        return Err(Unreadable::NoKey);
    }
    let entry = |(n, (alias, key)): (usize, (Option<String>, KeyPair))| {
        let own = certificates.iter().find(|c| c.public_key_info() == key.public_key_info());
        let own = own.ok_or(Unreadable::NoCertificate(n + 1))?;
        Ok(Entry { alias, chain: chain(own, certificates), key })
    };
    keys.into_iter().enumerate().map(entry).collect()
}

/// A certificate and its issuers, as far as they are there.
fn chain(own: &Certificate, all: &[Certificate]) -> Vec<Certificate> {
    let above = |below: &Certificate| {
        let issued = |issuer: &&Certificate| {
            issuer.is_ca()
                && issuer.subject() == below.issuer()
                && issuer.fits_key_id(below.authority_key_id())
        };
        all.iter().find(issued).filter(|_| !below.is_self_issued()).cloned()
    };
    std::iter::successors(Some(own.clone()), above).take(all.len()).collect()
}
