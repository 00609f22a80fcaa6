//! Making CRLs: what the timeline plans, with what is revoked, signed.

use std::sync::Arc;

use revlab_lab::trace::{Publish, Purpose};
use revlab_lab::{Instant, Name, Span};
use revlab_pki::{CrlEntry, CrlTemplate};

use super::Authority;
use crate::content::crl::CrlDefect;
use crate::publication::Planned;
use crate::sha1;
use crate::web_site::{Content, File};

/// A CRL that is on the web site, or will be.
#[derive(Clone, Debug)]
pub(crate) struct Publication {
    pub(crate) planned: Planned,
    /// Which of the CA's lists it is of.
    pub(super) list: usize,
    pub(crate) der: Arc<[u8]>,
    /// What it says, for making it wrong.
    pub(super) template: CrlTemplate,
    /// How many entries it has, padding included.
    pub(super) entries: u64,
    /// What faults have had served in its place.
    pub(super) spoilt: Vec<(Vec<CrlDefect>, Arc<[u8]>)>,
    /// Whether the trace has it.
    announced: bool,
}

/// The newest base and delta of one list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Served {
    pub(crate) base: Option<Publication>,
    pub(crate) delta: Option<Publication>,
}

impl Served {
    pub(super) fn of(&mut self, purpose: Purpose) -> &mut Option<Publication> {
        match purpose {
            Purpose::Delta => &mut self.delta,
            _ => &mut self.base,
        }
    }
}

impl Authority {
    /// Runs the timers up to, but not including, `start`. Of this past only what is still served
    /// is signed, and what is still on its way to the site.
    pub(super) fn pass_history(&mut self, start: Instant) {
        let (mut base, mut delta, mut on_the_way) = (None, None, Vec::new());
        while self.timeline.next_due().is_some_and(|due| due < start) {
            for planned in self.timeline.publish_next() {
                self.keep_older(planned);
                match planned.what() {
                    _ if planned.at + self.lag() >= start => on_the_way.push(planned),
                    Purpose::Delta => delta = Some(planned),
                    _ => base = Some(planned),
                }
            }
        }
        for planned in base.into_iter().chain(delta) {
            self.put(planned, Span::ZERO);
        }
        for planned in on_the_way {
            self.put(planned, self.lag());
        }
    }

    fn lag(&self) -> Span {
        self.config.publishing.lag
    }

    /// When it publishes next by its timers, or something reaches its site.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        let arrival = self.on_the_way.front().map(|(at, _)| *at);
        self.timeline.next_due().into_iter().chain(arrival).min()
    }

    /// Publishes what is due next.
    pub(crate) fn publish_next(&mut self) {
        let Some(due) = self.next_due() else { return };
        while self.on_the_way.front().is_some_and(|(at, _)| *at <= due) {
            if let Some((_, publication)) = self.on_the_way.pop_front() {
                self.show(publication);
            }
        }
        if self.timeline.next_due() == Some(due) {
            let planned = self.timeline.publish_next();
            self.sign_all(planned);
        }
    }

    /// Publishes by hand: a base (with deltas on, a delta too), or a delta alone.
    pub(crate) fn publish_now(&mut self, now: Instant, base: bool) {
        let planned = self.timeline.publish_now(now, base);
        self.sign_all(planned);
    }

    /// The next publication by timer of the base, or of the delta, does not happen.
    pub(crate) fn skip(&mut self, base: bool) {
        self.timeline.skip(base);
    }

    /// It comes later.
    pub(crate) fn postpone(&mut self, base: bool, by: Span) {
        self.timeline.postpone(base, by);
    }

    fn sign_all(&mut self, planned: Vec<Planned>) {
        for planned in planned {
            self.keep_older(planned);
            self.put(planned, self.lag());
        }
        if let Some(oldest) = self.timeline.oldest_base() {
            self.listed.retain(|number, _| *number >= oldest);
        }
    }

    /// Signs a CRL for each list and brings it to the web site, in the place of the one before.
    fn put(&mut self, planned: Planned, lag: Span) {
        for list in 0..self.served.len() {
            let publication = self.sign(planned, list);
            if lag == Span::ZERO {
                self.show(publication);
            } else {
                self.on_the_way.push_back((planned.at + lag, publication));
            }
        }
        if planned.base_number.is_none() {
            self.listed.insert(planned.number, self.revocations.now());
        }
    }

    pub(super) fn show(&mut self, publication: Publication) {
        if let Some(served) = self.served.get_mut(publication.list) {
            let purpose = publication.planned.what();
            *served.of(purpose) = Some(publication);
        }
    }

    /// A base lists all that is revoked, a delta what its base does not list. Expired certificates
    /// stay listed (RFC 5280 §3.3 wants that for one more CRL at least; AD CS drops them then).
    fn sign(&self, planned: Planned, list: usize) -> Publication {
        let entries = self.entries(planned, self.revocations.now());
        self.signed(self.crl_template(planned, list, entries), planned, list)
    }

    /// What it lists of all revocations up to a point.
    pub(super) fn entries(&self, planned: Planned, point: usize) -> Vec<CrlEntry> {
        match planned.base_number {
            None => self.revocations.listed(point),
            // A base from before the run lists nothing: revocations are operations of the run.
            Some(base) => {
                let known = self.listed.get(&base).copied().unwrap_or(0);
                self.revocations.changed(known, point)
            }
        }
    }

    pub(super) fn signed(
        &self,
        template: CrlTemplate,
        planned: Planned,
        list: usize,
    ) -> Publication {
        let padding =
            if planned.base_number.is_none() { self.config.publishing.padding } else { 0 };
        let der = self.padded(&template, padding);
        let entries = template.entries.len() as u64 + u64::from(padding);
        Publication { planned, list, der, template, entries, spoilt: Vec::new(), announced: false }
    }

    /// What a CRL of a list says that lists these of all revocations.
    pub(super) fn crl_template(
        &self,
        planned: Planned,
        list: usize,
        entries: Vec<CrlEntry>,
    ) -> CrlTemplate {
        let is_base = planned.base_number.is_none();
        let scope = self.scope(list).map(|scope| scope.extension());
        let freshest = if is_base { self.locations.freshest_of(list) } else { Vec::new() };
        CrlTemplate {
            number: planned.number,
            base_number: planned.base_number,
            // That it is the base of the indicator is inferred (fact sheet §4.3).
            virtual_base: planned.base_number.filter(|_| self.config.crl.virtual_base),
            this_update: planned.validity.this_update,
            next_update: Some(planned.validity.next_update),
            next_publish: Some(planned.validity.next_publish),
            ca_version: Some(self.version()),
            freshest_crl_urls: freshest,
            published_locations: self.config.published_locations.clone(),
            extensions: scope.into_iter().chain(self.signer_location()).collect(),
            entries: self.in_scope(list, entries),
        }
    }

    /// The trace records of what is on the web site and not in the trace yet: list by list, base
    /// before delta.
    pub(crate) fn announce(&mut self, mut id: impl FnMut() -> u64) -> Vec<Publish> {
        let ca = self.config.name.clone();
        let mut records = Vec::new();
        for (served, location) in self.served.iter_mut().zip(&self.locations.lists) {
            let (base, delta) = (location.base_url.as_str(), location.delta_url.as_str());
            for (publication, url) in [(&mut served.base, base), (&mut served.delta, delta)] {
                if let Some(publication) = publication.as_mut().filter(|p| !p.announced) {
                    publication.announced = true;
                    records.push(publication.record(id(), ca.clone(), url));
                }
            }
        }
        records
    }

    /// What its folder on the web site holds now.
    pub(crate) fn files(&self) -> Vec<File> {
        let mut files = Vec::new();
        for (served, location) in self.served.iter().zip(&self.locations.lists) {
            let both = [(&served.base, &location.base_path), (&served.delta, &location.delta_path)];
            let both = both.into_iter().filter_map(|(publication, path)| {
                publication.as_ref().map(|publication| self.file(publication, path))
            });
            files.extend(both);
        }
        files.push(self.certificate_file(&self.locations.certificate_path));
        files.extend(self.signer_file());
        files
    }

    /// A CRL as a file.
    pub(super) fn file(&self, publication: &Publication, path: &str) -> File {
        File {
            path: path.to_owned(),
            content: Content::Crl,
            bytes: publication.der.clone(),
            modified: self.config.clock.at(publication.planned.at),
            change: publication.planned.number,
        }
    }

    /// The `.crt` from before the renewal of its key. It gives way to a file of that name that
    /// another CA of the site has. Inferred: renewal adds a file with a suffix and removes none.
    /// A real one holds the certificate from before, which is not modelled: here it is today's.
    pub(crate) fn older_file(&self) -> Option<File> {
        self.locations.older_certificate_path.as_deref().map(|path| self.certificate_file(path))
    }

    pub(super) fn certificate_file(&self, path: &str) -> File {
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
            entries: self.entries,
            bytes: self.der.len() as u64,
            sha1: sha1(&self.der),
        }
    }
}

#[cfg(test)]
mod tests;
