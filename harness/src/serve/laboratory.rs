//! The CAs that are served, and every certificate that they have issued.

use std::collections::BTreeMap;

use revlab_fake_ca::FakeCa;
use revlab_fake_ca::config::CaOperation;
use revlab_lab::http::Url;
use revlab_lab::{Name, Seed};
use revlab_pki::{KeyPair, OcspRequest, Usage};

use crate::exec::{self, Cast, Identity, SetupError};
use crate::scenario::model::Scenario;

/// The common name and DNS name of the server credential.
pub(super) const SERVER: &str = "localhost";

/// The CAs with what they have issued.
#[derive(Debug)]
pub(super) struct Laboratory {
    pub(super) ca: FakeCa,
    pub(super) cast: Cast,
    /// A credential for a server on this machine.
    pub(super) server: Option<Identity>,
    book: BTreeMap<(Name, Vec<u8>), Name>,
}

/// A certificate, told from others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Known {
    /// The CA that issued it.
    pub(super) ca: Name,
    pub(super) serial: Vec<u8>,
    /// Its identity, its SUT, or its CA.
    pub(super) name: Name,
}

impl Laboratory {
    /// Sets the CAs up, as `run` does, with one server credential more. What faults leave to chance is
    /// drawn by `drawn`.
    pub(super) fn new(scenario: &Scenario, drawn: Seed) -> Result<Laboratory, SetupError> {
        let (mut ca, cast) = exec::authorities(scenario)?;
        ca.draw_faults_by(drawn);
        let mut lab = Laboratory { ca, cast, server: None, book: BTreeMap::new() };
        lab.server = lab.local_server(scenario)?;
        lab.register(scenario);
        Ok(lab)
    }

    /// For programs that have no name in the scenario's DNS: issued by the CA of the SUT's own.
    fn local_server(&mut self, scenario: &Scenario) -> Result<Option<Identity>, SetupError> {
        let sut = scenario.suts.values().find(|sut| sut.under_test);
        let Some(sut) = sut.or_else(|| scenario.suts.values().next()) else { return Ok(None) };
        let config = scenario.cas.get(&sut.ca).ok_or_else(|| SetupError::NoCa(sut.ca.clone()))?;
        let key = KeyPair::seeded(config.key, scenario.seed, "server/localhost");
        let names = [SERVER.to_owned(), sut.host.clone()];
        let issued = self.ca.issue(&sut.ca, SERVER, Usage::Server, &key, &names);
        let wrong = |why: revlab_fake_ca::CannotIssue| SetupError::Issue {
            name: SERVER.to_owned(),
            why: why.to_string(),
        };
        let chain = exec::chain(&self.cast, &sut.ca, issued.map_err(wrong)?);
        Ok(Some(Identity { ca: sut.ca.clone(), chain, key, sends_issuers: true }))
    }

    fn register(&mut self, scenario: &Scenario) {
        let identities = self.cast.identities.iter().chain(&self.cast.servers);
        let local = self.server.iter().map(|server| (Name::from(SERVER), server));
        let all = identities.map(|(name, identity)| (name.clone(), identity)).chain(local);
        for (name, identity) in all {
            if let Some(certificate) = identity.chain.first() {
                let key = (identity.ca.clone(), certificate.serial().to_vec());
                self.book.insert(key, name);
            }
        }
        for (name, chain) in &self.cast.authorities {
            let parent = scenario.cas.get(name).and_then(|config| config.parent.clone());
            if let (Some(parent), Some(certificate)) = (parent, chain.first()) {
                self.book.insert((parent, certificate.serial().to_vec()), name.clone());
            }
        }
    }

    /// Every certificate but the roots, by CA and serial number.
    pub(super) fn known(&self) -> impl Iterator<Item = Known> {
        self.book.iter().map(|((ca, serial), name)| Known {
            ca: ca.clone(),
            serial: serial.clone(),
            name: name.clone(),
        })
    }

    /// The certificate of this name; of one that was issued anew, the newest.
    pub(super) fn named(&self, name: &str) -> Option<Known> {
        let newest = self.cast.identities.get(name).and_then(|identity| identity.chain.first());
        let mut known = self.known().filter(|known| *known.name == *name);
        match newest {
            Some(newest) => known.find(|known| known.serial == newest.serial()),
            None => known.next(),
        }
    }

    /// The certificates with this serial number.
    pub(super) fn with_serial(&self, serial: &[u8]) -> Vec<Known> {
        self.known().filter(|known| known.serial == serial).collect()
    }

    /// The CA that an OCSP request asks about, and the certificate with that serial number.
    pub(super) fn asked_about(&self, asked: &OcspRequest) -> Vec<(Option<Name>, Option<Name>)> {
        let of = |id: &revlab_pki::CertId| {
            let mut cas = self.cast.authorities.iter();
            let ca = cas.find(|(_, chain)| chain.first().is_some_and(|c| id.matches_issuer(c)));
            let ca = ca.map(|(name, _)| name.clone());
            let key = ca.clone().map(|ca| (ca, id.serial.clone()));
            (ca, key.and_then(|key| self.book.get(&key).cloned()))
        };
        asked.ids.iter().map(of).collect()
    }

    /// Issues every client certificate of a CA anew, with these OCSP URLs.
    pub(super) fn reissue(&mut self, ca: &Name, ocsp: &[Url]) {
        let mine = self.cast.identities.iter().filter(|(_, identity)| identity.ca == *ca);
        let names: Vec<Name> = mine.map(|(name, _)| name.clone()).collect();
        for name in names {
            let Some(mut identity) = self.cast.identities.get(&name).cloned() else { continue };
            let issued =
                self.ca.issue_with_ocsp(ca, &name, Usage::Client, &identity.key, &[], ocsp);
            // The first issue of the same certificate has succeeded, so this one does too.
            let Ok(certificate) = issued else { continue };
            self.book.insert((ca.clone(), certificate.serial().to_vec()), name.clone());
            identity.chain = exec::chain(&self.cast, ca, certificate);
            self.cast.identities.insert(name, identity);
        }
    }

    /// What revokes a certificate.
    pub(super) fn revocation(known: &Known, reason: Option<u8>) -> CaOperation {
        CaOperation::Revoke { serial: known.serial.clone(), reason, extensions: Vec::new() }
    }
}

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Reads hex of either case, with or without colons; at most the 20 octets of RFC 5280 §4.1.2.2
/// and some.
pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    const LONGEST: usize = 128;
    let digits: Vec<u32> =
        text.chars().filter(|c| *c != ':').map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    if digits.is_empty() || digits.len() > LONGEST {
        return None;
    }
    let padded: Vec<u32> = match digits.len() % 2 {
        1 => std::iter::once(0).chain(digits).collect(),
        _ => digits,
    };
    let octet = |pair: &[u32]| pair.iter().fold(0u32, |sum, digit| sum << 4 | digit) as u8;
    let octets: Vec<u8> = padded.chunks(2).map(octet).collect();
    // As `Certificate::serial` has it: big-endian without leading zeros.
    let significant = octets.iter().position(|octet| *octet != 0).unwrap_or(octets.len() - 1);
    octets.get(significant..).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_are_read_as_programs_print_them() {
        for text in ["0a1b", "0A:1B", "a1b", "000a1b"] {
            assert_eq!(from_hex(text), Some(vec![0x0a, 0x1b]), "{text}");
        }
        assert_eq!(from_hex("00"), Some(vec![0]));
        for text in ["", "xyz", ":", &"a".repeat(200)] {
            assert_eq!(from_hex(text), None, "{text}");
        }
        assert_eq!(hex(&[0x0a, 0x1b]), "0a1b");
    }
}
