//! What a machine's revocation caches hold on disk, as data: what outlives its processes and a reboot.
//!
//! Objects are kept by account and URL, as the Cryptnet URL cache does (fact sheet §2.4). With the
//! CRLs in the machine's store and one value of the registry they make up [`Caches`], which [`files`]
//! writes down and reads back. A model that starts from them goes on as if it had never stopped: a
//! reboot in the lab goes that way each time.

pub mod files;

use std::collections::BTreeMap;
use std::sync::Arc;

use revlab_lab::http::Url;
use revlab_lab::trace::Purpose;
use revlab_lab::{Instant, Name, Span};
use revlab_pki::{CertId, Certificate, Crl, Malformed, OcspAnswer, OcspResponse};
use serde::{Deserialize, Serialize};

pub use files::{Files, Unreadable};

/// What a retrieval brings.
#[derive(Clone, Debug)]
pub enum Object {
    /// A base or a delta CRL.
    Crl(Crl),
    /// An OCSP response.
    Ocsp(OcspResponse),
    /// What a URL of caIssuers, or of cross-certificates, gave.
    Issuers(Issuers),
}

/// The certificates that a URL of caIssuers, or of cross-certificates, gave, and the bytes that they came in.
#[derive(Clone, Debug)]
pub struct Issuers {
    file: Arc<[u8]>,
    certificates: Vec<Certificate>,
}

impl Issuers {
    /// Reads what came.
    ///
    /// # Errors
    ///
    /// See [`Certificate::parse_issuers`].
    pub fn parse(file: &[u8]) -> Result<Issuers, Malformed> {
        let certificates = Certificate::parse_issuers(file)?;
        Ok(Issuers { file: file.into(), certificates })
    }

    /// The certificates, in the order in which they came.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }
}

impl Object {
    /// Its bytes, as they came.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Object::Crl(crl) => crl.der(),
            Object::Ocsp(response) => response.der(),
            Object::Issuers(issuers) => &issuers.file,
        }
    }
}

/// What prefetch thinks of an entry (fact sheet §2.5, CRYPTNET_URL_CACHE_PRE_FETCH_INFO).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prefetch {
    /// What the last prefetch came to: see the constants of this type; anything else is the error
    /// of a retrieval.
    pub status: u32,
    /// The moment within the window that this machine has drawn for the object, in lab time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Instant>,
    /// When it is looked at next, in lab time. None: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Instant>,
}

impl Prefetch {
    /// Nothing has been tried yet.
    pub const PENDING: u32 = 0;
    /// ERROR_INVALID_DATA: what came could not be used.
    pub const INVALID_DATA: u32 = 13;
    /// ERROR_NOT_CONNECTED: the machine had no network.
    pub const NOT_CONNECTED: u32 = 2250;
    /// ERROR_MEDIA_OFFLINE, 0x10D0: off for this CRL, because OCSP was offline when it was fetched.
    pub const MEDIA_OFFLINE: u32 = 4304;
    /// ERROR_FILE_OFFLINE: the content is unchanged.
    pub const FILE_OFFLINE: u32 = 4350;
}

/// What the web server said about the object (fact sheet §2.5, CRYPTNET_URL_CACHE_RESPONSE_INFO).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// Its ETag, if that is a strong one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Its Last-Modified, as sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// How long it may be kept without a look (Cache-Control: max-age).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Span>,
}

/// An object in the disk cache of an account.
#[derive(Clone, Debug)]
pub struct Cached {
    /// Its key: the URL it came from; of OCSP the URL with the request in it.
    pub url: Url,
    /// What it is.
    pub purpose: Purpose,
    /// Itself.
    pub object: Object,
    /// The certificate whose revocation, or whose issuer, it was fetched for; or which points to these
    /// cross-certificates.
    pub certificate: Certificate,
    /// The issuer of that certificate: what prefetch brings is validated against it. None where the
    /// issuer is what was fetched.
    pub issuer: Option<Certificate>,
    /// When it was stored, in lab time.
    pub stored: Instant,
    /// Whether any process has read it since it was stored by prefetch.
    pub used: bool,
    /// What prefetch thinks of it.
    pub prefetch: Prefetch,
    /// What the web server said about it.
    pub response: Response,
}

impl Cached {
    /// The answer of an OCSP response about the certificate.
    pub fn answer(&self) -> Option<OcspAnswer> {
        match &self.object {
            Object::Crl(_) | Object::Issuers(_) => None,
            Object::Ocsp(response) => {
                response.find(&CertId::new(&self.certificate, self.issuer.as_ref()?))
            }
        }
    }

    /// thisUpdate and nextUpdate; of an issuer's certificate notBefore and notAfter. None for an OCSP
    /// response that says nothing about the certificate.
    pub fn dates(&self) -> Option<(Instant, Option<Instant>)> {
        match &self.object {
            Object::Crl(crl) => Some((crl.this_update(), crl.next_update())),
            Object::Ocsp(_) => self.answer().map(|a| (a.this_update, a.next_update)),
            Object::Issuers(issuers) => {
                issuers.certificates.first().map(|c| (c.not_before(), Some(c.not_after())))
            }
        }
    }
}

/// The disk cache of an account.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Its objects, by URL.
    pub entries: Vec<Cached>,
    /// URLs that failed, and until when they are not tried again, in lab time (the parameter
    /// `negative_cache`, where that is kept on disk).
    pub failed: BTreeMap<Url, Instant>,
}

/// Where the numbers of checks and fetches in the trace go on: the lab's bookkeeping, not Windows'.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbers {
    /// The next check.
    pub check: u64,
    /// The next fetch.
    pub fetch: u64,
}

/// What is not in any account's cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The machine's name.
    pub machine: Name,
    /// What its clock showed when this was written down.
    pub clock: Instant,
    /// ChainCacheResyncFiletime, in lab time: what was stored up to then is ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resynced: Option<Instant>,
    /// Where numbers go on.
    pub numbers: Numbers,
}

/// Everything that a machine's disk holds about revocation.
#[derive(Clone, Debug)]
pub struct Caches {
    /// What is not in any account's cache.
    pub about: About,
    /// The disk cache of each account that has one.
    pub accounts: BTreeMap<Name, Account>,
    /// The CRLs in the machine's store, in the order in which they came there.
    pub store: Vec<Crl>,
}
