//! What each of a CA's lists of revocations is about, and large ones.

use std::sync::Arc;

use revlab_pki::crl::stream;
use revlab_pki::{CrlEntry, CrlExtension, CrlScope, CrlSubjects, CrlTemplate, DistinguishedName};

use super::Authority;

/// removeFromCRL (RFC 5280 §5.3.1), and the reason that it takes back.
const REMOVE_FROM_CRL: u8 = 8;
const HOLD: u8 = 6;

impl Authority {
    /// The issuing distribution point of a list; `None` for a list of everything.
    pub(super) fn scope(&self, list: usize) -> Option<CrlScope> {
        let publishing = &self.config.publishing;
        let divided = publishing.lists() > 1;
        let url = self.locations.lists.get(list).filter(|_| divided).map(|l| l.base_url.clone());
        let scope = CrlScope {
            urls: url.into_iter().collect(),
            only: publishing.only,
            reasons: publishing.reasons.clone(),
            indirect: !publishing.indirect_for.is_empty() || self.crl_issuer().is_some(),
        };
        (scope != CrlScope::default()).then_some(scope)
    }

    /// Those of these entries that a list is about, and behind them those of other CAs.
    pub(super) fn in_scope(&self, list: usize, entries: Vec<CrlEntry>) -> Vec<CrlEntry> {
        let scope = self.scope(list).unwrap_or_default();
        let mut listed: Vec<CrlEntry> =
            entries.into_iter().filter(|entry| self.is_about(&scope, list, entry)).collect();
        if let (Some(first), true) = (listed.first_mut(), self.crl_issuer().is_some()) {
            self.name_issuer(first);
        }
        for (issuer, entries) in self.foreign.iter().filter(|_| list == self.first_list()) {
            let covered = entries.iter().filter(|entry| scope.covers_reason(entry.reason));
            for (at, entry) in covered.enumerate() {
                let mut entry = entry.clone();
                // It holds on until another issuer is named (RFC 5280 §5.3.3).
                if at == 0 {
                    entry.extensions.push(CrlExtension::certificate_issuer(issuer));
                }
                listed.push(entry);
            }
        }
        listed
    }

    /// Says in an entry of an indirect CRL that it is about a certificate of this CA: without that
    /// it is about one of the CRL's issuer, or of who was named last (RFC 5280 §5.3.3).
    fn name_issuer(&self, entry: &mut CrlEntry) {
        entry.extensions.push(CrlExtension::certificate_issuer(self.certificate.subject()));
    }

    fn is_about(&self, scope: &CrlScope, list: usize, entry: &CrlEntry) -> bool {
        let is_authority = self.authorities.contains(&entry.serial);
        let subject = match scope.only {
            None => true,
            Some(CrlSubjects::Users) => !is_authority,
            Some(CrlSubjects::Authorities) => is_authority,
            // No attribute certificate is ever issued.
            Some(CrlSubjects::Attributes) => false,
        };
        let reason = match entry.reason {
            Some(REMOVE_FROM_CRL) => Some(HOLD),
            other => other,
        };
        subject && scope.covers_reason(reason) && self.list_of(&entry.serial) == Some(list)
    }

    /// Takes over what other CAs have revoked, for an indirect CRL.
    pub(crate) fn take_foreign(&mut self, foreign: Vec<(DistinguishedName, Vec<CrlEntry>)>) {
        self.foreign = foreign;
    }

    /// All that is revoked now.
    pub(crate) fn revoked(&self) -> Vec<CrlEntry> {
        self.revocations.listed(self.revocations.now())
    }

    /// A signed CRL with so many entries more, which is at no time in memory twice.
    pub(super) fn padded(&self, template: &CrlTemplate, list: usize, padding: u32) -> Arc<[u8]> {
        let (certificate, key) = self.signs(list);
        if padding == 0 {
            return template.sign(certificate, key).into();
        }
        let further = || self.padding(padding);
        let size = stream(template, further, certificate, key, std::io::sink());
        let size = size.map_or(0, |written| written.octets) as usize;
        // An `Arc` of its final size, filled in place: making one of a `Vec` would copy it.
        let mut der: Arc<[u8]> = std::iter::repeat_n(0, size).collect();
        if let Some(place) = Arc::get_mut(&mut der) {
            // The same entries and key give the same bytes, which fit.
            let _ = stream(template, further, certificate, key, place);
        }
        der
    }

    /// Entries about certificates that nobody in the scenario has: serial numbers of 16 octets,
    /// where those of the CA have ten.
    pub(super) fn padding(&self, count: u32) -> impl Iterator<Item = CrlEntry> + use<> {
        let indirect = self.scope(0).is_some_and(|scope| scope.indirect);
        let issuer = self.certificate.subject().clone();
        let mut start = [0; 8];
        self.seed.stream(&format!("padding/{}", self.name())).fill(&mut start);
        let start = u64::from_be_bytes(start);
        let revoked_at = self.certificate.not_before();
        (0..u64::from(count)).map(move |n| {
            let mixed = start.wrapping_add(n).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
            let mut serial = [mixed, start.wrapping_add(n).to_be_bytes()].concat();
            // Positive, and sixteen significant octets.
            if let Some(first) = serial.first_mut() {
                *first = *first & 0x7f | 0x10;
            }
            let named = (n == 0 && indirect).then(|| CrlExtension::certificate_issuer(&issuer));
            let extensions = named.into_iter().collect();
            CrlEntry { serial, revoked_at, reason: None, extensions }
        })
    }
}

#[cfg(test)]
mod tests {
    use revlab_lab::Seed;
    use revlab_pki::{Crl, KeyPair, Usage, Verifier};

    use super::*;
    use crate::authority::Order;
    use crate::config::{CaConfig, Publishing};
    use crate::sample::{self, START};

    fn authority(publishing: Publishing) -> Authority {
        let config = CaConfig { publishing, ..sample::issuing() };
        Authority::new(config, None, Seed(1), START).unwrap()
    }

    fn issue(ca: &mut Authority, common_name: &str) -> revlab_pki::Certificate {
        let key = KeyPair::seeded(ca.config.key, Seed(1), common_name);
        let life = ca.usual_life();
        let (usage, dns_names, ca_version) = (Usage::Client, &[][..], None);
        let order = Order { common_name, usage, dns_names, life, ocsp: None, ca_version };
        ca.issue(&order, &key).unwrap()
    }

    fn bases(ca: &Authority) -> Vec<Crl> {
        ca.served.iter().map(|s| Crl::parse(&s.base.as_ref().unwrap().der).unwrap()).collect()
    }

    #[test]
    fn each_certificate_is_listed_where_it_points() {
        let mut ca = authority(Publishing { partitions: 4, ..Publishing::default() });
        let issued: Vec<_> = (0..12).map(|n| issue(&mut ca, &format!("client-{n}"))).collect();
        for certificate in &issued {
            ca.revoke(START, certificate.serial(), Some(1));
        }
        ca.publish_now(START, true);
        let lists = bases(&ca);
        assert_eq!(lists.len(), 4);
        assert_eq!(lists.iter().map(Crl::len).sum::<usize>(), issued.len());
        for certificate in &issued {
            let at = certificate.crl_urls();
            let list = lists.iter().find(|crl| crl.scope().unwrap().urls == at).unwrap();
            assert!(list.find(certificate.serial()).is_some());
            assert_ne!(list.freshest_crl_urls(), at);
        }
        assert!(lists.iter().filter(|crl| !crl.is_empty()).count() > 1);
        assert_eq!(ca.announce(|| 0).len(), 8);
    }

    #[test]
    fn a_list_of_some_reasons_lists_those_alone() {
        let reasons = Some(vec![1, 2]);
        let mut ca = authority(Publishing { reasons, ..Publishing::default() });
        let [lost, replaced] = ["lost", "replaced"].map(|name| issue(&mut ca, name));
        ca.revoke(START, lost.serial(), Some(1));
        ca.revoke(START, replaced.serial(), Some(4));
        ca.publish_now(START, true);
        let base = bases(&ca).remove(0);
        assert!(base.find(lost.serial()).is_some() && base.find(replaced.serial()).is_none());
        assert_eq!(base.scope().unwrap().reasons, Some(vec![1, 2]));
    }

    #[test]
    fn a_list_of_cas_leaves_users_out() {
        for (only, listed) in [(CrlSubjects::Users, 1), (CrlSubjects::Authorities, 0)] {
            let mut ca = authority(Publishing { only: Some(only), ..Publishing::default() });
            let client = issue(&mut ca, "client");
            ca.revoke(START, client.serial(), None);
            ca.publish_now(START, true);
            assert_eq!(bases(&ca)[0].len(), listed);
        }
    }

    #[test]
    fn padding_is_deterministic_and_the_revoked_are_still_found() {
        let der = || {
            let mut ca = authority(Publishing { padding: 3000, ..Publishing::default() });
            let client = issue(&mut ca, "client");
            ca.revoke(START, client.serial(), None);
            ca.publish_now(START, true);
            let base = ca.served[0].base.clone().unwrap();
            let crl = Crl::parse(&base.der).unwrap();
            assert_eq!((crl.len(), base.entries), (3001, 3001));
            assert!(crl.find(client.serial()).is_some());
            assert!(Verifier::new().verify_crl(&crl, &ca.certificate));
            let delta = Crl::parse(&ca.served[0].delta.as_ref().unwrap().der).unwrap();
            assert_eq!(delta.len(), 1);
            base.der
        };
        assert_eq!(der(), der());
    }
}
