//! One certificate authority: its key and certificate, what it has issued and revoked.

mod crl_signer;
mod cross;
mod imported;
mod keys;
mod lists;
mod older;
mod publishing;
mod revocations;
mod spoilt;
mod template;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use revlab_lab::clock::Step;
use revlab_lab::http::Url;
use revlab_lab::{Instant, Name, Seed};
use revlab_pki::{
    CertId, CertStatus, Certificate, CertificateExtension, CertificateTemplate, CrlEntry,
    CrlExtension, DistinguishedName, IssueError, Issuer, KeyAlgorithm, KeyPair, Usage, Verifier,
};

use cross::Cross;
use keys::CaKey;
use older::Older;
pub(crate) use publishing::{Publication, Served};
use revocations::Revocations;

use crate::config::{CaConfig, Own};
use crate::locations::Locations;
use crate::publication::{Life, Timeline};
use crate::responder::Responses;
use crate::setup::SetupError;

/// A serial number of AD CS has ten octets.
const SERIAL_OCTETS: usize = 10;

/// One CA of a scenario.
#[derive(Debug)]
pub(crate) struct Authority {
    pub(crate) config: CaConfig,
    pub(crate) locations: Locations,
    pub(crate) certificate: Certificate,
    pub(crate) key: KeyPair,
    /// Its keys, oldest first: the last one is `key`.
    keys: Vec<CaKey>,
    /// Its certificates before `certificate`, oldest first.
    former: Vec<Certificate>,
    crosses: Vec<Cross>,
    /// Where the scenario says by `key_index` alone that it was renewed: the one from before, with
    /// a key that is no more.
    relic: Option<Certificate>,
    pub(crate) responses: Responses,
    seed: Seed,
    /// First second of what it issues without further ado.
    issues_from: Instant,
    timeline: Timeline,
    /// By serial number, the position of the key that signed it.
    issued: BTreeMap<Vec<u8>, usize>,
    /// Common names of whose certificates there is no record.
    unrecorded: BTreeSet<String>,
    /// How many certificates each common name has had.
    names: BTreeMap<String, u64>,
    /// Which of them are those of CAs.
    authorities: BTreeSet<Vec<u8>>,
    revocations: Revocations,
    /// What other CAs have revoked, for an indirect CRL.
    foreign: Vec<(DistinguishedName, Vec<CrlEntry>)>,
    /// The point of `revocations` that each base knew, as long as a delta may refer to it.
    listed: BTreeMap<u64, usize>,
    /// The newest CRLs of each list.
    served: Vec<Served>,
    /// Signed and not on the site yet, with the time when they will be.
    on_the_way: VecDeque<(Instant, Publication)>,
    /// All that were published, oldest first.
    older: VecDeque<Older>,
    /// By list and whether it is the delta: whose turn it is, the original's or the copy's.
    turns: BTreeMap<(usize, bool), bool>,
}

/// What a certificate shall say, apart from what its CA says in all of them.
pub(crate) struct Order<'a> {
    pub(crate) common_name: &'a str,
    pub(crate) usage: Usage,
    pub(crate) dns_names: &'a [String],
    pub(crate) life: Life,
    /// AIA OCSP; `None`: as the CA is configured.
    pub(crate) ocsp: Option<&'a [Url]>,
    pub(crate) ca_version: Option<(u16, u16)>,
}

impl Authority {
    /// Sets a CA up and lets its history pass up to, but not including, `start`.
    ///
    /// # Errors
    ///
    /// What of its configuration cannot be.
    pub(crate) fn new(
        config: CaConfig,
        mut parent: Option<&mut Authority>,
        seed: Seed,
        start: Instant,
    ) -> Result<Authority, SetupError> {
        let config = config.settled();
        let ca = || config.name.clone();
        let mut locations =
            Locations::of(&config).map_err(|source| SetupError::Host { ca: ca(), source })?;
        if let Some(at) = config.responder.as_ref().and_then(|responder| responder.at.as_ref()) {
            locations.also_ocsp(at);
        }
        let set_up = start - config.age;
        let life = Life { not_before: set_up, not_after: set_up + config.lifetime };
        let (key, certificate) = match &config.imported {
            Some(imported) => imported::checked(imported, &ca(), parent.as_deref())?,
            None => {
                let key = own_key(&config, parent.as_deref(), seed);
                let serial = serial(seed, &config.name, &config.common_name, 0);
                let commission = Commission::first(&config, life, serial);
                let certificate = certify(&commission, &key, parent.as_deref_mut())
                    .map_err(|source| SetupError::Certificate { ca: ca(), source })?;
                (key, certificate)
            }
        };
        // One that exists already may be older than what the lab lets it do.
        let set_up = match config.imported {
            Some(_) => set_up.max(certificate.not_before()),
            None => set_up,
        };
        let issues_from = match config.imported {
            Some(_) => set_up,
            None => certificate.not_before(),
        };
        let life =
            Life { not_before: certificate.not_before(), not_after: certificate.not_after() };
        if life.not_after <= life.not_before {
            return Err(SetupError::NeverValid { ca: ca() });
        }
        let timeline = Timeline::new(config.crl, config.clock.clone(), life, set_up, start)
            .map_err(|source| SetupError::Schedule { ca: ca(), source })?;
        let timeline = timeline.with_down(config.publishing.down);
        let lists = config.publishing.lists();
        let first = CaKey {
            index: certificate.ca_version().map_or(config.key_index, |(_, key)| key),
            pair: key.clone(),
            certificate: certificate.clone(),
            url: locations.certificate_url.clone(),
            from: certificate.not_before(),
            since: None,
            until: None,
            signer: None,
        };
        let mut authority = Authority {
            config,
            locations,
            certificate,
            key,
            keys: vec![first],
            former: Vec::new(),
            crosses: Vec::new(),
            relic: None,
            responses: Responses::default(),
            seed,
            issues_from,
            timeline,
            issued: BTreeMap::new(),
            unrecorded: BTreeSet::new(),
            names: BTreeMap::new(),
            authorities: BTreeSet::new(),
            revocations: Revocations::default(),
            foreign: Vec::new(),
            listed: BTreeMap::new(),
            served: vec![Served::default(); lists],
            on_the_way: VecDeque::new(),
            older: VecDeque::new(),
            turns: BTreeMap::new(),
        };
        let ca = || authority.config.name.clone();
        let name = ca();
        authority
            .appoint_signer()
            .map_err(|source| SetupError::CrlSigner { ca: name.clone(), source })?;
        authority
            .leave_relic(set_up, parent.as_deref_mut())
            .map_err(|source| SetupError::Certificate { ca: name.clone(), source })?;
        authority
            .pass_history(start, parent)
            .map_err(|source| SetupError::Renewal { ca: name.clone(), source })?;
        match authority.certificate.not_after() <= authority.certificate.not_before() {
            true => Err(SetupError::NeverValid { ca: name }),
            false => Ok(authority),
        }
    }

    /// Its name in the scenario.
    pub(crate) fn name(&self) -> &Name {
        &self.config.name
    }

    /// Certificate index and key index, as AD CS counts them.
    fn version(&self) -> (u16, u16) {
        let made = (self.config.key_index, self.config.key_index);
        self.certificate.ca_version().unwrap_or(made)
    }

    /// The validity of what it issues without further ado.
    pub(crate) fn usual_life(&self) -> Life {
        let not_before = self.issues_from;
        Life { not_before, not_after: not_before + self.config.issued_lifetime }
    }

    /// Issues a certificate, bounded by the validity of the CA's own.
    pub(crate) fn issue(
        &mut self,
        order: &Order<'_>,
        key: &KeyPair,
    ) -> Result<Certificate, IssueError> {
        self.issue_by(self.newest_key(), order, key)
    }

    /// The same by the key at this position.
    pub(crate) fn issue_by(
        &mut self,
        by: usize,
        order: &Order<'_>,
        key: &KeyPair,
    ) -> Result<Certificate, IssueError> {
        self.issue_with(by, order, &Own::default(), None, key)
    }

    /// The same for a CA below this one, which has wishes of its own, and may have a whole name.
    fn issue_with(
        &mut self,
        by: usize,
        order: &Order<'_>,
        own: &Own,
        subject: Option<DistinguishedName>,
        key: &KeyPair,
    ) -> Result<Certificate, IssueError> {
        let drawn = self.names.get(order.common_name).copied().unwrap_or(0);
        let serial = serial(self.seed, self.name(), order.common_name, drawn);
        let (mut template, extras) = self.template(order, serial, own, by);
        template.subject = subject.unwrap_or(template.subject);
        let (issuer, issuer_key) = self.key_pair(by);
        let issuer = Issuer::Certificate(issuer, issuer_key);
        let certificate = template.issue_with(&extras, key.public_key_info(), &issuer)?;
        self.locations.also_ocsp(certificate.ocsp_urls());
        self.names.insert(order.common_name.to_owned(), drawn + 1);
        if !self.unrecorded.contains(order.common_name) {
            self.issued.insert(certificate.serial().to_vec(), by);
        }
        if order.usage == Usage::Authority {
            self.authorities.insert(certificate.serial().to_vec());
        }
        Ok(certificate)
    }

    /// Issues what an earlier renewal has left, where the scenario tells of one by the index of the
    /// key alone: the certificate from before it, which has expired since.
    fn leave_relic(
        &mut self,
        set_up: Instant,
        parent: Option<&mut Authority>,
    ) -> Result<(), IssueError> {
        if self.locations.relic_path.is_none() || self.config.imported.is_some() {
            return Ok(());
        }
        let name = format!("{}/before", self.name());
        let taken: Vec<&KeyPair> =
            std::iter::once(&self.key).chain(parent.iter().map(|parent| &parent.key)).collect();
        let key = another_key(self.config.key, self.seed, &name, &taken);
        let life = Life { not_before: set_up - self.config.lifetime, not_after: set_up };
        let serial = serial(self.seed, self.name(), &name, 0);
        // Version 0.0, whatever there was in between.
        let first = Commission::first(&self.config, life, serial);
        let commission = Commission { version: (0, 0), ..first };
        self.relic = Some(certify(&commission, &key, parent)?);
        Ok(())
    }

    /// Whether this CA has issued the certificate with this serial number to a common name.
    pub(crate) fn has_issued_to(&self, common_name: &str, serial: &[u8]) -> bool {
        let drawn = self.names.get(common_name).copied().unwrap_or(0);
        (0..drawn).any(|n| self::serial(self.seed, self.name(), common_name, n) == serial)
    }

    /// Revokes a certificate. One that this CA has not issued, or has revoked before, is left as
    /// it is, unless it is on hold: then it gets the new reason and keeps its date. A reason that a
    /// revocation cannot have (8, removeFromCRL, or one that RFC 5280 §5.3.1 does not know) is left
    /// out.
    pub(crate) fn revoke(&mut self, now: Instant, serial: &[u8], reason: Option<u8>) {
        self.revoke_with(now, serial, reason, Vec::new());
    }

    /// The same, and what else the CRL entry says.
    pub(crate) fn revoke_with(
        &mut self,
        now: Instant,
        serial: &[u8],
        reason: Option<u8>,
        extensions: Vec<CrlExtension>,
    ) {
        if self.issued.contains_key(serial) {
            self.revocations.revoke(CrlEntry {
                serial: serial.to_vec(),
                revoked_at: self.config.clock.at(now).floor_to_second(),
                reason: reason.filter(|code| matches!(code, 0..=6 | 9 | 10)),
                extensions,
            });
        }
    }

    /// Takes a certificate into the records that one of the CA's keys has signed; whether one has.
    pub(crate) fn adopt(&mut self, certificate: &Certificate) -> bool {
        let mut verifier = Verifier::new();
        let by = self.keys.iter().position(|key| {
            key.certificate.subject() == certificate.issuer()
                && verifier.verify_certificate(certificate, &key.certificate)
        });
        if let Some(by) = by {
            self.issued.insert(certificate.serial().to_vec(), by);
        }
        by.is_some()
    }

    /// Of certificates with this common name the CA keeps no record from now on.
    pub(crate) fn keep_no_record(&mut self, common_name: &str) {
        self.unrecorded.insert(common_name.to_owned());
    }

    /// Takes a certificate off hold; one that is not on hold is left as it is.
    pub(crate) fn release(&mut self, now: Instant, serial: &[u8]) {
        self.revocations.release(serial, self.config.clock.at(now).floor_to_second());
    }

    /// Whether a certificate asked about is one of this CA's.
    pub(crate) fn has_issued(&self, id: &CertId) -> bool {
        self.key_of_request(id).is_some()
    }

    /// The seed of the run.
    pub(crate) fn seed(&self) -> Seed {
        self.seed
    }

    /// What the CA's database says about a serial number now.
    pub(crate) fn status(&self, serial: &[u8]) -> CertStatus {
        self.status_by(serial, |_| true)
    }

    /// Sets the CA's clock: what it writes from then on bears other dates. Timers stay as they are.
    pub(crate) fn step_clock(&mut self, step: Step) {
        self.config.clock = self.config.clock.clone().stepped(step);
        self.timeline.set_clock(self.config.clock.clone());
    }

    /// What it said when the CA's clock read `at`.
    pub(crate) fn status_at(&self, serial: &[u8], at: Instant) -> CertStatus {
        self.status_by(serial, |entry| entry.revoked_at <= at)
    }

    fn status_by(&self, serial: &[u8], counts: impl Fn(&CrlEntry) -> bool) -> CertStatus {
        match self.revocations.current(serial).filter(|entry| counts(entry)) {
            Some(entry) => CertStatus::Revoked { at: entry.revoked_at, reason: entry.reason },
            None if self.issued.contains_key(serial) => CertStatus::Good,
            None => CertStatus::Unknown,
        }
    }
}

/// The CA's key. RSA keys come from a small pool: the parent's own is passed over.
fn own_key(config: &CaConfig, parent: Option<&Authority>, seed: Seed) -> KeyPair {
    let taken: Vec<&KeyPair> = parent.iter().map(|parent| &parent.key).collect();
    another_key(config.key, seed, &config.name, &taken)
}

/// The key of this name, or one of a name like it where it is one of those that are taken.
fn another_key(algorithm: KeyAlgorithm, seed: Seed, name: &str, taken: &[&KeyPair]) -> KeyPair {
    let mut key = KeyPair::seeded(algorithm, seed, name);
    for again in 2..32 {
        if taken.iter().all(|other| other.public_key_info() != key.public_key_info()) {
            break;
        }
        key = KeyPair::seeded(algorithm, seed, &format!("{name}/{again}"));
    }
    key
}

/// What a CA's own certificate is to say.
struct Commission<'a> {
    config: &'a CaConfig,
    /// None: that of the configuration.
    subject: Option<DistinguishedName>,
    version: (u16, u16),
    life: Life,
    /// The serial number, where it is a root.
    serial: Vec<u8>,
    /// What it says about the certificate before it.
    previous: Option<CertificateExtension>,
}

impl<'a> Commission<'a> {
    fn first(config: &'a CaConfig, life: Life, serial: Vec<u8>) -> Commission<'a> {
        let version = (config.key_index, config.key_index);
        Commission { config, subject: None, version, life, serial, previous: None }
    }
}

/// The CA's own certificate: issued by its parent, or a root.
fn certify(
    commission: &Commission<'_>,
    key: &KeyPair,
    parent: Option<&mut Authority>,
) -> Result<Certificate, IssueError> {
    let Commission { config, life, .. } = commission;
    let (common_name, life) = (config.common_name.as_str(), *life);
    let ca_version = Some(commission.version);
    let mut own = config.own.clone();
    own.extensions.extend(commission.previous.clone());
    if let Some(parent) = parent {
        let usage = Usage::Authority;
        let order = Order { common_name, usage, dns_names: &[], life, ocsp: None, ca_version };
        let by = parent.key_at(life.not_before);
        return parent.issue_with(by, &order, &own, commission.subject.clone(), key);
    }
    let usual = || {
        let name = DistinguishedName::common_name(common_name);
        own.organization.iter().fold(name, |name, own| name.with_organization(own))
    };
    let template = CertificateTemplate {
        subject: commission.subject.clone().unwrap_or_else(usual),
        serial: commission.serial.clone(),
        not_before: life.not_before,
        not_after: life.not_after,
        usage: Usage::Authority,
        crl_urls: Vec::new(),
        freshest_crl_urls: Vec::new(),
        ocsp_urls: Vec::new(),
        issuer_urls: Vec::new(),
        dns_names: Vec::new(),
        ca_version,
    };
    template.issue_with(&own.extras(), key.public_key_info(), &Issuer::Itself(key))
}

/// The serial number of the certificate that `common_name` gets after `drawn` others: from a stream
/// of its own, so that another identity in the scenario does not change it.
fn serial(seed: Seed, ca: &str, common_name: &str, drawn: u64) -> Vec<u8> {
    let mut stream = seed.stream(&format!("serial/{ca}/{common_name}"));
    let mut serial = [0u8; SERIAL_OCTETS];
    for _ in 0..=drawn {
        stream.fill(&mut serial);
    }
    // Positive, and ten significant octets whatever is drawn.
    if let Some(first) = serial.first_mut() {
        *first = *first & 0x7f | 0x10;
    }
    serial.to_vec()
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::sample::{self, START};

    fn authority(config: CaConfig) -> Authority {
        Authority::new(config, None, Seed(1), START).unwrap()
    }

    fn client(ca: &mut Authority, common_name: &str) -> Certificate {
        let key = KeyPair::seeded(ca.config.key, Seed(1), common_name);
        let order = Order {
            common_name,
            usage: Usage::Client,
            dns_names: &[],
            life: ca.usual_life(),
            ocsp: None,
            ca_version: None,
        };
        ca.issue(&order, &key).unwrap()
    }

    #[test]
    fn an_issued_certificate_points_to_the_cas_files() {
        let mut ca = authority(sample::with_responder("http://win-msprl0t325o/ocsp"));
        let certificate = client(&mut ca, "client");
        assert_eq!(certificate.crl_urls(), ca.locations.cdp);
        assert_eq!(certificate.issuer_urls(), ca.locations.issuers);
        assert_eq!(certificate.ocsp_urls(), ca.config.aia.ocsp);
        assert!(certificate.freshest_crl_urls().is_empty(), "the base CRL carries it");
        assert_eq!(certificate.issuer(), ca.certificate.subject());
        let signed = Verifier::new().verify(
            ca.certificate.public_key_info(),
            certificate.tbs(),
            certificate.signature(),
        );
        assert!(signed);
    }

    #[test]
    fn serials_depend_on_the_name_and_the_count_alone() {
        let mut ca = authority(sample::issuing());
        let (first, other, again) =
            (client(&mut ca, "a"), client(&mut ca, "b"), client(&mut ca, "a"));
        let mut reverse = authority(sample::issuing());
        assert_eq!(client(&mut reverse, "b").serial(), other.serial());
        assert_eq!(client(&mut reverse, "a").serial(), first.serial());
        assert_ne!(first.serial(), again.serial());
        assert_eq!(first.serial().len(), SERIAL_OCTETS);
    }

    #[test]
    fn nothing_outlives_the_ca() {
        let days = revlab_lab::Span::from_days;
        let mut ca = authority(CaConfig { lifetime: days(40), ..sample::issuing() });
        let certificate = client(&mut ca, "client");
        assert_eq!(certificate.not_after(), ca.certificate.not_after());
        assert_eq!(ca.certificate.not_after(), START + days(10));
    }

    #[test]
    fn only_what_was_issued_can_be_revoked_and_only_once() {
        let mut ca = authority(sample::issuing());
        let certificate = client(&mut ca, "client");
        assert_eq!(ca.status(certificate.serial()), CertStatus::Good);
        assert_eq!(ca.status(b"never issued"), CertStatus::Unknown);
        ca.revoke(START, b"never issued", None);
        assert_eq!(ca.status(b"never issued"), CertStatus::Unknown);
        ca.revoke(START, certificate.serial(), Some(1));
        let revoked = CertStatus::Revoked { at: START, reason: Some(1) };
        assert_eq!(ca.status(certificate.serial()), revoked);
        ca.revoke(START + revlab_lab::Span::from_hours(1), certificate.serial(), Some(4));
        assert_eq!(ca.status(certificate.serial()), revoked);
    }

    #[test]
    fn a_reason_that_no_revocation_has_is_left_out() {
        let mut ca = authority(sample::issuing());
        let certificate = client(&mut ca, "client");
        ca.revoke(START, certificate.serial(), Some(8));
        let status = ca.status(certificate.serial());
        assert_eq!(status, CertStatus::Revoked { at: START, reason: None });
    }
}
