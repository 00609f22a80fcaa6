//! Making CRLs: what the timeline plans, with what is revoked, signed.

use std::sync::Arc;

use revlab_lab::trace::{Publish, Purpose};
use revlab_lab::{Instant, Name};
use revlab_pki::CrlTemplate;

use super::Authority;
use crate::content::crl::CrlDefect;
use crate::publication::Planned;
use crate::sha1;
use crate::web_site::{Content, File};

/// A CRL that is on the web site.
#[derive(Clone, Debug)]
pub(crate) struct Publication {
    pub(crate) planned: Planned,
    pub(crate) der: Arc<[u8]>,
    /// What it says, for making it wrong.
    pub(super) template: CrlTemplate,
    /// What faults have had served in its place.
    pub(super) spoilt: Vec<(Vec<CrlDefect>, Arc<[u8]>)>,
    /// Whether the trace has it.
    announced: bool,
}

impl Authority {
    /// Runs the timers up to, but not including, `start`. Of this past only what is still served
    /// is signed.
    pub(super) fn pass_history(&mut self, start: Instant) {
        let (mut base, mut delta) = (None, None);
        while self.timeline.next_due().is_some_and(|due| due < start) {
            for planned in self.timeline.publish_next() {
                match planned.what() {
                    Purpose::Delta => delta = Some(planned),
                    _ => base = Some(planned),
                }
            }
        }
        self.put(base.into_iter().chain(delta).collect());
    }

    /// When it publishes next by its timers.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.timeline.next_due()
    }

    /// Publishes what is due next.
    pub(crate) fn publish_next(&mut self) {
        let planned = self.timeline.publish_next();
        self.put(planned);
    }

    /// Publishes by hand: a base (with deltas on, a delta too), or a delta alone.
    pub(crate) fn publish_now(&mut self, now: Instant, base: bool) {
        let planned = self.timeline.publish_now(now, base);
        self.put(planned);
    }

    /// Signs CRLs and puts them on the web site, in the place of those before.
    fn put(&mut self, planned: Vec<Planned>) {
        for planned in planned {
            let publication = self.sign(planned);
            match planned.base_number {
                Some(_) => self.delta = Some(publication),
                None => {
                    self.listed.insert(planned.number, self.revoked.len());
                    self.base = Some(publication);
                }
            }
        }
        if let Some(oldest) = self.timeline.oldest_base() {
            self.listed.retain(|number, _| *number >= oldest);
        }
    }

    /// A base lists all that is revoked, a delta what its base does not list. Expired certificates
    /// stay listed (RFC 5280 §3.3 wants that for one more CRL at least; AD CS drops them then).
    fn sign(&self, planned: Planned) -> Publication {
        // A base from before the run lists nothing: revocations are operations of the run.
        let known =
            planned.base_number.map_or(0, |base| self.listed.get(&base).copied().unwrap_or(0));
        let entries = self.revoked.get(known..).unwrap_or_default().to_vec();
        let is_base = planned.base_number.is_none();
        let template = CrlTemplate {
            number: planned.number,
            base_number: planned.base_number,
            // That it is the base of the indicator is inferred (fact sheet §4.3).
            virtual_base: planned.base_number.filter(|_| self.config.crl.virtual_base),
            this_update: planned.validity.this_update,
            next_update: Some(planned.validity.next_update),
            next_publish: Some(planned.validity.next_publish),
            ca_version: Some(self.version()),
            freshest_crl_urls: if is_base { self.locations.freshest.clone() } else { Vec::new() },
            published_locations: self.config.published_locations.clone(),
            extensions: Vec::new(),
            entries,
        };
        let der = Arc::from(template.sign(&self.certificate, &self.key));
        Publication { planned, der, template, spoilt: Vec::new(), announced: false }
    }

    /// The trace records of what is on the web site and not in the trace yet, base before delta.
    pub(crate) fn announce(&mut self, mut id: impl FnMut() -> u64) -> Vec<Publish> {
        let ca = self.config.name.clone();
        let (base, delta) = (&self.locations.base_url, &self.locations.delta_url);
        let served = [(&mut self.base, base.as_str()), (&mut self.delta, delta.as_str())];
        let fresh = served
            .into_iter()
            .filter_map(|(publication, url)| publication.as_mut().map(|p| (p, url)))
            .filter(|(publication, _)| !publication.announced);
        fresh
            .map(|(publication, url)| {
                publication.announced = true;
                publication.record(id(), ca.clone(), url)
            })
            .collect()
    }

    /// What its folder on the web site holds now.
    pub(crate) fn files(&self) -> Vec<File> {
        let served =
            [(&self.locations.base_path, &self.base), (&self.locations.delta_path, &self.delta)];
        let crls = served.into_iter().filter_map(|(path, publication)| {
            let publication = publication.as_ref()?;
            Some(File {
                path: path.clone(),
                content: Content::Crl,
                bytes: publication.der.clone(),
                modified: self.config.clock.at(publication.planned.at),
                change: publication.planned.number,
            })
        });
        let certificate = self.certificate_file(&self.locations.certificate_path);
        crls.chain([certificate]).collect()
    }

    /// The `.crt` from before the renewal of its key. It gives way to a file of that name that
    /// another CA of the site has. Inferred: renewal adds a file with a suffix and removes none.
    /// A real one holds the certificate from before, which is not modelled: here it is today's.
    pub(crate) fn older_file(&self) -> Option<File> {
        self.locations.older_certificate_path.as_deref().map(|path| self.certificate_file(path))
    }

    fn certificate_file(&self, path: &str) -> File {
        File {
            path: path.to_owned(),
            content: Content::Certificate,
            bytes: Arc::from(self.certificate.der()),
            modified: self.certificate.not_before(),
            change: 0,
        }
    }
}

impl Publication {
    fn record(&self, id: u64, ca: Name, url: &str) -> Publish {
        let Planned { number, base_number, validity, .. } = self.planned;
        Publish {
            id,
            ca,
            what: self.planned.what(),
            url: url.into(),
            number: Some(number),
            base_number,
            this_update: validity.this_update,
            next_update: Some(validity.next_update),
            next_publish: Some(validity.next_publish),
            entries: self.template.entries.len() as u64,
            bytes: self.der.len() as u64,
            sha1: sha1(&self.der),
        }
    }
}

#[cfg(test)]
mod tests {
    use revlab_lab::{Seed, Span};
    use revlab_pki::{Crl, KeyPair, Usage, Verifier};

    use super::*;
    use crate::authority::Order;
    use crate::config::CaConfig;
    use crate::sample::{self, START};

    fn crl(publication: &Option<Publication>) -> Crl {
        Crl::parse(&publication.as_ref().unwrap().der).unwrap()
    }

    fn issue(ca: &mut Authority, common_name: &str) -> Vec<u8> {
        let key = KeyPair::seeded(ca.config.key, Seed(1), common_name);
        let life = ca.usual_life();
        let (usage, dns_names, ca_version) = (Usage::Client, &[][..], None);
        let order = Order { common_name, usage, dns_names, life, ocsp: None, ca_version };
        ca.issue(&order, &key).unwrap().serial().to_vec()
    }

    fn run_until(ca: &mut Authority, until: Instant) {
        while ca.next_due().is_some_and(|due| due <= until) {
            ca.publish_next();
        }
    }

    #[test]
    fn a_base_and_a_delta_from_before_are_in_place_at_the_start() {
        let ca = Authority::new(sample::issuing(), None, Seed(1), START).unwrap();
        let (base, delta) = (crl(&ca.base), crl(&ca.delta));
        assert_eq!(base.this_update(), START - Span::from_mins(65));
        assert_eq!(delta.this_update(), START - Span::from_mins(35));
        assert_eq!(delta.base_number(), base.number());
        assert_eq!(base.freshest_crl_urls(), ca.locations.freshest);
        assert!(delta.freshest_crl_urls().is_empty());
        assert_eq!(base.ca_version(), Some((1, 1)));
        for crl in [base, delta] {
            let key = ca.certificate.public_key_info();
            assert!(Verifier::new().verify(key, crl.tbs(), crl.signature()));
            assert!(crl.is_empty());
        }
    }

    #[test]
    fn a_delta_names_the_base_it_refers_to_as_virtual_base_unless_told_otherwise() {
        let mut config = sample::issuing();
        let mut ca = Authority::new(config.clone(), None, Seed(1), START).unwrap();
        // The pair at +5 min: its delta refers to the base of an hour before.
        run_until(&mut ca, START + Span::from_mins(5));
        let (base, delta) = (crl(&ca.base), crl(&ca.delta));
        assert_eq!((base.number(), base.virtual_base()), (Some(7), None));
        assert_eq!((delta.base_number(), delta.virtual_base()), (Some(5), Some(5)));
        config.crl.virtual_base = false;
        let ca = Authority::new(config, None, Seed(1), START).unwrap();
        let delta = crl(&ca.delta);
        assert_eq!((delta.base_number(), delta.virtual_base()), (Some(5), None));
    }

    #[test]
    fn base_and_delta_say_where_crls_are_published_if_that_is_configured() {
        let mut config = sample::issuing();
        let of = |config: &CaConfig| {
            let ca = Authority::new(config.clone(), None, Seed(1), START).unwrap();
            [&ca.base, &ca.delta].map(|publication| crl(publication).published_locations().to_vec())
        };
        assert_eq!(of(&config), [Vec::new(), Vec::new()]);
        let urls = ["http://a.example/XXX-CA(1).crl", "http://b.example/XXX-CA(1).crl"];
        config.published_locations = urls.map(|url| url.parse().unwrap()).to_vec();
        assert_eq!(of(&config), [config.published_locations.clone(), config.published_locations]);
    }

    #[test]
    fn a_revocation_is_listed_from_the_next_publication_on() {
        let mut ca = Authority::new(sample::issuing(), None, Seed(1), START).unwrap();
        let (first, second) = (issue(&mut ca, "first"), issue(&mut ca, "second"));
        ca.revoke(START, &first, Some(1));
        assert!(crl(&ca.base).find(&first).is_none());
        // The pair at +5 min: its delta refers to the base of an hour before.
        run_until(&mut ca, START + Span::from_mins(5));
        assert!(crl(&ca.base).find(&first).is_some());
        assert!(crl(&ca.delta).find(&first).is_some());
        ca.revoke(START + Span::from_mins(10), &second, None);
        // The lone delta at +35 min refers to the base at +5 min, which lists the first.
        run_until(&mut ca, START + Span::from_mins(35));
        let delta = crl(&ca.delta);
        assert!(delta.find(&first).is_none());
        assert_eq!(delta.find(&second).and_then(|entry| entry.reason), None);
        assert!(delta.find(&second).is_some());
        assert!(crl(&ca.base).find(&second).is_none());
    }

    #[test]
    fn each_publication_is_announced_once() {
        let mut ca = Authority::new(sample::issuing(), None, Seed(1), START).unwrap();
        let mut id = 0;
        let mut announced = |ca: &mut Authority| -> Vec<(u64, Purpose)> {
            let records = ca.announce(|| {
                id += 1;
                id
            });
            records.iter().map(|record| (record.id, record.what)).collect()
        };
        assert_eq!(announced(&mut ca), [(1, Purpose::Base), (2, Purpose::Delta)]);
        assert!(announced(&mut ca).is_empty());
        run_until(&mut ca, START + Span::from_mins(35));
        assert_eq!(announced(&mut ca), [(3, Purpose::Base), (4, Purpose::Delta)]);
    }

    #[test]
    fn artefacts_are_the_same_from_run_to_run() {
        let bytes = || {
            let mut ca = Authority::new(sample::issuing(), None, Seed(1), START).unwrap();
            let serial = issue(&mut ca, "client");
            ca.revoke(START, &serial, None);
            run_until(&mut ca, START + Span::from_hours(1));
            ca.files()
        };
        assert_eq!(bytes(), bytes());
    }
}
