//! Making CRLs: what the timeline plans, with what is revoked, signed.

use std::collections::VecDeque;
use std::sync::Arc;

use revlab_lab::trace::{Publish, Purpose};
use revlab_lab::{Instant, Name, Span};
use revlab_pki::{Certificate, CrlEntry, CrlTemplate, IssueError};

use super::Authority;
use crate::config::Renewal;
use crate::content::crl::CrlDefect;
use crate::publication::{Planned, Validity};
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
    ///
    /// # Errors
    ///
    /// A certificate of a renewal cannot be issued.
    pub(super) fn pass_history(
        &mut self,
        start: Instant,
        mut parent: Option<&mut Authority>,
    ) -> Result<(), IssueError> {
        let (mut base, mut delta, mut on_the_way) = (None, None, Vec::new());
        let mut renewals: VecDeque<Renewal> = self.config.renewals().into();
        loop {
            let renewal = renewals.front().map(|renewal| start - renewal.ago);
            let until = renewal.unwrap_or(start);
            let planned = if self.timeline.next_due().is_some_and(|due| due < until) {
                self.timeline.publish_next()
            } else if let Some(renewal) = renewals.pop_front() {
                self.renew(until, renewal.new_key, parent.as_deref_mut())?;
                let begun = base.is_some() || !on_the_way.is_empty();
                self.publish_of_renewal(until, renewal.new_key && begun)
            } else {
                break;
            };
            for planned in planned {
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
        Ok(())
    }

    /// What a renewal brings: with a new key a base, and a delta where there are deltas, of each key,
    /// as by hand. Inferred: new certificates name a CRL that would not be there otherwise.
    fn publish_of_renewal(&mut self, at: Instant, brings: bool) -> Vec<Planned> {
        if brings { self.timeline.publish_now(at, true) } else { Vec::new() }
    }

    /// Renews the CA during the run.
    pub(crate) fn renew_now(
        &mut self,
        now: Instant,
        with_new_key: bool,
        parent: Option<&mut Authority>,
    ) {
        let keys = self.newest_key();
        // A certificate that cannot be had leaves the CA as it is.
        let _ = self.renew(now, with_new_key, parent);
        let planned = self.publish_of_renewal(now, self.newest_key() > keys);
        self.sign_all(planned);
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
            if !self.is_issued(list, &planned) {
                continue;
            }
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
        let der = self.padded(&template, list, padding);
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
        let Validity { this_update, next_update, next_publish } = planned.validity;
        let key = self.key_of_list(list);
        let version = key.and_then(|key| key.certificate.ca_version());
        let freshest = if is_base { self.locations.freshest_of(list) } else { Vec::new() };
        CrlTemplate {
            number: planned.number,
            base_number: planned.base_number,
            // That it is the base of the indicator is inferred (fact sheet §4.3).
            virtual_base: planned.base_number.filter(|_| self.config.crl.virtual_base),
            this_update: key.map_or(this_update, |key| this_update.max(key.from)),
            next_update: Some(
                key.map_or(next_update, |key| Ord::min(next_update, key.certificate.not_after())),
            ),
            next_publish: Some(next_publish),
            ca_version: Some(version.unwrap_or_else(|| self.version())),
            freshest_crl_urls: freshest,
            published_locations: self.config.published_locations.clone(),
            extensions: scope.into_iter().chain(self.signer_location(list)).collect(),
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
        files.extend(self.signer_files());
        files.extend(self.cross_files());
        files
    }

    /// The newest base, or the newest delta; of several lists that of the first.
    pub(crate) fn newest_crl(&self, base: bool) -> Option<Arc<[u8]>> {
        let list = self.served.first()?;
        let publication = if base { &list.base } else { &list.delta };
        publication.as_ref().map(|publication| publication.der.clone())
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

    /// The `.crt` files from before renewals. They give way to files of those names that another CA
    /// of the site has. Inferred: renewal adds a file with a suffix and removes none.
    pub(crate) fn older_files(&self) -> Vec<File> {
        self.older_certificates().map(|(path, older)| certificate_file(older, path)).collect()
    }

    /// The paths and certificates of those files. Of a CA that was brought along the one from before
    /// its renewal is not known: the file then holds today's.
    pub(super) fn older_certificates(&self) -> impl Iterator<Item = (&String, &Certificate)> {
        let relic = self.relic.as_ref().unwrap_or(&self.certificate);
        let relic = self.locations.relic_path.iter().map(move |path| (path, relic));
        relic.chain(self.locations.older_certificate_paths.iter().zip(&self.former))
    }

    pub(super) fn certificate_file(&self, path: &str) -> File {
        certificate_file(&self.certificate, path)
    }
}

/// A certificate as a file.
pub(super) fn certificate_file(certificate: &Certificate, path: &str) -> File {
    File {
        path: path.to_owned(),
        content: Content::Certificate,
        bytes: Arc::from(certificate.der()),
        modified: certificate.not_before(),
        change: 0,
    }
}

impl Publication {
    fn record(&self, id: u64, ca: Name, url: &str) -> Publish {
        let Planned { number, base_number, .. } = self.planned;
        Publish {
            id,
            ca,
            what: self.planned.what(),
            url: url.into(),
            number: Some(number),
            base_number,
            this_update: self.template.this_update,
            next_update: self.template.next_update,
            next_publish: self.template.next_publish,
            entries: self.entries,
            bytes: self.der.len() as u64,
            sha1: sha1(&self.der),
        }
    }
}

#[cfg(test)]
mod tests;
