//! A CRL on the way from its template to wrong bytes.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, GzBuilder};
use revlab_lab::{Seed, Span};
use revlab_pki::crl::to_pem;
use revlab_pki::{
    Certificate, CrlEntry, CrlExtension, CrlFlaws, CrlTemplate, DistinguishedName, KeyPair,
    NumberFlaw, WeakDigest,
};

use super::CrlDefect;

/// How far the base of [`CrlDefect::DeltaWrongBase`] is ahead.
const BASES_AHEAD: u64 = 1000;

/// What is served in the place of a CRL by [`CrlDefect::Html`].
const PAGE: &str = "<!DOCTYPE html>\r\n<html><head><title>Sign in to the network</title></head>\r\n\
                    <body><h1>Sign in to the network</h1></body></html>\r\n";

/// What is to be signed, and how.
pub(super) struct Making {
    template: CrlTemplate,
    flaws: CrlFlaws,
    key: KeyPair,
    broken: bool,
}

impl Making {
    pub(super) fn of(template: &CrlTemplate, key: &KeyPair) -> Making {
        Making {
            template: template.clone(),
            flaws: CrlFlaws::default(),
            key: key.clone(),
            broken: false,
        }
    }

    /// What a defect changes before the CRL is signed.
    pub(super) fn list(&mut self, defect: CrlDefect) {
        let template = &mut self.template;
        match defect {
            CrlDefect::Expired => self.begin(|right| right.0 - Span::from_days(1) - right.1),
            CrlDefect::Future => self.begin(|right| right.0 + right.1 + Span::from_days(1)),
            CrlDefect::NoNextUpdate => template.next_update = None,
            CrlDefect::NextUpdateBeforeThisUpdate => {
                template.next_update = Some(template.this_update - Span::from_hours(1));
            }
            CrlDefect::NumberMissing => self.flaws.number = NumberFlaw::Missing,
            CrlDefect::NumberCritical => self.flaws.number = NumberFlaw::Critical,
            CrlDefect::NumberBackwards => template.number = template.number.saturating_sub(2),
            CrlDefect::Version1 => self.flaws.version_1 = true,
            CrlDefect::UnknownCriticalExtension => {
                template.extensions.push(CrlExtension::unknown(true));
            }
            CrlDefect::UnknownCriticalEntryExtension => self.mark_entry(),
            CrlDefect::WrongIssuer => {
                self.flaws.issuer = Some(DistinguishedName::common_name("Not the issuer"));
            }
            CrlDefect::WrongKey => self.key = other_key(&self.key),
            CrlDefect::BrokenSignature => self.broken = !self.broken,
            CrlDefect::Sha1Signature => self.flaws.digest = Some(WeakDigest::Sha1),
            CrlDefect::Md5Signature => self.flaws.digest = Some(WeakDigest::Md5),
            CrlDefect::NegativeSerial => self.flaws.negative_serials.push(-1),
            CrlDefect::TwentyOctetSerial => self.also_list(20),
            CrlDefect::OverlongSerial => self.also_list(21),
            CrlDefect::DeltaWrongBase => {
                let base = template.base_number.as_mut();
                base.into_iter().for_each(|base| *base = base.saturating_add(BASES_AHEAD));
            }
            CrlDefect::DeltaWithoutBase => self.become_delta(),
            CrlDefect::Pem
            | CrlDefect::Base64
            | CrlDefect::Gzip
            | CrlDefect::Html
            | CrlDefect::Empty
            | CrlDefect::Truncated
            | CrlDefect::TrailingBytes => {}
        }
    }

    /// Signs it in the issuer's name.
    pub(super) fn sign(&self, issuer: &Certificate) -> Vec<u8> {
        let mut der = self.template.sign_flawed(issuer, &self.key, &self.flaws);
        // The signature ends the CRL, and it stays one in form whatever its last bit is.
        if let Some(last) = der.last_mut().filter(|_| self.broken) {
            *last ^= 1;
        }
        der
    }

    /// Moves all its dates, given thisUpdate and the time from there to nextUpdate.
    fn begin(&mut self, at: impl Fn((revlab_lab::Instant, Span)) -> revlab_lab::Instant) {
        let template = &mut self.template;
        let begin = template.this_update;
        // A CRL without nextUpdate does not expire: a day stands for its length.
        let life = template.next_update.map_or(Span::from_days(1), |end| end - begin);
        let shift = at((begin, life)) - begin;
        template.this_update = begin + shift;
        template.next_update = template.next_update.map(|at| at + shift);
        template.next_publish = template.next_publish.map(|at| at + shift);
    }

    fn mark_entry(&mut self) {
        if self.template.entries.is_empty() {
            self.entry(vec![1]);
        }
        if let Some(entry) = self.template.entries.first_mut() {
            entry.extensions.push(CrlExtension::unknown(true));
        }
    }

    /// Lists a serial number of so many octets: 7f 01 01 …
    fn also_list(&mut self, octets: usize) {
        let mut serial = vec![1; octets];
        if let Some(first) = serial.first_mut() {
            *first = 0x7f;
        }
        self.entry(serial);
    }

    fn entry(&mut self, serial: Vec<u8>) {
        let revoked_at = self.template.this_update;
        let extensions = Vec::new();
        self.template.entries.push(CrlEntry { serial, revoked_at, reason: None, extensions });
    }

    fn become_delta(&mut self) {
        let template = &mut self.template;
        if template.base_number.is_none() {
            template.base_number = Some(template.number.saturating_sub(1));
            template.freshest_crl_urls = Vec::new();
        }
    }
}

/// What a defect does to the bytes of a CRL.
pub(super) fn bytes(defect: CrlDefect, mut bytes: Vec<u8>) -> Vec<u8> {
    match defect {
        CrlDefect::Pem => to_pem(&bytes).into_bytes(),
        CrlDefect::Base64 => STANDARD.encode(&bytes).into_bytes(),
        CrlDefect::Gzip => gzip(bytes),
        CrlDefect::Html => PAGE.as_bytes().to_vec(),
        CrlDefect::Empty => Vec::new(),
        CrlDefect::Truncated => {
            bytes.truncate(bytes.len() / 2);
            bytes
        }
        CrlDefect::TrailingBytes => {
            bytes.push(b'\n');
            bytes
        }
        _ => bytes,
    }
}

/// Without time and name of a file, so that the same bytes give the same bytes.
fn gzip(bytes: Vec<u8>) -> Vec<u8> {
    let mut writer = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
    let written = writer.write_all(&bytes).and_then(|()| writer.finish());
    written.expect("writing into memory does not fail")
}

/// A key of the same kind that is not this one. RSA keys come from a small pool.
fn other_key(key: &KeyPair) -> KeyPair {
    let mut other = key.clone();
    for n in 0..32 {
        if other.public_key_info() != key.public_key_info() {
            break;
        }
        other = KeyPair::seeded(key.algorithm(), Seed(0), &format!("not the issuer/{n}"));
    }
    other
}
