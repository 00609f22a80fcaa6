//! Caches as files, and files as caches.
//!
//! ```text
//! machine.json                       what is not in any account's cache
//! certificates/<SHA-1>.cer           those that the entries speak about, and their issuers
//! store/<number>.crl                 the machine's store
//! <account>/Content/<key>.crl|.ors|.cer  an object as it came
//! <account>/MetaData/<key>.json      what is known about it
//! <account>/failed.json              URLs that are left alone for a while, if there are any
//! ```
//!
//! `Content` and `MetaData` are the Cryptnet URL cache's own folders (fact sheet §2.4); that a key
//! is the SHA-1 of the URL, and JSON beside it, is revlab's.

use std::collections::BTreeMap;
use std::sync::Arc;

use revlab_lab::http::Url;
use revlab_lab::trace::Purpose;
use revlab_lab::{Instant, Name};
use revlab_pki::{CertIdHash, Certificate, Crl, Malformed, OcspResponse};
use serde::{Deserialize, Serialize};

use super::{About, Account, Cached, Caches, Issuers, Object, Prefetch, Response};

/// Files by their path, with `/` between its parts.
pub type Files = BTreeMap<String, Arc<[u8]>>;

/// The file that every machine has.
pub const MACHINE: &str = "machine.json";
/// The file of an account's failed URLs.
const FAILED: &str = "failed.json";

/// A file that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {why}")]
pub struct Unreadable {
    /// Which.
    pub path: String,
    /// What is wrong with it.
    pub why: String,
}

impl Unreadable {
    fn new(path: &str, why: impl ToString) -> Unreadable {
        Unreadable { path: path.to_owned(), why: why.to_string() }
    }
}

/// `MetaData/<key>.json`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MetaData {
    url: Url,
    purpose: Purpose,
    certificate: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    stored: Instant,
    used: bool,
    prefetch: Prefetch,
    response: Response,
}

impl Caches {
    /// As files. The same caches give the same files.
    pub fn to_files(&self) -> Files {
        let mut files = Files::new();
        files.insert(MACHINE.into(), json(&self.about));
        for (number, crl) in self.store.iter().enumerate() {
            files.insert(format!("store/{number:06}.crl"), crl.der().into());
        }
        for (account, cache) in &self.accounts {
            let folder = folder_of(account);
            for entry in &cache.entries {
                entry.put(&folder, &mut files);
            }
            if !cache.failed.is_empty() {
                files.insert(format!("{folder}/{FAILED}"), json(&cache.failed));
            }
        }
        files
    }

    /// From files.
    ///
    /// # Errors
    ///
    /// The first file, by path, that is missing or not what it should be.
    pub fn from_files(files: &Files) -> Result<Caches, Unreadable> {
        let about = files.get(MACHINE).ok_or_else(|| Unreadable::new(MACHINE, "it is missing"))?;
        let about: About = parse(MACHINE, about)?;
        let mut caches = Caches { about, accounts: BTreeMap::new(), store: Vec::new() };
        let mut certificates = Certificates { files, parsed: BTreeMap::new() };
        for (path, bytes) in files {
            let parts: Vec<&str> = path.split('/').collect();
            match parts[..] {
                ["store", _] => caches.store.push(crl(path, bytes)?),
                [account, "MetaData", _] => {
                    let entry = Cached::take(path, bytes, files, &mut certificates)?;
                    caches.account(path, account)?.entries.push(entry);
                }
                [account, FAILED] => {
                    caches.account(path, account)?.failed = parse(path, bytes)?;
                }
                _ => {}
            }
        }
        for account in caches.accounts.values_mut() {
            account.entries.sort_by(|a, b| a.url.cmp(&b.url));
        }
        Ok(caches)
    }

    /// The account whose folder this is.
    fn account(&mut self, path: &str, folder: &str) -> Result<&mut Account, Unreadable> {
        let name = account_of(folder)
            .ok_or_else(|| Unreadable::new(path, "its folder is not the name of an account"))?;
        Ok(self.accounts.entry(name).or_default())
    }
}

impl Cached {
    /// The name of its files, without their ending: the SHA-1 of its URL.
    pub fn key(&self) -> String {
        hex(&CertIdHash::Sha1.of(self.url.as_str().as_bytes()))
    }

    fn put(&self, folder: &str, files: &mut Files) {
        let key = self.key();
        let meta = MetaData {
            url: self.url.clone(),
            purpose: self.purpose,
            certificate: keep(&self.certificate, files),
            issuer: self.issuer.as_ref().map(|issuer| keep(issuer, files)),
            stored: self.stored,
            used: self.used,
            prefetch: self.prefetch.clone(),
            response: self.response.clone(),
        };
        files.insert(content(folder, &key, self.purpose), self.object.bytes().into());
        files.insert(format!("{folder}/MetaData/{key}.json"), json(&meta));
    }

    fn take(
        path: &str,
        bytes: &[u8],
        files: &Files,
        certificates: &mut Certificates<'_>,
    ) -> Result<Cached, Unreadable> {
        let meta: MetaData = parse(path, bytes)?;
        let (folder, key) = path
            .strip_suffix(".json")
            .and_then(|name| name.split_once("/MetaData/"))
            .ok_or_else(|| Unreadable::new(path, "its name does not end in `.json`"))?;
        let at = content(folder, key, meta.purpose);
        let bytes = files.get(&at).ok_or_else(|| Unreadable::new(&at, "it is missing"))?;
        let object = match meta.purpose {
            Purpose::Ocsp => {
                let response = OcspResponse::parse(bytes);
                Object::Ocsp(response.map_err(|why| Unreadable::new(&at, why))?)
            }
            Purpose::Issuer => {
                let issuers = Issuers::parse(bytes);
                Object::Issuers(issuers.map_err(|why| Unreadable::new(&at, why))?)
            }
            Purpose::Base | Purpose::Delta => Object::Crl(crl(&at, bytes)?),
        };
        Ok(Cached {
            url: meta.url,
            purpose: meta.purpose,
            object,
            certificate: certificates.find(&meta.certificate)?,
            issuer: meta.issuer.map(|sha1| certificates.find(&sha1)).transpose()?,
            stored: meta.stored,
            used: meta.used,
            prefetch: meta.prefetch,
            response: meta.response,
        })
    }
}

/// Certificates, each parsed once.
struct Certificates<'a> {
    files: &'a Files,
    parsed: BTreeMap<String, Certificate>,
}

impl Certificates<'_> {
    fn find(&mut self, sha1: &str) -> Result<Certificate, Unreadable> {
        if let Some(known) = self.parsed.get(sha1) {
            return Ok(known.clone());
        }
        let path = certificate_path(sha1);
        let der = self.files.get(&path).ok_or_else(|| Unreadable::new(&path, "it is missing"))?;
        let parsed: Result<Certificate, Malformed> = Certificate::parse(der);
        let parsed = parsed.map_err(|why| Unreadable::new(&path, why))?;
        self.parsed.insert(sha1.to_owned(), parsed.clone());
        Ok(parsed)
    }
}

fn keep(certificate: &Certificate, files: &mut Files) -> String {
    let sha1 = certificate.sha1();
    files.entry(certificate_path(&sha1)).or_insert_with(|| certificate.der().into());
    sha1
}

fn certificate_path(sha1: &str) -> String {
    format!("certificates/{sha1}.cer")
}

fn content(folder: &str, key: &str, purpose: Purpose) -> String {
    let ending = match purpose {
        Purpose::Base | Purpose::Delta => "crl",
        Purpose::Ocsp => "ors",
        Purpose::Issuer => "cer",
    };
    format!("{folder}/Content/{key}.{ending}")
}

fn crl(path: &str, der: &[u8]) -> Result<Crl, Unreadable> {
    Crl::parse(der).map_err(|why| Unreadable::new(path, why))
}

fn json(value: &impl Serialize) -> Arc<[u8]> {
    // Structs of texts, numbers and booleans: there is nothing in them that JSON cannot hold.
    let mut text = serde_json::to_vec_pretty(value).unwrap_or_default();
    text.push(b'\n');
    text.into()
}

fn parse<'a, T: Deserialize<'a>>(path: &str, bytes: &'a [u8]) -> Result<T, Unreadable> {
    serde_json::from_slice(bytes).map_err(|why| Unreadable::new(path, why))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// Names of accounts come from a scenario: what could mean something in a path is escaped, and so is
/// the first letter of a name that is none of the accounts' folders.
fn folder_of(account: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b' ');
    let reserved = matches!(account, "store" | "certificates");
    let mut folder = String::new();
    for (i, byte) in account.bytes().enumerate() {
        if plain(byte) && !(reserved && i == 0) {
            folder.push(char::from(byte));
        } else {
            folder.push_str(&format!("%{byte:02X}"));
        }
    }
    if folder.is_empty() { "%".into() } else { folder }
}

/// The inverse of [`folder_of`].
fn account_of(folder: &str) -> Option<Name> {
    if folder == "%" {
        return Some("".into());
    }
    let mut bytes = Vec::new();
    let mut rest = folder;
    while let Some((before, escaped)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        bytes.push(u8::from_str_radix(escaped.get(..2)?, 16).ok()?);
        rest = escaped.get(2..)?;
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).ok().map(Name::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever a scenario calls an account, its folder is one, and no other's.
        #[test]
        fn the_folder_of_an_account_is_one_and_leads_back(name in ".*") {
            let folder = folder_of(&name);
            prop_assert!(!folder.is_empty() && !folder.contains(['/', '\\', '.', ':']));
            prop_assert!(folder != "store" && folder != "certificates");
            prop_assert_eq!(&*account_of(&folder).unwrap(), name.as_str());
        }
    }

    #[test]
    fn reserved_folders_are_no_accounts() {
        assert_eq!(folder_of("store"), "%73tore");
        assert_eq!(folder_of("systemprofile"), "systemprofile");
        assert_eq!(account_of("%7"), None);
    }

    #[test]
    fn what_is_missing_or_spoilt_is_named() {
        let mut files = Files::new();
        let said = |files: &Files| Caches::from_files(files).unwrap_err().to_string();
        assert_eq!(said(&files), "machine.json: it is missing");
        files.insert(MACHINE.into(), (*b"{").into());
        assert!(said(&files).starts_with("machine.json: EOF"));
        let about =
            r#"{"machine":"web","clock":"2014-04-16T00:00:00Z","numbers":{"check":1,"fetch":1}}"#;
        files.insert(MACHINE.into(), about.as_bytes().into());
        assert!(Caches::from_files(&files).is_ok());
        files.insert("store/0.crl".into(), (*b"no").into());
        assert!(said(&files).starts_with("store/0.crl: "));
    }
}
